# inkstone tokenizer: train, encode, decode.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
printf '明月松間照，清泉石上流。\n' >>text

for kind in bpe char byte; do
  run tokenizer train text -o $kind.json --tokenizer $kind
  expect_status 0
  expect_silent_out
  expect_json $kind.json
  run tokenizer encode -m $kind.json "The moon 明月"
  expect_status 0
  expect_silent_err
  grep -qE '^[0-9]+( [0-9]+)*$' out || flunk "ids in one line"
  ids=$(cat out)
  run tokenizer decode -m $kind.json $ids
  [ "$(cat out)" = "The moon 明月" ] || flunk "$kind does not come back"
  run tokenizer decode -m $kind.json "$ids"
  [ "$(cat out)" = "The moon 明月" ] || flunk "$kind does not come back from one operand"
  "$INKSTONE" tokenizer encode -m $kind.json - <text | "$INKSTONE" tokenizer decode -m $kind.json - >back
  expect_same back text
  run tokenizer encode -m $kind.json --json "月"
  expect_status 0
  expect_json out
  run tokenizer decode -m $kind.json 99999999
  expect_status 1
  expect_err "99999999"
done

# any bytes come back
head -c 3000 /dev/urandom >bytes
for kind in bpe byte; do
  "$INKSTONE" tokenizer encode -m $kind.json --bytes <bytes >ids
  "$INKSTONE" tokenizer decode -m $kind.json <ids >back
  last="random bytes through $kind"
  expect_same back bytes
done
run tokenizer encode -m byte.json --json "月"
expect_out '"bytes":['

run tokenizer encode -m byte.json ""
expect_status 0
printf 'ab <|endoftext|> cd\n' >special
"$INKSTONE" tokenizer encode -m byte.json --bytes - <special >ids
"$INKSTONE" tokenizer decode -m byte.json - <ids >back
expect_same back special
"$INKSTONE" tokenizer decode -m byte.json --no-special-tokens - <ids >back
printf 'ab  cd\n' | cmp -s - back || flunk "special tokens are left out"
run tokenizer encode -m byte.json --json "<|endoftext|>"
expect_out '"text":"<|endoftext|>"'
run tokenizer decode -m byte.json 1 x
expect_usage '"x" is not a token id'
run tokenizer decode -m byte.json 1.5
expect_usage "1.5"
run tokenizer decode -m byte.json -- -1
expect_usage "-1"
run_with_input "[5, 6,7]
" tokenizer decode -m byte.json
expect_status 0

# The same on any number of threads; the size asked for.
run tokenizer train text -o one.json --vocab 300 --threads 1
run tokenizer train text -o three.json --vocab 300 --threads 3
expect_same one.json three.json
run tokenizer train text -o x.json --vocab 9k # a short text: by characters
expect_err "--vocab 9000 has no effect"
expect_err "give --tokenizer bpe"
run tokenizer train text -o x.json --vocab 300 --tokenizer bpe
expect_not_err "no effect"
rm x.json
for flag in "--encoding latin1" "--invalid replace"; do
  run tokenizer encode -m one.json --bytes $flag x
  expect_usage "has no effect with --bytes"
done
run tokenizer decode -m one.json --encoding latin1 1
expect_usage "--encoding is a flag of"
if command -v iconv >/dev/null; then
  "$INKSTONE" tokenizer encode -m one.json "The moon" | iconv -f utf-8 -t utf-16 >ids
  [ "$("$INKSTONE" tokenizer decode -m one.json - <ids 2>err)" = "The moon" ] || flunk "ids in UTF-16 are not read"
fi
run tokenizer train text -o x.json --seed 3
expect_usage "--seed is a flag of"
run tokenizer train text -o x.json --tokenizer char --words gpt-2
expect_usage "--words has no effect with --tokenizer char: leave it out"
head -n 20 text >few
run tokenizer train few -o few.json --words gpt-2
expect_err "--words gpt-2 has no effect with --tokenizer char"
run tokenizer train text -o x.json --tokenizer bpe --vocab 300 --words gpt-2
expect_not_err "no effect"
rm x.json
run tokenizer train nowhere -o x.json
expect_failure "nowhere"
run tokenizer train text -o x.json --vocab 100 --tokenizer bpe # less than the bytes
expect_status 2
expect_no_file x.json
run tokenizer train text -o - --tokenizer byte
expect_usage "give the name of a file"
expect_no_file -

# What another process wrote under the name meanwhile stays.
mkfifo slow
"$INKSTONE" tokenizer train slow -o new.json --tokenizer byte >out 2>err &
trained=$!
exec 3>slow
cp char.json new.json
cat text >&3
exec 3>&-
wait $trained
status=$?
last="tokenizer train slow"
expect_failure "new.json" "another process made this file meanwhile"
expect_same new.json char.json
finish
