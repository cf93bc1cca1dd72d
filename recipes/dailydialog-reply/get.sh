#!/bin/sh
# Makes conversations ready, in both languages: a conversation a line, its turns divided by __eou__.
#
#   sh recipes/dailydialog-reply/get.sh DIRECTORY
#
# DIRECTORY holds {train,dev,test}.{en,zh}.txt, line-aligned: DailyDialog (Li et al. 2017, CC BY-NC-SA) with the Chinese of
# https://github.com/liuzeming01/XDailyDialog; what stands behind a tab (topic, act, emotion) is cut off.
#
# The published split repeats itself: a conversation whose English, in lower case without spaces and punctuation, came
# already is left out, first of the test, then of dev, then of training. Both languages drop the same lines.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data=$(dirname "$0")/data
mkdir -p "$data"
for side in test dev train; do
  for language in en zh; do [ -r "$1/$side.$language.txt" ] || { echo "$1/$side.$language.txt: not there" >&2; exit 1; }; done
  paste "$1/$side.en.txt" "$1/$side.zh.txt" >"$data/$side.both"
done
LC_ALL=C awk -F '\t' -v data="$data" '
  FNR == 1 { side = FILENAME; sub(/.*\//, "", side); sub(/\.both$/, "", side) }
  {
    zh = $(NF > 2 ? NF / 2 + 1 : 2)
    key = tolower($1)
    gsub(/__eou__/, "", key)
    gsub(/[^a-z0-9]/, "", key)
    if (seen[key]++) { dropped[side]++; next }
    print $1 >(data "/" side ".en.txt")
    print zh >(data "/" side ".zh.txt")
    kept[side]++
  }
  END { for (s in kept) printf "%s: %d conversations, %d left out\n", s, kept[s], dropped[s] }
' "$data/test.both" "$data/dev.both" "$data/train.both"
rm -f "$data"/*.both
