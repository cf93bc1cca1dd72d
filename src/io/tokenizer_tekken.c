/* tokenizer_tekken.c - Mistral's tekken.json: tiktoken's ranks with the pattern that cuts words, behind a
 * number of special tokens. mistral-common: Tekkenizer. */
#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

/* Those of files that do not list them; the others of as many as there are have only numbers. */
static const char *const older[] = {"<unk>",
                                    "<s>",
                                    "</s>",
                                    "[INST]",
                                    "[/INST]",
                                    "[AVAILABLE_TOOLS]",
                                    "[/AVAILABLE_TOOLS]",
                                    "[TOOL_RESULTS]",
                                    "[/TOOL_RESULTS]",
                                    "[TOOL_CALLS]",
                                    "[IMG]",
                                    "<pad>",
                                    "[IMG_BREAK]",
                                    "[IMG_END]",
                                    "[PREFIX]",
                                    "[MIDDLE]",
                                    "[SUFFIX]",
                                    "[SYSTEM_PROMPT]",
                                    "[/SYSTEM_PROMPT]",
                                    "[TOOL_CONTENT]"};
enum { OLDER = sizeof older / sizeof *older };

typedef struct Tekken {
  Vocabulary v;
  int64_t specials;
  Arena *arena;
  Error *err;
} Tekken;

static bool put_special(Tekken *t, int64_t id, const char *name) {
  VocabularyToken *token = id >= 0 && id < t->specials ? &t->v.tokens[id] : NULL;
  if (!token || token->length || !name || !*name)
    return fail_damaged(t->err,
                        "%s: special token %" PRId64 " has no name, or its rank twice or out of range",
                        t->v.path, id);
  *token = (VocabularyToken){name, strlen(name), TOKEN_CONTROL, 0};
  return true;
}

static bool put_specials(Tekken *t, const json_t *listed) {
  size_t i;
  json_t *each;
  bool ok = true;
  for (int64_t k = 0; ok && !json_is_array(listed) && k < OLDER && k < t->specials; k++)
    ok = put_special(t, k, older[k]);
  json_array_foreach(listed, i, each) {
    const json_t *rank = json_object_get(each, "rank");
    ok = ok && put_special(t, json_is_integer(rank) ? json_integer_value(rank) : -1,
                           json_get_text(each, "token_str", NULL));
  }
  for (int64_t k = 0; ok && k < t->specials; k++)
    if (!t->v.tokens[k].length) ok = put_special(t, k, arena_printf(t->arena, "<SPECIAL_%" PRId64 ">", k));
  return ok;
}

/* The first ranks; files have more of them than models. */
static bool put_ranks(Tekken *t, const json_t *vocabulary) {
  const int64_t count = (int64_t)t->v.count - t->specials;
  if ((int64_t)json_array_size(vocabulary) < count)
    return fail_damaged(t->err, "%s: has %zu ranks, of which the vocabulary needs %" PRId64, t->v.path,
                        json_array_size(vocabulary), count);
  for (int64_t i = 0; i < count; i++) {
    const json_t *each = json_array_get(vocabulary, (size_t)i), *rank = json_object_get(each, "rank"),
                 *bytes = json_object_get(each, "token_bytes");
    if (!json_is_integer(rank) || json_integer_value(rank) != i || !json_is_string(bytes) ||
        !vocabulary_put_bytes(&t->v, t->arena, t->specials + i, json_string_value(bytes),
                              json_string_length(bytes), -(double)i))
      return fail_damaged(t->err, "%s: entry %" PRId64 " of \"vocab\" is not the bytes of that rank",
                          t->v.path, i);
  }
  return true;
}

static bool read_sizes(Tekken *t, const json_t *config) {
  enum { MOST = 1 << 22 };
  int64_t size, specials;
  if (!json_get_int(config, "default_vocab_size", 0, &size, t->v.path, t->err) ||
      !json_get_int(config, "default_num_special_tokens", 0, &specials, t->v.path, t->err))
    return false;
  if (specials < 3 || size > MOST || specials >= size)
    return fail_damaged(t->err,
                        "%s: a vocabulary of %" PRId64 " with %" PRId64 " special tokens is not possible",
                        t->v.path, size, specials);
  t->v.count = (size_t)size;
  t->specials = specials;
  t->v.patterns[0] = json_get_text(config, "pattern", NULL);
  return t->v.patterns[0] || fail_damaged(t->err, "%s: \"pattern\" is missing", t->v.path);
}

static bool fill(Tekken *t, const json_t *json, StoredTokenizer *out) {
  if (!read_sizes(t, json_object_get(json, "config"))) return false;
  t->v.tokens = arena_alloc_zeroed(t->arena, t->v.count * sizeof *t->v.tokens);
  return put_specials(t, json_object_get(json, "special_tokens")) &&
         put_ranks(t, json_object_get(json, "vocab")) && vocabulary_store(&t->v, "token", out, t->err);
}

/* As of all tokenizers of Mistral, a begin token stands before every text. */
static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  json_t *json = json_parse(file.data, file.size, f->path, f->err);
  if (!json) return false;
  Tekken t = {
      .v = {.path = f->path, .begin = 1, .end = 2, .unknown = 0, .add_begin = true, .whole_words = true},
      .arena = arena_new(1 << 16),
      .err = f->err};
  const bool ok = fill(&t, json, out) && vocabulary_merges(&t.v, out, f->err);
  if (ok) vocabulary_byte_level(&t.v, &out->steps);
  arena_free(t.arena);
  json_decref(json);
  return ok;
}

static const char *const names[] = {"tekken*.json", NULL};
const TokenizerFormat tokenizer_tekken = {names, NULL, read};
