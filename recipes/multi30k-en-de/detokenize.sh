#!/bin/sh
# Puts German text that Moses tokenized together again: "ein mann , der &quot; hallo &quot; sagt ." becomes
# "ein mann, der "hallo" sagt.".
#
#   sh recipes/multi30k-en-de/detokenize.sh FILE > TEXT
set -eu
export LC_ALL=C
sed -e 's/ @-@ /-/g' -e 's/&quot;/"/g' -e "s/&apos;/'/g" -e 's/&#91;/[/g' -e 's/&#93;/]/g' -e 's/&#124;/|/g' \
  -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&amp;/\&/g' "$@" |
  awk '{
    out = ""; open = 0; glue = 1
    for (i = 1; i <= NF; i++) {
      if ($i == "\"") { # opens, then closes
        out = out (open || glue ? "" : " ") "\""
        open = !open
        glue = open
      } else {
        out = out (glue || $i ~ /^([.,;:!?%)\]]|\.\.\.|\047s?)+$/ ? "" : " ") $i
        glue = $i ~ /^[(\[]$/
      }
    }
    print out
  }'
