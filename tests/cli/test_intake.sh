# All text that comes in is read by one reader, whether it is trained on, piped into a model or given as an argument.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text
expect_status 0
awk '{ print $0 "\t" $NF " " $1 }' text >pairs.tsv
run train translate pairs.tsv -o pairs --arch marian --threads 1 --size nano --context 64 --tokenizer byte --steps 4 --sample-tokens 0
expect_status 0

# read_as FILE COMMAND...: whatever spells the text, the result is that of the plain one
plain() { "$INKSTONE" "$@" <plain.txt >expected 2>/dev/null; }
printf 'The moon\nover 山水\n' >plain.txt
{ printf '\357\273\277'; cat plain.txt; } >bom.txt
sed 's/$/\r/' plain.txt >crlf.txt
gzip -c plain.txt >packed.gz
{ printf '\376\377'; printf '\0T\0h\0e\0 \0m\0o\0o\0n\0\n\0o\0v\0e\0r\0 \134\161\154\064\0\n'; } >utf16.txt
for kind in bom.txt crlf.txt packed.gz utf16.txt; do
  for command in "write -m model --greedy --max-tokens 8 -" "translate -m pairs --beam 1 --max-tokens 8" "tokenizer encode -m model"; do
    plain $command
    last="inkstone $command <$kind"
    "$INKSTONE" $command <$kind >out 2>err
    status=$?
    expect_status 0
    expect_same out expected
  done
  plain translate -m pairs --beam 1 --max-tokens 8
  run translate -m pairs --beam 1 --max-tokens 8 -i $kind
  expect_same out expected
done

# What is no text is refused with its place, argument or input.
printf 'The \377 moon\n' >latin.txt
printf 'The \0 moon\n' >nul.txt
for kind in latin nul; do
  for command in "write -m model -" "tokenizer encode -m model" "eval -m model $kind.txt" "score $kind.txt text"; do
    last="inkstone $command <$kind.txt"
    "$INKSTONE" $command <$kind.txt >out 2>err
    status=$?
    expect_status 1
    grep -q "NUL\|not UTF-8" err || flunk "no reason given"
  done
done
run write -m model "$(printf 'The \377 moon')"
expect_failure "the text given" "not UTF-8"
run write -m model --invalid replace --greedy --max-tokens 4 "$(printf 'The \377 moon')"
expect_status 0
printf 'The moon\nThe \377 moon\nrain\n' >mixed.txt
run translate -m pairs --beam 1 --max-tokens 8 -i mixed.txt
expect_status 1
expect_err "mixed.txt:2"

# A GB18030 text is recognized and, once named, read.
printf '\303\367\324\302\313\311\274\344\325\325\243\254\307\345\310\252\312\257\311\317\301\367\241\243\n' >gbk.txt
for i in 1 2 3 4 5 6 7 8; do cat gbk.txt gbk.txt >more.txt && mv more.txt gbk.txt; done
run train write gbk.txt -o gbk --size nano --steps 2
expect_failure "gbk.txt" "--encoding gb18030"
run train write gbk.txt -o gbk --size nano --tokenizer char --context 16 --steps 2 --threads 1 --encoding gb18030 --sample-tokens 0
expect_status 0
run tokenizer encode -m gbk "明月松间照"
expect_status 0
[ "$(wc -w <out)" -eq 5 ] || flunk "its characters were not learnt"

# Reading that fails is no end of the input.
for command in "translate -m pairs" "write -m model -" "tokenizer encode -m model"; do
  last="inkstone $command </tmp"
  "$INKSTONE" $command </tmp >out 2>err
  status=$?
  expect_failure "standard input"
done

# A pipe without a writer, or that nothing comes out of, is left at a signal.
mkfifo pipe
for signal in TERM; do
  "$INKSTONE" train write pipe -o piped --size nano >out 2>err &
  child=$!
  sleep 0.4
  kill -$signal $child
  ( sleep 5; kill -9 $child ) 2>/dev/null &
  guard=$!
  wait $child
  status=$?
  kill $guard 2>/dev/null
  last="train from a pipe, then SIG$signal"
  [ "$status" -eq 1 ] || [ "$status" -gt 128 -a "$status" -ne 137 ] || flunk "it was not left"
done

# Small stacks are enough.
gzip -c text >text.gz
last="a packed text with a stack of 128 kB"
(ulimit -s 128 && "$INKSTONE" tokenizer train text.gz -o small.json --tokenizer char >out 2>err)
status=$?
expect_status 0

# What does not fit in memory is said before it is taken.
awk 'BEGIN { for (i = 0; i < 1500000; i++) print "x\ty" }' >many.tsv
tight() { # as run, with 110 MB of address space beside what the program has anyway
  last="inkstone $* (in little memory)"
  (ulimit -v 200000 && "$INKSTONE" "$@" >out 2>err </dev/null)
  status=$?
}
if [ -z "${SANITIZE-}" ]; then
  tight train translate many.tsv -o tight --size nano --tokenizer byte --threads 1
  expect_failure "many.tsv: needs about" "MB of memory"
  tight score many.tsv many.tsv
  expect_failure "many.tsv: needs about"
  awk 'BEGIN { for (i = 0; i < 5000000; i++) print "x" }' >many.txt
  tight train write many.txt -o tight --size nano --tokenizer byte --threads 1 --documents line
  expect_failure "many.txt: needs about"
  expect_no_file tight
fi
rm -f many.*

finish
