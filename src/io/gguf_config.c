/* gguf_config.c - config.json of a GGUF file, and back, by the lines of gguf_families.c. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "io/gguf_families.h"
#include "io/gguf_model.h"

static bool is_known(const KeyName *k, const char *key) {
  return gguf_find_key(k, key) != NULL;
}

static const char *full_name(char buf[256], const char *family, const char *key) {
  snprintf(buf, 256, "%s.%s", family, key);
  return buf;
}

/* Whether the file has the key that only the family's files have. */
static bool fits(const Gguf *g, const Family *f) {
  char key[256];
  int64_t count = 0;
  Error ignored = {0};
  return !f->with || (gguf_get_int(g, full_name(key, f->name, f->with), &count, &ignored) && count > 0);
}

static const Family *family_of(const Gguf *g, Error *err) {
  const char *name = NULL;
  if (!gguf_get_text(g, "general.architecture", &name, err)) return NULL;
  if (!name) return fail_damaged(err, "%s: \"general.architecture\" is missing", g->path), NULL;
  const Family *alike = NULL;
  for (const Family *f = gguf_families; f->name; f++) {
    if (strcmp(name, f->name)) continue;
    if (fits(g, f)) return f;
    alike = f;
  }
  if (alike)
    return fail_damaged(err, "%s: \"%s.%s\" is no positive number", g->path, name, alike->with), NULL;
  Buffer known = {0};
  for (const Family *f = gguf_families; f->name; f++)
    if (f == gguf_families || strcmp(f->name, f[-1].name))
      buffer_addf(&known, "%s%s", known.length ? ", " : "", f->name);
  fail(err, "%s: the architecture \"%s\" is not read from GGUF files (%s)", g->path, name, known.data);
  buffer_free(&known);
  return NULL;
}

/* What transformers calls a key in this family; NULL: nothing. */
static const char *name_of(const Family *f, const char *key) {
  const KeyName *k = gguf_find_key(f->keys, key);
  return k ? k->name : gguf_find_key(gguf_common_keys, key)->name;
}

/* ---- keys ---- */

/* An array, or the number n: each n-th has none. */
static bool put_layers(const Gguf *g, const KeyName *k, const char *name, json_t *config, Error *err) {
  const GgufValue *v = gguf_find(g, name);
  const int64_t layers = json_integer_value(json_object_get(config, "num_hidden_layers"));
  const bool numbers = v->type == GGUF_BOOL || gguf_is_int(v);
  const int64_t step = numbers && !v->array ? gguf_int_at(v, 0) : 0;
  if (!numbers || (v->array ? v->count != (uint64_t)layers : step < 1 || layers > UINT16_MAX))
    return fail_damaged(err, "%s: \"%s\" is neither a number nor true or false for each layer", g->path,
                        name);
  json_t *list = json_array();
  for (int64_t i = 0; i < layers; i++) {
    const bool window = v->array ? gguf_int_at(v, (uint64_t)i) != 0 : (i + 1) % step != 0;
    json_push(list, json_string(window ? "sliding_attention" : "full_attention"));
  }
  json_put(config, k->name, list);
  return true;
}

static bool check_fixed(const Gguf *g, const KeyName *k, const char *name, Error *err) {
  const double only = strtod(k->name, NULL);
  double real = 0;
  return gguf_get_real(g, name, &real, err) &&
         (fabs(real - only) <= 1e-6 * only ||
          fail(err, "%s: \"%s\" is supported only with the value %g", g->path, name, only));
}

static bool put_key(const Gguf *g, const KeyName *k, const char *name, json_t *config, Error *err) {
  int64_t count = 0;
  double real = 0;
  bool on = false;
  if (k->use == LAYERS) return put_layers(g, k, name, config, err);
  const bool ok = k->use == COUNT  ? gguf_get_int(g, name, &count, err)
                  : k->use == REAL ? gguf_get_real(g, name, &real, err)
                                   : gguf_get_bool(g, name, &on, err);
  if (ok)
    json_put(config, k->name,
             k->use == COUNT  ? json_integer(count)
             : k->use == REAL ? json_number(real)
                              : json_boolean(on));
  return ok;
}

