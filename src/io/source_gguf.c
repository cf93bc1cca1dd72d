/* source_gguf.c - one GGUF file, or the first of several: weights, configuration, vocabulary and chat
 * template of a model. Tensors are used where the file is mapped. */
#include <string.h>

#include "base/arena.h"
#include "base/language.h"
#include "io/gguf_model.h"
#include "io/licence.h"
#include "io/source.h"

static json_t *licence_of(const Gguf *g) {
  json_t *licence = json_object();
  for (int i = 0; i < LICENCE_PARTS; i++) {
    const char *text = NULL;
    if (gguf_get_text(g, licence_parts[i].gguf, &text, NULL) && text)
      licence_put(licence, licence_parts[i].part, text, strlen(text));
  }
  return licence;
}

static void put_licence(GgufValues *v, const json_t *licence) {
  for (int i = 0; i < LICENCE_PARTS; i++) {
    const json_t *text = json_object_get(licence, licence_parts[i].part);
    if (text) gguf_put_text(v, licence_parts[i].gguf, json_string_value(text), json_string_length(text));
  }
}

/* A file without tensors is only a tokenizer. */
static bool open_file(ModelSource *s, Error *err) {
  Gguf *g = mem_alloc_zeroed(1, sizeof *g);
  s->own = g;
  if (!gguf_open(g, s->path, err)) return false;
  if (gguf_is_adapter(g))
    return fail_usage(
        err, "%s: is an adapter, not a model: give its base, and it with --adapter %s (convert: --merge)",
        s->path, s->path);
  snprintf(s->configuration_at, PATH_CAPACITY, _("%.*s: metadata, by transformers' names"), PATH_CAPACITY / 2,
           s->path);
  snprintf(s->generation_at, PATH_CAPACITY, _("%.*s: metadata of sampling"), PATH_CAPACITY / 2, s->path);
  s->licence = licence_of(g);
  if (!gguf_get_json(g, GGUF_CARD, &s->card, err)) return false;
  return !g->tensors.count || ((s->configuration = gguf_configuration(g, err)) &&
                               gguf_generation(g, s->configuration, &s->generation, err));
}

static bool open_tensors(ModelSource *s, Error *err) {
  (void)err;
  s->tensors = ((const Gguf *)s->own)->tensors;
  return true;
}

static void close_file(ModelSource *s) {
  if (s->own) gguf_close(s->own);
  mem_free(s->own);
}

static bool find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  snprintf(t->path, sizeof t->path, "%s", s->path);
  return gguf_tokenizer(s->own, &t->stored, err);
}

/* The default template has this key; another has its name behind it, which the key "tokenizer.chat_templates"
 * lists once more. */
#define TEMPLATE "tokenizer.chat_template"

/* The name of the template with that key; NULL: it is no template's. */
static const char *template_name(const char *key) {
  if (strncmp(key, TEMPLATE, strlen(TEMPLATE))) return NULL;
  const char *rest = key + strlen(TEMPLATE);
  return !*rest ? "default" : *rest == '.' && rest[1] ? rest + 1 : NULL;
}

static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  const Gguf *g = s->own;
  json_t *by_name = json_object();
  bool ok = true;
  for (size_t i = 0; ok && i < g->count; i++) {
    const char *name = template_name(g->values[i].key), *text = NULL;
    if (name && (ok = gguf_get_text(g, g->values[i].key, &text, err)))
      json_put(by_name, name, json_string(text));
  }
  *out = source_templates(by_name);
  return ok;
}

/* ---- writing ---- */

static void put_template(GgufValues *v, const char *name, const json_t *text) {
  char key[256] = TEMPLATE;
  if (strcmp(name, "default")) snprintf(key, sizeof key, TEMPLATE ".%s", name);
  gguf_put_text(v, key, json_string_value(text), json_string_length(text));
}

/* A text, or a list of named ones. */
static void put_templates(GgufValues *v, const json_t *templates) {
  size_t i, named = 0;
  json_t *each;
  if (json_is_string(templates)) put_template(v, "default", templates);
  json_array_foreach(templates, i, each) {
    const char *name = json_get_text(each, "name", "");
    put_template(v, name, json_object_get(each, "template"));
    named += strcmp(name, "default") != 0;
  }
  if (named) gguf_put_array(v, "tokenizer.chat_templates", GGUF_STRING, named);
  json_array_foreach(templates, i, each) {
    const char *name = json_get_text(each, "name", "");
    if (strcmp(name, "default")) gguf_add_text(v, name, strlen(name));
  }
}

/* What a tokenizer_config.json says may be anything. */
static bool check_templates(const json_t *templates, Error *err) {
  enum { LONGEST_NAME = 64 };
  size_t i;
  json_t *each;
  bool good = !templates || json_is_null(templates) || json_is_string(templates) || json_is_array(templates);
  json_array_foreach(templates, i, each) {
    const size_t length = strlen(json_get_text(each, "name", ""));
    good = good && length && length <= LONGEST_NAME && json_is_string(json_object_get(each, "template"));
  }
  return good || fail(err,
                      "\"chat_template\" is neither a text nor a list of texts with names of at most %d "
                      "bytes: correct it, or leave it out of tokenizer_config.json",
                      LONGEST_NAME);
}

