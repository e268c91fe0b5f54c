#!/bin/sh
# purity.sh NM SOURCE_DIR CALL_ARCHIVE ARCHIVES...
#
# The call logic is pure: its archive needs nothing but our dialplan, sdp and base, and libc's string functions; of base nothing that has
# effects; and its sources include nothing else.
set -eu
nm=$1 source=$2 call=$3
shift 3

libc='memcpy|memset|memmove|memcmp|memchr|strlen|strnlen|strcmp|strncmp|strchr|strrchr|strstr|strspn|strcspn'
runtime='__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(memcpy|memset|memmove)_chk'
effects='^(clock|crypto|log|thread|mailbox|counter|conf|pkt|pktpool|slotmap)_'

wanted=$("$nm" -u "$call" | awk 'NF == 2 { print $2 }' | sort -u)
own=$("$nm" --defined-only -g "$call" | awk 'NF == 3 { print $3 }')
ours=$("$nm" --defined-only -g "$@" | awk 'NF == 3 { print $3 }' | grep -Ev "$effects")
allowed=$(printf '%s\n' "$own" "$ours" | sort -u)

bad=$(printf '%s\n' "$wanted" | grep -Evx "$libc|$runtime" | grep -Fvx "$allowed" || true)
if [ -n "$bad" ]; then
	echo "b2bua/call needs symbols that a pure function cannot have:" $bad
	exit 1
fi
[ -n "$wanted" ] && [ -n "$ours" ] || { echo "nm shows no symbols: nothing was checked"; exit 1; }

quoted='"(b2bua/call/[a-z_]+\.(h|def)|dialplan/dialplan\.h|lib/sdp/[a-z_]+\.h|lib/base/(addr|arena|assert|str)\.h)"'
system='<(errno|stdbool|stddef|stdint|string)\.h>'
bad=$(grep -n '^ *# *include' "$source"/b2bua/call/*.[ch] | grep -Ev "include ($quoted|$system)" || true)
if [ -n "$bad" ]; then
	echo "b2bua/call includes what a pure function does not need:"
	echo "$bad"
	exit 1
fi
