#!/bin/bash
# Stands for WP-CLI: it writes down how it was called, and knows a few commands.
calls=$RIG/wp
file=$(mktemp "$calls/.XXXXXXXX")
[ $# -gt 0 ] && printf '%s\0' "$@" >"$file"
mv "$file" "$calls/$(date +%s%N)-$$"

case "${1-} ${2-}" in
  "core version") echo "6.9.1" ;;
  "plugin list") echo '[{"name":"akismet","status":"active","update":"none","version":"5.5"},{"name":"hello","status":"inactive","update":"available","version":"1.7.2"}]' ;;
  "option get") echo "value of ${3-}" ;;
  "eval "*) php -r "$2" ;;
  "eval-file -") cat ;;
  "db import") cat >/dev/null; echo "Success: Imported from 'STDIN'." ;;
  "cache flush") echo "Success: The cache was flushed." ;;
  "--version "*) echo "WP-CLI 2.12.0" ;;
  *) echo "Error: '${1-}' is not a registered wp command." >&2; exit 1 ;;
esac
