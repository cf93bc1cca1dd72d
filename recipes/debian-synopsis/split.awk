# After families.awk: writes the pairs of long description and synopsis of each part.

END {
  for (i = 1; i <= n; i++) {
    source = english_text[i]
    gsub(/\n/, " ", source)
    family = find("stem " stem(package_of[i]))
    if (!(family in size)) families++
    if (++size[family] > size[largest]) largest = family
    if (source == "") { bare++; continue }
    if (twice[digitless(source), digitless(english_synopsis[i])]++) { repeated++; continue }
    part = part_of(i)
    print source "\t" english_synopsis[i] >(data "/" part ".tsv")
    pairs[part]++
    if (part == "test") {
      print source >(data "/test.src")
      print english_synopsis[i] >(data "/test.ref")
    }
  }
  printf "%s: %d pairs to learn from, %d to choose by, %d to test with\n", data, pairs["train"], pairs["valid"], pairs["test"]
  printf "of %d packages: %d without a long description, %d like another but for digits, case and punctuation\n", n, bare, repeated
  printf "%d families; the largest has %d packages (%s, %s)\n", families, size[largest], largest, bucket(largest, 100)
}
