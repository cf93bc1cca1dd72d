/* added.c - matching of added tokens in a text, such as <|endoftext|>, with a trie of their contents. */
#include <string.h>
#include <utf8proc.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

struct TrieSlot {
  uint64_t key;  /* node and byte */
  uint32_t node; /* 0: empty, because the root is no child */
};

static size_t find_slot(const AddedTokens *a, uint64_t key) {
  const uint64_t h = key * a->multiplier;
  size_t at = (h >> 32 ^ h >> 8) & (a->slot_count - 1);
  while (a->slots[at].node && a->slots[at].key != key) at = (at + 1) & (a->slot_count - 1);
  return at;
}

static void make_slots(AddedTokens *a, size_t count) {
  TrieSlot *old = a->slots;
  const size_t old_count = a->slot_count;
  a->slots = mem_alloc_zeroed(count, sizeof *a->slots);
  a->slot_count = count;
  for (size_t i = 0; i < old_count; i++)
    if (old[i].node) a->slots[find_slot(a, old[i].key)] = old[i];
  mem_free(old);
}

static uint64_t key_of(uint32_t node, char byte) {
  return (uint64_t)node << 8 | (unsigned char)byte;
}

static uint32_t make_child(AddedTokens *a, uint32_t node, char byte) {
  if (2 * (a->nodes.count + 1) > a->slot_count) make_slots(a, a->slot_count ? 2 * a->slot_count : 256);
  TrieSlot *slot = &a->slots[find_slot(a, key_of(node, byte))];
  if (slot->node) return slot->node;
  *slot = (TrieSlot){key_of(node, byte), (uint32_t)a->nodes.count};
  vec_push(&a->nodes, -1);
  return slot->node;
}

void added_put(AddedTokens *a, AddedToken token) {
  uint32_t node = 0;
  CHECK(token.length && token.length <= LONGEST_ADDED);
  if (!a->nodes.count) {
    a->multiplier = hash_secret();
    vec_push(&a->nodes, -1);
  }
  for (size_t i = 0; i < token.length; i++) node = make_child(a, node, token.content[i]);
  if (a->nodes.data[node] >= 0) return; /* same normalized content as an earlier token */
  a->nodes.data[node] = (int32_t)a->list.count;
  vec_push(&a->list, token);
  a->specials += token.special;
  a->starts[(unsigned char)token.content[0]] = true;
}

/* The longest token that begins here. */
static const AddedToken *starting(const AddedTokens *a, const char *text, size_t length) {
  uint32_t node = 0;
  int32_t found = -1;
  for (size_t i = 0; i < length; i++) {
    node = a->slots[find_slot(a, key_of(node, text[i]))].node;
    if (!node) break;
    if (a->nodes.data[node] >= 0) found = a->nodes.data[node];
  }
  return found < 0 ? NULL : &a->list.data[found];
}

/* ---- the context of a token ---- */

static bool is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

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
    default:
      return c == 0x200c || c == 0x200d; /* the joiners */
  }
}

/* The length of the character that ends at `at`; 0: none. */
static size_t character_before(const char *text, size_t at, uint32_t *code) {
  for (size_t n = 1; n <= 4 && n <= at; n++)
    if (utf8_decode(text + at - n, n, code) == n) return n;
  return 0;
}

static bool is_single_word(const char *text, size_t length, size_t begin, size_t end) {
  uint32_t code;
  if (character_before(text, begin, &code) && is_word_character(code)) return false;
  return !utf8_decode(text + end, length - end, &code) || !is_word_character(code);
}

static void take_spaces(const char *text, size_t length, size_t from, AddedMatch *m) {
  uint32_t code;
  size_t n;
  if (m->token->lstrip)
    while (m->begin > from && (n = character_before(text, m->begin, &code)) && n <= m->begin - from &&
           is_space(code))
      m->begin -= n;
  if (m->token->rstrip)
    while ((n = utf8_decode(text + m->end, length - m->end, &code)) && is_space(code)) m->end += n;
}

bool added_find(const AddedTokens *a, const char *text, size_t length, size_t from, bool specials,
                AddedMatch *m) {
  const size_t searched = specials || a->specials < a->list.count ? length : 0; /* 0: nothing can match */
  for (size_t at = from; at < searched; at++) {
    const AddedToken *t = a->starts[(unsigned char)text[at]] ? starting(a, text + at, length - at) : NULL;
    if (!t) continue;
    *m = (AddedMatch){t, at, at + t->length};
    if ((!t->special || specials) && (!t->single_word || is_single_word(text, length, at, m->end))) {
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
  vec_free(&a->nodes);
  mem_free(a->slots);
}
