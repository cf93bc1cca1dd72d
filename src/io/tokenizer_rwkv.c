/* tokenizer_rwkv.c - the vocabulary of RWKV's "World" models, `rwkv_vocab*.txt`: a line `id literal
 * length` for each token, whose bytes are a literal of Python, 'text' or b'bytes'. A text is cut into the
 * longest tokens, from left to right: tokenizer.json's WordPiece over ByteLevel, without cutting words. */
#include <string.h>

#include "base/arena.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"
#include "text/alphabet.h"

enum { MOST_TOKENS_READ = 1 << 20 };

/* The id 0, which no text has: "end of text" in the published models. */
static const char end_name[] = "<|rwkv_tokenizer_end_of_text|>";

/* ---- literals ---- */

/* Hexadecimal digits behind \x, \u or \U. */
static bool read_code(const char **at, const char *end, int digits, uint32_t *code) {
  *code = 0;
  for (int i = 0; i < digits; i++, ++*at) {
    static const char hex[] = "0123456789abcdef";
    const char *digit = *at < end && **at ? strchr(hex, **at) : NULL;
    if (!digit) return false;
    *code = *code << 4 | (uint32_t)(digit - hex);
  }
  return true;
}

static void add_utf8(uint32_t code, Buffer *out) {
  const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* continuation bytes */
  static const unsigned char marks[] = {0, 0xc0, 0xe0, 0xf0};
  char byte = (char)(marks[more] | code >> 6 * more);
  buffer_add(out, &byte, 1);
  for (int i = more - 1; i >= 0; i--) {
    byte = (char)(0x80 | (code >> 6 * i & 0x3f));
    buffer_add(out, &byte, 1);
  }
}

static bool add_code(uint32_t code, bool bytes, Buffer *out) {
  if (bytes) {
    const char byte = (char)code;
    buffer_add(out, &byte, 1);
    return code < 256;
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  add_utf8(code, out);
  return true;
}

/* What follows a backslash, as Python's repr writes it. */
static bool read_escape(const char **at, const char *end, bool bytes, Buffer *out) {
  static const char letters[] = "nrt\\'\"", values[] = "\n\r\t\\'\"";
  uint32_t code;
  if (*at == end || !**at) return false;
  const char kind = *(*at)++, *plain = strchr(letters, kind);
  if (plain) {
    buffer_add(out, &values[plain - letters], 1);
    return true;
  }
  const int digits = kind == 'x' ? 2 : kind == 'u' && !bytes ? 4 : kind == 'U' && !bytes ? 8 : 0;
  return digits && read_code(at, end, digits, &code) && add_code(code, bytes, out);
}

static bool read_literal(const char *at, const char *end, Buffer *out) {
  const bool bytes = at < end && *at == 'b';
  at += bytes;
  if (end - at < 2 || (*at != '\'' && *at != '"') || end[-1] != *at) return false;
  const char quote = *at++;
  for (end--; at < end;) {
    if (*at == quote) return false;
    if (*at != '\\')
      buffer_add(out, at++, 1);
    else if (at++, !read_escape(&at, end, bytes, out))
      return false;
  }
  return true;
}

/* ---- lines ---- */

/* A whole number that ends at `end`; -1: none. */
static int64_t read_number(const char *at, const char *end) {
  int64_t n = 0;
  if (at == end || end - at > 9) return -1;
  for (; at < end; at++) {
    if (*at < '0' || *at > '9') return -1;
    n = 10 * n + (*at - '0');
  }
  return n;
}

typedef struct Line {
  int64_t id;
  Buffer bytes;
} Line;

static bool read_line(const char *at, const char *end, Line *line) {
  const char *first = memchr(at, ' ', (size_t)(end - at)), *last = memrchr(at, ' ', (size_t)(end - at));
  buffer_clear(&line->bytes);
  if (!first || last == first) return false;
  line->id = read_number(at, first);
  return line->id > 0 && line->id < MOST_TOKENS_READ && read_literal(first + 1, last, &line->bytes) &&
         line->bytes.length && read_number(last + 1, end) == (int64_t)line->bytes.length;
}

typedef VEC(VocabularyToken) Tokens;

static bool read_lines(TokenizerFiles *f, FileView file, Arena *arena, Tokens *tokens) {
  Line line = {0};
  Buffer name = {0};
  bool ok = true;
  size_t number = 1;
  for (const char *at = file.data, *end = at + file.size, *stop; ok && at < end; at = stop + 1, number++) {
    stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    const char *last = stop > at && stop[-1] == '\r' ? stop - 1 : stop;
    ok = read_line(at, last, &line) && line.id == (int64_t)tokens->count;
    if (!ok) {
      fail_damaged(f->err, "%s: line %zu is not the id %zu, a literal of Python and its number of bytes",
                   f->path, number, tokens->count);
      break;
    }
    buffer_clear(&name);
    alphabet_spell(line.bytes.data, line.bytes.length, &name);
    vec_push(tokens,
             ((VocabularyToken){arena_strndup(arena, name.data, name.length), name.length, TOKEN_NORMAL, 0}));
  }
  buffer_free(&line.bytes);
  buffer_free(&name);
  return ok;
}

/* Every text can be cut only if each byte is a token. */
static bool has_all_bytes(const TokenizerFiles *f, const Tokens *tokens) {
  bool has[256] = {0};
  Buffer bytes = {0};
  for (size_t i = 1; i < tokens->count; i++) {
    buffer_clear(&bytes);
    if (tokens->data[i].length <= 2 && alphabet_read(tokens->data[i].text, tokens->data[i].length, &bytes) &&
        bytes.length == 1)
      has[(unsigned char)bytes.data[0]] = true;
  }
  buffer_free(&bytes);
  for (int i = 0; i < 256; i++)
    if (!has[i]) return fail_damaged(f->err, "%s: the byte 0x%02x is no token", f->path, i);
  return true;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  Arena *arena = arena_new(1 << 16);
  Tokens tokens = {0};
  vec_push(&tokens, ((VocabularyToken){end_name, sizeof end_name - 1, TOKEN_CONTROL, 0}));
  bool ok = read_lines(f, file, arena, &tokens) && has_all_bytes(f, &tokens);
  const Vocabulary v = {
      .path = f->path, .tokens = tokens.data, .count = tokens.count, .begin = -1, .end = 0, .unknown = -1};
  ok = ok && vocabulary_store(&v, "token", out, f->err);
  if (ok) vocabulary_longest_first(&v, &out->steps);
  vec_free(&tokens);
  arena_free(arena);
  return ok;
}

static const char *const names[] = {"rwkv_vocab*.txt", NULL};
const TokenizerFormat tokenizer_rwkv = {names, NULL, read};
