#!/bin/sh
# Prints hashes of what a build computes: weights after 20 updates, generated texts, beams with scores, and the weights of a
# killed and resumed run, for every architecture and task, on every instruction set of this machine. To check that two builds
# compute the same bits, compare their lists:
#
#   sh scripts/fingerprints.sh OLD/inkstone >old; sh scripts/fingerprints.sh >new; diff old new
#
#   sh scripts/fingerprints.sh [INKSTONE]      default build/release/inkstone; prints lines "ISA ARCH TASK WHAT HASH"
set -eu
inkstone=${1-$(dirname "$0")/../build/release/inkstone}
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT

awk -v here="$here" 'BEGIN {
  count = split("ink stone brush paper river moon wind old green writes reads under over the a and 山 水 月 墨", w, " ")
  x = 12345
  for (i = 0; i < 600; i++) {
    line = back = ""
    for (k = 0; k < 6; k++) {
      x = (x * 1103 + 12345) % 65536
      word = w[int(x / 7) % count + 1]
      line = line (k ? " " : "") word
      back = word (k ? " " : "") back
    }
    print line "." >(here "/text")
    print line "\t" back >(here "/pairs.tsv")
    print line "?\n" back ".\n" >(here "/turns")
  }
}'

hash() { sha256sum | cut -c1-16; }
say() { printf '%s %s\n' "$*" "$(hash)"; }

# fingerprint ARCH TASK FILE [FLAGS]: the hashes of one network trained for one task
fingerprint() {
  arch=$1 task=$2 file=$here/$3 model=$here/model
  shift 3
  exec_train() { # DIRECTORY FLAGS: replaces the shell, so that a signal reaches the program
    exec "$inkstone" train "$task" "$file" -o "$@" --arch "$arch" --size nano --layers 2 --context 48 --batch 8 --steps 20 \
      --eval-every 10 --checkpoint-every 5 --dropout 0.1 --sample-tokens 0 --threads 2 --quiet >"$here/err" 2>&1
  }
  train() { (exec_train "$@"); }
  rm -rf "$here/model" "$here/part"
  train "$model" "$@" || { echo "$name: training fails: $(cat "$here/err")" >&2; exit 1; }
  cat "$model/model.safetensors" | say "$name weights"
  exec_train "$here/part" "$@" & # killed at any instant and resumed, it must give the same weights
  sleep 0.2
  kill -9 $! 2>/dev/null || true
  wait $! 2>/dev/null || true
  train "$here/part" --resume "$@" || { rm -rf "$here/part"; train "$here/part" "$@"; }
  cat "$here/part/model.safetensors" | say "$name resumed"
  case $task in
    write)
      "$inkstone" write -m "$model" "the old moon" --greedy --max-tokens 60 --json -q 2>/dev/null | say "$name greedy"
      "$inkstone" write -m "$model" "the old moon" -n 3 --seed 7 --max-tokens 60 --json -q 2>/dev/null | say "$name drawn"
      "$inkstone" eval -m "$model" "$file" --json -q 2>/dev/null | grep -v seconds | say "$name eval" ;;
    *)
      head -n 12 "$here/$source" | cut -f1 >"$here/inputs"
      "$inkstone" "$task" -m "$model" -i "$here/inputs" --beam 4 --n-best 2 --max-tokens 20 --json -q 2>/dev/null | say "$name beam"
      "$inkstone" "$task" -m "$model" -i "$here/inputs" --sample --seed 7 --max-tokens 20 --json -q 2>/dev/null | say "$name drawn" ;;
  esac
}

for isa in scalar avx2 avx512; do
  INKSTONE_ISA=$isa "$inkstone" bench machine --json 2>/dev/null | grep -q "\"$isa\"" || continue
  export INKSTONE_ISA=$isa
  for arch in llama gpt2 lstm gru; do
    name="$isa $arch write" source=text
    fingerprint $arch write text --tokenizer bpe --vocab 300
  done
  for arch in marian bart mbart seq2seq llama gpt2 lstm; do
    name="$isa $arch translate" source=pairs.tsv
    fingerprint $arch translate pairs.tsv --tokenizer bpe --vocab 300
  done
  name="$isa seq2seq-lstm translate" source=pairs.tsv
  fingerprint seq2seq translate pairs.tsv --tokenizer bpe --vocab 300 --cell lstm --attention multiplicative
  name="$isa marian summarize" source=pairs.tsv
  fingerprint marian summarize pairs.tsv --tokenizer char --vocabularies separate --optimizer muon --mix 2
  for arch in llama marian gru; do
    name="$isa $arch reply" source=turns
    fingerprint $arch reply turns --tokenizer bpe --vocab 300 --checkpoint-activations
  done
done
