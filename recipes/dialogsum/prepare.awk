# Dialogues and summaries from JSON lines: test, dev and train, in this order. What an earlier part has, a later one leaves out.

BEGIN { MARK = "#Person[0-9]+#:" }

# The string that field `name` of the object in `line` has, in one line of UTF-8.
function field(line, name,    text, out, c) {
  if (!match(line, "\"" name "\": *\"([^\"\\\\]|\\\\.)*\"")) stop("no string \"" name "\"")
  text = substr(line, RSTART, RLENGTH - 1)
  sub("^\"" name "\": *\"", "", text)
  out = ""
  while (match(text, /\\./)) {
    out = out substr(text, 1, RSTART - 1)
    c = substr(text, RSTART + 1, 1)
    text = substr(text, RSTART + 2)
    if (c == "u") {
      out = out utf8(text)
      text = substr(text, code_digits + 1)
    } else out = out (c ~ /[nrtbf]/ ? " " : c)
  }
  out = out text
  gsub(/[ \t\r]+/, " ", out)
  gsub(/^ | $/, "", out)
  return out
}

# The character of the four hexadecimal digits at the start of text (or of a surrogate pair: code_digits says how many were used).
function utf8(text,    code) {
  code = hex(substr(text, 1, 4))
  code_digits = 4
  if (code >= 55296 && code < 56320 && substr(text, 5, 2) == "\\u") {
    code = 65536 + (code - 55296) * 1024 + hex(substr(text, 7, 4)) - 56320
    code_digits = 10
  }
  if (code < 128) return sprintf("%c", code)
  if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
  if (code < 65536) return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
  return sprintf("%c%c%c%c", 240 + int(code / 262144), 128 + int(code / 4096) % 64, 128 + int(code / 64) % 64, 128 + code % 64)
}

function hex(digits,    i, value) {
  value = 0
  for (i = 1; i <= length(digits); i++) value = value * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
  return value
}

function stop(message) {
  failed = 1
  sub(/\.tmp$/, "", FILENAME)
  printf "%s:%d: %s\n", FILENAME, FNR, message >"/dev/stderr"
  exit 1
}

FNR == 1 { # the turns of a part are held out from the next part on
  part = ++parts == 1 ? "test" : parts == 2 ? "valid" : "train"
  while (waits) remember_turns(waiting[waits--], MARK)
}
/^$/ { next }

{ dialogue = field($0, "dialogue"); k = key(dialogue) }
part == "test" { # all of it, as published
  print dialogue >(data "/test.src")
  for (i = 1; i <= 3; i++) print field($0, "summary" i) >(data "/test.ref" i)
}
part != "test" {
  summary = field($0, "summary")
  if ((k in part_of) && part_of[k] != part) { leaked[part]++; next }
  if (seen[k, key(summary)]++) { repeated++; next } # another summary of the same dialogue is kept
  if (shares_turns(dialogue, MARK)) { near[part]++; next }
  print dialogue "\t" summary >(data "/" part ".tsv")
}
part != "train" { waiting[++waits] = dialogue }
{ part_of[k] = part; count[part]++ }

END {
  if (failed) exit 1
  printf "%s: %d dialogues to learn from, %d to choose by, %d to test with\n", data, count["train"], count["valid"], count["test"]
  printf "dropped from train: %d that are held out too, %d nearly so; from valid, of test: %d and %d; %d pairs repeated\n",
      leaked["train"], near["train"], leaked["valid"], near["valid"], repeated
}
