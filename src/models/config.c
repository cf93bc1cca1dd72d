/* config.c - a model's shape: from settings, from and to config.json. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "models/model.h"

/* The choices of --arch, after a leading "|". */
static const char arch_choices[] =
#define ARCH(name) "|" #name
#include "models/models.def"
#undef ARCH
    ;

#include "base/settings_table.h"

#include "models/settings.def"

#define ARCH(name) extern const Arch arch_##name;
#include "models/models.def"
#undef ARCH
const Arch *const arch_table[] = {
#define ARCH(name) &arch_##name,
#include "models/models.def"
#undef ARCH
};
const int arch_count = sizeof arch_table / sizeof *arch_table;

const Arch *arch_find(const char *name) {
  for (int i = 0; i < arch_count; i++)
    if (!strcmp(arch_table[i]->name, name)) return arch_table[i];
  return NULL;
}

const Arch *arch_of_pairs(void) {
  int i = 0;
  while (!arch_table[i]->encodes) i++;
  return arch_table[i];
}

const Naming *arch_naming(const Arch *arch, const char *format) {
  for (const Naming *n = arch->namings; n && n->format; n++)
    if (!strcmp(n->format, format)) return n;
  return NULL;
}

static const Preset *preset_find(const Arch *arch, const char *name) {
  for (int i = 0; i < PRESETS; i++)
    if (!strcmp(arch->presets[i].name, name)) return &arch->presets[i];
  CHECK(!"a size without a preset");
  return NULL;
}

static int64_t either(int64_t given, int64_t preset) {
  return given ? given : preset;
}

static const double default_theta = 10000; /* of --rope-theta */

static bool knows(const Arch *arch, size_t offset) {
  for (const ConfigKey *k = arch->keys; k->key; k++)
    if (k->offset == offset) return true;
  return false;
}

static FeedForward feed_forward_of(const char *activation) {
  return !strcmp(activation, "gelu")     ? FFN_GELU
         : !strcmp(activation, "silu")   ? FFN_SILU
         : !strcmp(activation, "swiglu") ? FFN_SWIGLU
                                         : FFN_RELU;
}

/* Words of a choice, in the order of its enumeration. */
static const char *const words[][2] = {
    [CONFIG_CELL] = {"gru", "lstm"}, [CONFIG_ATTENTION] = {"additive", "multiplicative"}};

static int word_index(ConfigKind kind, const char *word) {
  for (int i = 0; i < 2; i++)
    if (!strcmp(words[kind][i], word)) return i;
  return -1;
}

bool arch_reads(const Arch *arch, const char *setting) {
  static const struct {
    const char *setting;
    size_t offset;
  } read[] = {{"rope_theta", offsetof(Config, rope_theta)},
              {"cell", offsetof(Config, cell)},
              {"attention", offsetof(Config, attention)}};
  for (size_t i = 0; i < sizeof read / sizeof *read; i++)
    if (!strcmp(setting, read[i].setting)) return knows(arch, read[i].offset);
  return arch->encodes || (strcmp(setting, "encoder_layers") && strcmp(setting, "activation"));
}

/* Fails for settings that the architecture does not support. */
static bool check_supported(const Config *c, const ModelSettings *s, Error *err) {
  const Arch *arch = c->arch;
  if (s->rope_theta != default_theta && !arch_reads(arch, "rope_theta"))
    return fail_usage(err, "%s has no choice of rotary positions: leave out --rope-theta", arch->name);
  if ((s->encoder_layers || c->feed_forward != FFN_RELU) && !arch->encodes)
    return fail_usage(err, "%s has no encoder: leave out --encoder-layers and --activation", arch->name);
  if ((c->cell || c->attention) && !arch_reads(arch, "cell"))
    return fail_usage(err, "%s has no choice of recurrence: leave out --cell and --attention", arch->name);
  return true;
}

