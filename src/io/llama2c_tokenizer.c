/* llama2c_tokenizer.c - a tokenizer of llama2.c: SentencePiece's pieces, in which spaces stand
 * for U+2581 and ids 0 to 258 are <unk>, <s>, </s> and the bytes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "io/llama2c.h"
#include "io/vocabulary.h"

enum { UNKNOWN, BEGIN, END, FIRST_BYTE, BYTES = 256, SPECIAL = FIRST_BYTE + BYTES };

typedef struct Reader {
  const char *at, *end;
  uint32_t longest; /* as the file says */
  Vocabulary *vocabulary;
  Arena *arena;
  Error *err;
} Reader;

static size_t left(const Reader *r) {
  return (size_t)(r->end - r->at);
}

static bool read_number(Reader *r, void *out) {
  enum { BYTES_OF_NUMBER = 4 };
  if (left(r) < BYTES_OF_NUMBER)
    return fail_damaged(r->err, "%s: the file ends before the model's last token: it is cut short, or %s",
                        r->vocabulary->path, _("belongs to another model"));
  memcpy(out, r->at, BYTES_OF_NUMBER);
  r->at += BYTES_OF_NUMBER;
  return true;
}

static bool read_token(Reader *r, size_t id, VocabularyToken *t) {
  const char *path = r->vocabulary->path;
  float score = 0;
  uint32_t length = 0;
  if (!read_number(r, &score) || !read_number(r, &length)) return false;
  if (length > left(r) || length > r->longest || !length)
    return fail_damaged(r->err,
                        "%s: token %zu claims %" PRIu32
                        " bytes; the file has %zu left, and its longest token %" PRIu32,
                        path, id, length, left(r), r->longest);
  if (!isfinite(score)) return fail_damaged(r->err, "%s: the score of token %zu is not finite", path, id);
  *t = (VocabularyToken){r->at, length, TOKEN_NORMAL, (double)score};
  r->at += length;
  return true;
}

static bool is_text(const VocabularyToken *t, const char *text) {
  return t->length == strlen(text) && !memcmp(t->text, text, t->length);
}

static void set_text(Reader *r, VocabularyToken *t, const char *text, TokenKind kind) {
  *t = (VocabularyToken){arena_strndup(r->arena, text, strlen(text)), strlen(text), kind, t->score};
}

/* Newer exporters keep "<0x0A>", the first ones wrote the character. */
static bool is_byte(const VocabularyToken *t, const char *name, int byte) {
  const char character[2] = {(char)(byte < 0x80 ? byte : 0xc0 | byte >> 6), (char)(0x80 | (byte & 0x3f))};
  const size_t length = byte < 0x80 ? 1 : 2;
  return is_text(t, name) || (t->length == length && !memcmp(t->text, character, length));
}

/* Ids whose texts are known. */
static bool set_special(Reader *r) {
  static const char *const names[] = {"<unk>", "<s>", "</s>"}, *const stored[] = {"<unk>", "\n<s>\n",
                                                                                  "\n</s>\n"};
  VocabularyToken *tokens = r->vocabulary->tokens;
  char name[8];
  for (int i = 0; i < SPECIAL; i++) {
    const int byte = i - FIRST_BYTE;
    snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte & 0xff);
    const bool is = i < FIRST_BYTE ? is_text(&tokens[i], names[i]) || is_text(&tokens[i], stored[i])
                                   : is_byte(&tokens[i], name, byte);
    if (!is)
      return fail_damaged(r->err, "%s: token %d is not %s: this is no tokenizer of llama2.c",
                          r->vocabulary->path, i, i < FIRST_BYTE ? names[i] : name);
    if (i < FIRST_BYTE)
      set_text(r, &tokens[i], names[i], i == UNKNOWN ? TOKEN_UNKNOWN : TOKEN_CONTROL);
    else
      set_text(r, &tokens[i], name, TOKEN_BYTE);
  }
  return true;
}

static void spaces_to_marks(Reader *r, VocabularyToken *t) {
  static const char mark[] = "\xe2\x96\x81"; /* U+2581 */
  enum { MARK = sizeof mark - 1 };
  char *text = arena_alloc(r->arena, t->length * MARK);
  size_t length = 0;
  for (size_t i = 0; i < t->length; i++) {
    const bool space = t->text[i] == ' ';
    memcpy(text + length, space ? mark : t->text + i, space ? MARK : 1);
    length += space ? MARK : 1;
  }
  t->text = text;
  t->length = length;
}

/* The vocabulary comes from the model: not even its smallest tokens may need more bytes than the file has. */
static bool read_tokens(Reader *r) {
  enum { LEAST = 4 + 4 + 1 };
  Vocabulary *v = r->vocabulary;
  if (!read_number(r, &r->longest)) return false;
  if (v->count > left(r) / LEAST)
    return fail_damaged(r->err, "%s: has fewer tokens than the model's vocabulary of %zu: %s", v->path,
                        v->count, _("it is cut short, or belongs to another model"));
  v->tokens = arena_alloc_zeroed(r->arena, v->count * sizeof *v->tokens);
  for (size_t i = 0; i < v->count; i++)
    if (!read_token(r, i, &v->tokens[i])) return false;
  if (left(r))
    return fail_damaged(r->err, "%s: has more tokens than the model's vocabulary of %zu: %s", v->path,
                        v->count, _("it belongs to another model"));
  if (!set_special(r)) return false;
  for (size_t i = SPECIAL; i < v->count; i++) spaces_to_marks(r, &v->tokens[i]);
  return true;
}

static bool find_file(const Llama2c *m, char path[PATH_CAPACITY], Error *err) {
  const char *slash = strrchr(m->path, '/');
  const int directory = slash ? (int)(slash - m->path) + 1 : 0;
  snprintf(path, PATH_CAPACITY, "%.*stok%" PRId64 ".bin", directory, m->path, m->vocabulary);
  if (file_exists(path)) return true;
  snprintf(path, PATH_CAPACITY, "%.*stokenizer.bin", directory, m->path);
  return file_exists(path) ||
         fail_as(err, INK_NOT_FOUND,
                 "%s: its tokenizer is missing: put tokenizer.bin or tok%" PRId64 ".bin next to it", m->path,
                 m->vocabulary);
}

bool llama2c_tokenizer(const Llama2c *m, char path[PATH_CAPACITY], StoredTokenizer *out, Error *err) {
  FileView file;
  if (m->vocabulary < SPECIAL)
    return fail(err, "%s: a vocabulary of %" PRId64 " has no place for the %d special tokens of llama2.c",
                m->path, m->vocabulary, (int)SPECIAL);
  if (!find_file(m, path, err) || !file_view_regular(path, &file, err)) return false;
  Vocabulary v = {.path = path,
                  .count = (size_t)m->vocabulary,
                  .begin = BEGIN,
                  .end = END,
                  .unknown = UNKNOWN,
                  .add_begin = true,
                  .add_space = true};
  Reader r = {file.data, file.data + file.size, 0, &v, arena_new(0), err};
  const bool ok =
      read_tokens(&r) && vocabulary_store(&v, "token", out, err) && vocabulary_sentencepiece(&v, out, err);
  arena_free(r.arena);
  file_view_close(&file);
  return ok;
}
