# inkstone chat: a conversation from a script and at a terminal.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { for (i = 0; i < 40; i++) printf "hello\nhi there\nhow are you\nfine thanks\n\n你好\n你好吗\n再见\n再见了\n\n" }' >talk.txt
small="--threads 1 --size nano --context 64 --tokenizer byte --batch 4 --steps 6 --eval-every 3 --sample-tokens 0"
run train reply talk.txt -o model --arch llama $small
expect_status 0

run_with_input "hello
how are you
/save talk.jsonl
/undo
/save talk.jsonl
/system Be kind.
你好
/save talk.jsonl
/reset
/save talk.jsonl
" chat -m model --commands --max-tokens 5 -q
expect_status 0
expect_silent_err
expect_json_lines talk.jsonl
[ "$(wc -l <talk.jsonl)" -eq 4 ] || flunk "/save adds a line each time"
[ "$(sed -n 1p talk.jsonl | grep -o '"role":"[a-z]*"' | tr -d '\n')" = \
  '"role":"user""role":"assistant""role":"user""role":"assistant"' ] || flunk "the turns alternate"
[ "$(sed -n 2p talk.jsonl | grep -o '"role"' | wc -l)" -eq 2 ] || flunk "/undo takes back a turn and its reply"
sed -n 3p talk.jsonl | grep -q '^{"messages":\[{"role":"system","content":"Be kind."},{"role":"user","content":"你好"},' ||
  flunk "/system begins anew"
[ "$(sed -n 4p talk.jsonl)" = '{"messages":[]}' ] || flunk "/reset forgets"

# the last line needs no end; the first reply is the one that `reply` gives
printf hello >input
"$INKSTONE" chat -m model --max-tokens 5 <input >out 2>err
cp out chatted
run reply -m model --max-tokens 5 hello
expect_same out chatted

run_with_input "hello
/quit
hello
" chat -m model --commands --max-tokens 5
expect_status 0
expect_err "note: the reply reached the maximum length before its end: see --max-tokens"
expect_same out chatted

wrong() {
  run_with_input "$1
hello
" chat -m model --commands
  expect_failure "$2"
}
wrong /nonsense "unknown command /nonsense"
wrong /save "no file is given"
wrong /undo "/undo: there is no turn to remove"
wrong "/save /nowhere/file" "/nowhere/file: cannot write"
cp model/config.json config.before
wrong "/save model/config.json" "a file of the model, which would be overwritten"
cmp model/config.json config.before || flunk "/save wrote into the model"
wrong "/save talk.txt" "exists and is no file of conversations"

# a program reads a line for each line that it wrote, whatever they hold
awk 'BEGIN { for (i = 0; i < 60; i++) printf "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"a\\nb\"}]}\n", i % 2 ? "hello" : "你好" }' >breaks.jsonl
run train reply breaks.jsonl -o breaks --arch llama --holdout 0 --threads 1 --size nano --context 64 --tokenizer byte --batch 8 \
  --steps 60 --lr 3e-3 --sample-tokens 0
run_with_input "hello
/reset

你好" chat -m breaks --max-tokens 5 --beam 1
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || flunk "a line for each line, where replies hold line breaks and turns begin with /"
[ -z "$(sed -n 3p out)" ] || flunk "an empty line for an empty one"
[ "$(sed -n 4p out)" = "a b" ] || flunk "the line break became a space"

# Turns from a pipe are read as all text is: in another encoding, compressed, with a byte-order mark, mended.
run_with_input "你好
hello
" chat -m model --max-tokens 5
cp out wanted
piped() { # FLAGS, with the turns in `turns`
  last="chat $* <turns"
  "$INKSTONE" chat -m model --max-tokens 5 "$@" <turns >out 2>err
  status=$?
  expect_status 0
  expect_same out wanted
}
if command -v iconv >/dev/null; then
  printf '你好\nhello\n' | iconv -f utf-8 -t gb18030 >turns
  piped --encoding gb18030
  printf '你好\nhello\n' | iconv -f utf-8 -t utf-16 >turns
  piped
fi
printf '\357\273\277你好\nhello' >turns
piped
printf '你好\nhello\n' | gzip >turns
piped
run_with_input "$(printf 'a\357\277\275b')" chat -m model --max-tokens 5
cp out wanted
printf 'a\377b' >turns
piped --invalid replace
expect_err "replaced"
run_with_input "$(printf 'a\377b')" chat -m model --max-tokens 5
expect_status 1
expect_err "line 1: byte 2 is not UTF-8: give its --encoding, or --invalid replace"

# So is --system, wherever --encoding stands; a recipe's is UTF-8.
run reply -m model --system "Sé bueno" --max-tokens 5 hello
cp out wanted
latin=$(printf 'S\351 bueno')
run reply -m model --system "$(printf 'x %.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50)" --max-tokens 5 hello
expect_err "--system is longer than the model reads: left out for 1 text"
run reply -m model --system "$latin" --max-tokens 5 hello
expect_failure "--system:1: byte 2 (0xe9) is not UTF-8" "--encoding latin1"
for command in "reply --encoding latin1 --system" "reply -q --system"; do
  set -- $command
  [ "$2" = -q ] && set -- "$@" "$latin" --encoding latin1 || set -- "$@" "$latin"
  run "$@" -m model --max-tokens 5 hello
  expect_status 0
  expect_same out wanted
