#!/bin/sh
# Makes labelled texts of poems, author and verses, in data/ beside this script: train.tsv, valid.tsv and test.tsv with the
# twenty authors of most poems. The files named have lines "title TAB author TAB verses": see recipes/tang-poems/get.sh for
# where to get them.
#
#   sh recipes/tang-author/get.sh tang.train.tsv.gz tang.valid.tsv tang.test.tsv
set -eu
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

recipe=$(dirname "$0")
data=$recipe/data
mkdir -p "$data"
rm -f "$data"/*.tsv "$data"/*.ft
for file; do
  case $file in
    *.gz) gzip -dc -- "$file" ;;
    *) cat -- "$file" ;;
  esac
done | awk -v data="$data" -f "$recipe/../text.awk" -f "$recipe/authors.awk"
