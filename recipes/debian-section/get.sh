#!/bin/sh
# Makes labelled texts from the package lists of this Debian machine, in data/ beside this script: train.tsv, valid.tsv and
# test.tsv, with the section of a package (51 of them, such as games or libdevel) and what it is in one line. Packages of one
# source are in the same part; of equal lines, one is kept; sections of fewer than 100 packages are left out.
#
#   sh recipes/debian-section/get.sh
#
# With `fasttext` as argument also the same for fastText: train.ft, valid.ft, test.ft, in lower case, punctuation apart.
set -eu
export LC_ALL=C

recipe=$(dirname "$0")
data=$recipe/data
mkdir -p "$data"
rm -f "$data"/*.tsv "$data"/*.ft
apt-cache dumpavail | awk -v data="$data" -f "$recipe/../text.awk" -f "$recipe/sections.awk"
[ "${1:-}" = fasttext ] || exit 0
for part in train valid test; do
  awk -F '\t' 'NR > 1 { text = tolower($2); gsub(/[^a-z0-9_\200-\377 ]/, " & ", text); print "__label__" $1 " " text }' \
    "$data/$part.tsv" >"$data/$part.ft"
done
