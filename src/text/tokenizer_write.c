/* tokenizer_write.c - writes tokenizer.json, in the format of Hugging Face's tokenizers. */
#include <math.h>

#include "base/file.h"
#include "text/tokenizer_impl.h"

static json_t *vocabulary_json(const Tokenizer *t, size_t count) {
  json_t *vocabulary = json_object();
  for (size_t i = 0; i < count; i++)
    if (t->pieces.data[i].name) json_put(vocabulary, t->pieces.data[i].name, json_integer((json_int_t)i));
  return vocabulary;
}

/* Of Unigram; tokens that are no pieces of the model have no score. */
static json_t *scored_vocabulary_json(const Tokenizer *t) {
  json_t *vocabulary = json_array();
  for (size_t i = 0; i < t->vocabulary; i++) {
    json_t *token = json_build("[s]", t->pieces.data[i].name);
    if (!isnan(t->scores.data[i])) json_push(token, json_real(t->scores.data[i]));
    json_push(vocabulary, token);
  }
  return vocabulary;
}

/* As "left right", which older readers know, unless names may have spaces. */
static json_t *merges_json(const Tokenizer *t) {
  json_t *merges = json_array();
  Buffer text = {0};
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Merge m = t->merges.list.data[i];
    const char *left = t->pieces.data[m.left].name, *right = t->pieces.data[m.right].name;
    buffer_clear(&text);
    if (t->byte_level) buffer_addf(&text, "%s %s", left, right);
    json_push(merges, t->byte_level ? json_string(text.data) : json_build("[s, s]", left, right));
  }
  buffer_free(&text);
  return merges;
}

static json_t *added_entry(const Tokenizer *t, const AddedToken *a, bool normalized) {
  return json_build("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (int)a->id, "content",
                    t->pieces.data[a->id].name, "single_word", a->single_word, "lstrip", a->lstrip, "rstrip",
                    a->rstrip, "normalized", normalized, "special", a->special);
}

static json_t *added_json(const Tokenizer *t) {
  json_t *added = json_array();
  for (size_t i = 0; i < t->added.list.count; i++)
    json_push(added, added_entry(t, &t->added.list.data[i], false));
  return added;
}

static json_t *byte_level_json(void) {
  return json_build("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1,
                    "use_regex", 0);
}

static json_t *pre_tokenizer_json(const Tokenizer *t) {
  if (!t->cutters.count) return byte_level_json();
  json_t *split = json_build("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", t->pattern_text,
                             "behavior", "Isolated", "invert", 0);
  return json_build("{s:s, s:[o, o]}", "type", "Sequence", "pretokenizers", split, byte_level_json());
}

static json_t *model_json(const Tokenizer *t) {
  return json_build("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                    "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                    "byte_fallback", 0, "ignore_merges", (int)t->whole_words, "vocab",
                    vocabulary_json(t, t->pieces.count), "merges", merges_json(t));
}

static json_t *normalizer_json(const Steps *steps) {
  if (!steps->count) return json_null();
  json_t *parts = json_array();
  for (size_t i = 0; i < steps->count; i++)
    json_push(parts, json_build("{s:s}", "type", steps->data[i].kind->type));
  return json_build("{s:s, s:o}", "type", "Sequence", "normalizers", parts);
}

/* ---- tokens around a text ---- */

static void append_token(const Tokenizer *t, int32_t id, json_t *sequence, json_t *tokens) {
  const char *name = t->pieces.data[id].name;
  json_push(sequence, json_build("{s:{s:s, s:i}}", "SpecialToken", "id", name, "type_id", 0));
  json_put(tokens, name, json_build("{s:s, s:[i], s:[s]}", "id", name, "ids", (int)id, "tokens", name));
}

/* The text `name` of a template with the tokens around it. */
static void append_text(const Tokenizer *t, const char *name, json_t *sequence, json_t *tokens) {
  if (t->begin >= 0) append_token(t, t->begin, sequence, tokens);
  json_push(sequence, json_build("{s:{s:s, s:i}}", "Sequence", "id", name, "type_id", 0));
  for (size_t i = 0; i < t->behind.count; i++) append_token(t, t->behind.data[i], sequence, tokens);
}

