# Conversations of test, dev and train, in this order; the Chinese lies beside each English file. What an earlier part has, in
# either language, a later one leaves out, so both languages have the same conversations.

BEGIN { FS = "\t"; MARK = "__eou__" }

function stop(message) {
  failed = 1
  printf "%s:%d: %s\n", FILENAME, FNR, message >"/dev/stderr"
  exit 1
}

# The turns without spaces around the marks, and no mark at the end; columns after the first are topics and labels.
function conversation(line) {
  sub(/\t.*/, "", line)
  gsub(/[ \r]*__eou__[ ]*/, " __eou__ ", line)
  sub(/( __eou__ )+$/, "", line)
  gsub(/^ +| +$/, "", line)
  return line
}

FNR == 1 { # the turns of a part are held out from the next part on
  part = ++parts == 1 ? "test" : parts == 2 ? "valid" : "train"
  while (waits) remember_turns(waiting[waits--], MARK)
  other = FILENAME
  sub(/en\.txt$/, "zh.txt", other)
}

{
  if ((getline line <other) <= 0) stop("has no line beside it in " other)
  english = conversation($0)
  chinese = conversation(line)
  if (split(english, turns, MARK) != split(chinese, turns, MARK)) { uneven++; next }
  if (split(english, turns, MARK) < 2) { single++; next }
  e = "en " key(english)
  z = "zh " key(chinese)
}
e in part_of { again[part, part_of[e]]++; next }
z in part_of { again[part, part_of[z]]++; next }
part != "test" && shares_turns(english, MARK) { near[part]++; next }
{
  part_of[e] = part_of[z] = part
  if (part != "train") waiting[++waits] = english
  print language == "en" ? english : chinese >(data "/" part ".txt")
  count[part]++
}

END {
  if (failed) exit 1
  printf "%s: %d conversations to learn from, %d to choose by, %d to test with\n", data, count["train"], count["valid"],
      count["test"]
  printf "dropped from train: %d repeated, %d in test, %d in valid, %d nearly so\n", again["train", "train"],
      again["train", "test"], again["train", "valid"], near["train"]
  printf "dropped from valid: %d repeated, %d in test, %d nearly so; from test: %d repeated\n", again["valid", "valid"],
      again["valid", "test"], near["valid"], again["test", "test"]
  printf "dropped: %d with other numbers of turns in English and Chinese, %d of one turn\n", uneven, single
}
