# Poems of four lines, separated by blank lines: each line is drawn from lists of words, and the fourth line rhymes with
# the second.
#
#   awk -f poems.awk -v n=1000 -v language=en                  1000 poems (or language=zh)
#   awk -f poems.awk -v language=en -v count=1 written.txt     how many of the poems in a file rhyme
#   awk -f poems.awk -v language=en -v entropy=1               nats per poem: the loss that no model can beat
function choose(list,  words, count) {
  count = split(list, words, " ")
  state = (state * 48271) % 2147483647 # not rand(), which differs between implementations of awk
  return words[int(state * count / 2147483647) + 1]
}
function line(ends, stop) {
  if (language == "zh") return choose(adjectives) choose(nouns) choose(verbs) choose(qualities) choose(ends) stop
  return "the " choose(adjectives) " " choose(nouns) " " choose(verbs) " the " choose(qualities) " " choose(ends) stop
}
function any_rhyme() { return rhyme[int(choose("1 2 3 4"))] }
function poem(  same) {
  same = any_rhyme()
  print line(any_rhyme(), comma)
  print line(same, period)
  print line(any_rhyme(), comma)
  print line(same, period) "\n"
}
function class_of(text,  i, k, words, count) { # of the word that a line ends with
  for (i = 1; i <= 4; i++) {
    count = split(rhyme[i], words, " ")
    for (k = 1; k <= count; k++) if (index(text, words[k] period)) return i
  }
  return 0
}
BEGIN {
  state = seed ? seed : 1
  if (language == "zh") {
    adjectives = "明 寒 孤 远 清 白"
    nouns = "月 云 雁 风 雪 舟"
    verbs = "照 过 入 落 归 满"
    qualities = "空 深 秋 晚 古 春"
    rhyme[1] = "山 湾 关 滩"; rhyme[2] = "楼 洲 丘 沟"; rhyme[3] = "林 阴 音 岑"; rhyme[4] = "江 窗 霜 乡"
    comma = "，"; period = "。"
  } else {
    adjectives = "pale cold lone far clear white"
    nouns = "moon cloud goose wind snow boat"
    verbs = "lights crosses enters leaves finds fills"
    qualities = "empty silent autumn evening ancient distant"
    rhyme[1] = "hill mill sill rill"; rhyme[2] = "shore door floor moor"
    rhyme[3] = "plain rain lane grain"; rhyme[4] = "bay day way clay"
    comma = ","; period = "."
  }
  if (entropy) {
    lines = 4 * log(6 ^ 4 * 16)
    printf "%.2f nats per poem, %.2f for one who does not know the rhyme\n", lines - log(4), lines
    exit
  }
  if (!count) {
    if (!n) n = 1000
    for (i = 0; i < n; i++) poem()
    exit
  }
}
index($0, period) { # lines 2 and 4
  class = class_of($0)
  if (second) { poems++; rhymes += class && class == before }
  second = !second
  before = class
}
END { if (count) printf "%d of %d\n", rhymes, poems }
