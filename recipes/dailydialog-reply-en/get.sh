#!/bin/sh
# Makes the conversations of DailyDialog ready in data/ beside this script: train.txt, valid.txt and test.txt, one a line, with
# __eou__ between the turns.
#
#   sh recipes/dailydialog-reply-en/get.sh DIRECTORY
#
# DIRECTORY has {train,dev,test}.{en,zh}.txt of XDailyDialog, line by line the same conversations in English and Chinese.
# https://github.com/liuzeming01/XDailyDialog has dev and test as data/{en,zh}_{dev,test}_human.txt, and in its history
# (commits fb75e7f and f43519a) train as data/dialogues_text_{En,Zh}.txt. DailyDialog is CC BY-NC-SA 4.0: this script
# fetches nothing.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export LC_ALL=C

from=$1
recipe=$(dirname "$0")
data=${DATA:-$recipe/data}         # dailydialog-reply-zh/get.sh sets these two
language=${CONVERSATION_LANGUAGE:-en}
for part in test dev train; do
  for side in en zh; do
    [ -r "$from/$part.$side.txt" ] || { printf '%s: cannot be read\n' "$from/$part.$side.txt" >&2; exit 1; }
  done
done
mkdir -p "$data"
rm -f "$data"/*.txt
awk -v data="$data" -v language="$language" -f "$recipe/../text.awk" -f "$recipe/prepare.awk" \
  "$from/test.en.txt" "$from/dev.en.txt" "$from/train.en.txt"
