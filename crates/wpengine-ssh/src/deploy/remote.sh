# What a deployment runs on the gateway. Before it come the variables that it uses, behind it the name of one function.
#
# A release is a folder: `new` is what was sent, `old` what it replaced, `state` how far it is. Each step can be killed and run
# again. All names are relative to the root of the site, lists of them end each name with a byte 0 and are in the order of bytes.
set -u -o pipefail
umask 002
export LC_ALL=C
# A connection that is cut stops nothing.
trap '' HUP PIPE
base=_wpeprivate/wpengine
here=$base/releases/$id
# Whether the site may have been changed by this.
touched=
entered=

say() { printf '%s\0%s\0' "$1" "$2"; }
fail() { say failed "$2"; exit "$1"; }
# A step cannot be done: what that means depends on how far it is.
broken() {
  [ -z "$touched" ] || fail 99 "$1"
  refuse 97 "$1"
}
put() { printf '%s' "$2" >"$1.tmp" && mv -f -- "$1.tmp" "$1"; }
reach() { put "$here/state" "$1" || broken "the disk is full, or $here cannot be written"; }
state() { [ -n "$1" ] && cat -- "$base/releases/$1/state" 2>/dev/null; }
holder() { cat "$base/lock/release" 2>/dev/null; }
last() { cat "$base/last" 2>/dev/null; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
count() { tr -cd '\0' <"$here/$1" | wc -c; }
# Only so many bytes of a message, and no byte 0 in it.
told() { tr '\0' ' ' | head -c 1500; }

enter() {
  [ -n "$entered" ] || cd "sites/$install" 2>/dev/null || fail 90 "there is no folder sites/$install"
  entered=1
}

# One script of an install runs at a time. What was cut off may still run.
alone() {
  mkdir -p "$base/releases" 2>/dev/null || fail 93 "the folder $base cannot be written"
  command -v flock >/dev/null || fail 93 "the gateway has no flock"
  { exec 9>>"$base/.flock"; } 2>/dev/null || fail 93 "the folder $base cannot be written"
  flock -w "$1" 9 || fail 88 "another command still works on this install"
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

has_expired() { [ "$(date +%s)" -ge "$(cat "$base/lock/expires" 2>/dev/null || echo 0)" ]; }
renewed() { put "$base/lock/expires" "$(($(date +%s) + ttl))"; }

# Takes the lock for this release. A lock that has expired goes, if its release has not begun to change the site.
lock() {
  local other
  if [ -d "$base/lock" ]; then
    other=$(holder)
    if [ "$other" = "$id" ]; then
      renewed || fail 93 "the folder $base cannot be written"
      return
    fi
    case $(state "$other") in
      moving | undoing) describe_lock; fail 92 "an interrupted release is there" ;;
      # It was done, and killed before it could give its lock back.
      applied)
        (id=$other here=$base/releases/$other; record released)
        other=
        ;;
      undone) other= ;;
      *) has_expired || { describe_lock; fail 91 "somebody else deploys"; } ;;
    esac
    unlock
    [ -z "$other" ] || rm -rf -- "$base/releases/$other"
  fi
  rm -rf "$base"/.lock.*
  # It is there with all that is in it, or not at all.
  mkdir "$base/.lock.$id" 2>/dev/null &&
    printf '%s' "$id" >"$base/.lock.$id/release" &&
    printf '%s' "$owner" >"$base/.lock.$id/owner" &&
    printf '%s' "$(($(date +%s) + ttl))" >"$base/.lock.$id/expires" ||
    fail 93 "the disk is full, or the folder $base cannot be written"
  mv -T "$base/.lock.$id" "$base/lock" || fail 91 "somebody else deploys"
}

renew() {
  enter
  [ "$(holder)" = "$id" ] || fail 94 "the lock of the release $id is gone: somebody took it"
  renewed || fail 93 "the folder $base cannot be written"
}

