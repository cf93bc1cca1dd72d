#include "io/peft.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "io/gguf_model.h"
#include "io/model_cache.h"

bool peft_exists(const char *directory) {
  char current[PATH_CAPACITY], path[PATH_CAPACITY];
  return dir_exists(directory) && file_exists(path_join(path, dir_current(current, directory), PEFT_CONFIG));
}

/* ---- settings ---- */

/* Read, or of no effect on what the adapter computes: which layers it has, the tensors tell. */
static const char *const known[] = {"alpha_pattern",
                                    "auto_mapping",
                                    "base_model_name_or_path",
                                    "bias",
                                    "exclude_modules",
                                    "fan_in_fan_out",
                                    "inference_mode",
                                    "init_lora_weights",
                                    "layers_pattern",
                                    "layers_to_transform",
                                    "lora_alpha",
                                    "lora_dropout",
                                    "megatron_core",
                                    "modules_to_save",
                                    "peft_type",
                                    "peft_version",
                                    "qalora_group_size",
                                    "r",
                                    "rank_pattern",
                                    "revision",
                                    "target_modules",
                                    "task_type",
                                    "use_rslora"};

static bool is_known(const char *key) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(key, known[i])) return true;
  return false;
}

static bool is_nothing(const json_t *value) {
  return json_is_null(value) || json_is_false(value) || (json_is_array(value) && !json_array_size(value)) ||
         (json_is_object(value) && !json_object_size(value));
}

static bool refuse(const PeftAdapter *a, const char *key, const char *instead, Error *err) {
  return fail(
      err, "%s/" PEFT_CONFIG ": \"%s\" is not supported%s: merge the adapter with peft's merge_and_unload()",
      a->path, key, instead);
}

/* Some initial values are parts of the base's weights, which PEFT then changes. */
static bool check_initial(const PeftAdapter *a, Error *err) {
  static const char *const harmless[] = {"gaussian", "orthogonal", "eva"};
  const json_t *value = json_object_get(a->configuration, "init_lora_weights");
  if (!value || json_is_boolean(value)) return true;
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (json_is_string(value) && !strcmp(json_string_value(value), harmless[i])) return true;
  return refuse(a, "init_lora_weights", _(" unless it leaves the base's weights as they are"), err);
}

/* Names of layers, or their ends; PEFT would read others as regular expressions. */
static bool check_pattern(const PeftAdapter *a, Error *err) {
  const json_t *patterns = json_object_get(a->configuration, "alpha_pattern");
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)patterns, key, value) {
    if (!json_is_number(value))
      return refuse(a, "alpha_pattern", _(" with values that are not numbers"), err);
    for (const char *c = key; *c; c++)
      if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.", *c))
        return refuse(a, "alpha_pattern", _(" with regular expressions"), err);
  }
  return true;
}

/* As PEFT writes them for a classifier, of which a decoder has the second. */
static const char *const saved[] = {"classifier", "score"};
enum { SAVED = sizeof saved / sizeof *saved };

/* Of what is trained as a whole, only the head of a classifier. */
static bool check_whole(const PeftAdapter *a, Error *err) {
  const json_t *list = json_object_get(a->configuration, "modules_to_save");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *name = json_string_value(json_array_get(list, i));
    int which = 0;
    while (name && which < SAVED && strcmp(name, saved[which])) which++;
    if (!name || which == SAVED)
      return refuse(a, "modules_to_save", _(" except for a classifier's head"), err);
  }
  return !list || is_nothing(list) || json_is_array(list) ||
         refuse(a, "modules_to_save", _(" unless it is a list"), err);
}

static bool check(const PeftAdapter *a, Error *err) {
  const json_t *config = a->configuration;
  const char *type = json_get_text(config, "peft_type", ""), *key;
  json_t *value;
  if (strcmp(type, "LORA"))
    return fail(err,
                "%s/" PEFT_CONFIG
                ": adapters of type \"%s\" are not supported, only LORA: merge the adapter with "
                "peft's merge_and_unload()",
                a->path, type);
  if (strcmp(json_get_text(config, "bias", "none"), "none"))
    return refuse(a, "bias", _(" unless it is none"), err);
  json_object_foreach((json_t *)(uintptr_t)config, key,
                      value) if (!is_known(key) && !is_nothing(value)) return refuse(a, key, "", err);
  if (!json_is_number(json_object_get(config, "lora_alpha")))
    return fail(err, "%s/" PEFT_CONFIG ": \"lora_alpha\" is missing, or not a number", a->path);
  const json_t *rank = json_object_get(config, "r");
  if (rank && !json_is_null(rank) && !(json_is_integer(rank) && json_integer_value(rank) > 0))
    return fail(err, "%s/" PEFT_CONFIG ": \"r\" is not a positive integer", a->path);
  const json_t *rslora = json_object_get(config, "use_rslora");
  if (rslora && !json_is_null(rslora) && !json_is_boolean(rslora))
    return fail(err, "%s/" PEFT_CONFIG ": \"use_rslora\" is neither true nor false", a->path);
  return check_initial(a, err) && check_pattern(a, err) && check_whole(a, err);
}

/* ---- reading ---- */