/* Without those of `instead`; of the common ones, only tensors that are there say something. */
static bool put_keys(const Gguf *g, const Family *f, const KeyName *k, const KeyName *instead, json_t *config,
                     Error *err) {
  char name[256];
  for (; k && k->key; k++)
    if (k->use == TENSOR && !is_known(instead, k->key)) {
      const bool there = tensors_find(&g->tensors, k->key) != NULL;
      if (there || k == gguf_find_key(f->keys, k->key)) json_put(config, k->name, json_boolean(there));
    } else if (k->use == FIXED) {
      if (!check_fixed(g, k, full_name(name, f->name, k->key), err)) return false;
    } else if (k->use < FIXED && !is_known(instead, k->key) &&
               gguf_find(g, full_name(name, f->name, k->key)) && !put_key(g, k, name, config, err)) {
      return false;
    }
  return true;
}

/* The one value of a key that is not read; of all others it is zero: of experts, say. */
static double neutral(const Family *f, const char *key) {
  static const struct {
    const char *family, *key; /* NULL: all */
    double value;
  } others[] = {{NULL, "attention.causal", 1},
                {NULL, "rope.scaling.yarn_ext_factor", -1},
                {"rwkv7", "token_shift_count", 2},
                {"gemma2", "attention.sliding_window_pattern", 2},
                {"gemma3", "attention.sliding_window_pattern", 6}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!strcmp(key, others[i].key) && (!others[i].family || !strcmp(f->name, others[i].family)))
      return others[i].value;
  return 0;
}

static bool check_keys(const Gguf *g, const Family *f, Error *err) {
  const size_t length = strlen(f->name);
  for (size_t i = 0; i < g->count; i++) {
    const GgufValue *v = &g->values[i];
    if (strncmp(v->key, f->name, length) || v->key[length] != '.') continue;
    const char *key = v->key + length + 1;
    if (is_known(gguf_common_keys, key) || is_known(f->keys, key)) continue;
    const double only = neutral(f, key);
    if (v->array || v->type == GGUF_STRING || gguf_real_at(v, 0) != only)
      return only == 0 ? fail(err, "%s: \"%s\" is not understood, and may change what the model computes",
                              g->path, v->key)
                       : fail(err, "%s: \"%s\" is supported only with the value %g", g->path, v->key, only);
  }
  return true;
}

/* ---- what takes more than a name ---- */

static GgufRope rope_of(const Family *f) {
  const KeyName *share = gguf_find_key(f->keys, "rope.dimension_count");
  return (GgufRope){f->name, name_of(f, "rope.freq_base"), share ? share->name : NULL};
}

static const char heads[] = "attention.head_count";

/* A file without their number has as many keys and values as heads, and so has every model of some families.
 */
static bool put_groups(const Gguf *g, const Family *f, json_t *config, Error *err) {
  static const char key[] = "attention.head_count_kv";
  char name[256];
  const char *groups = name_of(f, key);
  if (!name_of(f, heads)) return true; /* RWKV */
  json_t *all = json_object_get(config, name_of(f, heads));
  int64_t count = json_integer_value(all);
  if (groups && !json_object_get(config, groups)) json_share(config, groups, all);
  if (groups || !gguf_get_int(g, full_name(name, f->name, key), &count, err)) return groups != NULL;
  return count == json_integer_value(all) ||
         fail(err, "%s: \"%s\" is supported only with the number of heads", g->path, name);
}

/* Files must have what llama.cpp requires; otherwise its defaults hold, not those of transformers' classes.
 */
