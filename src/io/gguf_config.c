/* gguf_config.c - config.json of a GGUF file, and back. To add an architecture: a line in `families`, with
 * its keys that the common ones do not cover, and a table of tensor names in its own file (models/naming.h,
 * "gguf"). Both directions use the same lines. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/language.h"
#include "io/gguf_model.h"

/* How a value goes over. */
typedef enum Use {
  COUNT,   /* a whole number */
  REAL,    /* a number */
  SWITCH,  /* true or false */
  LAYERS,  /* true or false for each layer: whether it has a window */
  TENSOR,  /* the key is a tensor's name: whether there is one */
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
                                 {"rope.scaling.attn_factor", COMPUTED, NULL},
                                 {"rope.scaling.yarn_attn_factor", COMPUTED, NULL},
                                 {"rope.scaling.yarn_beta_fast", COMPUTED, NULL},
                                 {"rope.scaling.yarn_beta_slow", COMPUTED, NULL},
                                 {"vocab_size", COMPUTED, NULL},
                                 {"blk.0.attn_q.bias", TENSOR, "attention_bias"},
                                 {"blk.0.ffn_up.bias", TENSOR, "mlp_bias"},
                                 {NULL, COUNT, NULL}};

/* Of families that share a name, the first that has the key "expert_count" or not, as the file, is read. */
typedef struct Family {
  const char *name, *model_type;
  const KeyName *keys; /* besides the common ones, and instead of those with the same key; NULL: none */
  const char *always;  /* what all its models have, as JSON; NULL: nothing */
} Family;

static const KeyName gemma2_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"attn_logit_softcapping", REAL, "attn_logit_softcapping"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {NULL, COUNT, NULL}};
static const KeyName gemma3_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {"rope.freq_base_swa", REAL, "rope_local_base_freq"},
                                      {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                      {NULL, COUNT, NULL}};

/* Of families whose heads divide the width. */
#define NO_HEAD_SIZE \
  { "attention.key_length", COMPUTED, NULL }
static const KeyName divided_keys[] = {NO_HEAD_SIZE, {NULL, COUNT, NULL}};
static const KeyName qwen2_keys[] = {
    NO_HEAD_SIZE, {"blk.0.attn_q.bias", COMPUTED, NULL}, {NULL, COUNT, NULL}};
