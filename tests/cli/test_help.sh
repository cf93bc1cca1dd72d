# Help, version, man pages and completion, all from the tables of the commands.
. "$(dirname "$0")/lib.sh"

# One command per line: "tokenizer train".
sed -n 's/^COMMAND(\(.*\))$/\1/p' "$SOURCE/src/cli/commands.def" | tr _ ' ' >commands
[ "$(wc -l <commands)" -gt 10 ] || flunk "too few commands were looked for"

run
expect_status 0
expect_silent_err
for text in "a first try" --help; do expect_out "$text"; done
while read -r command; do grep -q "^ *$command  " out || flunk "the overview lacks $command"; done <commands
cp out overview
for flag in --help -h help; do
  run "$flag"
  expect_same out overview
done

run --version
expect_status 0
version=$(sed -n 's/^#define INK_VERSION "\(.*\)"/\1/p' "$SOURCE/include/inkstone.h")
[ "$(cat out)" = "inkstone $version" ] || flunk "expected version $version"

while read -r command; do
  run $command --help
  expect_status 0
  expect_silent_err
  expect_out "usage: inkstone $command"
  expect_out "examples:"
  expect_out "--help"
  awk 'length > 100 { exit 1 }' out || flunk "a line is longer than 100 columns"
  cp out page
  run $command -h
  expect_same out page
  run help $command
  expect_same out page
  if command -v mandoc >/dev/null 2>&1; then
    run help --man "$command"
    expect_status 0
    last="mandoc -Tlint of $command"
    # pages that are not installed are the only thing it may miss
    mandoc -Tlint out 2>&1 | grep -v 'referenced manual not found' >err && flunk "the man page has faults"
    mandoc -Tutf8 out >page.txt 2>/dev/null
    grep -q "EXIT STATUS\|E.*X.*I.*T" page.txt || flunk "no page came out"
  else skip_part "no mandoc"; fi
done <commands

# Every setting of the library is explained, with its range of words and its default.
run train --help
grep -ho 'SETTING([A-Z]*, [a-z_0-9]*' "$SOURCE"/src/models/settings.def "$SOURCE"/src/train/settings.def \
  "$SOURCE"/src/data/settings.def "$SOURCE"/src/text/settings.def "$SOURCE"/src/base/general.def |
  sed 's/.* //; s/_/-/g' >names
[ "$(wc -l <names)" -gt 40 ] || flunk "too few settings were looked for"
while read -r name; do expect_out "$name"; done <names
expect_out "llama, gpt2, "
expect_out "[llama]"
expect_out "--[no-]tied"
run write --help
expect_out "-n, --samples"

run tokenizer
expect_status 0
expect_out "tokenizer encode"
run help tokenizer
expect_status 0
run help --man inkstone
expect_status 0
expect_out ".Xr inkstone-tokenizer-train 1"
run help --man train
expect_out 'With \-\-budget' # a hyphen would not be found by who searches for the flag

# Its Chinese: the headings, too, by which groff still knows the sections that it lays out.
export INKSTONE_LANG=zh
run help --man train
unset INKSTONE_LANG
expect_out ".Sh 名称"
if command -v groff >/dev/null 2>&1; then
  groff -K utf8 -T utf8 -mdoc out >page.txt 2>/dev/null
  grep -q 'INKSTONE-TRAIN(1)' page.txt || flunk "groff prints no head line"
else skip_part "no groff"; fi

run help --completion fish
expect_status 0
if command -v fish >/dev/null 2>&1; then
  cp out completion.fish
  last="fish completion"
  complete_fish() { fish --no-config -c "source completion.fish; complete -C '$1'" 2>err | cut -f 1 >out; }
  complete_fish "inkstone tr" && expect_out train
  complete_fish "inkstone train " && expect_out summarize
  complete_fish "inkstone train write x --arch " && expect_out marian
  complete_fish "inkstone tokenizer enc" && expect_out encode
  complete_fish "inkstone write --temp" && expect_out --temperature
else skip_part "no fish"; fi
run help --completion zsh
expect_status 0
if command -v zsh >/dev/null 2>&1; then
  cp out completion.zsh
  last="zsh completion"
  cat >complete.zsh <<'END'
autoload -U compinit && compinit -u -D
. ./completion.zsh
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
compgen -F _inkstone -- "${@[-1]}" # as zsh's bashcompinit calls it
END
  zsh -f complete.zsh inkstone train write x --arch "" >out 2>err
  expect_out marian
  zsh -f complete.zsh inkstone tr >out 2>err
  expect_out train
  zsh -f complete.zsh inkstone write --temp >out 2>err
  expect_out --temperature
  # As a file of $fpath: already the first press of TAB, which loads it, completes.
  mkdir functions
  cp completion.zsh functions/_inkstone
  cat >press.zsh <<'END'
zmodload zsh/zpty
zpty shell "zsh -f -i"
zpty -w shell "fpath=($PWD/functions \$fpath); autoload -U compinit; compinit -u -D; print read''y"
zpty -r -m shell line "*ready*"
zpty -w -n shell $'inkstone train write x --arch mari\t'
zpty -r -m shell line "*marian*" && print completed
END
  timeout 60 zsh -f press.zsh >out 2>err
  expect_out completed
else skip_part "no zsh"; fi

run help --completion bash
expect_status 0
if command -v bash >/dev/null 2>&1; then
  cp out completion
  cat >complete.sh <<'END'
. ./completion
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_inkstone
echo "${COMPREPLY[@]}"
END
  completes() { # EXPECTED WORD...
    wanted=$1
    shift
    last="completion of: $*"
    bash complete.sh "$@" >out 2>err
    status=$?
    [ "$(cat out)" = "$wanted" ] || flunk "expected: $wanted"
    expect_silent_err
  }
  completes "tokenizer" inkstone tok
  completes "train encode decode" inkstone tokenizer ""
  completes "write translate summarize reply classify prefer" inkstone train ""
  completes "--arch" inkstone train write --arc
  completes "llama lstm" inkstone train write --arch l
  completes "seq2seq" inkstone train write --arch = seq
  completes "ops" inkstone bench o
  completes "--no-tied" inkstone train write --no-ti
  completes "" inkstone write -m "" # files
else skip_part "no bash"; fi

# Help lists only the flags that work for the command; sampling needs --sample where texts are searched for.
for command in translate summarize reply chat eval; do
  run $command --help
  expect_status 0
  for flag in stop samples ignore-end special-tokens greedy; do
    ! grep -q -e "--$flag\b" out || flunk "--$flag does not work for $command"
  done
  expect_out "sampling (only with --sample; --repetition-penalty and --max-tokens always):"
  for flag in temperature top-p max-tokens sample beam; do expect_out "--$flag"; done
done
run chat --help
! grep -q -e "--n-best" out || flunk "chat prints one reply"
run write --help
for flag in stop samples ignore-end special-tokens greedy; do expect_out "--$flag"; done
grep -qx "sampling:" out || flunk "write samples"
run translate -m nowhere --greedy x
expect_usage "--greedy is a flag of \`write\` and \`explain\`, not of \`translate\`"
# A command and its task, as on its command line.
for words in "train write" "bench all"; do
  run $words --help && cp out wanted
  run help $words
  expect_status 0
  expect_same out wanted
done
run help train nonsense
expect_usage "nonsense"
finish