static json_t *template_json(const Tokenizer *t) {
  json_t *single = json_array(), *pair = json_array(), *tokens = json_object();
  append_text(t, "A", single, tokens);
  append_text(t, "A", pair, tokens);
  append_text(t, "B", pair, tokens);
  return json_build("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", single, "pair", pair,
                    "special_tokens", tokens);
}

static json_t *post_processor_json(const Tokenizer *t) {
  const bool tokens = t->begin >= 0 || t->behind.count;
  if (!tokens) return t->byte_level ? byte_level_json() : json_null();
  if (!t->byte_level) return template_json(t);
  return json_build("{s:s, s:[o, o]}", "type", "Sequence", "processors", byte_level_json(), template_json(t));
}

/* A source keeps the tokens that its tokenizer.json already puts around texts. */
static void frame_source(Tokenizer *t) {
  if (t->begin >= 0 || t->behind.count || t->end < 0) return;
  vec_push(&t->behind, t->end);
  t->reframed = true;
}

void tokenizer_frame(Tokenizer *t, bool encodes, int32_t begin) {
  if (encodes) {
    if (t->of_sources) frame_source(t->of_sources);
    frame_source(t);
  } else if (t->begin != begin || t->behind.count) {
    t->begin = begin;
    t->behind.count = 0;
    t->reframed = true;
  }
}

/* ---- the file ---- */

static json_t *tokenizer_json(const Tokenizer *t) {
  return json_build("{s:s, s:n, s:n, s:o, s:o, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation",
                    "padding", "added_tokens", added_json(t), "normalizer", normalizer_json(&t->normalizers),
                    "pre_tokenizer", pre_tokenizer_json(t), "post_processor", post_processor_json(t),
                    "decoder", byte_level_json(), "model", model_json(t));
}

static void append_listed_elsewhere(const Tokenizer *t, const AddedTokens *added, bool normalized,
                                    json_t *list) {
  for (size_t i = 0; i < added->list.count; i++)
    if (t->pieces.data[added->list.data[i].id].listed_elsewhere)
      json_push(list, added_entry(t, &added->list.data[i], normalized));
}

/* The lists of which the file has no text (stored_tokenizer.h). */
static void put_lists(const Tokenizer *t, json_t *model) {
  const bool scored = t->model == &model_Unigram;
  json_put(model, "vocab", scored ? scored_vocabulary_json(t) : vocabulary_json(t, t->vocabulary));
  if (t->model == &model_BPE) json_put(model, "merges", merges_json(t));
}

static void complete_added(const Tokenizer *t, json_t *json) {
  json_t *list = json_object_get(json, "added_tokens");
  if (!json_is_array(list)) json_put(json, "added_tokens", list = json_array());
  append_listed_elsewhere(t, &t->added, false, list);
  append_listed_elsewhere(t, &t->added_normalized, true, list);
}

/* The file that was read, completed with added tokens from the other files, and with the changes. */
static json_t *completed_json(const Tokenizer *t, Error *err) {
  json_t *json = json_parse(t->source.data, t->source.length, "tokenizer.json", err);
  if (!json) return NULL;
  if (t->source_is_steps) put_lists(t, json_object_get(json, "model"));
  if (t->completed) complete_added(t, json);
  if (t->reframed) json_put(json, "post_processor", post_processor_json(t));
  return json;
}

bool tokenizer_text(const Tokenizer *t, Buffer *out, Error *err) {
  if (t->source.length && !t->source_is_steps && !t->completed && !t->reframed) {
    buffer_add(out, t->source.data, t->source.length);
    return true;
  }
  json_t *json = t->source.length ? completed_json(t, err) : tokenizer_json(t);
  if (!json) return false;
  char *text = json_text(json, t->source_is_steps ? JSON_COMPACT : JSON_INDENT(2));
  buffer_addf(out, "%s\n", text);
  mem_free(text);
  json_decref(json);
  return true;
}

bool tokenizer_save(const Tokenizer *t, const char *path, bool create, Error *err) {
  Buffer text = {0};
  const bool ok = tokenizer_text(t, &text, err) &&
                  (create ? file_create : file_replace)(path, text.data, text.length, err);
  buffer_free(&text);
  return ok;
}