look() {
  enter
  describe_lock
  say last "$(last)"
  [ -d "./$target" ] && say there ""
  [ -f "$base/targets/$key/manifest" ] && sed -z 's/^/ours\x00/' "$base/targets/$key/manifest"
  # What may be the platform's or somebody else's: plugins that always run, and drop-ins.
  cat "$base"/targets/*/manifest 2>/dev/null | grep -zE '^wp-content/(mu-plugins/|[^/]*$)' | sed -z 's/^/brought\x00/'
  find wp-content/mu-plugins -mindepth 1 -maxdepth 1 -printf 'found\0%p\0' 2>/dev/null
  find wp-content -maxdepth 1 -name '*.php' ! -name index.php -printf 'found\0%p\0' 2>/dev/null
  [ -d "./$target" ] || return 0
  find "./$target" \( -path '*/_wpeprivate' -o -path '*/wp-content/uploads' -o -path '*/wp-content/cache' -o -path '*/wp-content/blogs.dir' \) -prune \
    -o ! -type l ! -writable -printf 'fixed\0%p\0' 2>/dev/null
  return 0
}

# Says what the files of a list have in them, on the site as it is. The list, and one of links, are packed on the input.
compare() {
  local list links path
  list=$(mktemp) && links=$(mktemp) || fail 93 "there is no room for temporary files"
  head -c "$listed" | gzip -dc >"$list" && head -c "$listed_links" | gzip -dc >"$links" || fail 93 "there is no room for temporary files"
  # Half of a hash tells two files apart as well, and is shorter.
  say hashes "$(xargs -0 -r sha256sum -z -- <"$list" 2>/dev/null | cut -z -c 1-32,67- | gzip -1 -c | base64 -w 0)"
  xargs -0 -r stat --printf '%f %n\0' -- <"$list" 2>/dev/null | grep -z '^a' | sed -z 's/^[^ ]* /link\x00/'
  while IFS= read -r -d '' path; do
    [ -L "$path" ] && { say link "$path"; say leads_to "$(readlink -- "$path")"; }
  done <"$links"
  rm -f "$list" "$links"
}

# Looks, and waits for what comes: nothing if that was all, or a release whose list and files follow at once.
converse() {
  local step manifest files
  look
  compare
  say ready ""
  read -r step manifest files || return 0
  [ "$step" = release ] || return 0
  begin "$manifest"
  [ "$(state "$id")" = uploading ] || fail 89 "this release has gone on already"
  [ "$files" -gt 0 ] || return 0
  rm -rf "$here/new"
  mkdir "$here/new" && head -c "$files" | tar -xzmf - --no-same-owner -C "$here/new" 2>"$here/tar" ||
    refuse 97 "the files cannot be written: $(told <"$here/tar" 2>/dev/null)"
  complete=1
  apply
}

# Takes the lock and the list of all files of the release, which has so many bytes on the input.
begin() {
  enter
  alone 30
  lock
  case $(state "$id") in
    '' | uploading) ;;
    *) say begun "$(state "$id")"; return ;;
  esac
  if [ "$expected" != - ] && [ "$expected" != "$(last)" ]; then
    refuse 87 "another release came in between: $(last)"
  fi
  mkdir -p -- "$here/new/$target" 2>/dev/null &&
    printf '%s' "$target" >"$here/target" &&
    printf '%s' "$about" >"$here/about" &&
    head -c "$1" | gzip -dc >"$here/manifest.tmp" &&
    mv -f "$here/manifest.tmp" "$here/manifest" ||
    refuse 97 "the disk is full, or $here cannot be written"
  reach uploading
  say begun uploading
}

# Nothing of the site was changed yet: the release is taken back whole.
refuse() {
  rm -rf -- "$here"
  [ "$(holder)" = "$id" ] && unlock
  fail "$1" "$2"
}

