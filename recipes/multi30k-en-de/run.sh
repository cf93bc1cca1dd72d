#!/bin/sh
# All of it, from the text to the numbers: sh recipes/multi30k-en-de/run.sh [what get.sh wants]
. "$(dirname "$0")/../lib.sh"
sh "$recipe/get.sh" "$@"
train translate "$data/train.en" "$data/train.de"
ink translate -m "$model" -i "$data/test.en" >"$model/test.out"
ink score "$model/test.out" "$data/test.de" --tokenize none
sh "$recipe/detokenize.sh" "$model/test.out" >"$model/test.raw.out"
ink score "$model/test.raw.out" "$data/test.raw.de" --lowercase