static bool put_values(GgufValues *v, const ModelFile *f, Error *err) {
  bool blocks = false;
  for (size_t i = 0; i < f->count; i++) blocks |= type_info(f->items[i].tensor.type)->block > 1;
  const GgufTokens tokens = {f->vocabulary, f->begin, f->unknown, f->add_begin};
  if (!check_templates(f->chat_template, err) || !gguf_put_configuration(v, f->configuration, err) ||
      !gguf_put_tokenizer(v, f->tokenizer, f->tokenizer_length, &tokens, err))
    return false;
  if (blocks) gguf_put_int(v, "general.quantization_version", 2);
  put_licence(v, f->licence);
  put_templates(v, f->chat_template);
  gguf_put_generation(v, f->generation);
  gguf_put_json(v, GGUF_CARD, f->card);
  return true;
}

/* Reads the configuration as it will be read. `items` are sorted by name. */
static bool check_file(const GgufValues *v, const ModelFile *f, TensorSet items, Error *err) {
  Gguf g;
  Buffer bytes = {0};
  json_t *as_read = NULL;
  gguf_begin(&bytes, v, 0);
  const bool ok = gguf_open_values(&g, items.path, &bytes, items, err) &&
                  (as_read = gguf_configuration(&g, err)) && f->check(f->self, as_read, err);
  json_decref(as_read);
  gguf_close(&g);
  buffer_free(&bytes);
  return ok;
}

/* Items that the file itself needs have their own values. */
static const Tensor *values_of(void *self, const NamedTensor *item) {
  const ModelFile *f = self;
  return item->tensor.data ? &item->tensor : f->values(f->self, item);
}

/* llama.cpp asks for what the first layer of RWKV-7 does not have: zeros, as large as its neighbours. */
static const char *const rwkv_needs[][2] = {{"blk.0.time_mix_v0.weight", "blk.0.time_mix_a0.weight"},
                                            {"blk.0.time_mix_v1.weight", "blk.0.time_mix_a1.weight"},
                                            {"blk.0.time_mix_v2.weight", "blk.0.time_mix_a2.weight"}};
enum { RWKV_NEEDS = 3, MOST_MORE = RWKV_NEEDS + 2 };

static size_t add_zeros(const ModelFile *f, Arena *zeros, NamedTensor *to) {
  size_t count = 0;
  for (int i = 0; i < RWKV_NEEDS; i++)
    for (size_t k = 0; k < f->count; k++) {
      if (strcmp(f->items[k].name, rwkv_needs[i][1])) continue;
      to[count] = f->items[k];
      to[count].name = rwkv_needs[i][0];
      Tensor *t = &to[count++].tensor;
      t->data = arena_alloc(zeros, tensor_bytes(t));
      memset(t->data, 0, tensor_bytes(t));
    }
  return count;
}

static bool save(const char *path, const ModelFile *f, Error *err) {
  GgufValues v = {.count = 0};
  GgufFactors factors[2];
  Arena *zeros = arena_new(0);
  size_t more = gguf_rope_factors(f->configuration, factors);
  NamedTensor *items = mem_alloc((f->count + MOST_MORE) * sizeof *items);
  memcpy(items, f->items, f->count * sizeof *items);
  for (size_t i = 0; i < more; i++)
    items[f->count + i] = (NamedTensor){
        .name = factors[i].name,
        .tensor = {.type = TENSOR_F32, .dims = 1, .shape = {factors[i].count}, .data = factors[i].values}};
  more += add_zeros(f, zeros, items + f->count + more);
  TensorSet set = {items, f->count + more, path};
  tensors_sort(&set);
  bool ok = put_values(&v, f, err) && check_file(&v, f, set, err);
  gguf_sort(items, set.count);
  const GgufTensors of = {(void *)(uintptr_t)f, values_of};
  ok = ok && gguf_write(path, f->create, &v, items, set.count, of, err);
  buffer_free(&v.bytes);
  mem_free(items);
  arena_free(zeros);
  return ok;
}

static const Tensor *adapter_values(void *self, const NamedTensor *item) {
  (void)self;
  return item->from;
}

static bool save_adapter(const char *path, const AdapterFile *f, Error *err) {
  GgufValues v = {.count = 0};
  gguf_sort(f->items, f->count);
  bool ok = gguf_put_adapter(&v, f->configuration, f->base, f->card, err);
  if (ok) put_licence(&v, f->licence);
  ok = ok && gguf_write(path, f->create, &v, f->items, f->count, (GgufTensors){NULL, adapter_values}, err);
  buffer_free(&v.bytes);
  return ok;
}

const SourceFormat source_gguf = {.name = "gguf",
                                  .claims = gguf_claims,
                                  .open = open_file,
                                  .open_tensors = open_tensors,
                                  .close = close_file,
                                  .find_tokenizer = find_tokenizer,
                                  .read_template = read_template,
                                  .suffix = ".gguf",
                                  .save = save,
                                  .save_adapter = save_adapter};