bool config_from_settings(Config *c, const ModelSettings *s, int64_t vocabulary, Error *err) {
  const Arch *arch = arch_find(s->arch);
  CHECK(arch);
  const Preset *p = preset_find(arch, s->size);
  *c = (Config){.arch = arch,
                .vocabulary = vocabulary,
                .layers = either(s->layers, p->layers),
                .width = either(s->width, p->width),
                .heads = either(s->heads, p->heads),
                .kv_heads = s->kv_heads,
                .ffn = either(s->ffn, s->width ? 0 : p->ffn),
                .encoder_layers = s->encoder_layers,
                .scale_embedding = arch->encodes,
                .feed_forward = feed_forward_of(s->activation),
                .cell = (Cell)word_index(CONFIG_CELL, s->cell),
                .attention = (AttentionScore)word_index(CONFIG_ATTENTION, s->attention),
                .context = either(s->context, p->context),
                .dropout = s->dropout,
                .rope_theta = s->rope_theta,
                .norm_epsilon = 1e-5,
                .tied = s->tied,
                .bos = -1,
                .pad = -1};
  if (vocabulary < 1)
    return fail_usage(err, "a vocabulary of %lld tokens is too small: give at least 1",
                      (long long)vocabulary);
  if (arch->begin) arch->begin(c);
  return check_supported(c, s, err) && arch->complete(c, NULL, err);
}

static void *member(Config *c, const ConfigKey *k) {
  return (char *)c + k->offset;
}

static bool read_word(const ConfigKey *k, const json_t *json, unsigned *out, const char *where, Error *err) {
  const int index = word_index(k->kind, json_get_text(json, k->key, ""));
  if (index < 0)
    return fail(err, "%s: \"%s\" is neither \"%s\" nor \"%s\"", where, k->key, words[k->kind][0],
                words[k->kind][1]);
  *out = (unsigned)index;
  return true;
}

static void put_number(Config *c, const ConfigKey *k, double value) {
  if (k->kind == CONFIG_REAL)
    *(double *)member(c, k) = value;
  else if (k->kind == CONFIG_BOOL)
    *(bool *)member(c, k) = value != 0;
  else if (k->kind == CONFIG_TOKENS)
    *(TokenSet *)member(c, k) = token_set_of((int64_t)value);
  else
    *(int64_t *)member(c, k) = (int64_t)value;
}

/* A token id, or a list whose first element is used. */
static bool read_token(const json_t *json, const char *key, int64_t *out, const char *where, Error *err) {
  const json_t *value = json_object_get(json, key);
  if (json_is_array(value)) value = json_array_get(value, 0);
  if (!json_is_integer(value)) return fail(err, "%s: \"%s\" is not a token id", where, key);
  *out = json_integer_value(value);
  return true;
}

bool config_read_tokens(const json_t *json, const char *key, TokenSet *out, const char *where, Error *err) {
  const json_t *value = json_object_get(json, key);
  const size_t count = json_is_array(value) ? json_array_size(value) : 1;
  *out = (TokenSet){.count = 0};
  if (!value || json_is_null(value)) return true;
  for (size_t i = 0; i < count; i++) {
    const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
    const int64_t n = json_integer_value(id);
    if (!json_is_integer(id) || n < 0 || n > INT32_MAX)
      return fail(err, "%s: \"%s\" is not a token id", where, key);
    if (!token_set_add(out, n))
      return fail(err, "%s: \"%s\" has more than %d tokens, which is not supported", where, key, MOST_TOKENS);
  }
  return count || fail(err, "%s: \"%s\" is not a token id", where, key);
}

json_t *config_tokens_json(const TokenSet *s) {
  if (s->count < 2) return s->count ? json_integer(s->ids[0]) : json_null();
  json_t *list = json_array();
  for (int32_t i = 0; i < s->count; i++) json_push(list, json_integer(s->ids[i]));
  return list;
}

