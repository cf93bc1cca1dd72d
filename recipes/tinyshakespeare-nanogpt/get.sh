#!/bin/sh
# Makes the text ready: copies it to data/ beside this script and checks that it is the usual one.
#
#   sh recipes/tinyshakespeare-nanogpt/get.sh input.txt
#
# Where to get it: github.com/karpathy/char-rnn, data/tinyshakespeare/input.txt (1,115,394 bytes).
set -eu
[ $# = 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data=$(dirname "$0")/data
mkdir -p "$data"
cp -- "$1" "$data/input.txt"
size=$(wc -c <"$data/input.txt")
[ "$size" = 1115394 ] || echo "note: $size bytes, the usual file has 1115394: losses will not compare" >&2
echo "$data/input.txt"