static bool open_directory(PeftAdapter *a, Error *err) {
  char path[PATH_CAPACITY];
  if (!(a->configuration = json_read(path_join(path, a->path, PEFT_CONFIG), err)) || !check(a, err))
    return false;
  path_join(path, a->path, "inkstone.json");
  if (!(a->card = file_exists(path) ? json_read(path, err) : json_object())) return false;
  if (!file_exists(path_join(path, a->path, PEFT_WEIGHTS)))
    return fail_not_found(err, "%s: " PEFT_WEIGHTS " is missing next to " PEFT_CONFIG, a->path);
  if (!safetensors_open(&a->weights, path, err)) return false;
  a->tensors = a->weights.tensors;
  return true;
}

static bool open_file(PeftAdapter *a, Error *err) {
  if (!gguf_open(&a->file, a->path, err) || !gguf_adapter(&a->file, &a->configuration, &a->card, err))
    return false;
  a->tensors = a->file.tensors;
  a->names = "gguf";
  return true;
}

bool peft_open(PeftAdapter *a, const char *given, Error *err) {
  char path[PATH_CAPACITY];
  *a = (PeftAdapter){.path = ""};
  snprintf(a->path, sizeof a->path, "%s", dir_current(path, given));
  if (peft_exists(given)) return open_directory(a, err);
  if (gguf_claims(a->path)) return open_file(a, err);
  return fail_not_found(err, "%s: not an adapter: there is no " PEFT_CONFIG, given);
}

void peft_close(PeftAdapter *a) {
  json_decref(a->configuration);
  json_decref(a->card);
  safetensors_close(&a->weights);
  gguf_close(&a->file);
  *a = (PeftAdapter){.path = ""};
}

bool peft_find_base(const PeftAdapter *a, char path[PATH_CAPACITY], Error *err) {
  const char *base = json_get_text(a->configuration, "base_model_name_or_path", "");
  if (!*base)
    return fail(err,
                "%s/" PEFT_CONFIG
                ": no base model is named (base_model_name_or_path): give it with -m BASE "
                "--adapter %s",
                a->path, a->path);
  path_join(path, a->path, base);
  if (*base != '/' && (dir_exists(path) || file_exists(path))) return true;
  return model_cache_locate(path, base, err);
}

bool peft_head(const PeftAdapter *a, NamedTensor *head) {
  const NamedTensor *found = tensors_find(&a->tensors, "base_model.model." PEFT_HEAD);
  if (!found || a->names) return false;
  *head = *found;
  head->name = PEFT_HEAD;
  return true;
}

/* As PEFT: the first key that is the layer's name or an end of it, behind a dot. */
static double alpha_of(const PeftAdapter *a, const char *layer) {
  const size_t length = strlen(layer);
  const char *key;
  json_t *value;
  json_object_foreach(json_object_get(a->configuration, "alpha_pattern"), key, value) {
    const size_t n = strlen(key);
    if (n <= length && !strcmp(layer + length - n, key) && (n == length || layer[length - n - 1] == '.'))
      return json_number_value(value);
  }
  return json_number_value(json_object_get(a->configuration, "lora_alpha"));
}

double peft_scale(const PeftAdapter *a, const char *layer, int64_t rank) {
  const bool rslora = json_is_true(json_object_get(a->configuration, "use_rslora"));
  return alpha_of(a, layer) / (rslora ? sqrt((double)rank) : (double)rank);
}

bool peft_has_rank(const PeftAdapter *a, int64_t rank) {
  const json_t *stated = json_object_get(a->configuration, "r");
  return !json_is_integer(stated) || json_object_size(json_object_get(a->configuration, "rank_pattern")) ||
         json_integer_value(stated) == rank;
}

/* ---- writing ---- */

bool peft_write_config(const char *directory, const PeftSettings *s, Error *err) {
  char path[PATH_CAPACITY];
  json_t *json = json_build(
      "{s:s, s:s, s:s, s:I, s:o, s:o, s:b, s:O, s:s, s:b, s:b, s:b}", "peft_type", "LORA", "task_type",
      s->labels    ? "SEQ_CLS"
      : s->encodes ? "SEQ_2_SEQ_LM"
                   : "CAUSAL_LM",
      "base_model_name_or_path", s->base, "r", (json_int_t)s->rank, "lora_alpha", json_number(s->alpha),
      "lora_dropout", json_number(s->dropout), "use_rslora", s->rslora, "target_modules", s->targets, "bias",
      "none", "fan_in_fan_out", s->transposed, "init_lora_weights", 1, "inference_mode", 1);
  static const char *const none[] = {"auto_mapping",   "revision",        "layers_to_transform",
                                     "layers_pattern", "exclude_modules", "trainable_token_indices"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) json_put(json, none[i], json_null());
  json_put(json, "modules_to_save", s->labels ? json_build("[s, s]", saved[0], saved[1]) : json_null());
  json_put(json, "rank_pattern", json_object());
  json_put(json, "alpha_pattern", json_object());
  json_put(json, "use_dora", json_false());
  const bool ok = json_write(path_join(path, directory, PEFT_CONFIG), json, err);
  json_decref(json);
  return ok;
}
