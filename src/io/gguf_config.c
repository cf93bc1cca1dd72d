/* gguf_config.c - config.json of a GGUF file. To add an architecture: a line in `families`, with its keys
 * that the common ones do not cover, and a table of tensor names in its own file (models/naming.h, "gguf").
 */
#include <inttypes.h>
#include <string.h>

#include "io/gguf_model.h"

/* How a value goes over. */
typedef enum Use {
  COUNT,   /* a whole number */
  REAL,    /* a number */
  COMPUTED /* read below, or of no effect */
} Use;

/* "<architecture>.<key>" and what transformers calls it. */
typedef struct KeyName {
  const char *key;
  Use use;
  const char *name;
} KeyName;

static const KeyName common[] = {{"block_count", COUNT, "num_hidden_layers"},
                                 {"context_length", COUNT, "max_position_embeddings"},
                                 {"embedding_length", COUNT, "hidden_size"},
                                 {"feed_forward_length", COUNT, "intermediate_size"},
                                 {"attention.head_count", COUNT, "num_attention_heads"},
                                 {"attention.head_count_kv", COUNT, "num_key_value_heads"},
                                 {"attention.key_length", COUNT, "head_dim"},
                                 {"attention.layer_norm_rms_epsilon", REAL, "rms_norm_eps"},
                                 {"rope.freq_base", REAL, "rope_theta"},
                                 {"attention.value_length", COMPUTED, NULL},
                                 {"rope.dimension_count", COMPUTED, NULL},
                                 {"rope.scaling.type", COMPUTED, NULL},
                                 {"rope.scaling.factor", COMPUTED, NULL},
                                 {"rope.scaling.finetuned", COMPUTED, NULL},
                                 {"rope.scaling.original_context_length", COMPUTED, NULL},
                                 {"vocab_size", COMPUTED, NULL},
                                 {NULL, COUNT, NULL}};

typedef struct Family {
  const char *name, *model_type;
  const KeyName *keys;   /* besides the common ones; NULL: none */
  const char *otherwise; /* what transformers' defaults are not, as JSON; NULL: nothing */
} Family;

static const KeyName gemma2_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"attn_logit_softcapping", REAL, "attn_logit_softcapping"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {NULL, COUNT, NULL}};
static const KeyName gemma3_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {"rope.freq_base_swa", REAL, "rope_local_base_freq"},
                                      {NULL, COUNT, NULL}};

static const Family families[] = {{"llama", "llama", NULL, NULL},
                                  {"qwen2", "qwen2", NULL, NULL},
                                  {"qwen3", "qwen3", NULL, NULL},
                                  {"gemma2", "gemma2", gemma2_keys, NULL},
                                  {"gemma3", "gemma3_text", gemma3_keys, NULL}};
enum { FAMILIES = sizeof families / sizeof *families };

static const Family *family_of(const Gguf *g, Error *err) {
  const char *name = NULL;
  if (!gguf_get_text(g, "general.architecture", &name, err)) return NULL;
  for (int i = 0; name && i < FAMILIES; i++)
    if (!strcmp(name, families[i].name)) return &families[i];
  Buffer known = {0};
  for (int i = 0; i < FAMILIES; i++) buffer_addf(&known, "%s%s", i ? ", " : "", families[i].name);
  if (name)
    fail(err, "%s: the architecture \"%s\" is not read from GGUF files (%s)", g->path, name, known.data);
  else
    fail_damaged(err, "%s: \"general.architecture\" is missing", g->path);
  buffer_free(&known);
  return NULL;
}

/* ---- keys ---- */

static const char *full_name(char buf[256], const Family *f, const char *key) {
  snprintf(buf, 256, "%s.%s", f->name, key);
  return buf;
}

static bool put_keys(const Gguf *g, const Family *f, const KeyName *k, json_t *config, Error *err) {
  char name[256];
  for (; k && k->key; k++) {
    int64_t count = 0;
    double real = 0;
    if (k->use == COMPUTED || !gguf_find(g, full_name(name, f, k->key))) continue;
    if (k->use == COUNT ? !gguf_get_int(g, name, &count, err) : !gguf_get_real(g, name, &real, err))
      return false;
    json_put(config, k->name, k->use == COUNT ? json_integer(count) : json_number(real));
  }
  return true;
}

static bool is_known(const KeyName *k, const char *key) {
  while (k && k->key && strcmp(k->key, key)) k++;
  return k && k->key;
}

/* The one value of a key that is not read; of all others it is zero: of experts, say. */
static double neutral(const Family *f, const char *key) {
  static const struct {
    const char *family, *key; /* NULL: all */
    double value;
  } others[] = {{NULL, "attention.causal", 1},
                {NULL, "rope.scaling.attn_factor", 1},
                {NULL, "rope.scaling.yarn_ext_factor", -1},
                {NULL, "rope.scaling.yarn_attn_factor", 1},
                {NULL, "rope.scaling.yarn_beta_fast", 32},
                {NULL, "rope.scaling.yarn_beta_slow", 1},
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
    if (is_known(common, key) || is_known(f->keys, key)) continue;
    const double only = neutral(f, key);
    if (v->array || v->type == GGUF_STRING || gguf_real_at(v, 0) != only)
      return only == 0 ? fail(err, "%s: \"%s\" is not understood, and may change what the model computes",
                              g->path, v->key)
                       : fail(err, "%s: \"%s\" is supported only with the value %g", g->path, v->key, only);
  }
  return true;
}

/* ---- what takes more than a name ---- */

/* Files must have what llama.cpp requires; otherwise its defaults hold, not those of transformers' classes.
 */