done
printf 'hello' >turns
piped --system "$latin" --encoding latin1
printf 'encoding: latin1\n' >recipe.yaml
run reply -m model --config recipe.yaml --system "$latin" --max-tokens 5 hello
expect_same out wanted
run reply -m model --system one --system "Sé bueno" --max-tokens 5 hello
expect_err "--system is given more than once: the last value, Sé bueno, is used"
expect_same out wanted

# What stands in the prompt is there: no token of it comes again.
run reply -m breaks --beam 1 --max-tokens 3 a
expect_out a
for beam in 1 3; do
  run reply -m breaks --beam $beam --max-tokens 3 --no-repeat-ngram 1 a
  ! grep -q a out || flunk "the reply repeats a token of the prompt, with a beam of $beam"
done

# A NUL is named as `reply` names it; a wrong command ends a script, which is said.
printf 'a\000b\nhello\n' >nul
"$INKSTONE" chat -m model --max-tokens 5 <nul >out 2>err
status=$?
last="chat <nul"
expect_status 1
expect_err "line 1: byte 2 is NUL, so this is not text"
[ "$(wc -l <out)" -eq 2 ] || flunk "a line for each turn"
printf 'a\000b\n' >nul
"$INKSTONE" reply -m model <nul >out 2>err
expect_err "line 1: byte 2 is NUL, so this is not text"
run_with_input "/nonsense
hello
" chat -m model --commands
expect_err "line 1: unknown command /nonsense: /help lists the commands; the lines after it were not read"

# one bad turn costs that turn; a turn longer than the model reads is heard from its last sentences on
bad=$(printf 'caf\351')
long="$(for i in 1 2 3 4 5 6 7 8 9; do printf 'One of many. '; done)"
run_with_input "hello
$bad
$long
hello" chat -m model --max-tokens 5
expect_status 1
expect_err "line 2: byte 4 is not UTF-8"
expect_err "its beginning was left out"
expect_err "1 of 4 turns"
[ "$(wc -l <out)" -eq 4 ] || flunk "a line for each turn, the bad one's empty"
[ -z "$(sed -n 2p out)" ] || flunk "the bad one's is empty"

# of a conversation that is too long, the instruction stays as long as it can
run_with_input "hello
hello
hello
hello" chat -m model --system "Be kind." --max-tokens 1
expect_status 0
expect_err "the conversation is longer than the model reads: its first 1 turn was left out"
expect_err "its first 3 turns were left out"
expect_not_err "instruction"
run_with_input "hello
One of many." chat -m model --system "Be very, very kind." --max-tokens 1
expect_status 0
expect_err "the system instruction is longer than the model reads: it was left out"
expect_err "its first 2 turns were left out"

text_of 100 >text
train_small writer text
run chat -m writer
expect_usage "inkstone write -m MODEL"

# At a terminal: Chinese characters are edited whole, Ctrl-C gives up a line, twice it ends.
python3 -c 'import pty' 2>/dev/null || { skip_part "no python3 to make a terminal"; finish; }
last="chat at a terminal"
rm -f out err typed.jsonl
python3 - "$INKSTONE" <<'END' >err 2>&1 || flunk "the terminal"
import os, pty, select, sys, time
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    os.execv(sys.argv[1], [sys.argv[1], "chat", "-m", "model", "--max-tokens", "5"])
seen = b""
def read_until(text):
    global seen
    end = time.time() + 20
    while text not in seen:
        if not select.select([terminal], [], [], max(0, end - time.time()))[0]: sys.exit(f"no {text!r} in {seen!r}")
        seen += os.read(terminal, 4096)
    seen = seen[seen.index(text) + len(text):]
def write(text):
    os.write(terminal, text.encode())
read_until(b"> ")
write("你好吗\x7f\r")
read_until(b"\n"); read_until(b"> ")
write("/save typed.jsonl\r")
read_until(b"\n"); read_until(b"> ")
write("given up\x03")
read_until(b"again")
read_until(b"> ")
write("/save typed.jsonl\r")
read_until(b"\n"); read_until(b"> ")
os.write(terminal, b"\xe4\xbd\r") # an incomplete character is left out, the key after it is not
read_until(b"\n"); read_until(b"> ")
write("/help\x13\r") # Ctrl-S does not stop the terminal
read_until(b"/quit"); read_until(b"> ")
write("\x03")
read_until(b"again")
read_until(b"> ")
write("\x03")
try:
    while os.read(terminal, 4096): pass # what closes a terminal waits until all was read
except OSError: pass
assert os.waitpid(child, 0)[1] == 0
END
for line in 1 2; do
  sed -n ${line}p typed.jsonl 2>/dev/null | grep -q '"role":"user","content":"你好"}' || flunk "what was typed, line $line"
done
finish
