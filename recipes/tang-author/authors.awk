# Writes author and verses of the twenty authors with the most poems; one of equal poems is kept.
BEGIN { FS = "\t" }

NF == 3 && $2 !~ /^(不详|无名氏)$/ && !($3 in seen) {
  seen[$3]
  n++
  author[n] = $2
  verses[n] = $3
  poems[$2]++
}

END {
  for (rank = 1; rank <= 20; rank++) {
    best = ""
    for (name in poems)
      if (!(name in chosen) && (best == "" || poems[name] > poems[best] || (poems[name] == poems[best] && name < best))) best = name
    chosen[best]
  }
  for (i = 1; i <= n; i++) {
    if (!(author[i] in chosen)) continue
    hash = bucket(verses[i], 10)
    part = hash == 0 ? "test" : hash == 1 ? "valid" : "train"
    if (!count[part]++) print "label\ttext" >(data "/" part ".tsv")
    print author[i] "\t" verses[i] >(data "/" part ".tsv")
  }
  printf "%s: %d poems to learn from, %d to choose by, %d to test with\n", data, count["train"], count["valid"], count["test"]
}
