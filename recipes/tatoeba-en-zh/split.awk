# Splits cmn.txt (read twice) by English sentence: all translations of a sentence are on one side, and so are sentences that
# differ in case and punctuation only. A pair of which the Chinese is held out too, beside other English, is dropped from what
# comes earlier in train, valid, test: then the same split is fair in both directions.

function part_of(english,    b) {
  b = bucket(key(english), 1000)
  return b < 44 ? "test" : b < 66 ? "valid" : "train"
}

function stop(message) {
  failed = 1
  printf "%s:%d: %s\n", FILENAME, FNR, message >"/dev/stderr"
  exit 1
}

BEGIN { FS = "\t" }

{ sub(/\r$/, "") }
FNR == 1 { sub(/^\357\273\277/, "") } # the byte-order mark
FNR == 1 { pass++ }
/^$/ { next }
NF < 2 || $1 == "" || $2 == "" { stop("not English TAB Chinese") }

pass == 1 {
  part = part_of($1)
  if (part != "train") held_out[part, key($2)]
  next
}

{ part = part_of($1); chinese = key($2) }
seen[$1, $2]++ { repeated++; next }
part != "test" && ("test", chinese) in held_out { dropped[part]++; next }
part == "train" && ("valid", chinese) in held_out { dropped[part]++; next }

{
  source = direction == "en-zh" ? $1 : $2
  target = direction == "en-zh" ? $2 : $1
  pairs[part]++
}
part != "test" { print source "\t" target >(data "/" part ".tsv"); next }
!(source in references) { test[++tests] = source }
{ reference[source, references[source]++] = target }

END {
  if (failed) exit 1
  for (i = 1; i <= tests; i++) {
    source = test[i]
    print source >(data "/test.src")
    for (j = 0; j < 4; j++) print reference[source, j < references[source] ? j : 0] >(data "/test.ref" j)
    if (references[source] > 4) more++
    if (references[source] > 1) several++
  }
  printf "%s: %d pairs to learn from, %d to choose by, %d of %d sources to test with\n", data, pairs["train"], pairs["valid"],
      pairs["test"], tests
  printf "dropped: %d repeated pairs; %d of train and %d of valid whose Chinese is held out\n", repeated, dropped["train"],
      dropped["valid"]
  printf "%d sources of the test have several references, %d more than four\n", several, more
}
