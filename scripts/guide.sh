#!/bin/sh
# Makes the guide: build/guide/inkstone-guide-en.html and -zh.html, one self-contained file per language (needs pandoc).
#
#   sh scripts/guide.sh             makes both files
#   sh scripts/guide.sh --check     runs the listings and compares the languages (scripts/guide.py)
#   sh scripts/guide.sh --update    writes what the listings print now into the chapters
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
  --check) shift; exec python3 scripts/guide.py "$@" ;;
  --update) exec python3 scripts/guide.py "$@" ;;
  '') ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
sh scripts/deps.sh pandoc
mkdir -p build/guide
for language in en zh; do
  case $language in
    en) title='How text generation works' tag=en ;;
    zh) title='文本生成的原理' tag=zh-CN ;;
  esac
  # pandoc does not take fences with more than a word: the name of a file stands above it, that of an excerpt is in the prose.
  # Links to a chapter lead to the name of its file.
  awk 'FNR == 1 { name = FILENAME; gsub(/.*\/|\.md$/, "", name); print "\n[]{#chapter-" name "}\n" }
       /^```[a-z]+ file=/ { kind = $1; sub(/^.*file=/, ""); print "`" $0 "`\n\n" kind; next }
       /^```[a-z]+ excerpt=/ { sub(/ .*/, "") } { print }' docs/guide/$language/[0-9]*.md |
  pandoc --from markdown-implicit_figures+tex_math_dollars+gfm_auto_identifiers+east_asian_line_breaks --lua-filter scripts/guide_links.lua --to html5 --standalone --self-contained --mathml --toc --toc-depth=2 \
    --number-sections --metadata lang=$tag --metadata title="$title" --css docs/guide/guide.css \
    --resource-path docs/guide/$language --output build/guide/inkstone-guide-$language.html
  echo "build/guide/inkstone-guide-$language.html"
done
