# Disks that are full or may not be written: said with the path, and what was there stays.
. "$(dirname "$0")/lib.sh"
text_of 300 >text

# A limit on the size of files stands for a full disk.
train_small model text
expect_status 0
cp -r model before
last="train with files of at most 100 KiB"
(
  ulimit -f 200
  "$INKSTONE" train write text -o model --overwrite --size tiny --tokenizer byte --context 32 --batch 2 --steps 4 \
    --sample-tokens 0 >out 2>err
)
status=$?
expect_status 1
expect_err "model"
expect_silent_out

last="a tokenizer on a full disk"
(
  ulimit -f 1
  "$INKSTONE" tokenizer train text -o tokenizer.json --vocab 400 >out 2>err
)
status=$?
expect_failure "tokenizer.json"
expect_no_file tokenizer.json

# A small file system, where we may make one: training stops when it is full, and goes on when there is room.
if is_root && mkdir disk && mount -t tmpfs -o size=4m tmpfs disk 2>/dev/null; then
  trap 'umount "$folder/disk"; rm -rf "$folder"' EXIT
  train_small disk/model text
  expect_status 0
  "$INKSTONE" write -m disk/model --greedy --max-tokens 20 The >first 2>err
  head -c 10000000 /dev/zero >disk/filler 2>/dev/null
  run train write -o disk/model --resume --steps 16
  expect_failure "disk/model" "space"
  rm disk/filler
  run write -m disk/model --greedy --max-tokens 20 The # the model of before is whole
  expect_status 0
  expect_same out first
  run train write -o disk/model --resume --steps 16
  expect_status 0
else skip_part "no tmpfs can be mounted here"; fi

# No permission.
mkdir closed
chmod 555 closed
as_user() {
  last="inkstone $* (not as root)"
  if is_root; then setpriv --reuid=65534 --regid=65534 --clear-groups "$INKSTONE" "$@" >out 2>err </dev/null
  else "$INKSTONE" "$@" >out 2>err </dev/null; fi
  status=$?
}
if is_root && ! command -v setpriv >/dev/null 2>&1; then skip_part "no permission: root may do everything"
else
  chmod 755 .
  as_user train write text -o closed/model --size nano --steps 2
  expect_failure "closed/model" "denied"
  as_user tokenizer train text -o closed/tokenizer.json
  expect_failure "closed" "denied"
fi
run train write text -o text
expect_failure "text"
run tokenizer train text -o nowhere/tokenizer.json
expect_failure "nowhere"
finish
