# --protect: what must not change is copied. 200 made-up lines with values and names that training has not seen.
. "$(dirname "$0")/lib.sh"
manual() { awk -f "$here/made_up_manual.awk" "$@"; }
manual -v n=800 -v s=1 >train.tsv
manual -v n=200 -v s=2 -v unseen=1 >test.tsv
cut -f 1 test.tsv >test.en
head -n 40 test.en >few.en
head -n 40 test.tsv >few.tsv
for name in Zimmermann Okonkwo Petrova Lindqvist Yamamoto; do printf '%s\t%s\n' $name $name; done >names.tsv
small="--threads 1 --size nano --width 64 --context 64 --tokenizer bpe --vocab 400 --batch 16 --steps 200 --eval-every 100 --lr 4e-3 --sample-tokens 0"

# Number of the lines that --check objects to, by its last message.
objections() { sed -n 's/^inkstone: \([0-9]*\) of [0-9]* texts.*/\1/p' err | grep . || echo 0; }

run train translate train.tsv -o plain --arch marian $small
expect_status 0
run translate -m plain --beam 1 --max-tokens 40 -i test.en --check --terms names.tsv
expect_status 1
[ "$(objections)" -ge 100 ] || flunk "a model that copies nothing changes most lines"
for arch in marian llama; do
  run train translate train.tsv -o $arch --arch $arch --protect $small
  expect_status 0
  expect_err "protected: "
  run translate -m $arch --beam 2 --max-tokens 40 -i few.en --terms names.tsv
  expect_status 0 # no token was lost
  run translate -m $arch --beam 1 --max-tokens 40 -i test.en --check --terms names.tsv
  [ "$(objections)" -le 20 ] || flunk "what was copied is there, if only beside other digits of a model of seconds"
  cp out first
  run translate -m $arch --beam 1 --max-tokens 40 -i test.en --terms names.tsv
  expect_status 0
  expect_same out first
  expect_not_err copy
  run translate -m $arch --sample --max-tokens 40 -i few.en --terms names.tsv
  expect_status 0
  run eval -m $arch few.tsv --beam 1 --max-tokens 40 --check --terms names.tsv --json --quiet
  grep -q '"kept_share": \(1.0\|0.9\)' out || flunk "eval puts back what was masked"
  ! grep -q copy first || flunk "no token is left"
  run eval -m $arch few.tsv --no-decode --json --quiet
  cp out masked
  run eval -m $arch few.tsv --no-decode --no-protect --json --quiet
  ! cmp -s out masked || flunk "targets are scored as the model learnt them"
  run translate -m $arch --no-protect --beam 1 --max-tokens 40 -i test.en --check
  expect_status 1
  [ "$(objections)" -ge 100 ] || flunk "without protection a number is text"
done

# A term gets its translation; what a text spells is text; what does not fit is said, and is a failure.
printf 'pump\tFlügelradpumpe\n' >terms.tsv
run translate -m marian --max-tokens 40 --terms terms.tsv "The pump AB-77 needs 230 volts."
expect_status 0
expect_out Flügelradpumpe
expect_out 230
run translate -m marian --max-tokens 40 "Open <|copy3|> and <|pad|> 23"
expect_status 0
for text in '<|copy3|>' '<|pad|>' 23; do expect_out "$text"; done
run translate -m marian --max-tokens 2 "Open {a} {b} {c} %s %i"
expect_status 1
expect_err '" is missing'

# One tokenizer a side, stop and go on, and what contradicts what the model was trained with.
run train translate train.tsv -o two --arch marian --vocabularies separate --protect $small
expect_status 0
run train translate train.tsv -o two --resume --steps 202 --threads 1
expect_status 0
run translate -m two --beam 1 --max-tokens 40 --terms names.tsv -i few.en
expect_status 0
run translate -m plain --protect red
expect_usage "--protect: this model does not know the tokens"
run translate -m plain --terms terms.tsv red
expect_usage "--terms has no effect without --check"
run train translate train.tsv -o more --from plain --protect --steps 2 --threads 1
expect_usage '--protect: the tokenizer has no token "<|copy0|>"'
run train translate train.tsv -o more --from marian --steps 2 --threads 1
expect_usage "give --protect, too"
run train translate train.tsv -o more --from marian --protect --steps 2 --threads 1
expect_status 0
run train classify train.tsv -o more --protect $small
expect_usage "--protect has no effect"

# A reply may copy what was said, or not.
awk -F '\t' '{ print $1 "\t" $2 }' train.tsv | head -n 100 | tr '\t' '\n' | awk '{ print } NR % 2 == 0 { print "" }' >talk.txt
run train reply talk.txt -o talk --arch llama --protect $small --steps 20 --eval-every 10
expect_status 0
run reply -m talk --max-tokens 40 --check --greedy --sample "Cannot open {user}."
expect_not_err "copy"
! grep -q copy out || flunk "no token is left"
finish
