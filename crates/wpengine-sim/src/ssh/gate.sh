#!/bin/bash
# What every session runs instead of what was asked for: it behaves as the gateway of the service.
port=${SSH_CLIENT#* }
port=${port%% *}
install=$(cat "$RIG/connections/$port" 2>/dev/null) || { echo "no such connection" >&2; exit 1; }
asked=${SSH_ORIGINAL_COMMAND-}

if [ "$install" = git ]; then
  cd "$RIG/git" || exit 1
  # gitolite says what the key can do.
  if [ "$asked" = info ]; then
    echo "hello rig, this is git@git running gitolite3"
    for repository in *.git; do echo " R W	${repository%.git}"; done
    exit 0
  fi
  exec git-shell -c "$asked"
fi

case $asked in
  *sftp-server* | internal-sftp*) exit 1 ;;
esac

# The first command after a while waits until the container of the install runs.
if mkdir "$RIG/connections/$port.warm" 2>/dev/null; then
  sleep "$(cat "$RIG/cold_start")"
fi

# A container of its own: what one session leaves beside the site is not there in the next.
container=$(mktemp -d "$RIG/containers/XXXXXXXX")
export TMPDIR=$container HOME=$RIG/homes/$install INSTALL=$install
[ -e "$RIG/before.sh" ] && export BASH_ENV=$RIG/before.sh
cd "$HOME" || exit 1

if [ -z "$asked" ]; then
  echo "WP Engine SSH Gateway (a simulator): $install"
  exec bash -i
fi
# One more shell than the user knows of takes away one level of quotes.
eval "set -- $asked"
exec bash -c "$*"