# Passes on the paths of a list that lead through no symbolic link: what is behind one belongs to somebody else.
direct() {
  local path folder part rest last='' is_direct=1
  while IFS= read -r -d '' path; do
    case $path in */*) folder=${path%/*} ;; *) folder='' ;; esac
    if [ "$folder" != "$last" ]; then
      last=$folder is_direct=1 part='' rest=$folder/
      while [ -n "$rest" ] && [ "$rest" != / ]; do
        part=${part:+$part/}${rest%%/*}
        rest=${rest#*/}
        if [ -L "$part" ]; then
          is_direct=
          break
        fi
      done
    fi
    [ -z "$is_direct" ] || printf '%s\0' "$path"
  done
}

# Whether files can be put into a folder, or removed from it: says why not.
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

# Says what keeps files of the lists from their places.
obstacles() {
  local path folder last=''
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
  last=''
  while IFS= read -r -d '' path; do
    case $path in */*) folder=${path%/*} ;; *) folder=. ;; esac
    [ "$folder" = "$last" ] && continue
    last=$folder
    [ ! -d "$folder" ] || [ -w "$folder" ] || printf 'the folder %s cannot be written\n' "$folder"
  done <"$here/gone"
}

prepare() {
  local bad
  # What an earlier attempt sent and the folder has no more is not deployed.
  find "$here/new" ! -type d -printf '%P\0' | sort -z | comm -z -12 - "$here/manifest" >"$here/files" &&
    : >"$here/gone" || broken "the lists cannot be written"
  if [ -f "$base/targets/$key/manifest" ]; then
    # What another target brought too stays.
    comm -z -23 "$base/targets/$key/manifest" "$here/manifest" |
      comm -z -23 - <(find "$base/targets" -name manifest ! -path "$base/targets/$key/*" -exec cat {} + | sort -zu) |
      direct >"$here/gone" || broken "the lists cannot be written"
  fi
  bad=$(obstacles)
  [ -z "$bad" ] || refuse 95 "$(printf '%s' "$bad" | told)"
  if [ "$lint" = 1 ] && command -v php >/dev/null; then
    (cd "$here/new" && find . -type f -name '*.php' -print0 | xargs -0 -r -n 1 -P 2 php -n -d display_errors=1 -d log_errors=0 -l) >"$here/lint" 2>&1 ||
      refuse 96 "$(grep -v -e '^No syntax errors' -e '^Errors parsing' -e '^xargs: ' -e '^$' "$here/lint" | told)"
  fi
}

save() {
  local path folder last='' why
  reach saving
  rm -rf "$here/old"
  mkdir "$here/old" || broken "the disk is full, or $here cannot be written"
  while IFS= read -r -d '' path; do
    if exists "$path" && { [ -L "$path" ] || [ ! -d "$path" ]; }; then
      printf '%s\0' "$path"
    else
      printf '%s\0' "$path" >&3
    fi
  done <"$here/files" >"$here/changed" 3>"$here/created"
  while IFS= read -r -d '' path; do
    ! exists "$path" || printf '%s\0' "$path"
  done <"$here/gone" >"$here/deleted"
  sort -z "$here/changed" "$here/deleted" >"$here/kept" || broken "the lists cannot be written"
  [ "$(count files)" = "$(($(count changed) + $(count created)))" ] &&
    [ "$(count kept)" = "$(($(count changed) + $(count deleted)))" ] || broken "the lists cannot be written"
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
  done <"$here/files" | sort -zu >"$here/made" || broken "the lists cannot be written"
  rm -f "$here/manifest.before"
  if [ -f "$base/targets/$key/manifest" ]; then
    cp "$base/targets/$key/manifest" "$here/manifest.before" || broken "the lists cannot be written"
  fi
  put "$here/last.before" "$(last)" || broken "the lists cannot be written"
  (cd "$here/new" && xargs -0 -r sha256sum -z -- | sort -z) <"$here/files" >"$here/sums" 2>/dev/null || broken "the lists cannot be written"
  reach saved
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
    # It is in its place already, as another name of the same file.
    if [ -L "$from/$path" ]; then
      [ -L "$path" ] && [ "$(readlink -- "$from/$path")" = "$(readlink -- "$path")" ] && continue
    elif [ "$from/$path" -ef "$path" ]; then
      continue
    fi
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
  # Where a folder of this release has come to be, nothing is left to remove.
  direct <"$here/deleted" | while IFS= read -r -d '' path; do
    { [ -d "$path" ] && [ ! -L "$path" ]; } || printf '%s\0' "$path"
  done | xargs -0 -r rm -f -- || fail 99 "files of the release before cannot be removed"
  while IFS= read -r -d '' path; do
    case $path in */*) folder=${path%/*} ;; *) continue ;; esac
    [ "$folder" = "$last" ] && continue
    last=$folder
    while [ "$folder" != "$target" ] && rmdir -- "$folder" 2>/dev/null; do
      case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
    done
  done <"$here/deleted"
}

# Folders that stand where files must be, and have nothing in them but folders.
remove_empty() {
  local path
  while IFS= read -r -d '' path; do
    [ -L "$path" ] || [ ! -d "$path" ] || find "./$path" -depth -type d -exec rmdir -- {} + 2>/dev/null
  done <"$1"
}

keep_manifest() {
  mkdir -p "$base/targets/$key" &&
    printf '%s' "$target" >"$base/targets/$key/target" &&
    cp "$1" "$base/targets/$key/manifest.tmp" &&
    mv -f "$base/targets/$key/manifest.tmp" "$base/targets/$key/manifest" ||
    fail 99 "the list of files cannot be written"
}

move_in() {
  reach moving
  touched=1
  if [ -e "$here/conflict" ]; then
    remove_gone
    remove_empty "$here/files"
  fi
  xargs -0 -r mkdir -p -- <"$here/made" || fail 99 "folders cannot be made"
  place "$here/new" "$here/files"
  remove_gone
  keep_manifest "$here/manifest"
  put "$base/last" "$id" || fail 99 "the folder $base cannot be written"
  reach applied
}

record() {
  local log=$base/log.jsonl
  grep -qF "\"id\":\"$id\",\"result\":\"$1\"" "$log" 2>/dev/null && return 0
  # A line that was cut off by a full disk ends before this one.
  [ ! -s "$log" ] || [ -z "$(tail -c 1 "$log")" ] || echo >>"$log"
  printf '{"id":"%s","result":"%s",%s,"created":%d,"changed":%d,"deleted":%d}\n' \
    "$id" "$1" "$(cat "$here/about")" "$(count created)" "$(count changed)" "$(count deleted)" >>"$log"
}

# The last ones in place can be taken back; older ones are only in the log.
prune() {
  local about release kept=0
  # By the clock of the server: those of the users may differ.
  for about in $(ls -t "$base"/releases/*/state 2>/dev/null); do
    release=${about%/state}
    release=${release##*/}
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
  [ "$(state "$id")" = uploading ] && [ "$complete" != 1 ] && fail 89 "not all files were sent"
  [ "$(state "$id")" = moving ] && touched=1
  [ "$(state "$id")" = uploading ] && prepare
  case $(state "$id") in uploading | saving) save ;; esac
  case $(state "$id") in saved | moving) move_in ;; esac
  if [ "$(state "$id")" = applied ]; then
    record released
    rm -rf "$here/new"
    if [ "$(holder)" = "$id" ]; then
      prune
      unlock
    fi
  fi
  report
}

