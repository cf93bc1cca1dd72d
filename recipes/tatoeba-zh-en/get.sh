#!/bin/sh
# Makes the same split of Tatoeba ready as tatoeba-en-zh/get.sh, with Chinese as the source, in data/ beside this script.
#
#   sh recipes/tatoeba-zh-en/get.sh cmn.txt
#
# Where to get it: see ../tatoeba-en-zh/get.sh.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

recipe=$(dirname "$0")
DATA=$recipe/data DIRECTION=zh-en sh "$recipe/../tatoeba-en-zh/get.sh" "$1"
