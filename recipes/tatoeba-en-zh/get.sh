#!/bin/sh
# Makes sentence pairs ready: splits cmn.txt (English TAB Chinese TAB attribution) by English sentence.
#
#   sh recipes/tatoeba-en-zh/get.sh cmn.txt
#
# Where to get it: https://www.manythings.org/anki/cmn-eng.zip (CC-BY 2.0 France, sentences of tatoeba.org).
#
# All translations of an English sentence lie on one side of the split, compared in lower case without spaces and
# punctuation: 4 of 100 sentences for the test, 2 for validation. Of these each is kept once, with its first translation.
# A training pair whose Chinese is held out is left out too, so that the same split serves Chinese to English.
set -eu
[ $# -eq 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

data=$(dirname "$0")/data
mkdir -p "$data"
LC_ALL=C awk -F '\t' -v data="$data" '
  BEGIN { for (i = 0; i < 256; i++) code[sprintf("%c", i)] = i }
  function hash(text, i, h) {
    h = 7
    for (i = 1; i <= length(text); i++) h = (h * 31 + code[substr(text, i, 1)]) % 1000003
    return h % 100
  }
  NF == 0 { next }
  { sub(/^\357\273\277/, ""); sub(/\r$/, "") }
  NF < 2 { print FILENAME ":" FNR ": no tab" >"/dev/stderr"; exit 1 }
  {
    key = tolower($1)
    gsub(/[^a-z0-9]/, "", key)
    side = hash(key)
    side = side < 4 ? "test" : side < 6 ? "valid" : "train"
    pairs++
    if (side == "train") { source[++n] = $1; target[n] = $2; next }
    held[$2] = 1
    if (seen[key]++) next
    print $1 "\t" $2 >(data "/" side ".tsv")
    count[side]++
  }
  END {
    for (i = 1; i <= n; i++)
      if (target[i] in held) dropped++; else print source[i] "\t" target[i] >(data "/train.tsv")
    printf "%d pairs: %d to train, %d to validate, %d to test; %d left out of training: their Chinese is held out\n",
      pairs, n - dropped, count["valid"], count["test"], dropped
  }' "$1"
for side in valid test; do
  cut -f 1 "$data/$side.tsv" >"$data/$side.en"
  cut -f 2 "$data/$side.tsv" >"$data/$side.zh"
done
