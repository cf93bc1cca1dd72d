/* tokenizer_merges.c - byte-level BPE as GPT-2 was published: vocab.json (token -> id) and merges.txt (a pair
 * a line). */
#include <inttypes.h>
#include <string.h>

#include "base/hints.h"
#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

/* The id of a special token, which becomes one; -1: none. */
static int64_t find_special(Vocabulary *v, const json_t *vocabulary, const char *name) {
  const json_t *id = name ? json_object_get(vocabulary, name) : NULL;
  if (!id) return -1;
  v->tokens[json_integer_value(id)].kind = TOKEN_CONTROL;
  return json_integer_value(id);
}

static bool choose(const TokenizerFiles *f, Vocabulary *v) {
  char path[PATH_CAPACITY];
  const char *class = json_get_text(f->config, "tokenizer_class", "");
  const bool qwen2 = !strncmp(class, "Qwen2Tokenizer", strlen("Qwen2Tokenizer"));
  if (!tokenizer_files_frame(f, v)) return false;
  if (file_exists(tokenizer_files_beside(f, path, "added_tokens.json")) &&
      !json_object_get(f->config, "added_tokens_decoder"))
    return fail(f->err, "%s: is not read without tokenizer.json: " SAVE_TOKENIZER, path);
  v->patterns[0] = qwen2 ? WORDS_QWEN2 : NULL;
  v->composes = qwen2;
  return json_get_bool(f->config, "add_prefix_space", false, &v->add_space, f->path, f->err) &&
         (!qwen2 || !v->add_space ||
          fail(f->err, "%s: \"add_prefix_space\" of a Qwen2Tokenizer is not supported", f->path));
}

/* The first line may say the version. */
static bool store_merges(const TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  static const char version[] = "#version";
  const char *at = file.data, *end = at + file.size;
  bool ok = true;
  for (const char *stop; ok && at < end; at = stop + 1) {
    stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    size_t n = (size_t)(stop - at);
    if (n && at[n - 1] == '\r') n--;
    if (!n || (at == file.data && n >= strlen(version) && !memcmp(at, version, strlen(version)))) continue;
    ok = stored_merge(out, name_pair(at, n), "", f->path, f->err);
  }
  return ok;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  char path[PATH_CAPACITY];
  Vocabulary v = {.path = path, .unknown = -1};
  json_t *vocabulary = json_read(tokenizer_files_beside(f, path, "vocab.json"), f->err);
  bool ok = vocabulary && vocabulary_fill(&v, vocabulary, f->err) &&
            vocabulary_store(&v, "token", out, f->err) && choose(f, &v);
  if (ok) {
    v.begin = find_special(&v, vocabulary, tokenizer_files_name(f, "bos_token", NULL));
    v.end = find_special(&v, vocabulary, tokenizer_files_name(f, "eos_token", "<|endoftext|>"));
    vocabulary_byte_level(&v, &out->steps);
    ok = store_merges(f, file, out);
  }
  mem_free(v.tokens);
  json_decref(vocabulary);
  return ok;
}

static const char *const names[] = {"merges.txt", NULL};
const TokenizerFormat tokenizer_merges = {names, NULL, read};
