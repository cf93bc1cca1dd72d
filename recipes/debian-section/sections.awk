# Writes the section and the synopsis of each package of `apt-cache dumpavail`.

function finish() {
  if (section != "" && length(synopsis) >= 10 && !(synopsis in seen)) {
    seen[synopsis]
    n++
    label[n] = section
    text[n] = synopsis
    family[n] = source != "" ? source : package
    size[section]++
  }
  package = source = section = synopsis = ""
}

/^Package: / { package = $2 }
/^Source: / { source = $2 }
/^Section: / { section = $2; sub(/.*\//, "", section) }
/^Description(-en)?: / { synopsis = $0; sub(/^[^:]*: */, "", synopsis); gsub(/\t/, " ", synopsis) }
/^$/ { finish() }

END {
  finish()
  for (i = 1; i <= n; i++) {
    if (size[label[i]] < 100) continue
    hash = bucket(family[i], 10)
    part = hash == 0 ? "test" : hash == 1 ? "valid" : "train"
    if (!count[part]++) print "label\ttext" >(data "/" part ".tsv")
    print label[i] "\t" text[i] >(data "/" part ".tsv")
  }
  for (name in size) sections += size[name] >= 100
  printf "%s: %d sections; %d texts to learn from, %d to choose by, %d to test with\n", data, sections, count["train"], count["valid"], count["test"]
}
