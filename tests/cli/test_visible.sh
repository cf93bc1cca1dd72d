# What comes from outside may hold what controls a terminal: names of files, models' texts, a card's words.
. "$(dirname "$0")/lib.sh"
escape=$(printf '\033')
expect_no_escape() { ! grep -q "$escape" "$1" || flunk "an escape sequence in $1"; }

run info "no${escape}[31mmodel"
expect_failure "no^[[31mmodel"
expect_no_escape err
run info "no$(printf '\302\233')31mmodel"
expect_failure "no?31mmodel"

text_of 300 >text
cp text "te${escape}[2Jxt"
train_small model "te${escape}[2Jxt"
expect_status 0
expect_no_escape err
run info model
expect_out "te^[[2Jxt"
expect_no_escape out
run info model --json
expect_json out

# What an untrained model made up is no prompt to try; what was held out of pairs is.
run train write text -o tried --tokenizer char --size nano --context 32 --batch 8 --steps 60 --lr 1e-2 --warmup 5 --eval-every 30 --sample-tokens 20 --threads 1
expect_err "inkstone write -m tried"
! grep -q 'write -m tried "' err || flunk "a made-up prompt is proposed"

# Bytes that are no characters end in a sentence, in the prompt too.
run write -m model "$(printf 'caf\351')"
expect_failure "the text given" "not UTF-8"
printf 'caf\351\n' | "$INKSTONE" write -m model - >out 2>err
expect_err "UTF-8"

# Text that ends within a character is whole all the same, and the model's bytes are not: U+FFFD.
for n in 1 2 3 4 5; do
  run write -m model --max-tokens $n --seed $n --temperature 9 --top-p 1 --continuation 山
  expect_status 0
  iconv -f UTF-8 -t UTF-8 out >/dev/null 2>&1 || flunk "what is written is UTF-8"
done

# At a terminal nothing that a model writes moves the cursor; in a file it is as the model wrote it.
python3 -c 'import pty' 2>/dev/null || { skip_part "no python3 to make a terminal"; finish; }
run write -m model --max-tokens 1 "a${escape}[2Jb"
grep -q "a${escape}\[2Jb" out || flunk "in a file the text stays as it is"
last="write at a terminal"
python3 - "$INKSTONE" <<'END' >out 2>err || flunk "the terminal"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "write", "-m", "model", "--max-tokens", "1", "-q", "a\x1b[2Jb"])
seen = b""
try:
    while part := os.read(terminal, 4096): seen += part
except OSError: pass
os.waitpid(child, 0)
assert b"a^[[2Jb" in seen and b"\x1b" not in seen, seen
END
finish