static bool put_absent(const Gguf *g, const Family *f, json_t *config, Error *err) {
  static const char *const needed[] = {"block_count", "context_length", "embedding_length",
                                       "feed_forward_length", heads};
  char name[256], epsilon[256];
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    const GgufValue *v = gguf_find(g, full_name(name, f->name, needed[i]));
    if (!v && i == 3 && is_known(f->keys, "expert_feed_forward_length")) continue;
    if (!strcmp(needed[i], heads) && !name_of(f, heads)) continue;
    if (!v || (gguf_is_int(v) && gguf_int_at(v, 0) < 1))
      return fail_damaged(err, "%s: \"%s\" is %s", g->path, name,
                          v ? _("not a positive number") : _("missing"));
  }
  if (!gguf_find(g, full_name(epsilon, f->name, "attention.layer_norm_epsilon")) &&
      !gguf_find(g, full_name(epsilon, f->name, "attention.layer_norm_rms_epsilon")))
    return fail_damaged(err, "%s: \"%s\" is missing", g->path, epsilon);
  const char *head = name_of(f, "attention.key_length"), *theta = name_of(f, "rope.freq_base");
  if (!put_groups(g, f, config, err)) return false;
  if (head && !json_object_get(config, head)) json_put(config, head, json_integer(gguf_head(config)));
  if (theta && !json_object_get(config, theta)) json_put(config, theta, json_real(10000));
  return true;
}

/* llama.cpp's ids where the file has none. They count only if the vocabulary has a control token there. */
static const struct {
  const char *tokenizer, *key;
  int64_t id;
} usual_ids[] = {{"llama", "tokenizer.ggml.bos_token_id", 1},
                 {"llama", "tokenizer.ggml.eos_token_id", 2},
                 {"gpt2", "tokenizer.ggml.bos_token_id", 11},
                 {"gpt2", "tokenizer.ggml.eos_token_id", 11}};

static bool is_control(const Gguf *g, int64_t id) {
  enum { CONTROL = 3 };
  const GgufValue *types = gguf_find(g, "tokenizer.ggml.token_type");
  return types && types->array && gguf_is_int(types) && (uint64_t)id < types->count &&
         gguf_int_at(types, (uint64_t)id) == CONTROL;
}

bool gguf_get_id(const Gguf *g, const char *key, int64_t *id, Error *err) {
  const char *tokenizer = NULL;
  *id = -1;
  if (gguf_find(g, key)) return gguf_get_int(g, key, id, err);
  if (!gguf_get_text(g, "tokenizer.ggml.model", &tokenizer, err)) return false;
  for (size_t i = 0; i < sizeof usual_ids / sizeof *usual_ids; i++)
    if (tokenizer && !strcmp(tokenizer, usual_ids[i].tokenizer) && !strcmp(key, usual_ids[i].key) &&
        is_control(g, usual_ids[i].id))
      *id = usual_ids[i].id;
  return true;
}

enum { ENDS = 3 };
static const char *const ends[ENDS] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};

static bool put_tokens(const Gguf *g, json_t *config, Error *err) {
  int64_t begin = -1, pad = -1;
  json_t *list = json_array();
  bool ok = gguf_get_id(g, "tokenizer.ggml.bos_token_id", &begin, err) &&
            gguf_get_id(g, "tokenizer.ggml.padding_token_id", &pad, err);
  for (size_t i = 0; ok && i < ENDS; i++) {
    int64_t end = -1;
    ok = gguf_get_id(g, ends[i], &end, err);
    if (ok && end >= 0) json_push(list, json_integer(end));
  }
  json_put(config, "bos_token_id", begin >= 0 ? json_integer(begin) : json_null());
  json_put(config, "pad_token_id", pad >= 0 ? json_integer(pad) : json_null());
  json_put(config, "eos_token_id", json_array_size(list) ? json_incref(list) : json_null());
  json_decref(list);
  return ok;
}

/* Whether the output matrix is the embedding. Some converters store a copy. One that is still to be written
 * is not. */
static bool is_tied(const Tensor *table, const NamedTensor *output) {
  if (!output) return true;
  const Tensor *o = &output->tensor;
  return o->data && o->type == table->type && tensor_same_shape(o, table) &&
         !memcmp(o->data, table->data, tensor_bytes(table));
}

/* What the shapes of tensors say. */
static bool put_sizes(const Gguf *g, json_t *config, Error *err) {
  const NamedTensor *table = tensors_find(&g->tensors, "token_embd.weight");
  if (!table || table->tensor.dims != 2)
    return fail_damaged(err, "%s: tensor \"token_embd.weight\" is missing, or no matrix", g->path);
  json_put(config, "vocab_size", json_integer(table->tensor.shape[0]));
  json_put(config, "tie_word_embeddings",
           json_boolean(is_tied(&table->tensor, tensors_find(&g->tensors, "output.weight"))));
  return true;
}

