# --pack puts several examples into a sequence; they learn as by themselves, the same for any number of threads, piece by piece and resumed.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { for (i = 0; i < 60; i++) { printf "number %d\tit is %d", i, i * i * i; for (k = 0; k < i % 7; k++) printf " and more"; print "" } }' >pairs.tsv
common="--layers 1 --width 32 --heads 2 --context 96 --vocab 280 --tokenizer bpe --holdout 0 --batch 4 --lr 1e-3 --sample-tokens 0 --seed 3 --dropout 0"
for arch in llama gpt2 mpt; do
  run train reply pairs.tsv -o "$arch" --arch $arch --pack --steps 6 --threads 1 $common
  expect_status 0
  expect_err "packed: 60 sequences in"
  run train reply pairs.tsv -o "$arch.two" --arch $arch --pack --steps 6 --threads 2 $common
  cmp -s "$arch/model.safetensors" "$arch.two/model.safetensors" || flunk "$arch: two threads give other weights"
done
run train reply pairs.tsv -o pieces --arch llama --pack --steps 6 --threads 1 --accumulate 2 $common
expect_status 0
run eval -m llama pairs.tsv --json --no-decode -q
whole=$(sed -n 's/.*"nats": \([0-9]*\.[0-9][0-9]\).*/\1/p' out)
run eval -m pieces pairs.tsv --json --no-decode -q
expect_out "\"nats\": $whole"
run train reply pairs.tsv -o begun --arch llama --pack --steps 6 --threads 1 --checkpoint-every 3 --mix 2 $common
expect_status 0
cp -r begun again
rm -r again/checkpoint-0000000006 again/model.safetensors
run train reply pairs.tsv -o again --resume
expect_status 0
cmp -s begun/model.safetensors again/model.safetensors || flunk "resuming gives other weights"

# the loss of a step over all examples is the same packed or not
run train reply pairs.tsv -o one --arch llama --steps 1 --batch 60 --threads 1 --layers 1 --width 32 --heads 2 --context 2000 --vocab 280 --tokenizer bpe --holdout 0 --sample-tokens 0 --seed 3 --dropout 0
expect_status 0
run train reply pairs.tsv -o one.packed --pack --arch llama --steps 1 --batch 60 --threads 1 --layers 1 --width 32 --heads 2 --context 2000 --vocab 280 --tokenizer bpe --holdout 0 --sample-tokens 0 --seed 3 --dropout 0
expect_status 0
loss() { sed -n 's/.*"step":1,.*"loss":\([0-9]*\.[0-9]\{5\}\).*/\1/p' "$1/log.jsonl"; }
[ -n "$(loss one)" ] && [ "$(loss one)" = "$(loss one.packed)" ] || flunk "losses differ: $(loss one) $(loss one.packed)"

# batches of one update keep their own begins
both="--arch llama --pack --steps 1 --batch 60 --context 96 --threads 1 --layers 1 --width 32 --heads 2 --vocab 280 --tokenizer bpe --holdout 0 --sample-tokens 0 --seed 3 --dropout 0"
run train reply pairs.tsv -o once $both
expect_status 0
run train reply pairs.tsv -o mixed --mix 2 $both
expect_status 0
[ -n "$(loss once)" ] && [ "$(loss once)" = "$(loss mixed)" ] || flunk "losses differ: $(loss once) $(loss mixed)"

run train reply pairs.tsv -o none --arch gru --pack --steps 2 --layers 1 --width 32 --vocab 280 --holdout 0
expect_usage "--pack applies to decoder-only networks with attention, but gru is recurrent"
run train translate pairs.tsv -o none --arch marian --pack --steps 2 $common
expect_usage "--pack applies to decoder-only networks with attention, but marian has an encoder"
run train write pairs.tsv -o none --pack --steps 2 $common
expect_usage "--pack applies to pairs and conversations"
finish
