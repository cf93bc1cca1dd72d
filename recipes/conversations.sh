#!/bin/sh
# Conversations with a model, as Markdown, unedited: FILE has what the first speaker says, whatever the model replies, one turn a
# line and blank lines between conversations. The n-th conversation is drawn with seed n.
#
#   sh recipes/conversations.sh MODEL FILE [FLAGS of inkstone chat]
set -eu
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 file=$2
shift 2
inkstone=build/release/inkstone
[ -x "$inkstone" ] || inkstone=inkstone
turns=$(mktemp -d)
trap 'rm -rf "$turns"' EXIT

awk -v to="$turns/said." 'BEGIN { RS = "" } { print > (to NR) }' "$file"
n=1
while [ -f "$turns/said.$n" ]; do
  "$inkstone" chat -m "$model" -q --seed "$n" "$@" <"$turns/said.$n" >"$turns/replied"
  echo "$n."
  paste -d '\n' "$turns/said.$n" "$turns/replied" | awk 'NR % 2 { print "   - " $0 "  "; next } { print "     **" $0 "**" }'
  n=$((n + 1))
done
