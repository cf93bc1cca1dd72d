#!/bin/sh
# Demonstration: installs missing packages, builds, trains a small model for two minutes, and generates text.
#
#   sh scripts/demo.sh                  Tang and Song poems, from the Debian package fortunes-zh
#   sh scripts/demo.sh --lang en        sayings and quotations, from the Debian package fortunes
#   sh scripts/demo.sh --text FILE      your own text
#   ... --budget TIME                   training time: 30s, 10m, 2h (default 2m)
set -eu

usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }

lang=zh budget=2m own_text=
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || usage
  case $1 in
    --lang) lang=$2 ;;
    --text) own_text=$(realpath "$2") ;;
    --budget) budget=$2 ;;
    *) usage ;;
  esac
  shift 2
done

cd "$(dirname "$0")/.."
inkstone=build/release/inkstone
fortunes=/usr/share/games/fortunes
escape=$(printf '\033')

if [ -t 1 ] && [ "${TERM-dumb}" != dumb ]; then
  bold="$escape[1m" dim="$escape[2m" green="$escape[32m" cyan="$escape[36m" plain="$escape[0m"
else
  bold= dim= green= cyan= plain=
fi
# The English or the Chinese text, by the rules that inkstone follows (docs/decisions/0018).
case ${INKSTONE_LANG:-${LC_ALL:-${LC_MESSAGES:-${LANG-}}}} in
  zh*) words() { printf '%s' "$2"; } ;;
  *) words() { printf '%s' "$1"; } ;;
esac
heading() { printf '\n%s%s%s\n' "$bold$cyan" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

# Fortune files contain texts that end with a line "%", as `--separator %` reads them. These functions extract plain text. LC_ALL=C makes
# the result independent of the locale, so use only ASCII within [].

plain_lines() { LC_ALL=C sed "s/$escape\[[0-9;]*m//g; s/^[[:space:]]*//; s/[[:space:]]*\$//; /^\$/d" "$@"; } # no colours, no indents

# Title and author on one line, 《静夜思》李白, then the verses.
clean_poems() {
  plain_lines "$@" | LC_ALL=C sed 's/^题目: *//; s/^作者://; s/^作者：//; s/（.*）$//' |
    LC_ALL=C awk '/^《.*》$/ { title = $0; next }
         title != "" { print title $0; title = ""; next }
         { print; last = $0 }
         END { if (last != "%") print "%" }'
}
# Verses that end with "-- author《title》", in the same form; prose, proverbs and everything else are left out.
clean_verses() {
  plain_lines "$@" | LC_ALL=C awk '
    $0 == "%" { text = ""; next }
    /^-- *[^ -~]+《.+》$/ && text !~ /[ -~]|“|「|『|：/ && split($0, part, /-- *|《|》/) && length(part[2]) <= 12 {
      print "《" part[3] "》" part[2] "\n" text "%"
      next
    }
    { text = text $0 "\n" }'
}
# Without tabs and overstruck characters (_^H).
clean_sayings() { LC_ALL=C sed 's/_*\x08\x08*//g; s/\t/  /g; s/[[:space:]]*$//' "$@"; }

mkdir -p models
case $own_text,$lang in
  ?*,*)
    name=$(basename "$own_text" | sed 's/\.[^.]*$//')
    text=$own_text separator= what="$own_text"
    ;;
  ,zh)
    name=poems text=models/poems.txt separator=% package=fortunes-zh what=$(words 'poems and verses of the Tang and Song dynasties' 唐宋诗词)
    ;;
  ,en)
    name=sayings text=models/sayings.txt separator=% package=fortunes what=$(words 'sayings and quotations' 英文格言)
    ;;
  *) usage ;;
esac
model=models/demo-$name

heading "1  $(words 'Install missing packages, and build' 安装缺少的软件包，编译)"
sh scripts/deps.sh ${package-}
cmake --preset release >/dev/null
quiet=--quiet
[ -z "$bold" ] || quiet=
cmake --build --preset release --target inkstone -- $quiet
note "$($inkstone --version): $inkstone"

heading "2  $(words 'The text: ' 文本：)$what"
case $own_text,$lang in
  ,zh)
    for file in tang300 song100; do clean_poems $fortunes/$file; done >$text
    clean_verses $fortunes/chinese >>$text
    ;;
  ,en)
    clean_sayings $fortunes/people $fortunes/wisdom $fortunes/science $fortunes/work $fortunes/men-women \
      $fortunes/literature $fortunes/love $fortunes/politics $fortunes/education $fortunes/platitudes >$text
    ;;
esac
note "$text$(words ': ' ：)$(wc -c <"$text")$(words ' bytes; it begins:' ' 字节，开头是：')"
head -c 2000 "$text" | head -n 5

heading "3  $(words 'Train for ' 训练\ )$budget"
$inkstone train write "$text" -o "$model" --budget "$budget" ${separator:+--separator "$separator"} --overwrite

write() { # PROMPT
  printf '\n%s%s%s' "$bold$green" "$1" "$plain"
  $inkstone write -m "$model" "$1" --continuation --max-tokens 120 --seed 7 --quiet
}
heading "4  $(words 'Generated text' 生成的文本)"
case $own_text,$lang in
  ,zh) for prompt in '《月夜》' '《送友人》李白' '《春风》'; do write "$prompt"; done ;;
  ,en) for prompt in 'The' 'Love is' 'A good'; do write "$prompt"; done ;;
  *) $inkstone write -m "$model" --max-tokens 200 --seed 7 --quiet ;;
esac

heading "$(words Next 接下来)"
[ "$lang" = zh ] && prompt=明月 || prompt=Life
suggestion() { printf '%s\n  %s\n' "$(words "$1" "$2")" "$3"; } # ENGLISH CHINESE COMMAND
suggestion 'Generate more, with more variety:' 多写一些，变化更多： "$inkstone write -m $model \"$prompt\" --temperature 1.1"
suggestion "Show the model and its training (in a browser: $model/report.html):" "查看模型和训练过程（浏览器打开 $model/report.html）：" \
  "$inkstone info $model"
suggestion 'Train longer, on your own text:' 用自己的文本训练得更久： "sh scripts/demo.sh --text FILE --budget 10m"
suggestion 'List all options:' 列出全部选项： "$inkstone train write --help"
