#include "text/glossary.h"

#include "text/codes.h"
#include "text/utf8.h"

static bool put(Trie *trie, const char *text, size_t length, int32_t index) {
  int32_t *slot = trie_put(trie, text, length);
  if (*slot >= 0) return false;
  *slot = index;
  return true;
}

bool glossary_add(Glossary *g, Term term) {
  CHECK(term.source_length && term.target_length);
  const int32_t index = (int32_t)g->terms.count;
  if (!put(&g->sources, term.source, term.source_length, index)) return false;
  put(&g->targets, term.target, term.target_length, index); /* several may be translated alike */
  vec_push(&g->terms, term);
  return true;
}

void glossary_free(Glossary *g) {
  trie_free(&g->sources);
  trie_free(&g->targets);
  vec_free(&g->terms);
}

/* A letter or digit of a script that separates words by spaces. */
static bool is_spaced(uint32_t code) {
  enum { IDEOGRAPHIC = 0x2e80 };
  return code < IDEOGRAPHIC && (code_is_letter(code) || code_is_number(code));
}

/* Is a word cut between these bytes? */
static bool cuts_word(const char *text, size_t length, size_t at) {
  uint32_t before, after;
  return utf8_decode_last(text, at, &before) && utf8_decode(text + at, length - at, &after) &&
         is_spaced(before) && is_spaced(after);
}

static char small(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* `first`: the first letter, as it is in the glossary. */
static int32_t longest(const Glossary *g, const char *text, size_t length, size_t at, char first,
                       bool translated, size_t *found) {
  const Trie *trie = translated ? &g->targets : &g->sources;
  uint32_t node = 0;
  int32_t best = -1;
  for (size_t i = at; i < length && (node = trie_child(trie, node, i == at ? first : text[i])); i++) {
    const int32_t term = trie->values.data[node];
    if (term < 0 || (!translated && cuts_word(text, length, i + 1))) continue;
    best = term;
    *found = i + 1 - at;
  }
  return best;
}

int32_t glossary_find(const Glossary *g, const char *text, size_t length, size_t at, bool translated,
                      size_t *found) {
  if (!g->terms.count || cuts_word(text, length, at)) return -1;
  const int32_t term = longest(g, text, length, at, text[at], translated, found);
  return term >= 0 || small(text[at]) == text[at]
             ? term
             : longest(g, text, length, at, small(text[at]), translated, found);
}
