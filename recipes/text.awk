# What the recipes' awk programs share. They run with LC_ALL=C: a character is a byte in every awk, and UTF-8 passes through.

# The same number below `buckets` for the same text, in every awk: what decides which side of a split a text is on.
function bucket(text, buckets,    i, h) {
  if (!("a" in byte_of)) for (i = 1; i < 256; i++) byte_of[sprintf("%c", i)] = i
  h = 0
  for (i = 1; i <= length(text); i++) h = (h * 65599 + byte_of[substr(text, i, 1)]) % 2147483647
  return h % buckets
}

# Two texts that differ in case, punctuation and spaces only have the same key.
function key(text) {
  text = tolower(text)
  gsub(/。|，|！|？|、|；|：|…|—|·|“|”|‘|’|「|」|『|』|《|》|（|）|～|　/, "", text)
  gsub(/[ -\/:-@\[-`{-~\t\r]/, "", text)
  return text
}

# Texts of turns (cut by the pattern `mark`) that share turns: remembers those of a held-out text ...
function remember_turns(text, mark,    turns, n, i) {
  n = split(text, turns, mark)
  for (i = 1; i <= n; i++) held_out_turn[key(turns[i])]
}

# ... and says whether at least half of a text's turns of 20 letters or more are such.
function shares_turns(text, mark,    turns, n, i, k, long, shared) {
  n = split(text, turns, mark)
  for (i = 1; i <= n; i++) {
    k = key(turns[i])
    if (length(k) < 20) continue
    long++
    if (k in held_out_turn) shared++
  }
  return long > 0 && shared * 2 >= long
}
