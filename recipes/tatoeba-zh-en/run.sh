#!/bin/sh
# All of it, from the text to the numbers: sh recipes/tatoeba-zh-en/run.sh [what get.sh wants]
. "$(dirname "$0")/../lib.sh"
sh "$recipe/get.sh" "$@"
train translate "$data/train.tsv"
ink translate -m "$model" -i "$data/test.src" >"$model/test.out"
ink score "$model/test.out" "$data"/test.ref* --metric bleu,chrf
