# Text that cannot be learnt from: an error that names the file, the place and the mend; nothing is made.
. "$(dirname "$0")/lib.sh"
text_of 200 >good

learn() { run train write "$@" -o model --threads 1 --size nano --tokenizer byte --context 32 --batch 4 --steps 2 --sample-tokens 0; }

learn nowhere.txt
expect_failure "nowhere.txt"
learn good nowhere.txt
expect_failure "nowhere.txt"
mkdir folder
learn folder
expect_failure "folder" "directory"
: >empty.txt
learn empty.txt
expect_failure "empty.txt" "empty"
head -c 4096 /dev/urandom >binary.bin
printf '\177ELF\002\001\001\000\000\000' | cat - binary.bin >program
learn program
expect_failure "program"
printf '\377\376T\000h\000e\000' >utf16.txt
learn utf16.txt
expect_err "utf16.txt: converted from UTF-16"
printf '\376\377\000T\000h\000e' >utf16be.txt
learn utf16be.txt
expect_err "utf16be.txt: converted from UTF-16"
{ cat good; printf 'caf\351 au lait\n'; cat good; } >latin1.txt
learn latin1.txt
expect_failure "latin1.txt" "201" "--invalid replace"
learn latin1.txt --invalid replace
expect_status 0
expect_err "warning"
expect_err "latin1.txt"
rm -rf model
{ cat good; printf 'a\000b\n'; } >nul.txt
learn nul.txt
expect_failure "nul.txt" "NUL"
printf 'short\n' >short.txt
learn short.txt
expect_failure "short.txt" "context" "--context"
expect_no_file model/config.json

# these are fine, and the first two are said
{ printf '\357\273\277'; cat good; } >bom.txt
learn bom.txt
expect_status 0
rm -rf model
sed 's/$/\r/' good >crlf.txt
learn crlf.txt
expect_status 0
run tokenizer encode -m model "$(printf 'a\r\nb')"
expect_status 0
rm -rf model

# A text that is one line, without any space, of 64 MB.
awk 'BEGIN { for (i = 0; i < 640000; i++) printf "%s", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678" i % 10 }' >line
run tokenizer train line -o tokenizer.json --vocab 300 --memory 64M
expect_status 0
expect_file tokenizer.json
learn line --holdout 0
expect_status 0
rm -rf model line

# A hole of zeros, as a crash may leave one at the end of a file: the first of them is named.
cp good hole.txt
truncate -s 100M hole.txt
learn hole.txt
expect_failure "hole.txt" "NUL" "byte $(($(wc -c <good) + 1)) is NUL"
expect_no_file model/config.json
rm hole.txt

# Unreadable, and a file that is a pipe.
if is_root && ! command -v setpriv >/dev/null 2>&1; then skip_part "unreadable files: root reads everything"
else
  chmod 000 good
  chmod 777 .
  if is_root; then
    last="train as nobody"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$INKSTONE" train write good -o model2 >out 2>err </dev/null
    status=$?
  else run train write good -o model2; fi
  expect_failure "good" "denied"
  chmod 644 good
fi
mkfifo pipe
cat good >pipe &
learn pipe
expect_status 0
wait
finish
