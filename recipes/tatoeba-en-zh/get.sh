#!/bin/sh
# Makes sentence pairs of Tatoeba ready in data/ beside this script: train.tsv and valid.tsv (source TAB target), test.src, and
# test.ref0 to test.ref3, up to four references for each line of test.src (where there are fewer, the first again).
#
#   sh recipes/tatoeba-en-zh/get.sh cmn.txt
#
# cmn.txt has lines "English TAB Chinese TAB attribution". https://www.manythings.org/anki/ has it as cmn-eng.zip; the sentences
# are of tatoeba.org, CC-BY 2.0 FR.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

recipe=$(dirname "$0")
data=${DATA:-$recipe/data}           # tatoeba-zh-en/get.sh sets these two
direction=${DIRECTION:-en-zh}
[ -r "$1" ] || { printf '%s: cannot be read\n' "$1" >&2; exit 1; }
mkdir -p "$data"
rm -f "$data"/*.tsv "$data"/test.*
awk -v data="$data" -v direction="$direction" -f "$recipe/../text.awk" -f "$recipe/split.awk" "$1" "$1"
