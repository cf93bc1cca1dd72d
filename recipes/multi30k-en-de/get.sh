#!/bin/sh
# Makes Multi30k (English to German) ready in data/ beside this script: train, valid and test (2016, Flickr), .en and .de,
# lower-cased and tokenized as its authors did it, and test.raw.en and test.raw.de as people wrote them.
#
#   sh recipes/multi30k-en-de/get.sh DIRECTORY
#
# DIRECTORY is data/task1 of https://github.com/multi30k/dataset (with tok/ and raw/), such as
#   git clone --depth 1 https://github.com/multi30k/dataset multi30k && sh get.sh multi30k/data/task1
# The captions are of Flickr30k, for research only: that is why this script fetches nothing.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

from=$1
data=$(dirname "$0")/data
mkdir -p "$data"

# take NAME AS: the file NAME of DIRECTORY, plain or packed, becomes data/AS
take() {
  if [ -f "$from/$1" ]; then cat -- "$from/$1"
  elif [ -f "$from/$1.gz" ]; then gzip -dc -- "$from/$1.gz"
  else printf '%s: no such file, nor %s.gz: is %s data/task1 of multi30k?\n' "$from/$1" "$1" "$from" >&2; exit 1
  fi >"$data/$2.tmp"
  mv "$data/$2.tmp" "$data/$2"
}

for language in en de; do
  take "tok/train.lc.norm.tok.$language" "train.$language"
  take "tok/val.lc.norm.tok.$language" "valid.$language"
  take "tok/test_2016_flickr.lc.norm.tok.$language" "test.$language"
  take "raw/test_2016_flickr.$language" "test.raw.$language"
done
for part in train valid test; do
  en=$(wc -l <"$data/$part.en")
  de=$(wc -l <"$data/$part.de")
  [ "$en" -eq "$de" ] || { printf '%s: %s lines of English, %s of German\n' "$part" "$en" "$de" >&2; exit 1; }
  printf '%s: %s pairs\n' "$data/$part" "$en"
done
