# --check: what outputs must keep is compared with their sources, line by line.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { n = split("one two three red blue green", e, " "); split("eins zwei drei rot blau gruen", g, " ")
  for (i = 0; i < 216; i++) print e[i % n + 1], e[int(i / n) % n + 1], e[int(i / n / n) + 1] "\t" \
                                  g[i % n + 1], g[int(i / n) % n + 1], g[int(i / n / n) + 1] }' >pairs.tsv
run train translate pairs.tsv -o model --arch marian --threads 1 --size nano --context 32 --tokenizer bpe --vocab 300 --batch 8 \
  --steps 12 --eval-every 6 --sample-tokens 0
expect_status 0
printf 'red %%s {user} 1250\n\nred blue\nred\n' >lines
run translate -m model --max-tokens 4 -i lines
expect_status 0
cp out plain
run translate -m model --max-tokens 4 -i lines --check
expect_status 1
expect_same out plain
expect_err 'lines:1: the placeholder "%s" is missing'
expect_err 'lines:1: the placeholder "{user}" is missing'
expect_err 'lines:1: the number "1250" is missing'
expect_err '1 of 4 texts'
run translate -m model --max-tokens 4 -i lines --check --json
expect_json_lines out
expect_out '"check":[{"kind":"placeholder","source":"%s","output":null}'
expect_out '"check":[]'
run translate -m model --max-tokens 4 "red" --check --quiet
expect_status 0
expect_silent_err

# A glossary: the translation that it asks for, or a message.
printf 'red\tcrimson\n\n' >terms.tsv
run translate -m model --max-tokens 4 -i lines --check --terms terms.tsv
expect_status 1
expect_err 'lines:3: the term "red" is not translated as "crimson"'
expect_err '3 of 4 texts'
run translate -m model red --terms terms.tsv
expect_usage "--terms has no effect without --check"
for wrong in 'red' 'red\tcrimson\tx' '\tcrimson' 'red\t'; do
  printf "blue\tblau\n$wrong\n" >wrong.tsv
  run translate -m model red --check --terms wrong.tsv
  expect_failure "wrong.tsv:2: is not a term and its translation"
done
printf 'red\trot\nred\tcrimson\n' >wrong.tsv
run translate -m model red --check --terms wrong.tsv
expect_failure "wrong.tsv:2" "a second time"
printf '\n\n' >wrong.tsv
run translate -m model red --check --terms wrong.tsv
expect_failure "wrong.tsv: has no terms"
run translate -m model red --check --explain page.html
expect_usage "--check has no effect"

# As a figure, beside that of the references.
printf 'one 1250\teins 1250\ntwo 7\tzwei sieben\nred\trot\nblue 3\tblau 4\n' >test.tsv
run eval -m model test.tsv --check --max-tokens 4 --json
expect_status 0
expect_out '"checked_texts": 3'
expect_out '"kept_share_of_references": 0.6666'
run eval -m model test.tsv --max-tokens 4 --json
! grep -q checked_texts out || flunk "only with --check"
run eval -m model test.tsv --no-decode --check
expect_usage "--check has no effect"
finish