/* Whether 0, which means "absent" within the program, is not a value that the key can have in a file. */
static bool is_size(const ConfigKey *k) {
  static const size_t sizes[] = {
      offsetof(Config, vocabulary),    offsetof(Config, layers),      offsetof(Config, width),
      offsetof(Config, heads),         offsetof(Config, kv_heads),    offsetof(Config, head_size),
      offsetof(Config, ffn),           offsetof(Config, context),     offsetof(Config, encoder_layers),
      offsetof(Config, encoder_heads), offsetof(Config, encoder_ffn), offsetof(Config, first_context),
      offsetof(Config, decay_rank),    offsetof(Config, gate_rank),   offsetof(Config, rate_rank),
      offsetof(Config, value_rank)};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (k->offset == sizes[i]) return true;
  return false;
}

static bool read_size(Config *c, const ConfigKey *k, const char *key, const json_t *json, const char *where,
                      Error *err) {
  if (!json_get_int(json, key, 0, member(c, k), where, err)) return false;
  return *(int64_t *)member(c, k) > 0 || fail(err, "%s: \"%s\" is not a positive number", where, key);
}

static bool read_value(Config *c, const ConfigKey *k, const char *key, const json_t *json, const char *where,
                       Error *err) {
  switch (k->kind) {
    case CONFIG_INT:
      if (is_size(k)) return read_size(c, k, key, json, where, err);
      return json_get_int(json, key, 0, member(c, k), where, err);
    case CONFIG_REAL:
      return json_get_real(json, key, 0, member(c, k), where, err);
    case CONFIG_BOOL:
      return json_get_bool(json, key, false, member(c, k), where, err);
    case CONFIG_TOKEN:
      return read_token(json, key, member(c, k), where, err);
    case CONFIG_TOKENS:
      return config_read_tokens(json, key, member(c, k), where, err);
    case CONFIG_CELL:
    case CONFIG_ATTENTION:
      return read_word(k, json, member(c, k), where, err);
  }
  return false;
}

static bool read_key(Config *c, const ConfigKey *k, const json_t *json, const char *where, Error *err) {
  const json_t *alias = k->alias ? json_object_get(json, k->alias) : NULL;
  const char *key = alias ? k->alias : k->key;
  const json_t *value = json_object_get(json, key);
  const double otherwise = value ? k->null : k->otherwise;
  if (value && !json_is_null(value)) return read_value(c, k, key, json, where, err);
  if (isnan(otherwise)) return fail(err, "%s: \"%s\" is %s", where, key, value ? _("null") : _("missing"));
  put_number(c, k, otherwise);
  return true;
}

static bool read_keys(Config *c, const json_t *json, const char *where, Error *err) {
  for (const ConfigKey *k = c->arch->keys; k->key; k++)
    if (!read_key(c, k, json, where, err)) return false;
  return true;
}

/* ---- keys that are not read ---- */

static const ConfigFact common_facts[] = {
#define FACT(key, values) {#key, values},
#include "models/config_facts.def"
#undef FACT
#define SETTING_KEY(key, setting)   {#key, "*"},
#define RULE_KEY(key, kind, member) {#key, "*"},
#define FIXED_KEY(key, values)      {#key, "*"},
#define HARMLESS_KEY(key)           {#key, "*"},
#include "models/generation.def"
#undef SETTING_KEY
#undef RULE_KEY
#undef FIXED_KEY
#undef HARMLESS_KEY
    {NULL, NULL}};

static const ConfigFact *find_fact(const ConfigFact *facts, const char *key) {
  for (; facts && facts->key; facts++)
    if (!strcmp(facts->key, key)) return facts;
  return NULL;
}

static bool is_read(const Arch *arch, const char *key) {
  for (const ConfigKey *k = arch->keys; k->key; k++)
    if (!strcmp(k->key, key) || (k->alias && !strcmp(k->alias, key))) return true;
  return false;
}

