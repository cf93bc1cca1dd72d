#!/bin/sh
# Makes pairs of English and German paragraphs from the package lists of Debian, in data/ beside this script: train.tsv, valid.tsv
# and test.tsv (English TAB German), and test.src and test.ref, the columns of test.tsv.
#
#   sh recipes/debian-de/get.sh
#
# Descriptions that apt has not downloaded yet are downloaded by it (30 MB, no root needed): see ../debian-synopsis/lists.sh.
set -eu
[ $# -eq 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

recipe=$(dirname "$0")
data=$recipe/data
mkdir -p "$data"
sh "$recipe/../debian-synopsis/lists.sh" "$data/lists" en de
rm -f "$data"/*.tsv "$data"/test.*
awk -v data="$data" -f "$recipe/../text.awk" -f "$recipe/../debian-synopsis/families.awk" -f "$recipe/pairs.awk" \
  kind=packages "$data/lists/packages" kind=en "$data/lists/en" kind=de "$data/lists/de"