static bool put_absent(const Gguf *g, const Family *f, json_t *config, Error *err) {
  static const char *const needed[] = {"block_count",          "context_length",
                                       "embedding_length",     "feed_forward_length",
                                       "attention.head_count", "attention.layer_norm_rms_epsilon"};
  char name[256];
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    const GgufValue *v = gguf_find(g, full_name(name, f, needed[i]));
    if (!v || (gguf_is_int(v) && gguf_int_at(v, 0) < 1))
      return fail_damaged(err, "%s: \"%s\" is %s", g->path, name, v ? "not a positive number" : "missing");
  }
  const int64_t heads = json_integer_value(json_object_get(config, "num_attention_heads")),
                width = json_integer_value(json_object_get(config, "hidden_size"));
  if (!json_object_get(config, "num_key_value_heads"))
    json_put(config, "num_key_value_heads", json_integer(heads));
  if (!json_object_get(config, "head_dim")) json_put(config, "head_dim", json_integer(width / heads));
  if (!json_object_get(config, "rope_theta")) json_put(config, "rope_theta", json_real(10000));
  return true;
}

static bool put_rope(const Gguf *g, const Family *f, json_t *config, Error *err) {
  char name[256];
  const char *type = NULL;
  double factor = 1;
  int64_t first = 0, rotated = -1, value_length = -1;
  if (!gguf_get_text(g, full_name(name, f, "rope.scaling.type"), &type, err) ||
      !gguf_get_real(g, full_name(name, f, "rope.scaling.factor"), &factor, err) ||
      !gguf_get_int(g, full_name(name, f, "rope.scaling.original_context_length"), &first, err) ||
      !gguf_get_int(g, full_name(name, f, "rope.dimension_count"), &rotated, err) ||
      !gguf_get_int(g, full_name(name, f, "attention.value_length"), &value_length, err))
    return false;
  if (!type) type = factor == 0 || factor == 1 ? "none" : "linear"; /* of which 0 scales nothing */
  if (strcmp(type, "none") && strcmp(type, "linear") && strcmp(type, "yarn"))
    return fail(err, "%s: \"%s.rope.scaling.type\" is \"%s\": only none, linear and yarn are supported",
                g->path, f->name, type);
  if (strcmp(type, "none"))
    json_put(config, "rope_scaling", json_build("{s:s, s:f}", "rope_type", type, "factor", factor));
  if (first && strcmp(type, "none"))
    json_put(json_object_get(config, "rope_scaling"), "original_max_position_embeddings",
             json_integer(first));
  const int64_t head = json_integer_value(json_object_get(config, "head_dim"));
  if (rotated >= 0 && rotated != head)
    return fail(err,
                "%s: %" PRId64 " of the %" PRId64 " values of a head rotate: only all are supported here",
                g->path, rotated, head);
  return value_length < 0 || value_length == head ||
         fail(err, "%s: values of %" PRId64 " and keys of %" PRId64 " a head are not supported", g->path,
              value_length, head);
}

static bool put_tokens(const Gguf *g, json_t *config, Error *err) {
  static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                     "tokenizer.ggml.eom_token_id"};
  int64_t begin = -1, pad = -1;
  json_t *list = json_array();
  bool ok = gguf_get_int(g, "tokenizer.ggml.bos_token_id", &begin, err) &&
            gguf_get_int(g, "tokenizer.ggml.padding_token_id", &pad, err);
  for (size_t i = 0; ok && i < sizeof ends / sizeof *ends; i++) {
    int64_t end = -1;
    ok = gguf_get_int(g, ends[i], &end, err);
    if (ok && end >= 0) json_push(list, json_integer(end));
  }
  json_put(config, "bos_token_id", begin >= 0 ? json_integer(begin) : json_null());
  json_put(config, "pad_token_id", pad >= 0 ? json_integer(pad) : json_null());
  json_put(config, "eos_token_id", json_array_size(list) ? json_incref(list) : json_null());
  json_decref(list);
  return ok;
}

/* Whether the output matrix is the embedding. Some converters store a copy. */
static bool is_tied(const Tensor *table, const NamedTensor *output) {
  if (!output) return true;
  const Tensor *o = &output->tensor;
  return o->type == table->type && tensor_same_shape(o, table) &&
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
  if (tensors_find(&g->tensors, "blk.0.attn_q.bias")) json_put(config, "attention_bias", json_true());
  return true;
}

/* Gemma's scores are divided by the square root of this number, which no key has: the size of a head, but for
 * the largest models, as llama.cpp has it. */
static void put_query_scalar(json_t *config) {
  const int64_t layers = json_integer_value(json_object_get(config, "num_hidden_layers")),
                heads = json_integer_value(json_object_get(config, "num_attention_heads")),
                width = json_integer_value(json_object_get(config, "hidden_size"));
  const bool largest = layers == 62 || layers == 46;
  json_t *head = json_object_get(config, "head_dim");
  if (largest && heads > 0)
    json_put(config, "query_pre_attn_scalar", json_integer(width / heads));
  else if (head)
    json_share(config, "query_pre_attn_scalar", head);
}

json_t *gguf_configuration(const Gguf *g, Error *err) {
  const Family *f = family_of(g, err);
  if (!f || !check_keys(g, f, err)) return NULL;
  json_t *config = json_build("{s:s}", "model_type", f->model_type);
  const bool ok = put_keys(g, f, common, config, err) && put_keys(g, f, f->keys, config, err) &&
                  put_absent(g, f, config, err) && put_rope(g, f, config, err) &&
                  put_tokens(g, config, err) && put_sizes(g, config, err);
  if (ok && (f->keys == gemma2_keys || f->keys == gemma3_keys)) put_query_scalar(config);
  if (ok) return config;
  json_decref(config);
  return NULL;
}
