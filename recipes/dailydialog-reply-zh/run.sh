#!/bin/sh
# All of it, from the text to the numbers: sh recipes/dailydialog-reply-zh/run.sh [what get.sh wants]
. "$(dirname "$0")/../lib.sh"
sh "$recipe/get.sh" "$@"
train reply "$data/train.txt"
ink eval -m "$model" "$data/test.txt" --turn-mark __eou__ --tokenize zh --outputs "$model/test.out"
sh recipes/conversations.sh "$model" "$recipe/said.txt" --sample >"$model/conversations.md"
