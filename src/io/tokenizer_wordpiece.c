/* tokenizer_wordpiece.c - BERT's vocab.txt: a token in each line. How letters are changed stands in
 * tokenizer_config.json. transformers: BertTokenizer. */
#include <string.h>

#include "io/tokenizer_files.h"
#include "io/vocabulary.h"

static bool check_class(const TokenizerFiles *f) {
  static const char *const classes[] = {"",
                                        "BertTokenizer",
                                        "BertTokenizerFast",
                                        "DistilBertTokenizer",
                                        "DistilBertTokenizerFast",
                                        "ElectraTokenizer",
                                        "ElectraTokenizerFast"};
  const char *name = json_get_text(f->config, "tokenizer_class", "");
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (!strcmp(name, classes[i])) {
      return json_object_size(f->config) ||
             fail(f->err,
                  "%s: does not say whether letters become small ones: add a tokenizer_config.json with "
                  "{\"do_lower_case\": true} or false",
                  f->path);
    }
  return tokenizer_files_refuse_class(f);
}

static bool add_line(Vocabulary *v, size_t *capacity, const char *line, size_t length, Error *err) {
  if (length && line[length - 1] == '\r') length--;
  if (!length) return fail_damaged(err, "%s: line %zu is empty", v->path, v->count + 1);
  if (v->count == *capacity) {
    *capacity = *capacity ? 2 * *capacity : 1024;
    v->tokens = mem_resize(v->tokens, *capacity * sizeof *v->tokens);
  }
  v->tokens[v->count++] = (VocabularyToken){line, length, TOKEN_NORMAL, 0};
  return true;
}

static bool read_lines(Vocabulary *v, FileView file, Error *err) {
  size_t capacity = 0;
  bool ok = true;
  for (const char *at = file.data, *end = at + file.size, *stop; ok && at < end; at = stop + 1) {
    stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    ok = add_line(v, &capacity, at, (size_t)(stop - at), err);
  }
  return ok && (v->count || fail_damaged(err, "%s: has no tokens", v->path));
}

/* The id of a special token; false: it is not in the vocabulary. */
static bool find_special(const TokenizerFiles *f, Vocabulary *v, const char *key, const char *fallback,
                         TokenKind kind, int64_t *id) {
  const char *name = tokenizer_files_name(f, key, fallback);
  for (size_t i = 0; i < v->count; i++)
    if (v->tokens[i].length == strlen(name) && !memcmp(v->tokens[i].text, name, v->tokens[i].length)) {
      v->tokens[i].kind = kind;
      *id = (int64_t)i;
      return true;
    }
  return fail_damaged(f->err, "%s: the %s \"%.60s\" is not in it", f->path, key, name);
}

static bool find_specials(const TokenizerFiles *f, Vocabulary *v) {
  Error none = {0};
  const TokenizerFiles optional = {.config = f->config, .err = &none};
  int64_t other;
  find_special(&optional, v, "pad_token", "[PAD]", TOKEN_CONTROL, &other);
  find_special(&optional, v, "mask_token", "[MASK]", TOKEN_CONTROL, &other);
  return find_special(f, v, "unk_token", "[UNK]", TOKEN_UNKNOWN, &v->unknown) &&
         find_special(f, v, "cls_token", "[CLS]", TOKEN_CONTROL, &v->begin) &&
         find_special(f, v, "sep_token", "[SEP]", TOKEN_CONTROL, &v->end);
}

static const char *spelled(bool on) {
  return on ? "true" : "false";
}

static bool write_steps(const TokenizerFiles *f, const Vocabulary *v, Buffer *out) {
  bool lower, chinese, accents;
  const json_t *strip = json_object_get(f->config, "strip_accents");
  const bool unsaid = !strip || json_is_null(strip);
  if (!json_get_bool(f->config, "do_lower_case", true, &lower, f->path, f->err) ||
      !json_get_bool(f->config, "tokenize_chinese_chars", true, &chinese, f->path, f->err) ||
      (!unsaid && !json_get_bool(f->config, "strip_accents", false, &accents, f->path, f->err)))
    return false;
  buffer_adds(out, "{\"version\":\"1.0\",");
  vocabulary_add_frame(v, out);
  buffer_addf(out,
              "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":%s,"
              "\"strip_accents\":%s,\"lowercase\":%s},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
              "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},"
              "\"model\":{\"type\":\"WordPiece\",\"continuing_subword_prefix\":\"##\","
              "\"max_input_chars_per_word\":100,\"unk_token\":",
              spelled(chinese), unsaid ? "null" : spelled(accents), spelled(lower));
  vocabulary_add_text(out, v->tokens[v->unknown].text, v->tokens[v->unknown].length);
  buffer_adds(out, ",\"vocab\":null}}");
  return true;
}

static bool read(TokenizerFiles *f, FileView file, StoredTokenizer *out) {
  Vocabulary v = {.path = f->path, .add_begin = true, .add_end = true};
  const bool ok = check_class(f) && read_lines(&v, file, f->err) &&
                  vocabulary_store(&v, "line", out, f->err) && find_specials(f, &v) &&
                  write_steps(f, &v, &out->steps);
  mem_free(v.tokens);
  return ok;
}

static const char *const names[] = {"vocab.txt", NULL};
const TokenizerFormat tokenizer_wordpiece = {names, NULL, read};
