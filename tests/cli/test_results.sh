# eval, info, bench: figures for people and for programs.
. "$(dirname "$0")/lib.sh"
text_of 300 >text
train_small model text
expect_status 0

run eval -m model text
expect_status 0
for label in "bits per byte" "bits per character" perplexity tokens documents; do expect_out "$label"; done
run eval -m model text --json -q
expect_status 0
expect_silent_err
expect_json out
cp out one
for key in '"bits_per_byte"' '"perplexity"' '"tokens"' '"nats"'; do expect_out "$key"; done
run eval -m model text --json -q --threads 3
expect_same out one
run eval -m model nowhere
expect_failure "nowhere"

run info model
expect_status 0
expect_out "llama"
expect_out "parameters"
run info model --json
expect_status 0
expect_json out
expect_out '"parameters":'

run bench machine --json -q
grep -q '"peak_bf16_flops_per_second": [1-9]' out || flunk "no ceiling of bf16"
expect_status 0
sed -i '/the machine is busy/d' err # it may well be
expect_silent_err
expect_json out
expect_out '"level2_bytes_per_second":'
run bench machine
expect_status 0
run bench ops --operator add --repeats 1 --json -q
expect_status 0
expect_json out
expect_out '"repeats": 3'
# Beside programs that want every processor.
spinners=
for i in $(seq "$(getconf _NPROCESSORS_ONLN)"); do
  sh -c 'while :; do :; done' &
  spinners="$spinners $!"
done
run bench ops --operator add --json
kill $spinners
expect_status 0
if grep -q '"others_share": null' out; then skip_part "nothing tells what others do"
else
  expect_out '"busy": true'
  expect_err "the machine is busy"
fi
run bench ops --operator nosuch
[ "$status" -ne 0 ] || flunk "an operator that is not"
expect_err "nosuch"
run bench machine --peers --json
expect_usage "leave out --json"
run bench machine --peers -q
expect_failure "bench/peers/all.py"
small="--size nano --vocab 256 --context 32 --repeats 1"
run bench train $small --batch 1 --json -q
expect_status 0
expect_json out
expect_out '"resident_bytes":'
expect_out '"precision": "f32"'
run bench train $small --batch 1 --precision bf16 --json -q
for name in share_of_peak busy load_average peak_flops_per_second_after; do expect_out "\"$name\""; done
expect_status 0
expect_out '"precision": "bf16"'
run bench generate $small --prompt-tokens 8 --new-tokens 4 --json -q
expect_status 0
expect_json out

# Lengths that are not given fit the shape; those that are given are not changed.
lengths() { # prompt, new tokens
  expect_status 0
  expect_out "\"prompt_tokens\": $1,"
  expect_out "\"new_tokens\": $2,"
}
run bench generate $small --json -q
lengths 16 16
run bench generate $small --prompt-tokens 30 --json -q
lengths 30 2
run bench generate $small --new-tokens 20 --json -q
lengths 12 20
run bench generate $small --prompt-tokens 32 --json -q
expect_usage "33 tokens do not fit into a context of 32"
run bench generate $small --prompt-tokens 20 --new-tokens 20 --json -q
expect_usage "40 tokens do not fit into a context of 32"
finish