undo() {
  local path
  enter
  alone 300
  case $(state "$id") in
    undone)
      record rolled_back
      [ "$(holder)" = "$id" ] && unlock
      report
      return
      ;;
    '' | uploading | saving | saved)
      [ -d "$here" ] || [ "$(holder)" = "$id" ] || fail 98 "what the release $id replaced is not kept any more"
      [ "$(holder)" = "$id" ] && unlock
      rm -rf -- "$here"
      say state discarded
      return
      ;;
    applied)
      [ "$(last)" = "$id" ] || fail 98 "the release $id is not the last one: $(last) came after it"
      lock
      ;;
    *)
      touched=1
      lock
      ;;
  esac
  # All that is needed is there before anything is taken away. Links to the files need no room.
  rm -rf "$here/undo"
  cp -al "$here/old" "$here/undo" 2>/dev/null || { rm -rf "$here/undo"; cp -a "$here/old" "$here/undo"; } 2>/dev/null || {
    [ -n "$touched" ] || { rm -rf "$here/undo"; unlock; fail 86 "there is no room to bring back what was replaced"; }
    fail 99 "there is no room to bring back what was replaced"
  }
  if [ -z "$touched" ]; then
    keep_changes || { unlock; fail 86 "there is no room to keep what was changed since the release"; }
  fi
  put "$here/state" undoing || { [ -n "$touched" ] || { unlock; fail 86 "the disk is full"; }; fail 99 "the disk is full"; }
  touched=1
  direct <"$here/created" | xargs -0 -r rm -f -- || fail 99 "files of the release cannot be removed"
  sort -zr "$here/made" | while IFS= read -r -d '' path; do rmdir -- "$path" 2>/dev/null; done
  remove_empty "$here/kept"
  # Folders as they were, with their modes.
  (cd "$here/undo" && find . -mindepth 1 -type d -printf '%P\0') | while IFS= read -r -d '' path; do
    [ -d "$path" ] || { mkdir -p -- "$path" && chmod --reference="$here/undo/$path" -- "$path"; }
  done || fail 99 "folders cannot be made"
  direct <"$here/kept" >"$here/back" || fail 99 "the lists cannot be written"
  place "$here/undo" "$here/back"
  if [ -f "$here/manifest.before" ]; then
    keep_manifest "$here/manifest.before"
  else
    rm -rf "$base/targets/$key"
  fi
  put "$base/last" "$(cat "$here/last.before")" || fail 99 "the folder $base cannot be written"
  reach undone
  record rolled_back
  rm -rf "$here/new" "$here/undo"
  unlock
  [ ! -s "$here/aside" ] || sed -z 's/^/aside\x00/' "$here/aside"
  report
}

