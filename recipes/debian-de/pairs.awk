# After families.awk: pairs each paragraph, and the synopsis, with its translation. What an earlier part of test, valid, train has,
# but for digits, case and punctuation, a later one leaves out.

function add(english, german) {
  if (english == german) { same++; return }
  pairs++
  english_of[pairs] = english
  german_of[pairs] = german
  number[pairs] = i
}

kind == "de" {
  package = value("Package")
  md5 = value("Description-md5")
  if (!((package, md5) in number_of)) { unknown++; next }
  i = number_of[package, md5]
  read_description()
  add(english_synopsis[i], synopsis)
  count = split(english_text[i], english, "\n")
  if (count != split(text, german, "\n")) { uneven++; next }
  for (j = 1; j <= count; j++) add(english[j], german[j])
}

END {
  split("test valid train", order, " ")
  for (o = 1; o <= 3; o++) write_part(order[o])
  printf "%s: %d pairs to learn from, %d to choose by, %d to test with\n", data, written["train"], written["valid"], written["test"]
  printf "dropped: %d not translated, %d repeated, %d held out too; paragraphs of %d packages that have more or fewer in German\n",
      same, repeated, leaked, uneven
}

function write_part(part,    i, k) {
  for (i = 1; i <= pairs; i++) {
    if (part_of(number[i]) != part) continue
    k = digitless(english_of[i])
    if (k in first) { if (first[k] == part) repeated++; else leaked++; continue }
    first[k] = part
    written[part]++
    print english_of[i] "\t" german_of[i] >(data "/" part ".tsv")
    if (part != "test") continue
    print english_of[i] >(data "/test.src")
    print german_of[i] >(data "/test.ref")
  }
}
