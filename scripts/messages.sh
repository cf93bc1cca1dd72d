#!/bin/sh
# Collects the messages of the program and merges them into the translations: run it after changing a message.
#
#   sh scripts/messages.sh            updates po/*.po; new messages have an empty translation there
#   sh scripts/messages.sh --check    exit status 1, with a list, if a message has no translation (a test does this)
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# FUNCTION:N, the N-th argument is a message. Texts that are kept first and printed later are in N_() or in lists (.def).
keywords='_ N_ LABEL language_text:1 fail:2 fail_usage:2 fail_damaged:2 fail_not_found:2 fail_as:3 fail_prefix:2 fail_value:4 fail_path:3 fail_here:2
  news_note:2 news_warning:2 news_progress:2 streams_say:1 progress_say:2 bad_line:2 tokenizer_remark_on:2 work_fail:2 put_section:1
  value_undefined:2 unused_setting:3 unused_table:3 figure_of:3 step_refuse:2 FLAG_JSON ADVICE:4 SETTING:7 SETTING_WITH_BASE:7 SETTING_ON_RESUME:7
  SETTINGS_BEGIN:3 SPAN:2'
second='fail_value:3' # further arguments of the same functions

# Copies of the sources in which names of texts (#define NAME "text") are replaced by the texts: xgettext does not.
expand() {
  python3 - "$work/sources" <<'PYTHON'
import pathlib, re, sys
text = r'"(?:[^"\\]|\\.)*"'
files = sorted([*pathlib.Path("src").rglob("*.[ch]"), *pathlib.Path("src").rglob("*.def"), pathlib.Path("po/libraries.def")])
texts = {}
defined = {}
for path in files:
    defined |= re.findall(rf"^#define (\w+) +((?:\\\n|\s|\w+\b|{text})*{text})$", path.read_text(encoding="utf-8"), re.M)
while True:  # a text may consist of others
    known = {name: re.sub(rf"{text}|\w+", lambda part: texts.get(part[0], part[0]), value) for name, value in defined.items()}
    known = {name: value for name, value in known.items() if not re.search(r"\w", re.sub(text, "", value))}
    if known == texts: break
    texts = known
for path in files:
    source = path.read_text(encoding="utf-8")
    for name, value in texts.items():
        if name not in source: continue
        value = value.replace("\\\n", " ")
        source = re.sub(rf'(?<!#define )\b{name}\b(?=[^"\n]*(?:"[^"\n]*"[^"\n]*)*$)', lambda _: value, source, flags=re.M)
    copy = pathlib.Path(sys.argv[1]) / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(source, encoding="utf-8")
PYTHON
}

collect() { # KEYWORDS
  options=
  for keyword in $1; do options="$options --keyword=$keyword"; done
  for list in SETTING SETTING_WITH_BASE SETTING_ON_RESUME; do options="$options --flag=$list:7:no-c-format"; done # "2 % of"
  (cd "$work/sources" && find . -type f | cut -c 3- | LC_ALL=C sort |
    xgettext --files-from=- --from-code=UTF-8 --language=C --keyword $options --output=- --add-location=file \
      --package-name=inkstone --copyright-holder='the Inkstone authors')
}
expand
collect "$keywords" >"$work/first.pot"
collect "$second" >"$work/second.pot"
msgcat --use-first --add-location=file --sort-by-file "$work/first.pot" "$work/second.pot" >"$work/inkstone.pot"
sed -i -e '/^"POT-Creation-Date/d' -e '/^"PO-Revision-Date/d' "$work/inkstone.pot"

for po in po/*.po; do
  msgmerge --quiet --no-fuzzy-matching --add-location=file --sort-by-file "$po" "$work/inkstone.pot" |
    msgattrib --no-obsolete --add-location=file >"$work/new.po"
  if [ "${1-}" = --check ]; then
    msgattrib --untranslated --no-obsolete "$work/new.po" >"$work/missing.po"
    count=$(grep -c '^msgid' "$work/missing.po" || true)
    [ "$count" -le 1 ] || { sed 1,/^$/d "$work/missing.po"; echo "$po lacks $((count - 1)) messages: run scripts/messages.sh and translate them" >&2; exit 1; }
    msgfmt --check --output-file=/dev/null "$po"
  else
    cp "$work/new.po" "$po"
    msgfmt --check --statistics --output-file=/dev/null "$po"
  fi
done