bool config_fact_holds(const char *values, const json_t *value) {
  if (!strcmp(values, "*") || json_is_null(value)) return true;
  char *text = json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
  const size_t length = strlen(text);
  bool found = false;
  for (const char *at = values; at && !found; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
    found = strcspn(at, "|") == length && !strncmp(at, text, length);
  mem_free(text);
  return found;
}

/* Text that is not a single word, such as a comment, cannot select anything. */
static bool is_prose(const json_t *value) {
  static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  const char *text = json_string_value(value);
  return text && text[strspn(text, word)];
}

static bool check_fact(const ConfigFact *facts, const char *key, const json_t *value, const char *what,
                       const char *where, Error *err) {
  const ConfigFact *fact = find_fact(facts, key);
  if (key[0] == '_' || json_is_null(value)) return true;
  if (!fact) fact = find_fact(common_facts, key);
  if (!fact && is_prose(value)) return true;
  if (!fact)
    return fail(err,
                "%s: the key \"%s\" is unknown for %s models and might change what the model computes: "
                "remove it from the file if it does not matter",
                where, key, what);
  if (config_fact_holds(fact->values, value)) return true;
  char *text = json_text(value, JSON_COMPACT | JSON_ENCODE_ANY);
  fail(err, "%s: \"%s\" is %.60s, which is not supported%s%s", where, key, text,
       *fact->values ? _(", only ") : "", fact->values);
  mem_free(text);
  return false;
}

bool config_check_facts(const ConfigFact *facts, const json_t *object, const char *what, const char *where,
                        Error *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value) {
    if (!check_fact(facts, key, value, what, where, err)) return false;
  }
  return true;
}

static bool check_keys(const Arch *arch, const json_t *json, const char *where, Error *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)json, key, value) {
    if (!is_read(arch, key) && !check_fact(arch->facts, key, value, arch->model_type, where, err))
      return false;
  }
  return true;
}

/* ---- writing ---- */

static json_t *key_json(const ConfigKey *k, const void *at) {
  switch (k->kind) {
    case CONFIG_INT:
    case CONFIG_TOKEN:
      return *(const int64_t *)at < 0 ? json_null() : json_integer(*(const int64_t *)at);
    case CONFIG_TOKENS:
      return config_tokens_json(at);
    case CONFIG_REAL:
      return json_real(*(const double *)at);
    case CONFIG_BOOL:
      return json_boolean(*(const bool *)at);
    case CONFIG_CELL:
    case CONFIG_ATTENTION:
      return json_string(words[k->kind][*(const unsigned *)at]);
  }
  return NULL;
}

static void write_keys(const Config *c, json_t *json) {
  for (const ConfigKey *k = c->arch->keys; k->key; k++)
    json_put(json, k->key, key_json(k, (const char *)c + k->offset));
}

static int64_t largest(const TokenSet *s) {
  int64_t most = -1;
  for (int32_t i = 0; i < s->count; i++) most = s->ids[i] > most ? s->ids[i] : most;
  return most;
}

