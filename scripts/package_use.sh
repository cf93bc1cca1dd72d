#!/bin/sh
# Uses an installed inkstone where nothing else may be: trains a model, writes with it, in both languages. Needs only a shell.
#
#   sh package_use.sh PROGRAM
set -eu
inkstone=$1
cd "${HOME:-/}"

i=0
while [ $i -lt 300 ]; do
  echo "The moon sings over stone $i. A small bird walks under the river. 明月几时有？把酒问青天。"
  i=$((i + 1))
done >text.txt

"$inkstone" --version
"$inkstone" train write text.txt -o model --size nano --tokenizer byte --context 32 --batch 4 --steps 8 --sample-tokens 0 -q
"$inkstone" write -m model "The moon" --max-tokens 20 --seed 1 -q >/dev/null
"$inkstone" eval -m model text.txt
INKSTONE_LANG=zh "$inkstone" info model
