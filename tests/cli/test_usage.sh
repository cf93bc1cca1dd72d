# Wrong requests: exit status 2, one sentence that names the flag, and where to read on.
. "$(dirname "$0")/lib.sh"
text_of 50 >text

run trian
expect_usage 'unknown command "trian"; did you mean "train"?'
run frobnicate
expect_usage 'unknown command "frobnicate"'
run tokenizer trian
expect_usage 'did you mean "tokenizer train"?'
run help trian
expect_usage 'did you mean "train"?'
run help --completion tcsh
expect_usage "--completion"
run --laeyrs
expect_usage "--laeyrs"

run train
expect_usage "no task is given"
run train text -o model
expect_usage "inkstone train TASK FILE... -o MODEL"
run train wirte text -o model
expect_usage 'did you mean "write"?'
run train write text
expect_usage "-o MODEL is missing"
run train write text -o
expect_usage "--output needs a value"
run train write text -o --quiet
expect_usage "--output=--quiet"
run train write text -o ""
expect_usage "-o (--output): the value is empty"
expect_no_file model

run train write text -o model --laeyrs 3
expect_usage "unknown flag --laeyrs; did you mean --layers?"
run train write text -o model --no-tide
expect_usage "did you mean"
run train write text -o model --top-p 0.5
expect_usage "--top-p is a flag of \`write\`, \`translate\`"
run train write text -o model -x
expect_usage "unknown flag -x"
run train write text -o model --layers
expect_usage "--layers needs a value"
run train write text -o model --layers 2000
expect_usage "--layers: 2000 is out of range: from 0 to 1000"
run train write text -o model --layers=-1
expect_usage "--layers: -1 is out of range"
# Full-width characters where ASCII is meant: the character is named, the ASCII spelling proposed.
run train write text -o model --steps １００
expect_usage '--steps: "１００" has the full-width character １: write 100'
run train write text -o model --lr ０．０１
expect_usage "write 0.01"
run train write text -o model --budget １０m
expect_usage "write 10m"
run train write text -o model --holdout 1０％
expect_usage "the full-width character ０: write 10%"
run train write text -o model --layers −1
expect_usage "the full-width character −: write -1"
run train write text -o model －－steps 5
expect_usage '"－－steps" begins with － instead of --: write --steps'
run train write text -o model —steps=5
expect_usage "write --steps=5"
run train write text －o model
expect_usage "begins with － instead of -: write -o"
run train write text -o model --steps＝5
expect_usage "the full-width character ＝: write --steps=5"
run write -m nowhere "—— 好"
expect_status 1 # a text may begin so

# The flag of other commands names them all; a value that is wrong, the flag as it was given.
run train write text -o model --stem
expect_usage "--stem is a flag of \`eval\` and \`score\`, not of \`train\`"
run write -m nowhere --languages en,de
expect_usage "--languages is a flag of \`train\` and \`eval\`, not of \`write\`"
run write -m nowhere -n 0 text
expect_usage "-n (--samples): 0 is out of range"
run write -m nowhere --samples 0 text
expect_usage "inkstone: --samples: 0 is out of range"
run write -m nowhere --stop "" text
expect_usage "--stop: the value is empty"

# An empty value means nothing, whatever the flag; but an empty instruction is one.
for command in "train write" "train translate" write translate summarize reply chat eval score "tokenizer train" "tokenizer encode" bench; do
  run $command --help
  for flag in $(grep -oE '^ +(-., )?--[a-z0-9-]+ [A-Za-z<0-9]' out | grep -oE -e '--[a-z0-9-]+'); do
    [ $flag != --system ] || continue
    tried=$((${tried:-0} + 1))
    run $command $flag ""
    expect_usage "$flag"
    expect_err "empty"
  done
done

[ "${tried:-0}" -ge 200 ] || flunk "only ${tried:-0} flags were tried"

# What is given twice: one file or directory, else the last value, which is said.
run translate -m nowhere -i a -i b
expect_usage '-i (--input) is given twice, "a" and "b"'
run train write text -o one -o two
expect_usage "-o (--output) is given twice"
run train write text -o model --steps 5 --steps 6 --dry-run
expect_status 0
expect_err "note: --steps is given more than once: the last value, 6, is used"
run train write text -o model --tied --no-tied --dry-run
expect_err "--tied is given more than once: the last value, false, is used"

