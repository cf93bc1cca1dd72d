#!/bin/sh
# All of it, from the text to the numbers: sh recipes/debian-synopsis/run.sh [what get.sh wants]
. "$(dirname "$0")/../lib.sh"
sh "$recipe/get.sh" "$@"
train summarize "$data/train.tsv"
ink summarize -m "$model" -i "$data/test.src" >"$model/test.out"
ink score "$model/test.out" "$data"/test.ref* --metric rouge1,rouge2,rougeL,chrf