/* Limits of sizes in files: far above any real model, and a product of three sizes cannot overflow. */
static bool check_ranges(const Config *c, const char *where, Error *err) {
  const struct {
    const char *name;
    int64_t value, low, high;
  } ranges[] = {
      {_("vocabulary"), c->vocabulary, 1, 10000000},
      {_("source vocabulary"), c->source_vocabulary, 0, 10000000},
      {_("labels"), c->labels, c->labels ? 2 : 0, MOST_LABELS},
      {_("layers"), c->layers, 1, MOST_LAYERS},
      {_("width"), c->width, 1, 65536},
      {_("embedding width"), c->embedding_width, 0, 65536},
      {_("heads"), c->heads, 0, 1024},
      {_("key/value heads"), c->kv_heads, 0, 1024},
      {_("values per head"), c->head_size, 0, 65536},
      {_("feed-forward width"), c->ffn, 0, 1048576},
      {_("encoder layers"), c->encoder_layers, 0, MOST_LAYERS},
      {_("encoder heads"), c->encoder_heads, 0, 1024},
      {_("encoder feed-forward width"), c->encoder_ffn, 0, 1048576},
      {_("experts"), c->experts, 0, MOST_EXPERTS},
      {"num_experts_per_tok", c->experts_each, 0, c->experts},
      {_("context"), c->context, 1, 16777216},
      {"original_max_position_embeddings", c->first_context, 0, 16777216},
      {_("sliding window"), c->window, 0, 16777216},
      {"relative_attention_num_buckets", c->buckets, 0, 65536},
      {"relative_attention_max_distance", c->farthest, 0, 16777216},
      {"rotary_dim", c->rotary_size, 0, 65536},
      {"query_pre_attn_scalar", c->query_scalar, 0, 1048576},
      {"decay_low_rank_dim", c->decay_rank, 0, 65536},
      {"gate_low_rank_dim", c->gate_rank, 0, 65536},
      {"a_low_rank_dim", c->rate_rank, 0, 65536},
      {"v_low_rank_dim", c->value_rank, 0, 65536},
      {"bos_token_id", c->bos, -1, c->vocabulary - 1},
      {"eos_token_id", largest(&c->ends), -1, c->vocabulary - 1},
      {"pad_token_id", c->pad, -1, c->vocabulary - 1},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (ranges[i].value < ranges[i].low || ranges[i].value > ranges[i].high)
      return fail(err, "%s: %s is %lld, but must be between %lld and %lld", where, ranges[i].name,
                  (long long)ranges[i].value, (long long)ranges[i].low, (long long)ranges[i].high);
  return true;
}

/* The key of the member at `offset`. */
static const char *key_of(const Arch *arch, size_t offset) {
  const ConfigKey *k = arch->keys;
  while (k->key && k->offset != offset) k++;
  return k->key;
}

/* Outside of these ranges, results are not finite. */
static bool check_reals(const Config *c, const char *where, Error *err) {
  static const struct {
    size_t offset;
    double low, high;
  } ranges[] = {
      {offsetof(Config, rope_theta), 1e-6, 1e30}, {offsetof(Config, window_rope_theta), 0, 1e30},
      {offsetof(Config, norm_epsilon), 0, 1e6},   {offsetof(Config, score_cap), 0, 1e9},
      {offsetof(Config, logit_cap), 0, 1e9},      {offsetof(Config, rotary_share), 1e-6, 1},
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    const double value = *(const double *)((const char *)c + ranges[i].offset);
    const char *key = key_of(c->arch, ranges[i].offset);
    if (key && !(value >= ranges[i].low && value <= ranges[i].high))
      return fail(err, "%s: %s is %.9g, but must be between %g and %g", where, key, value, ranges[i].low,
                  ranges[i].high);
  }
  return true;
}

/* ---- classifiers ---- */

static const char classifies[] = "ForSequenceClassification";

static bool ends_with(const char *text, const char *ending) {
  const size_t n = strlen(text), m = strlen(ending);
  return n >= m && !strcmp(text + n - m, ending);
}

/* The number of labels of a class for whole texts, as transformers counts them. */
static bool read_labels(Config *c, const json_t *json, const char *where, Error *err) {
  const json_t *names = json_object_get(json, "id2label");
  const char *problem = json_get_text(json, "problem_type", "single_label_classification");
  if (strcmp(problem, "single_label_classification"))
    return fail(err,
                "%s: \"problem_type\" is \"%s\", which is not supported, only "
                "single_label_classification: one label for each text",
                where, problem);
  const int64_t named = (int64_t)json_object_size(names);
  if (!json_get_int(json, "num_labels", named ? named : 2, &c->labels, where, err)) return false;
  if (c->labels < 1) return fail(err, "%s: \"num_labels\" is not a positive number", where);
  return !named || named == c->labels ||
         fail(err, "%s: \"num_labels\" and \"id2label\" contradict each other", where);
}

/* By the class that "architectures" names. */
static bool read_head(Config *c, const json_t *json, const char *where, Error *err) {
  static const char *const others[] = {"ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice"};
  const char *class = json_string_value(json_array_get(json_object_get(json, "architectures"), 0));
  for (size_t i = 0; class && i < sizeof others / sizeof *others; i++)
    if (ends_with(class, others[i]))
      return fail(err, "%s: the class %s is not supported, only those for texts and their labels", where,
                  class);
  if (!class || !ends_with(class, classifies)) return true;
  if (c->arch->encodes)
    return fail(err, "%s: the class %s is not supported: classifiers have no encoder", where, class);
  return read_labels(c, json, where, err);
}

/* "LlamaForCausalLM", "GPT2LMHeadModel" -> "LlamaForSequenceClassification", ... */
static void put_class(const Config *c, json_t *json) {
  static const char *const endings[] = {"ForCausalLM", "LMHeadModel", ""};
  const char *class = c->arch->hf_class, *const *ending = endings;
  char name[128];
  while (!ends_with(class, *ending)) ending++;
  snprintf(name, sizeof name, "%.*s%s", (int)(strlen(class) - strlen(*ending)), class, classifies);
  if (c->labels) class = c->arch->hf_classifier ? c->arch->hf_classifier : name;
  json_put(json, "architectures", json_build("[s]", class));
}

/* Removes token ids that are class defaults outside of the vocabulary. */
static void drop_default_tokens(Config *c, const json_t *json) {
  for (const ConfigKey *k = c->arch->keys; k->key; k++) {
    if (json_object_get(json, k->key)) continue;
    if (k->kind == CONFIG_TOKEN && *(int64_t *)member(c, k) >= c->vocabulary) put_number(c, k, -1);
    if (k->kind == CONFIG_TOKENS && largest(member(c, k)) >= c->vocabulary) put_number(c, k, -1);
  }
}

static const Arch *arch_by_type(const json_t *json) {
  const char *type = json_get_text(json, "model_type", "");
  for (int i = 0; i < arch_count; i++)
    if (!strcmp(arch_table[i]->model_type, type)) return arch_table[i];
  return NULL;
}

static bool fail_unknown_type(const json_t *json, const char *path, Error *err) {
  Buffer known = {0};
  for (int i = 0; i < arch_count; i++) buffer_addf(&known, "%s%s", i ? ", " : "", arch_table[i]->model_type);
  fail(err, "%s: model_type \"%s\" is not supported (%s)", path, json_get_text(json, "model_type", ""),
       known.data);
  buffer_free(&known);
  return false;
}

bool config_from_json(Config *c, const json_t *json, const char *path, Error *err) {
  if (!json_is_object(json)) return fail(err, "%s: not a JSON object", path);
  *c = (Config){.arch = arch_by_type(json), .norm_epsilon = 1e-5, .rope_theta = default_theta};
  if (!c->arch) return fail_unknown_type(json, path, err);
  if (!check_keys(c->arch, json, path, err) || !read_keys(c, json, path, err) ||
      !read_head(c, json, path, err) || !c->arch->read_rest(c, json, path, err))
    return false;
  drop_default_tokens(c, json);
  return check_ranges(c, path, err) && check_reals(c, path, err) && c->arch->complete(c, path, err);
}

bool config_read(Config *c, const char *path, Error *err) {
  json_t *json = json_read(path, err);
  if (!json) return false;
  const bool ok = config_from_json(c, json, path, err);
  json_decref(json);
  return ok;
}

json_t *config_json(const Config *c) {
  json_t *json = json_object();
  put_class(c, json);
  if (c->labels) json_put(json, "problem_type", json_string("single_label_classification"));
  json_put(json, "model_type", json_string(c->arch->model_type));
  json_put(json, "torch_dtype", json_string("float32"));
  write_keys(c, json);
  c->arch->write_rest(c, json);
  return json;
}

bool config_write(const Config *c, const char *path, Error *err) {
  json_t *json = config_json(c);
  const bool ok = json_write(path, json, err);
  json_decref(json);
  return ok;
}
