#!/bin/bash
# What the service does with a push: it validates, deploys additively, and prints the stages.
set -u
while read -r _ new _; do pushed=$new; done
echo "=====> WP Engine GIT Push - Production"
echo "=====> Validating repository"
echo "       sha: $pushed"
bad=$(git ls-tree -r --name-only "$pushed" | grep -E '(^|/)(mysql\.sql|wp-content/mu-plugins/(mu-plugin\.php|wpengine-common/.*))$' | head -n 3)
if [ -n "$bad" ]; then
  echo "       error: system/large file types found: $bad"
  exit 1
fi
for file in $(git ls-tree -r --name-only "$pushed" | grep '\.php$'); do
  if ! why=$(git show "$pushed:$file" | php -l 2>&1); then
    echo "       PHP Syntax Error: $file: $why"
    exit 1
  fi
done
echo "       success"
echo "=====> Deploying"
echo "       preparing"
site=$(cat site)
unset GIT_QUARANTINE_PATH
# Deletes what an earlier push brought, and nothing else.
GIT_INDEX_FILE=$PWD/deployed git --work-tree="$site" read-tree --reset -u "$pushed" || exit 1
echo "       permissions"
echo "       purging caches"
echo "       cleanup"
echo "=====> Complete"
