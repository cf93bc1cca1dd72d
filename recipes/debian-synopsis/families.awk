# Reads package lists (kind=packages), their English descriptions (kind=en) and translations (kind=de), and joins packages to
# families that a split must keep together: packages of one source, packages whose names differ in what marks a part of the same
# software (lib, -dev, -data, -l10n-de, versions), and packages that share a long description, or a paragraph of SHARED letters
# or more, or a synopsis of SAME_SYNOPSIS, but for case, digits and punctuation.

BEGIN { RS = ""; FS = "\n"; SHARED = 150; SAME_SYNOPSIS = 25 }

function stem(name) {
  sub(/^(lib|python3-|python-|task-)/, "", name)
  gsub(/-l10n-.*|-i18n-.*|-locale-.*|-lang-.*/, "", name)
  while (sub(/-(dev|doc|docs|dbg|dbgsym|data|common|bin|utils|tools|examples|tests|perl|java|gir[0-9.]*|all|full|extra|plugins|client|server)$/, "", name) ||
         sub(/[-.+0-9~]+[a-z]?$/, "", name)) ;
  gsub(/[0-9.]+/, "", name)
  return name
}

# Disjoint sets of names; the least name of a set stands for it.
function find(name,    root, next_up) {
  if (!(name in up)) up[name] = name
  for (root = name; up[root] != root;) root = up[root]
  for (; name != root; name = next_up) { next_up = up[name]; up[name] = root }
  return root
}

function join(a, b) {
  a = find(a)
  b = find(b)
  if (a < b) up[b] = a
  else up[a] = b
}

function digitless(text) {
  gsub(/[0-9]+/, "", text)
  return key(text)
}

# The paragraphs of a description from line `first` of the record on, each in one line, with line feeds between them.
function paragraphs(first,    i, out, line, gap) {
  out = gap = ""
  for (i = first; i <= NF && $i ~ /^[ \t]/; i++) {
    line = $i
    gsub(/[ \t\r]+/, " ", line)
    gsub(/^ | $/, "", line)
    if (line == ".") gap = out == "" ? "" : "\n"
    else { out = out gap line; gap = " " }
  }
  return out
}

# Fills synopsis and text from the record.
function read_description(    i) {
  text = synopsis = ""
  for (i = 1; i <= NF; i++)
    if ($i ~ /^Description-[a-z][a-z](_[A-Z]+)?: /) {
      synopsis = $i
      sub(/^[^:]*: */, "", synopsis)
      gsub(/[ \t\r]+/, " ", synopsis)
      sub(/ $/, "", synopsis)
      text = paragraphs(i + 1)
    }
}

function value(name,    i) {
  for (i = 1; i <= NF; i++) if (index($i, name ": ") == 1) return substr($i, length(name) + 3)
  return ""
}

kind == "packages" {
  source = value("Source")
  sub(/ .*/, "", source)
  package = value("Package")
  source_of[package] = source == "" ? package : source
  next
}

kind == "en" {
  package = value("Package")
  read_description()
  if (synopsis == "" || (package, value("Description-md5")) in number_of) next
  n++
  number_of[package, value("Description-md5")] = n
  package_of[n] = package
  english_synopsis[n] = synopsis
  english_text[n] = text
  join("source " (package in source_of ? source_of[package] : package), "stem " stem(package))
  join("stem " stem(package), "text " digitless(text))
  shared = digitless(synopsis)
  if (length(shared) >= SAME_SYNOPSIS) join("text " digitless(text), "synopsis " shared)
  count = split(text, parts, "\n")
  for (i = 1; i <= count; i++) {
    shared = digitless(parts[i])
    if (length(shared) >= SHARED) join("text " digitless(text), "part " shared)
  }
}

function part_of(i,    b) {
  b = bucket(find("stem " stem(package_of[i])), 100)
  return b < 5 ? "test" : b < 10 ? "valid" : "train"
}
