/* added.c - matching of added tokens in a text, such as <|endoftext|>, with a trie of their contents. */
#include <string.h>
#include <utf8proc.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

void added_put(AddedTokens *a, AddedToken token) {
  CHECK(token.length && token.length <= LONGEST_ADDED);
  int32_t *slot = trie_put(&a->trie, token.content, token.length);
  if (*slot >= 0) return; /* same normalized content as an earlier token */
  *slot = (int32_t)a->list.count;
  vec_push(&a->list, token);
  a->specials += token.special;
  a->starts[(unsigned char)token.content[0]] = true;
}

/* The longest token that begins here. */
static const AddedToken *starting(const AddedTokens *a, const char *text, size_t length) {
  uint32_t node = 0;
  int32_t found = -1;
  for (size_t i = 0; i < length && (node = trie_child(&a->trie, node, text[i])); i++)
    if (a->trie.values.data[node] >= 0) found = a->trie.values.data[node];
  return found < 0 ? NULL : &a->list.data[found];
}

bool added_special_here(const AddedTokens *a, const char *text, size_t length) {
  const AddedToken *t = a->starts[(unsigned char)*text] ? starting(a, text, length) : NULL;
  return t && t->special;
}

/* ---- the context of a token ---- */

/* \w of Rust's regex: Alphabetic, marks, decimal numbers, connectors, joiners. */
static bool is_word_character(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    case UTF8PROC_CATEGORY_SO: /* letters in circles and squares are Alphabetic */
      return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
             (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
    default:
      return c == 0x200c || c == 0x200d; /* the joiners */
  }
}

bool added_is_single_word(const char *text, size_t length, size_t begin, size_t end) {
  uint32_t code;
  if (utf8_decode_last(text, begin, &code) && is_word_character(code)) return false;
  return !utf8_decode(text + end, length - end, &code) || !is_word_character(code);
}

static void take_spaces(const char *text, size_t length, size_t from, AddedMatch *m) {
  uint32_t code;
  size_t n;
  if (m->token->lstrip)
    while (m->begin > from && (n = utf8_decode_last(text, m->begin, &code)) && n <= m->begin - from &&
           is_white_space(code))
      m->begin -= n;
  if (m->token->rstrip)
    while ((n = utf8_decode(text + m->end, length - m->end, &code)) && is_white_space(code)) m->end += n;
}

bool added_find(const AddedTokens *a, const char *text, size_t length, size_t from, bool specials,
                AddedMatch *m) {
  const size_t searched = specials || a->specials < a->list.count ? length : 0; /* 0: nothing can match */
  for (size_t at = from; at < searched; at++) {
    const AddedToken *t = a->starts[(unsigned char)text[at]] ? starting(a, text + at, length - at) : NULL;
    if (!t) continue;
    *m = (AddedMatch){t, at, at + t->length};
    if ((!t->special || specials) && (!t->single_word || added_is_single_word(text, length, at, m->end))) {
      take_spaces(text, length, from, m);
      return true;
    }
    at = m->end - 1; /* all of it is ordinary text */
  }
  *m = (AddedMatch){NULL, length, length};
  return false;
}

void added_free(AddedTokens *a) {
  vec_free(&a->list);
  trie_free(&a->trie);
}
