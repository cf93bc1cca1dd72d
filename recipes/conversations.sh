#!/bin/sh
# Twenty conversations of a test, spread evenly, with the model in the place of the second speaker, as Markdown, unedited: the first
# speaker says what stands in the test, at most three turns of it, whatever the model replied.
#
#   sh recipes/conversations.sh MODEL TEST.txt [FLAGS of inkstone chat]
set -eu
[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1 test=$2
shift 2
inkstone=build/release/inkstone
[ -x "$inkstone" ] || inkstone=inkstone
turns=$(mktemp -d)
trap 'rm -rf "$turns"' EXIT

lines=$(wc -l <"$test")
i=0
while [ $i -lt 20 ]; do
  sed -n "$((i * lines / 20 + 1))p" "$test" |
    awk -F ' *__eou__ *' '{ for (k = 1; k <= NF && k <= 5; k += 2) if ($k != "") print $k }' >"$turns/said"
  "$inkstone" chat -m "$model" -q --seed $((i + 1)) "$@" <"$turns/said" >"$turns/replied"
  i=$((i + 1))
  echo "$i."
  paste -d '\n' "$turns/said" "$turns/replied" | awk 'NR % 2 { print "   - " $0 "  "; next } { print "     **" $0 "**" }'
done
