#!/bin/sh
# Puts the files of DialogSum where the recipe looks for them.
#
#   sh recipes/dialogsum/get.sh DIRECTORY
#
# DIRECTORY holds {train,dev,test}.jsonl, plain or packed, of https://github.com/cylnlp/dialogsum (Chen et al. 2021,
# CC BY-NC-SA 4.0): {"dialogue": ..., "summary": ...} a line; the test has three summaries.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data=$(dirname "$0")/data
mkdir -p "$data"
for side in train dev test; do
  if [ -r "$1/$side.jsonl" ]; then cp "$1/$side.jsonl" "$data/"
  elif [ -r "$1/$side.jsonl.gz" ]; then gzip -dc "$1/$side.jsonl.gz" >"$data/$side.jsonl"
  else echo "$1/$side.jsonl: not there" >&2; exit 1; fi
  printf '%s: %s dialogues\n' "$data/$side.jsonl" "$(wc -l <"$data/$side.jsonl")"
done
