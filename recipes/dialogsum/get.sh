#!/bin/sh
# Makes DialogSum ready in data/ beside this script: train.tsv and valid.tsv (dialogue TAB summary, the turns in one line),
# test.src, and test.ref1 to test.ref3, three summaries by three people.
#
#   sh recipes/dialogsum/get.sh DIRECTORY
#
# DIRECTORY has train.jsonl, dev.jsonl and test.jsonl, plain or .gz: an object a line with "dialogue" and "summary" ("summary1" to
# "summary3" in test). https://github.com/cylnlp/dialogsum has them, named DialogSum_Data/dialogsum.train.jsonl and so on, which
# are found too. They are CC BY-NC-SA 4.0: this script fetches nothing.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

from=$1
recipe=$(dirname "$0")
data=$recipe/data
mkdir -p "$data"
rm -f "$data"/*.tsv "$data"/test.*

# lines_of PART: what the file of that part has
lines_of() {
  for file in "$from/$1.jsonl" "$from/dialogsum.$1.jsonl"; do
    [ ! -f "$file" ] || { cat -- "$file"; return; }
    [ ! -f "$file.gz" ] || { gzip -dc -- "$file.gz"; return; }
  done
  printf '%s/%s.jsonl: no such file, nor one that ends in .gz\n' "$from" "$1" >&2
  return 1
}

# Held-out parts come first: the training part leaves out what they have.
for part in test dev train; do
  lines_of "$part" >"$data/$part.jsonl.tmp"
done
awk -v data="$data" -f "$recipe/../text.awk" -f "$recipe/prepare.awk" \
  "$data/test.jsonl.tmp" "$data/dev.jsonl.tmp" "$data/train.jsonl.tmp"
rm -f "$data"/*.jsonl.tmp
