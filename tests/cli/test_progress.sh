# News of a run: plain lines where stderr is no terminal, one redrawn line that fits where it is one.
. "$(dirname "$0")/lib.sh"
{ text_of 300; printf '明月松間照清泉石上流\n'; } >text
flags="--threads 1 --size nano --tokenizer char --context 32 --batch 4 --steps 40 --eval-every 10 --sample-every 20 --sample-tokens 40"
run train write text -o model $flags --sample-prompt "明月"
expect_status 0
expect_err "step 10: loss"
expect_err "valid loss"
expect_err "│ "
expect_err "model is ready"
! grep -q "$(printf '\033\|\r')" err || flunk "control characters where there is no terminal"

command -v python3 >/dev/null 2>&1 || {
  skip_part "no python3 to play the terminal"
  finish
}
cat >terminal.py <<'END'
import fcntl, os, pty, re, struct, sys, termios, unicodedata
width, command = int(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    os.execv(command[0], command)
seen = b""
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    seen += piece
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
redrawn = re.findall(r"\r([^\r\n]+)\x1b\[K", seen.decode())
columns = lambda s: sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in s)
print("status", status)
print("redrawn", "yes" if redrawn else "no")
print("fits", "yes" if all(columns(s) < width for s in redrawn) else "no")
print("whole", "yes" if "�" not in seen.decode(errors="replace") else "no")
print("bar", "yes" if any("█" in s or "░" in s for s in redrawn) else "no")
END
for width in 120 80 40; do
  last="training on a terminal of $width columns"
  python3 terminal.py $width "$INKSTONE" train write text -o model$width --steps 600 --sample-tokens 10 --size nano --threads 1 \
    --tokenizer char --context 32 --batch 8 >out 2>err
  status=$?
  for line in "status 0" "redrawn yes" "fits yes" "whole yes" "bar yes"; do expect_out "$line"; done
done
last="quiet training on a terminal"
python3 terminal.py 80 "$INKSTONE" train write text -o model1 $flags -q >out 2>err
expect_out "redrawn no"
finish
