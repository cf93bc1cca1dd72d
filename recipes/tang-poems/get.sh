#!/bin/sh
# Makes poems ready: each line "title TAB author TAB verses" of the files named becomes 《title》author：verses,
# a poem a line, in data/ beside this script.
#
#   sh recipes/tang-poems/get.sh tang.train.tsv.gz tang.valid.tsv tang.test.tsv
#
# Where to get them: github.com/chinese-poetry/chinese-poetry (MIT; the poems are in the public domain) has the complete
# Tang poems as JSON. A file of it becomes such lines, in simplified characters, by
#   jq -r '.[] | [.title, .author, (.paragraphs | join(""))] | @tsv' poet.tang.0.json | opencc -c t2s.json
set -eu
[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data=$(dirname "$0")/data
mkdir -p "$data"
for file; do
  name=$(basename "$file" .gz)
  text=$data/$(basename "$name" .tsv).txt
  case $file in
    *.gz) gzip -dc -- "$file" ;;
    *) cat -- "$file" ;;
  esac | awk -F '\t' 'NF == 3 { print "《" $1 "》" $2 "：" $3 }' >"$text"
  printf '%s: %s poems\n' "$text" "$(wc -l <"$text")"
done