static const KeyName gpt2_keys[] = {NO_HEAD_SIZE,
                                    {"block_count", COUNT, "n_layer"},
                                    {"context_length", COUNT, "n_positions"},
                                    {"embedding_length", COUNT, "n_embd"},
                                    {"feed_forward_length", COUNT, "n_inner"},
                                    {"attention.head_count", COUNT, "n_head"},
                                    {"attention.layer_norm_epsilon", REAL, "layer_norm_epsilon"},
                                    {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                    {NULL, COUNT, NULL}};
static const KeyName mixtral_keys[] = {{"expert_count", COUNT, "num_local_experts"},
                                       {"expert_used_count", COUNT, "num_experts_per_tok"},
                                       {NULL, COUNT, NULL}};
static const KeyName qwen3_moe_keys[] = {{"expert_count", COUNT, "num_experts"},
                                         {"expert_used_count", COUNT, "num_experts_per_tok"},
                                         {"expert_feed_forward_length", COUNT, "moe_intermediate_size"},
                                         {NULL, COUNT, NULL}};
static const KeyName granite_keys[] = {NO_HEAD_SIZE,
                                       {"attention.scale", REAL, "attention_multiplier"},
                                       {"embedding_scale", REAL, "embedding_multiplier"},
                                       {"residual_scale", REAL, "residual_multiplier"},
                                       {"logit_scale", REAL, "logits_scaling"},
                                       {NULL, COUNT, NULL}};
static const KeyName starcoder2_keys[] = {NO_HEAD_SIZE,
                                          {"attention.layer_norm_epsilon", REAL, "norm_epsilon"},
                                          {"blk.0.attn_q.bias", COMPUTED, NULL},
                                          {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                          {NULL, COUNT, NULL}};
static const KeyName cohere_keys[] = {NO_HEAD_SIZE,
                                      {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                      {"logit_scale", REAL, "logit_scale"},
                                      {"blk.0.attn_q_norm.weight", TENSOR, "use_qk_norm"},
                                      {NULL, COUNT, NULL}};
static const KeyName cohere2_keys[] = {{"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                       {"logit_scale", REAL, "logit_scale"},
                                       {"attention.sliding_window", COUNT, "sliding_window"},
                                       {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                       {NULL, COUNT, NULL}};
static const KeyName ernie4_5_keys[] = {
    {"blk.0.attn_q.bias", TENSOR, "use_bias"}, {"blk.0.ffn_up.bias", COMPUTED, NULL}, {NULL, COUNT, NULL}};
static const KeyName phi2_keys[] = {NO_HEAD_SIZE,
                                    {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                    {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
                                    {"blk.0.attn_q.bias", COMPUTED, NULL},
                                    {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                    {NULL, COUNT, NULL}};
static const KeyName phi3_keys[] = {
    NO_HEAD_SIZE,
    {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
    {"rope.scaling.original_context_length", COUNT, "original_max_position_embeddings"},
    {NULL, COUNT, NULL}};
static const KeyName stablelm_keys[] = {NO_HEAD_SIZE,
                                        {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                        {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
                                        {"blk.0.attn_q.bias", TENSOR, "use_qkv_bias"},
                                        {"use_parallel_residual", SWITCH, "use_parallel_residual"},
                                        {NULL, COUNT, NULL}};

static const Family families[] = {
    {"llama", "llama", NULL, NULL},
    {"llama", "mistral", NULL, NULL},
    {"llama", "mixtral", mixtral_keys, NULL},
    {"qwen2", "qwen2", qwen2_keys, NULL},
    {"qwen3", "qwen3", NULL, NULL},
    {"qwen3moe", "qwen3_moe", qwen3_moe_keys, "{\"norm_topk_prob\": true}"},
    {"gemma2", "gemma2", gemma2_keys, NULL},
    {"gemma3", "gemma3_text", gemma3_keys, NULL},
    {"gemma", "gemma", NULL, NULL},
    {"arcee", "arcee", NULL, NULL},
    {"command-r", "cohere", cohere_keys, NULL},
    {"cohere2", "cohere2", cohere2_keys, NULL},
    {"ernie4_5", "ernie4_5", ernie4_5_keys, NULL},
    {"seed_oss", "seed_oss", NULL, NULL},
    {"gpt2", "gpt2", gpt2_keys, NULL},
    {"granite", "granite", granite_keys, NULL},
    {"olmo2", "olmo2", divided_keys, "{\"tie_word_embeddings\": false}"},
    {"phi2", "phi", phi2_keys, "{\"tie_word_embeddings\": false}"},
    {"phi3", "phi3", phi3_keys, NULL},
    {"smollm3", "smollm3", divided_keys, NULL},
    {"starcoder2", "starcoder2", starcoder2_keys, "{\"sliding_window\": null}"},
    {"stablelm", "stablelm", stablelm_keys, "{\"tie_word_embeddings\": false}"}};
enum { FAMILIES = sizeof families / sizeof *families };

static const KeyName *find_key(const KeyName *k, const char *key) {
  while (k && k->key && strcmp(k->key, key)) k++;
  return k && k->key ? k : NULL;
}

static bool is_known(const KeyName *k, const char *key) {
  return find_key(k, key) != NULL;
}

static char *known_names(void) {
  Buffer known = {0};
  for (int i = 0; i < FAMILIES; i++)
    if (!i || strcmp(families[i].name, families[i - 1].name))
      buffer_addf(&known, "%s%s", i ? ", " : "", families[i].name);
  return buffer_take(&known);
}

static const Family *family_of(const Gguf *g, Error *err) {
  const char *name = NULL;
  char key[256];
  int64_t experts = 0;
  if (!gguf_get_text(g, "general.architecture", &name, err)) return NULL;
  if (!name) return fail_damaged(err, "%s: \"general.architecture\" is missing", g->path), NULL;
  snprintf(key, sizeof key, "%s.expert_count", name);
  if (!gguf_get_int(g, key, &experts, err)) return NULL;
  for (int i = 0; i < FAMILIES; i++)
    if (!strcmp(name, families[i].name) && is_known(families[i].keys, "expert_count") == (experts > 0))
      return &families[i];
  char *known = known_names();
  fail(err, "%s: the architecture \"%s\"%s is not read from GGUF files (%s)", g->path, name,
       experts > 0 ? _(" with experts") : "", known);
  mem_free(known);
  return NULL;
}

/* ---- keys ---- */

static const char *full_name(char buf[256], const Family *f, const char *key) {
  snprintf(buf, 256, "%s.%s", f->name, key);
  return buf;
}

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
      if (there || k == find_key(f->keys, k->key)) json_put(config, k->name, json_boolean(there));
    } else if (k->use < TENSOR && !is_known(instead, k->key) && gguf_find(g, full_name(name, f, k->key)) &&
               !put_key(g, k, name, config, err)) {
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

static bool put_rope(const Gguf *g, const Family *f, json_t *config, Error *err) {
  const KeyName *share = find_key(f->keys, "rope.dimension_count");
  return gguf_read_rope(g, f->name, share ? share->name : NULL, config, err);
}

/* Files must have what llama.cpp requires; otherwise its defaults hold, not those of transformers' classes.
 */
static bool put_absent(const Gguf *g, const Family *f, json_t *config, Error *err) {
  static const char *const needed[] = {"block_count", "context_length", "embedding_length",
                                       "feed_forward_length", "attention.head_count"};
  char name[256], epsilon[256];
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    const GgufValue *v = gguf_find(g, full_name(name, f, needed[i]));
    if (!v && i == 3 && is_known(f->keys, "expert_feed_forward_length")) continue;
    if (!v || (gguf_is_int(v) && gguf_int_at(v, 0) < 1))
      return fail_damaged(err, "%s: \"%s\" is %s", g->path, name,
                          v ? _("not a positive number") : _("missing"));
  }
  if (!gguf_find(g, full_name(epsilon, f, "attention.layer_norm_epsilon")) &&
      !gguf_find(g, full_name(epsilon, f, "attention.layer_norm_rms_epsilon")))
    return fail_damaged(err, "%s: \"%s\" is missing", g->path, epsilon);
  json_t *heads = json_object_get(config, "num_attention_heads");
  if (!heads) return true; /* GPT-2 */
  if (!json_object_get(config, "num_key_value_heads")) json_share(config, "num_key_value_heads", heads);
  if (!json_object_get(config, "head_dim") && !is_known(f->keys, "attention.key_length"))
    json_put(config, "head_dim", json_integer(gguf_head(config)));
  if (!json_object_get(config, "rope_theta")) json_put(config, "rope_theta", json_real(10000));
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
  const bool ok = put_keys(g, f, common, f->keys, config, err) &&
                  put_keys(g, f, f->keys, NULL, config, err) && put_absent(g, f, config, err) &&
                  put_rope(g, f, config, err) && put_tokens(g, config, err) && put_sizes(g, config, err);
  if (ok && f->always) json_merge(config, json_parse(f->always, strlen(f->always), f->name, err));
  if (ok && (f->keys == gemma2_keys || f->keys == gemma3_keys)) put_query_scalar(config);
  if (ok) return config;
  json_decref(config);
  return NULL;
}

/* ---- writing ---- */

static const Family *family_to(const json_t *config, Error *err) {
  const char *type = json_get_text(config, "model_type", "");
  for (int i = 0; i < FAMILIES; i++)
    if (!strcmp(type, families[i].model_type)) return &families[i];
  Buffer known = {0};
  for (int i = 0; i < FAMILIES; i++) buffer_addf(&known, "%s%s", i ? ", " : "", families[i].model_type);
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
    full_name(name, f, k->key);
    if (k->use == COUNT && json_is_integer(x)) gguf_put_int(v, name, json_integer_value(x));
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

bool gguf_put_configuration(GgufValues *v, const json_t *config, Error *err) {
  const Family *f = family_to(config, err);
  if (!f) return false;
  gguf_put_text(v, "general.architecture", f->name, strlen(f->name));
  write_keys(v, f, common, f->keys, config);
  write_keys(v, f, f->keys, NULL, config);
  gguf_write_rope(v, f->name, config);
  write_tokens(v, config);
  return true;
}
