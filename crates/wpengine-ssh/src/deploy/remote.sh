# What a deployment runs on the gateway. Before it come the variables that it uses, behind it the name of one function.
#
# A release is a folder: `new` is what was sent, `old` what it replaced, `state` how far it is. Each step can be killed and run
# again. All names are relative to the root of the site, lists of them end each name with a byte 0.
set -u
umask 002
export LC_ALL=C
# A connection that is cut stops nothing.
trap '' HUP PIPE
base=_wpeprivate/wpengine
here=$base/releases/$id

say() { printf '%s\0%s\0' "$1" "$2"; }
fail() { say failed "$2"; exit "$1"; }
put() { printf '%s' "$2" >"$1.tmp" && mv -f -- "$1.tmp" "$1"; }
state() { cat -- "$base/releases/$1/state" 2>/dev/null; }
holder() { cat "$base/lock/release" 2>/dev/null; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
# Only so many bytes of a message, and no byte 0 in it.
told() { tr '\0' ' ' | head -c 1500; }

enter() { cd "sites/$install" 2>/dev/null || fail 90 "there is no folder sites/$install"; }

# One script of an install runs at a time. What was cut off may still run.
alone() {
  mkdir -p "$base/releases" 2>/dev/null || fail 93 "the folder $base cannot be written"
  command -v flock >/dev/null || return 0
  exec 9>>"$base/.flock"
  flock -w "$1" 9 || fail 91 "another command still works on this install"
}

describe_lock() {
  [ -d "$base/lock" ] || return 0
  say lock "$(holder)"
  say owner "$(cat "$base/lock/owner" 2>/dev/null)"
  say expires "$(cat "$base/lock/expires" 2>/dev/null || echo 0)"
  say lock_state "$(state "$(holder)")"
  say now "$(date +%s)"
}

unlock() {
  rm -rf "$base/.unlocked"
  mv -T "$base/lock" "$base/.unlocked" 2>/dev/null
  rm -rf "$base/.unlocked"
}

# Takes the lock for this release. A lock that has expired goes, if its release has not begun to change the site.
lock() {
  local other
  if [ -d "$base/lock" ]; then
    other=$(holder)
    [ "$other" = "$id" ] && return 0
    case $(state "$other") in
      moving | undoing) describe_lock; fail 92 "an interrupted release is there" ;;
    esac
    if [ "$(date +%s)" -lt "$(cat "$base/lock/expires" 2>/dev/null || echo 0)" ]; then
      describe_lock
      fail 91 "somebody else deploys"
    fi
    unlock
    rm -rf -- "$base/releases/$other"
  fi
  rm -rf "$base"/.lock.*
  mkdir "$base/.lock.$id" || fail 93 "the folder $base cannot be written"
  printf '%s' "$id" >"$base/.lock.$id/release"
  printf '%s' "$owner" >"$base/.lock.$id/owner"
  printf '%s' "$(($(date +%s) + ttl))" >"$base/.lock.$id/expires"
  # It is there with all that is in it, or not at all.
  mv -T "$base/.lock.$id" "$base/lock" || fail 91 "somebody else deploys"
}

renew() {
  enter
  [ "$(holder)" = "$id" ] && put "$base/lock/expires" "$(($(date +%s) + ttl))"
}

look() {
  enter
  describe_lock
  say last "$(cat "$base/last" 2>/dev/null)"
  [ -d "./$target" ] && say there ""
  [ -f "$base/targets/$key/manifest" ] && sed -z 's/^/ours\x00/' "$base/targets/$key/manifest"
  # What may be the platform's or somebody else's: plugins that always run, and drop-ins.
  cat "$base"/targets/*/manifest 2>/dev/null | grep -zE '^wp-content/(mu-plugins/|[^/]*$)' | sed -z 's/^/brought\x00/'
  find wp-content/mu-plugins -mindepth 1 -maxdepth 1 -printf 'found\0%p\0' 2>/dev/null
  find wp-content -maxdepth 1 -name '*.php' ! -name index.php -printf 'found\0%p\0' 2>/dev/null
  [ -d "./$target" ] || return 0
  find "./$target" \( -path '*/_wpeprivate' -o -path '*/wp-content/uploads' -o -path '*/wp-content/cache' -o -path '*/wp-content/blogs.dir' \) -prune \
    -o ! -type l ! -writable -printf 'fixed\0%p\0' 2>/dev/null
}

