# What reading logs runs on the gateway. Before it come the variables that it uses, behind it the name of one function.
set -u
export LC_ALL=C

say() { printf '%s\0%s\0' "$1" "$2"; }
enter() { cd "sites/$install" 2>/dev/null || { printf 'failed\n'; exit 90; }; }

# A file, and those that it was rotated to.
family() {
  local file
  for file in "$1" "$1".[0-9] "$1".[0-9][0-9] "$1".[0-9].gz "$1".[0-9][0-9].gz "$1"-[0-9][0-9][0-9][0-9]*; do
    [ -f "$file" ] || continue
    [ -r "$file" ] || { say unreadable "$file"; continue; }
    say "$2" "$file"
    say about "$(stat -L -c '%s %Y %d:%i' -- "$file")"
  done
}

# Where logs are is not promised anywhere, so it is looked for.
discover() {
  enter
  local path
  if [ ${#named[@]} -gt 0 ]; then
    for path in "${named[@]}"; do
      [ -e "$path" ] || say missing "$path"
      family "$path" named
    done
  fi
  family wp-content/debug.log wordpress
  path=$(sed -n "s/^[[:space:]]*define([[:space:]]*['\"]WP_DEBUG_LOG['\"][[:space:]]*,[[:space:]]*['\"]\([^'\"]*\)['\"].*/\1/p" wp-config.php 2>/dev/null | head -n 1)
  [ -n "$path" ] && family "$path" wordpress
  path=$(php -r 'echo ini_get("error_log");' 2>/dev/null)
  case $path in '' | syslog | /dev/*) ;; *) family "$path" php ;; esac
  for path in logs/* ../../logs/*; do
    case $path in
      *.[0-9] | *.[0-9][0-9] | *.gz | *-[0-9][0-9][0-9][0-9]*)
        # Those of a file that is still there come with it.
        [ -e "${path%%.[0-9]*}" ] || [ -e "${path%-[0-9]*}" ] || family "$path" server
        ;;
      *) family "$path" server ;;
    esac
  done
}

# The last lines of files, one after the other, or all of them, up to a size.
fetch() {
  enter
  local number path
  for number in "${!paths[@]}"; do
    path=${paths[number]}
    { exec 3<"$path"; } 2>/dev/null || { say gone "$path"; continue; }
    say path "$path"
    case $path in
      *.gz) cat <&3 ;;
      # What comes after its size was asked for is not for this.
      *) head -c "${sizes[number]}" <&3 | if [ "$lines" -gt 0 ]; then tail -n "$lines"; else cat; fi | gzip -1 -c ;;
    esac | base64 -w 0
    printf '\0\0\0'
  done
}

# Sends what a file has from a place on, in pieces whose length is known before they are sent.
send() {
  local number=$1 fd=$2 inode=$3 from=$4 size=$5 got
  while [ "$from" -lt "$size" ]; do
    tail -c "+$((from + 1))" "/dev/fd/$fd" | head -c "$((size - from < piece ? size - from : piece))" >"$scratch"
    got=$(stat -c %s "$scratch")
    # It was cut while it was read.
    [ "$got" -gt 0 ] || return 0
    mark=$(tail -c 64 "$scratch" | cksum)
    printf 'data %s %s %s %s %s\n' "$number" "$inode" "$from" "$got" "${mark// /:}"
    cat "$scratch"
    from=$((from + got))
    reached=$from
    reached_mark=${mark// /:}
  done
}

# Whether the bytes before a place are those that were sent.
fits() {
  local fd=$1 place=$2 mark=$3 length
  [ -n "$mark" ] || return 0
  length=${mark#*:}
  length=${length%%:*}
  [ "$(tail -c "+$((place - length + 1))" "/dev/fd/$fd" | head -c "$length" | cksum)" = "${mark//:/ }" ]
}

step() {
  local number=$1 now size old
  if exec 3<"${path[number]}"; then
    read -r now size < <(stat -L -c '%i %s' /dev/fd/3)
  else
    now=
  fi 2>/dev/null
  if [ -n "${old_inode[number]-}" ]; then
    leftover "$number"
  fi
  [ -n "$now" ] || return 0
  if [ -n "${inode[number]}" ] && [ "$now" != "${inode[number]}" ]; then
    # Another file has the name: the rest of the one before is somewhere beside it.
    old_inode[number]=${inode[number]}
    old_place[number]=${place[number]}
    old_left[number]=$linger
    leftover "$number"
    between "$number" "$now"
    printf 'rotated %s %s\n' "$number" "$now"
    place[number]=0
    mark[number]=
  elif [ "$size" -lt "${place[number]}" ] || { [ "$size" -ne "${place[number]}" ] && ! fits 3 "${place[number]}" "${mark[number]}"; }; then
    printf 'truncated %s %s %s\n' "$number" "$now" "${place[number]}"
    place[number]=0
    mark[number]=
  fi
  inode[number]=$now
  reached=${place[number]}
  reached_mark=${mark[number]}
  send "$number" 3 "$now" "${place[number]}" "$size"
  place[number]=$reached
  mark[number]=$reached_mark
}

# A program can write to a file for a while after it was rotated.
leftover() {
  local number=$1 found size
  case ${path[number]} in */*) folder=${path[number]%/*} ;; *) folder=. ;; esac
  file=$(find "$folder/" -maxdepth 1 -type f -inum "${old_inode[number]}" -print -quit 2>/dev/null)
  if [ -n "$file" ] && exec 4<"$file"; then
    read -r found size < <(stat -L -c '%i %s' /dev/fd/4)
    if [ "$found" = "${old_inode[number]}" ]; then
      reached=${old_place[number]}
      send "$number" 4 "$found" "${old_place[number]}" "$size"
      old_place[number]=$reached
    fi
  elif [ "${old_left[number]}" = "$linger" ]; then
    printf 'lost %s %s %s\n' "$number" "${old_inode[number]}" "${old_place[number]}"
  fi
  old_left[number]=$((old_left[number] - 1))
  if [ "${old_left[number]}" -le 0 ]; then
    old_inode[number]=
    printf 'ended %s\n' "$number"
  fi
}

# Files that came and were rotated away since the last look.
between() {
  local number=$1 now=$2 about found size
  [ -n "$file" ] || return 0
  while IFS= read -r -d '' about; do
    about=${about#* }
    found=${about%% *}
    case ${about#* } in
      *.[0-9] | *.[0-9][0-9] | *-[0-9][0-9][0-9][0-9]*[0-9]) ;;
      *.gz) printf 'lost %s %s 0\n' "$number" "$found"; continue ;;
      *) continue ;;
    esac
    exec 4<"${about#* }" || continue
    read -r size < <(stat -L -c '%s' /dev/fd/4)
    send "$number" 4 "$found" 0 "$size"
    old_inode[number]=$found
    old_place[number]=$size
  done < <(find "$folder/" -maxdepth 1 -type f -name "${path[number]##*/}[.-]*" -newer "$file" ! -inum "$now" -printf '%T@ %i %p\0' | sort -zn)
}

follow() {
  enter
  scratch=$(mktemp) || { printf 'full\n'; exit 1; }
  trap 'rm -f "$scratch"' EXIT
  local number rounds=0
  while :; do
    for number in "${!path[@]}"; do step "$number"; done
    printf 'round\n' || exit 0
    rounds=$((rounds + 1))
    [ "$most_rounds" -gt 0 ] && [ "$rounds" -ge "$most_rounds" ] && exit 0
    sleep "$pause"
  done
}
