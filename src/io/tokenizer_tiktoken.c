/* tokenizer_tiktoken.c - ranks of tiktoken: a line "base64 rank" for each token. How words are cut, and the
 * special tokens, are known by the file's name. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

enum { MOST_SPECIALS = 5 };

static const struct Encoding {
  const char *file, *pattern;
  int64_t size;
  struct {
    const char *name;
    int64_t id;
  } specials[MOST_SPECIALS]; /* the first: the end token */
} encodings[] = {
    {"*r50k_base.tiktoken", WORDS_GPT2, 50257, {{"<|endoftext|>", 50256}}},
    {"*p50k_base.tiktoken", WORDS_GPT2, 50281, {{"<|endoftext|>", 50256}}},
    {"*cl100k_base.tiktoken",
     WORDS_CL100K,
     100277,
     {{"<|endoftext|>", 100257},
      {"<|fim_prefix|>", 100258},
      {"<|fim_middle|>", 100259},
      {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
    {"*o200k_base.tiktoken", WORDS_O200K, 200019, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}}};

static const struct Encoding *find(const TokenizerFiles *f) {
  for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
    if (!fnmatch(encodings[i].file, f->path, 0)) return &encodings[i];
  fail(f->err,
       "%s: how this encoding cuts words is not known (r50k_base, p50k_base, cl100k_base, o200k_base are)",
       f->path);
  return NULL;
}

/* "base64 rank" */
static bool read_line(Vocabulary *v, Arena *arena, const char *line, size_t length) {
  const char *space = memchr(line, ' ', length);
  char number[16] = "", *end;
  if (!space || length - (size_t)(space - line) > sizeof number) return false;
  memcpy(number, space + 1, length - (size_t)(space - line) - 1);
  const int64_t rank = strtoll(number, &end, 10);
  return *number >= '0' && *number <= '9' && !*end && rank < (int64_t)v->count &&
         vocabulary_put_bytes(v, arena, rank, line, (size_t)(space - line), -(double)rank);
}

static bool read_ranks(Vocabulary *v, Arena *arena, FileView file, Error *err) {
  bool ok = true;
  size_t line = 1;
  for (const char *at = file.data, *end = at + file.size, *stop; ok && at < end; at = stop + 1, line++) {
    stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    ok = stop == at || read_line(v, arena, at, (size_t)(stop - at)) ||
         fail_damaged(err, "%s: line %zu is not a token and its rank", v->path, line);
  }
  return ok;
}

/* Special tokens, and names for ids that are none. */
static bool complete(Vocabulary *v, const struct Encoding *e, Arena *arena, Error *err) {
  for (int i = 0; i < MOST_SPECIALS && e->specials[i].name; i++) {
    const char *name = e->specials[i].name;
    if (v->tokens[e->specials[i].id].length)
      return fail_damaged(err, "%s: a token has the id of %s", v->path, name);
    v->tokens[e->specials[i].id] = (VocabularyToken){name, strlen(name), TOKEN_CONTROL, 0};
  }
  for (size_t i = 0; i < v->count; i++)
    if (!v->tokens[i].length) {
      const char *name = arena_printf(arena, "<|unused_%zu|>", i);
      v->tokens[i] = (VocabularyToken){name, strlen(name), TOKEN_UNUSED, 0};
    }
  return true;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  const struct Encoding *e = find(f);
  if (!e) return false;
  Arena *arena = arena_new(1 << 16);
  Vocabulary v = {.path = f->path,
                  .count = (size_t)e->size,
                  .begin = -1,
                  .end = e->specials[0].id,
                  .unknown = -1,
                  .patterns = {e->pattern},
                  .whole_words = true};
  v.tokens = arena_alloc_zeroed(arena, v.count * sizeof *v.tokens);
  const bool ok = read_ranks(&v, arena, file, f->err) && complete(&v, e, arena, f->err) &&
                  vocabulary_store(&v, "token", out, f->err) && vocabulary_merges(&v, out, f->err);
  if (ok) vocabulary_byte_level(&v, &out->steps);
  arena_free(arena);
  return ok;
}

static const char *const names[] = {"*.tiktoken", NULL};
const TokenizerFormat tokenizer_tiktoken = {names, NULL, read};