# Keeps what somebody has changed since this release, before it is overwritten or removed.
keep_changes() {
  local aside=$base/aside/$id
  # Files of the release that have another content now, and files that are there again.
  { sort -z "$here/created" "$here/changed" | direct | xargs -0 -r sha256sum -z -- 2>/dev/null | sort -z | comm -z -13 "$here/sums" - | cut -z -c 67-
    direct <"$here/deleted"; } | while IFS= read -r -d '' path; do
    ! exists "$path" || [ -d "$path" ] || printf '%s\0' "$path"
  done >"$here/aside" || return 1
  [ -s "$here/aside" ] || return 0
  mkdir -p "$aside" && xargs -0 -r cp -a --parents -t "$aside" -- <"$here/aside"
}

# Says how far this release is, when no script works on it any more.
status() {
  enter
  alone 300
  say holder "$(holder)"
  say state "$(state "$id")"
}

releases() {
  local release
  enter
  # What was cut off may be about to end.
  [ -f "$base/.flock" ] && { exec 9>>"$base/.flock"; flock -w 5 9; }
  describe_lock
  say last "$(last)"
  for release in $(ls "$base/releases" 2>/dev/null); do
    say release "$release"
    say release_state "$(state "$release")"
    say release_target "$(cat "$base/releases/$release/target" 2>/dev/null)"
  done
  [ -f "$base/log.jsonl" ] && say log "$(tail -n 200 "$base/log.jsonl")"
  return 0
}

remove_lock() {
  local other
  enter
  alone 30
  [ -d "$base/lock" ] || { say state none; return; }
  describe_lock
  other=$(holder)
  case $(state "$other") in
    moving | undoing) fail 92 "an interrupted release is there" ;;
    applied | undone) other= ;;
  esac
  [ "$force" = 1 ] || has_expired || fail 91 "the lock has not expired"
  unlock
  [ -z "$other" ] || rm -rf -- "$base/releases/$other"
  say state unlocked
}
