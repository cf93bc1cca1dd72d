#!/bin/sh
# Makes pairs of long description and one-line synopsis from the package lists of this Debian machine, in data/ beside this
# script: train.tsv, valid.tsv and test.tsv (description TAB synopsis), and test.src and test.ref, the columns of test.tsv.
#
#   sh recipes/debian-synopsis/get.sh
#
# Descriptions that apt has not downloaded yet are downloaded by it (30 MB, no root needed): see lists.sh.
set -eu
[ $# -eq 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

recipe=$(dirname "$0")
data=$recipe/data
mkdir -p "$data"
sh "$recipe/lists.sh" "$data/lists" en
rm -f "$data"/*.tsv "$data"/test.*
awk -v data="$data" -f "$recipe/../text.awk" -f "$recipe/families.awk" -f "$recipe/split.awk" \
  kind=packages "$data/lists/packages" kind=en "$data/lists/en"