# Reads the list of all files of the release from its input.
begin() {
  enter
  alone 30
  lock
  case $(state "$id") in
    '' | uploading) ;;
    *) say begun "$(state "$id")"; return ;;
  esac
  if [ "$expected" != - ] && [ "$expected" != "$(cat "$base/last" 2>/dev/null)" ]; then
    unlock
    fail 94 "another release came in between"
  fi
  mkdir -p -- "$here/new/$target" || fail 93 "the folder $here cannot be written"
  printf '%s' "$target" >"$here/target"
  printf '%s' "$about" >"$here/about"
  gzip -dc >"$here/manifest.tmp" && mv -f "$here/manifest.tmp" "$here/manifest" || fail 93 "the list of files cannot be written"
  put "$here/state" uploading
  say begun uploading
}

# Nothing of the site was changed yet: the release is taken back whole.
refuse() {
  rm -rf -- "$here"
  unlock
  fail "$1" "$2"
}

# Whether files can be put into a folder: says why not.
usable() {
  local path='' rest=$1/
  while [ -n "$rest" ]; do
    path=${path:+$path/}${rest%%/*}
    rest=${rest#*/}
    if [ -L "$path" ]; then
      printf '%s is a symbolic link on the server\n' "$path"
      return
    elif [ -d "$path" ]; then
      continue
    elif [ -e "$path" ]; then
      if grep -zqxF -- "$path" "$here/gone"; then
        : >"$here/conflict"
      else
        printf '%s is a file on the server, and a folder is needed\n' "$path"
      fi
      return
    else
      break
    fi
  done
  path=$1
  while [ ! -d "$path" ]; do
    case $path in */*) path=${path%/*} ;; *) path=. ;; esac
  done
  [ -w "$path" ] || printf 'the folder %s cannot be written\n' "$path"
}

prepare() {
  local path folder last='' bad
  (cd "$here/new" && find . ! -type d -printf '%P\0' | sort -z) >"$here/files"
  sort -z -o "$here/manifest" "$here/manifest"
  : >"$here/gone"
  if [ -f "$base/targets/$key/manifest" ]; then
    comm -z -23 "$base/targets/$key/manifest" "$here/manifest" >"$here/gone"
  fi
  bad=$(
    while IFS= read -r -d '' path; do
      case $path in */*) folder=${path%/*} ;; *) folder=. ;; esac
      if [ "$folder" != "$last" ]; then
        last=$folder
        usable "$folder"
      fi
      if [ -d "$path" ] && [ ! -L "$path" ]; then
        if [ -n "$(find "./$path" ! -type d -print0 | sed -z 's|^\./||' | sort -z | comm -z -23 - "$here/gone" | head -c 1 | tr '\0' x)" ]; then
          printf '%s is a folder on the server with files of others in it\n' "$path"
        else
          : >"$here/conflict"
        fi
      elif [ -e "$path" ] && [ ! -L "$path" ] && [ ! -w "$path" ]; then
        printf '%s cannot be written: it belongs to the platform\n' "$path"
      fi
    done <"$here/files"
  )
  [ -z "$bad" ] || refuse 95 "$(printf '%s' "$bad" | told)"
  if [ "$lint" = 1 ] && command -v php >/dev/null; then
    (cd "$here/new" && find . -type f -name '*.php' -print0 | xargs -0 -r -n 1 -P 2 php -n -d display_errors=1 -d log_errors=0 -l) >"$here/lint" 2>&1 ||
      refuse 96 "$(grep -v -e '^No syntax errors' -e '^Errors parsing' -e '^$' "$here/lint" | told)"
  fi
}

save() {
  local path folder last='' why
  put "$here/state" saving
  rm -rf "$here/old"
  mkdir "$here/old"
  while IFS= read -r -d '' path; do
    if exists "$path" && { [ -L "$path" ] || [ ! -d "$path" ]; }; then
      printf '%s\0' "$path"
    else
      printf '%s\0' "$path" >&3
    fi
  done <"$here/files" >"$here/changed" 3>"$here/created"
  while IFS= read -r -d '' path; do
    exists "$path" && printf '%s\0' "$path"
  done <"$here/gone" >"$here/deleted"
  cat "$here/changed" "$here/deleted" | sort -z >"$here/kept"
  why=$(xargs -0 -r cp -a --parents -t "$here/old" -- <"$here/kept" 2>&1) ||
    refuse 97 "what is replaced cannot be saved: $(printf '%s' "$why" | told)"
  # Folders that are not there yet, those outside first.
  while IFS= read -r -d '' path; do
    case $path in */*) folder=${path%/*} ;; *) continue ;; esac
    [ "$folder" = "$last" ] && continue
    last=$folder
    while [ ! -d "$folder" ] || [ -L "$folder" ]; do
      printf '%s\0' "$folder"
      case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
    done
  done <"$here/files" | sort -zu >"$here/made"
  rm -f "$here/manifest.before"
  [ -f "$base/targets/$key/manifest" ] && cp "$base/targets/$key/manifest" "$here/manifest.before"
  printf '%s' "$(cat "$base/last" 2>/dev/null)" >"$here/last.before"
  put "$here/state" saved
}

# Moves files of a list from a folder to their places: each is replaced at once, never written into.
place() {
  local from=$1 list=$2 path folder last='' batch=()
  flush() {
    [ ${#batch[@]} -eq 0 ] && return 0
    mv -f -t "./$last" -- "${batch[@]}" || fail 99 "files cannot be moved to ${last:-the root of the site}"
    batch=()
  }
  while IFS= read -r -d '' path; do
    exists "$from/$path" || continue
    case $path in */*) folder=${path%/*} ;; *) folder='' ;; esac
    if [ "$folder" != "$last" ] || [ ${#batch[@]} -ge 200 ]; then
      flush
      last=$folder
    fi
    batch+=("$from/$path")
  done <"$list"
  flush
}

# Removes files of an earlier release that this one has not, and folders that are empty by that.
remove_gone() {
  local path folder last=''
  xargs -0 -r rm -f -- <"$here/deleted"
  while IFS= read -r -d '' path; do
    case $path in */*) folder=${path%/*} ;; *) continue ;; esac
    [ "$folder" = "$last" ] && continue
    last=$folder
    while [ "$folder" != "$target" ] && rmdir -- "$folder" 2>/dev/null; do
      case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
    done
  done <"$here/deleted"
}

move_in() {
  put "$here/state" moving
  [ -e "$here/conflict" ] && remove_gone
  xargs -0 -r mkdir -p -- <"$here/made"
  place "$here/new" "$here/files"
  remove_gone
  mkdir -p "$base/targets/$key"
  printf '%s' "$target" >"$base/targets/$key/target"
  cp "$here/manifest" "$base/targets/$key/manifest.tmp" && mv -f "$base/targets/$key/manifest.tmp" "$base/targets/$key/manifest"
  put "$base/last" "$id"
  put "$here/state" applied
}

count() { tr -cd '\0' <"$here/$1" | wc -c; }

record() {
  grep -qF "\"id\":\"$id\",\"result\":\"$1\"" "$base/log.jsonl" 2>/dev/null && return 0
  printf '{"id":"%s","result":"%s",%s,"created":%d,"changed":%d,"deleted":%d}\n' \
    "$id" "$1" "$(cat "$here/about")" "$(count created)" "$(count changed)" "$(count deleted)" >>"$base/log.jsonl"
}

# The last ones in place can be taken back; older ones are only in the log.
prune() {
  local release kept=0
  for release in $(ls "$base/releases" | sort -r); do
    if [ "$(state "$release")" = applied ] && [ $kept -lt "$keep" ]; then
      kept=$((kept + 1))
    elif [ "$release" != "$id" ]; then
      rm -rf -- "$base/releases/$release"
    fi
  done
}

report() {
  sed -z 's/^/created\x00/' "$here/created"
  sed -z 's/^/changed\x00/' "$here/changed"
  sed -z 's/^/deleted\x00/' "$here/deleted"
  say state "$(state "$id")"
}

apply() {
  enter
  alone 300
  case $(state "$id") in
    applied) ;;
    '') fail 94 "the release $id is not there any more" ;;
    *) [ "$(holder)" = "$id" ] || fail 94 "the lock of the release $id is gone: somebody removed it" ;;
  esac
  [ "$(state "$id")" = uploading ] && prepare
  case $(state "$id") in uploading | saving) save ;; esac
  case $(state "$id") in saved | moving) move_in ;; esac
  if [ "$(state "$id")" = applied ] && { [ "$(holder)" = "$id" ] || [ ! -d "$base/lock" ]; }; then
    record released
    rm -rf "$here/new"
    prune
    [ "$(holder)" = "$id" ] && unlock
  fi
  report
}

undo() {
  local path
  enter
  alone 300
  case $(state "$id") in
    undone) [ "$(holder)" = "$id" ] && unlock; say state undone; return ;;
    '' | uploading | saving | saved)
      [ -d "$here" ] || [ "$(holder)" = "$id" ] || fail 98 "what the release $id replaced is not kept any more"
      if [ "$(holder)" = "$id" ]; then unlock; fi
      rm -rf -- "$here"
      say state discarded
      return
      ;;
    applied)
      [ "$(cat "$base/last" 2>/dev/null)" = "$id" ] || fail 98 "the release $id is not the last one: $(cat "$base/last" 2>/dev/null) came after it"
      ;;
  esac
  lock
  put "$here/state" undoing
  xargs -0 -r rm -f -- <"$here/created"
  sort -zr "$here/made" | while IFS= read -r -d '' path; do rmdir -- "$path" 2>/dev/null; done
  rm -rf "$here/undo"
  cp -a "$here/old" "$here/undo" || fail 97 "there is no room to bring back what was replaced"
  # Folders as they were, with their modes.
  (cd "$here/undo" && find . -mindepth 1 -type d -printf '%P\0') | while IFS= read -r -d '' path; do
    [ -d "$path" ] || { mkdir -p -- "$path" && chmod --reference="$here/undo/$path" -- "$path"; }
  done
  place "$here/undo" "$here/kept"
  if [ -f "$here/manifest.before" ]; then
    cp "$here/manifest.before" "$base/targets/$key/manifest.tmp" && mv -f "$base/targets/$key/manifest.tmp" "$base/targets/$key/manifest"
  else
    rm -rf "$base/targets/$key"
  fi
  put "$base/last" "$(cat "$here/last.before")"
  put "$here/state" undone
  record rolled_back
  rm -rf "$here/new" "$here/undo"
  unlock
  report
}

status() {
  enter
  alone 300
  describe_lock
  say last "$(cat "$base/last" 2>/dev/null)"
  say state "$(state "$id")"
}

releases() {
  enter
  # What was cut off may be about to end.
  [ -f "$base/.flock" ] && command -v flock >/dev/null && { exec 9>>"$base/.flock"; flock -w 5 9; }
  describe_lock
  say last "$(cat "$base/last" 2>/dev/null)"
  for release in $(ls "$base/releases" 2>/dev/null); do
    say release "$release"
    say release_state "$(state "$release")"
    say release_target "$(cat "$base/releases/$release/target" 2>/dev/null)"
  done
  [ -f "$base/log.jsonl" ] && say log "$(tail -n 200 "$base/log.jsonl")"
}

remove_lock() {
  enter
  alone 30
  [ -d "$base/lock" ] || { say state none; return; }
  describe_lock
  case $(state "$(holder)") in moving | undoing) fail 92 "an interrupted release is there" ;; esac
  if [ "$force" != 1 ] && [ "$(date +%s)" -lt "$(cat "$base/lock/expires" 2>/dev/null || echo 0)" ]; then
    fail 91 "the lock has not expired"
  fi
  other=$(holder)
  unlock
  [ -n "$other" ] && [ "$(state "$other")" != applied ] && [ "$(state "$other")" != undone ] && rm -rf -- "$base/releases/$other"
  say state unlocked
}