json_t *gguf_configuration(const Gguf *g, Error *err) {
  const Family *f = family_of(g, err);
  if (!f || !check_keys(g, f, err)) return NULL;
  json_t *config = json_build("{s:s}", "model_type", f->model_type);
  bool ok = put_keys(g, f, gguf_common_keys, f->keys, config, err) &&
            put_keys(g, f, f->keys, NULL, config, err) && put_absent(g, f, config, err) &&
            gguf_read_rope(g, rope_of(f), config, err) && put_tokens(g, config, err) &&
            put_sizes(g, config, err);
  if (ok && f->always) json_merge(config, json_parse(f->always, strlen(f->always), f->name, err));
  ok = ok && (!f->complete || f->complete(g, config, err));
  if (ok) return config;
  json_decref(config);
  return NULL;
}

/* ---- writing ---- */

static const Family *family_to(const json_t *config, Error *err) {
  const char *type = json_get_text(config, "model_type", "");
  Buffer known = {0};
  for (const Family *f = gguf_families; f->name; f++)
    if (!strcmp(type, f->model_type)) return f;
  for (const Family *f = gguf_families; f->name; f++)
    buffer_addf(&known, "%s%s", known.length ? ", " : "", f->model_type);
  fail(err, "models of the type \"%s\" are not written as GGUF files (%s): convert to a directory instead",
       type, known.data);
  buffer_free(&known);
  return NULL;
}

static void write_layers(GgufValues *v, const char *name, const json_t *types) {
  gguf_put_array(v, name, GGUF_BOOL, json_array_size(types));
  for (size_t i = 0; i < json_array_size(types); i++)
    gguf_add_number(v, !strcmp(json_string_value(json_array_get(types, i)), "sliding_attention"), 1);
}

static void write_keys(GgufValues *v, const Family *f, const KeyName *k, const KeyName *instead,
                       const json_t *config) {
  char name[256];
  for (; k && k->key; k++) {
    const json_t *x = k->name ? json_object_get(config, k->name) : NULL;
    if (k->use >= TENSOR || is_known(instead, k->key)) continue;
    full_name(name, f->name, k->key);
    if (k->use == COUNT && json_is_integer(x)) gguf_put_int(v, name, json_integer_value(x));
    if (k->use == FIXED) gguf_put_real(v, name, strtod(k->name, NULL));
    if (k->use == REAL && json_is_number(x)) gguf_put_real(v, name, json_number_value(x));
    if (k->use == LAYERS && json_is_array(x)) write_layers(v, name, x);
    if (k->use == SWITCH && json_is_boolean(x)) gguf_put_bool(v, name, json_is_true(x));
  }
}

/* The first end token, and those that llama.cpp has besides it. */
static void write_tokens(GgufValues *v, const json_t *config) {
  const json_t *list = json_object_get(config, "eos_token_id"),
               *pad = json_object_get(config, "pad_token_id");
  for (size_t i = 0; i < ENDS; i++) {
    const json_t *end = json_is_array(list) ? json_array_get(list, i) : i ? NULL : list;
    if (json_is_integer(end)) gguf_put_int(v, ends[i], json_integer_value(end));
  }
  if (json_is_integer(pad)) gguf_put_int(v, "tokenizer.ggml.padding_token_id", json_integer_value(pad));
}

const char *gguf_architecture(const json_t *config, Error *err) {
  const Family *f = family_to(config, err);
  return f ? f->name : NULL;
}

bool gguf_put_configuration(GgufValues *v, const json_t *config, Error *err) {
  const Family *f = family_to(config, err);
  if (!f) return false;
  gguf_put_text(v, "general.architecture", f->name, strlen(f->name));
  write_keys(v, f, gguf_common_keys, f->keys, config);
  write_keys(v, f, f->keys, NULL, config);
  gguf_write_rope(v, rope_of(f), config);
  if (f->write) f->write(v, config);
  write_tokens(v, config);
  return true;
}