run train write text -o model --layers two
expect_usage '--layers: "two" is not a whole number'
run train write text -o model --lr fast
expect_usage '--lr: "fast" is not a number'
run train write text -o model --lr nan
expect_usage "--lr"
run train write text -o model --budget soon
expect_usage "--budget"
run train write text -o model --memory lots
expect_usage "--memory"
run train write text -o model --arch transformer
expect_usage "llama|gpt2|"
run train write text -o model --tied=perhaps
expect_usage "--tied"
run train write text -o model --no-tied=true
expect_usage "--no-tied takes no value"
run train write text -o model --no-layers
expect_usage "unknown flag --no-layers"
run train write text -o model --quiet=yes
expect_usage "--quiet takes no value"
run train write text -o model -qh
expect_usage "-q takes no value"
expect_no_file model

# Settings that contradict each other, or that mean nothing for what was asked: before anything is made.
contradictory() {
  run train write text -o model "$@"
  expect_status 2
  expect_err "see inkstone"
  expect_silent_out
  [ ! -e model/config.json ] || flunk "nothing should be made"
}
contradictory --batch 4 --batch-tokens 512
expect_err "--batch-tokens"
contradictory --momentum 0.9
expect_err "--optimizer muon"
contradictory --steps 10 --epochs 2
expect_err "--epochs"
contradictory --budget 1m --steps 10
expect_err "--budget"
contradictory --valid text --holdout 0.2
expect_err "--holdout"
contradictory --separator % --documents line
expect_err "--documents"
contradictory --resume --overwrite
expect_err "--overwrite"
contradictory --from model --vocab 300
expect_err "--vocab"
contradictory --from model --arch gpt2
expect_err "--arch"
contradictory --from model --encoder-layers 3 --activation gelu
expect_err "--from and --encoder-layers contradict each other"
contradictory --from model --activation gelu
expect_err "--from and --activation contradict each other"
contradictory --from model --normalize nfkc
expect_err "--from and --normalize contradict each other"
contradictory --columns 1,2
expect_err "--columns applies to pairs and conversations, but \`train write\` learns from running text: leave it out"
contradictory --bpe-dropout 0.1
expect_err "--bpe-dropout applies to pairs"
contradictory --beam 3
expect_err "--beam applies to pairs"
for flag in "--documents line" "--separator %" "--windows document"; do
  run train translate text -o model $flag
  expect_usage "${flag% *} applies to running text, but \`train translate\` learns from pairs and conversations: leave it out"
done
contradictory --tokenizer-from tokenizer.json --tokenizer bpe
expect_err "--tokenizer-from"
contradictory --tokenizer-from tokenizer.json --lowercase
expect_err "--tokenizer-from and --lowercase contradict each other"
expect_no_file model
contradictory --heads 3 --width 64
expect_err "a width of 64 cannot be divided among 3 heads"
contradictory --kv-heads 3 --heads 4
expect_err "4 heads cannot share 3 key/value heads"
contradictory --kv-heads 2 --heads 4 --arch gpt2
expect_err "--kv-heads"
contradictory --heads 4 --arch lstm
expect_err "--heads"
contradictory --ffn 64 --arch gru
expect_err "--ffn"
contradictory --rope-theta 5000 --arch gpt2
expect_err "--rope-theta"
contradictory --accumulate 3 --batch 4
expect_err "--accumulate"
contradictory --warmup 20 --steps 10
expect_err "--warmup"
rm -rf model

run write "The moon"
expect_usage "-m MODEL is missing"
run write -m model the moon
expect_usage "quotes"
run write -m model --temperature -1 moon
expect_usage "--temperature: -1 is out of range"
run write -m model -n 0 moon
expect_usage "-n (--samples): 0 is out of range"
run eval -m model
expect_usage "too few arguments"
run info
expect_usage "too few arguments"
run info a b
expect_usage 'unexpected argument "b"'
run bench
expect_usage "train|generate|ops|machine"
run bench opps
expect_usage 'did you mean "ops"?'
run tokenizer train text
expect_usage "-o TOKENIZER is missing"

# Everything after "--" is no flag; a value may be attached, or look like a number below zero.
run train write --output=model -- -x
expect_failure "-x"
run write -m nowhere --frequency-penalty -0.5 -n2 -- --moon
expect_failure "nowhere"
run write --model=nowhere --top_p=0.5 moon # as keys of a recipe are spelled
expect_failure "nowhere"

# --help wins over what else would be wrong.
run train write --help
expect_status 0
run write -h
expect_status 0
finish
