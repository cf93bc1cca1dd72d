# The examples do what they say, with models made here.
. "$(dirname "$0")/../cli/lib.sh"
text_of 300 >text
i=0
while [ $i -lt 60 ]; do
  echo "user: hello $i"
  echo "assistant: good day $i"
  echo
  i=$((i + 1))
done | sed 's/^[a-z]*: //' >talk
quick="--size nano --tokenizer byte --context 32 --steps 3 --eval-every 3 --threads 1 --sample-tokens 0 -q"
run train write text -o poems $quick
expect_status 0
run train write text -o letters $quick --arch lstm
expect_status 0
run train reply talk -o talker $quick --context 64
expect_status 0

example() {
  last="example $*"
  name=$1
  shift
  "$EXAMPLES/example_$name" "$@" >out 2>err
  status=$?
}

example write poems "The moon"
expect_status 0
expect_out "The moon"
example two_models poems letters "The moon"
expect_status 0
expect_out "poems: The moon"
expect_out "letters: The moon"
example two_models poems nosuch "The moon"
expect_status 1
expect_out "poems: The moon"
expect_out "nosuch: no such model directory"
example cancel poems "The moon"
expect_status 0
expect_out "tokens: interrupted"
expect_out "10 tokens: done"
printf 'hello 3\nhello 4\n' >said
last="example chat"
"$EXAMPLES/example_chat" talker <said >out 2>err
status=$?
expect_status 0
[ "$(wc -l <out)" = 2 ] || flunk "two lines were said, not two came back"
example sample poems "The moon"
expect_status 0
[ "$(wc -l <out)" -ge 2 ] || flunk "a text, gone on with twice, is two lines"
printf 'size: nano\ncontext: 32\nsteps: 3\neval-every: 3\n' >recipe
example generator text made "The moon" recipe
expect_status 0
expect_out "The moon"
expect_err "step 3: loss"
cp out first
example generator nosuch made "The moon"
expect_status 0
cmp -s out first || flunk "a model that exists writes another text"
example generator nosuch unmade "The moon"
expect_status 1
expect_err "nosuch: "
echo 'stpes: 3' >recipe
example generator text unmade "The moon" recipe
expect_status 1
expect_err "steps"
mkdir damaged
echo '{' >damaged/config.json
example generator text damaged "The moon"
expect_status 1
expect_err "damaged/config.json"
printf 'The moon\nThe old river\nstones\n' >prompts
last="example queue"
"$EXAMPLES/example_queue" poems <prompts >out 2>err
status=$?
expect_status 0
expect_out "2: The old river"
[ "$(grep -c '^[123]: ' out)" = 3 ] || flunk "three prompts, not three texts"
example train_memory sums
expect_status 0
expect_out "step 20: held-out loss"
run translate -m sums "two and two"
expect_status 0
