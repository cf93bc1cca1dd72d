# A toy language whose entropy is known: sentences drawn from a small grammar, one per line.
#
#   awk -f toy.awk -v n=2000 -v language=en     2000 sentences (or language=zh)
#   awk -f toy.awk -v language=en -v entropy=1  bits per sentence and per character of the grammar
#
# A sentence is drawn from lists, each word with the same probability, so the surprisal of a sentence is the sum of
# log2(length of the list) over its words: no model can predict sentences with fewer bits, and a perfect one needs no more.
function choose(list,  words, count) {
  count = split(list, words, " ")
  bits += log(count) / log(2)
  state = (state * 69069 + 1) % 4294967296 # not rand(), which differs between implementations of awk
  return words[int(state / 65536) % count + 1]
}
function sentence(  s, gap) {
  gap = language == "zh" ? "" : " "
  s = choose(determiners) gap choose(adjectives) gap choose(nouns) gap choose(verbs) gap
  s = s choose(determiners) gap choose(nouns)
  return s (language == "zh" ? "。" : ".")
}
BEGIN {
  state = seed ? seed : 1
  if (language == "zh") {
    determiners = "这只 那只"
    adjectives = "小 老 黑 白 懒 饿"
    nouns = "猫 狗 鸟 马 羊 鱼"
    verbs = "看见 跟着 喜欢 躲开"
  } else {
    determiners = "the a"
    adjectives = "small old black white lazy hungry"
    nouns = "cat dog bird horse sheep fish"
    verbs = "sees follows likes avoids"
  }
  if (!n) n = entropy ? 20000 : 1000
  for (i = 0; i < n; i++) {
    s = sentence()
    characters += language == "zh" ? 10 : length(s) # without the line end, as inkstone eval counts; awk may count bytes
    if (!entropy) print s
  }
  if (entropy) printf "%.3f bits per sentence, %.4f bits per character\n", bits / n, bits / characters
}
