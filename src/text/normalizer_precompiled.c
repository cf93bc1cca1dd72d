/* normalizer_precompiled.c - SentencePiece's compiled table of replacements ("precompiled_charsmap", base64):
 * the size of a double-array trie, the trie in 32-bit units, and the strings that its values are offsets of.
 * As Hugging Face's tokenizers, it looks up graphemes of less than 6
 * bytes, then single characters, and takes the shortest string found; with "longest", a member of ours, it
 * takes the longest at each place, as SentencePiece. */
#include <string.h>
#include <utf8proc.h>

#include "base/base64.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

static uint32_t number_at(const char *bytes) {
  const unsigned char *p = (const unsigned char *)bytes;
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* `text` becomes the trie, `with` the strings. */
static bool set_map(StepReader *r, Step *s, const char *map, size_t length) {
  const size_t trie = length >= 4 ? number_at(map) : 0;
  if (trie > length - 4 || trie < 4 || trie % 4 || length < 8 || length - 4 == trie || map[length - 1])
    return fail_damaged(r->err, "%s: the normalizer's \"precompiled_charsmap\" is damaged", r->path);
  s->text = map + 4;
  s->length = trie / 4;
  s->with = map + 4 + trie;
  s->with_length = length - 4 - trie;
  return true;
}

static bool read(StepReader *r, const json_t *part, Step s) {
  const char *text;
  size_t length;
  Buffer map = {0};
  if (!step_text(r, part, "precompiled_charsmap", "", &text, &length) ||
      !step_bool(r, part, "longest", false, &s.flag))
    return false;
  if (!length) return true; /* nothing is replaced */
  if (!base64_read(text, length, &map)) buffer_clear(&map);
  const char *kept = arena_strndup(r->t->arena, map.data ? map.data : "", map.length);
  const bool ok = set_map(r, &s, kept, map.length);
  buffer_free(&map);
  return ok && step_push(r, s);
}

static bool unit_at(const Step *s, size_t at, uint32_t *unit) {
  if (at < s->length) *unit = number_at(s->text + 4 * at);
  return at < s->length;
}

static size_t offset_of(uint32_t unit) {
  return (size_t)(unit >> 10) << ((unit & 1 << 9) >> 6);
}

/* The replacement of a prefix of the text; NULL: none. The prefix is the shortest, or else the longest, whose
 * size is then set. */
static const char *find(const Step *s, const char *text, size_t length, bool longest, size_t *size) {
  const char *found = NULL;
  uint32_t unit;
  size_t at = 0;
  if (!unit_at(s, 0, &unit)) return NULL;
  at = offset_of(unit);
  for (size_t i = 0; i < length && text[i] && (longest || !found); i++) {
    at ^= (unsigned char)text[i];
    if (!unit_at(s, at, &unit) || (unit & 0x800000ffu) != (unsigned char)text[i]) break;
    at ^= offset_of(unit);
    uint32_t leaf;
    if (!(unit >> 8 & 1) || !unit_at(s, at, &leaf) || (leaf & 0x7fffffffu) >= s->with_length) continue;
    found = s->with + (leaf & 0x7fffffffu);
    *size = i + 1;
  }
  return found;
}

/* The bytes of the grapheme that begins here. */
static size_t grapheme(const char *text, size_t length) {
  uint32_t before, code;
  utf8proc_int32_t state = 0;
  size_t at = utf8_decode(text, length, &before), n;
  for (; at && at < length && (n = utf8_decode(text + at, length - at, &code)); at += n) {
    if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)code, &state)) break;
    before = code;
  }
  return at ? at : 1;
}

static void replace_characters(const Step *s, const char *text, size_t length, Buffer *out) {
  for (size_t at = 0, n, size; at < length; at += n) {
    n = utf8_character(text + at, length - at);
    const char *found = n ? find(s, text + at, n, false, &size) : NULL;
    if (!n) n = 1;
    found ? buffer_adds(out, found) : buffer_add(out, text + at, n);
  }
}

static void replace_graphemes(const Step *s, const char *text, size_t length, Buffer *out) {
  enum { SHORT = 6 };
  for (size_t at = 0, n, size; at < length; at += n) {
    n = grapheme(text + at, length - at);
    const char *found = n < SHORT ? find(s, text + at, n, false, &size) : NULL;
    found ? buffer_adds(out, found) : replace_characters(s, text + at, n, out);
  }
}

static void replace_longest(const Step *s, const char *text, size_t length, Buffer *out) {
  for (size_t at = 0, n; at < length; at += n) {
    n = utf8_character(text + at, length - at);
    const char *found = n ? find(s, text + at, length - at, true, &n) : NULL;
    if (!n) n = 1;
    found ? buffer_adds(out, found) : buffer_add(out, text + at, n);
  }
}

static bool normalize(const Step *s, const char *text, size_t length, Buffer *out, Error *err) {
  (void)err;
  s->flag ? replace_longest(s, text, length, out) : replace_graphemes(s, text, length, out);
  return true;
}

const StepKind normalizer_Precompiled = {
    .type = "Precompiled", .members = "precompiled_charsmap|longest|", .read = read, .normalize = normalize};
