# Training does not end for what is no fault of training: easy data with a hard batch now and then, samples that cannot be shown.
. "$(dirname "$0")/lib.sh"

# Questions and answers of a shop: a few templates filled in, and one in 200 of another kind.
letters() { # N
  awk -v n="$1" '
  function draw(m) { x = (x * 1103 + 12345) % 65536; return int(x / 7) % m }
  function noise(k,  s) { for (s = ""; k--;) s = s sprintf("%c%c%d ", 97 + draw(26), 97 + draw(26), x); return s }
  BEGIN {
    split("Lee Kim Chen Wang Smith Jones Garcia Miller", name, " ")
    split("lamp chair table kettle 茶壶 砚台 毛笔 墨条", thing, " ")
    x = 7
    for (i = 0; i < n; i++) {
      who = name[draw(8) + 1]; what = thing[draw(8) + 1]; number = 1000 + draw(9000)
      if (i % 200 == 150) { ask = noise(12); answer = noise(12) }
      else if (i % 3 == 0) { ask = "Where is my order " number "? " who; answer = "Dear " who ", your order " number " was sent." }
      else if (i % 3 == 1) { ask = "The " what " came broken. " who; answer = "Dear " who ", please send the " what " back." }
      else { ask = "我的订单 " number " 的" what "坏了。" who; answer = who "您好，订单 " number " 的" what "免费更换。" }
      printf "{\"source\": \"%s\", \"target\": \"%s\"}\n", ask, answer
    }
  }'
}
letters 2000 >mail.jsonl
easy="--size nano --threads 1 --steps 300 --batch-tokens 1024 --lr 0.01 --sample-tokens 0 --eval-every 100"
run train reply mail.jsonl -o easy $easy
expect_status 0
expect_not_err "the loss diverged"
expect_err "it is hard text, not divergence"
[ "$(grep -c "hard text" err)" -eq 1 ] || flunk "said more than once"

# A rate that is far too high is divergence still.
run train reply mail.jsonl -o wild --size nano --threads 1 --steps 60 --batch-tokens 1024 --lr 100 --clip 0 --warmup 0 --sample-tokens 0
expect_err "the loss diverged at step"

# What cannot be shown as a sample, since the model reads less, is said in its place.
awk 'BEGIN { for (i = 0; i < 40; i++) { line = i; for (k = 0; k < 60; k++) line = line "山水明月松石"; print line "__eou__" line "__eou__" } }' >long.txt
run train reply long.txt -o shown --turn-mark __eou__ --size nano --context 64 --steps 6 --sample-every 2 --threads 1 --tokenizer char
expect_status 0
expect_err "→ " # of what is longer than the model reads, the end is read

finish
