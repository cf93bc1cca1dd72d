/* source_peft.c - a directory with an adapter (peft.h): a model whose configuration and tensors are those of
 * the base that the adapter names. Card, generation defaults and tokenizer are the adapter's own, if it has
 * some, else the base's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/peft.h"
#include "io/source.h"

extern const SourceFormat source_peft;

typedef struct Adapted {
  PeftAdapter adapter;
  ModelSource base;
  NamedTensor *tensors; /* the base's and the adapter's head; NULL: it has none */
} Adapted;

static bool has(const ModelSource *s, const char *name) {
  char path[PATH_CAPACITY];
  return file_exists(path_join(path, s->path, name));
}

/* `given`: the base, if it is not the one that the adapter names. */
static bool open_base(Adapted *a, const char *path, const char *given, Error *err) {
  char base[PATH_CAPACITY];
  if (!peft_open(&a->adapter, path, err)) return false;
  if (given && peft_exists(given))
    return fail_usage(err, "%s: is an adapter, too: give its base, and both adapters", given);
  if (given) return source_open(&a->base, given, err);
  if (!peft_find_base(&a->adapter, base, err)) return false;
  if (peft_exists(base))
    return fail(err, "%s: its base %s is an adapter, too: give the base of that, and both adapters", path,
                base);
  return source_open(&a->base, base, err) || fail_prefix(err, "%s: its base model", path);
}

/* ---- a classifier over a model of text, or over another classifier ---- */

/* Names the class and the labels: those of the adapter's card, else numbered ones, as PEFT keeps none. */
static json_t *with_labels(const json_t *base, const json_t *card, int64_t count) {
  static const char *const keys[] = {"id2label", "label2id"};
  json_t *configuration = json_deep_copy(base), *names = json_object();
  char key[32], name[40];
  for (int64_t i = 0; i < count; i++) {
    snprintf(key, sizeof key, "%" PRId64, i);
    snprintf(name, sizeof name, "LABEL_%" PRId64, i);
    json_put(names, key, json_string(name));
  }
  json_put(configuration, "id2label", names);
  json_object_del(configuration, "label2id");
  json_object_del(configuration, "num_labels");
  for (size_t i = 0; i < 2; i++)
    if (json_object_get(card, keys[i])) json_share(configuration, keys[i], json_object_get(card, keys[i]));
  json_put(configuration, "problem_type", json_string("single_label_classification"));
  return configuration;
}

/* "LlamaForCausalLM" as "LlamaForSequenceClassification". */
static void name_class(json_t *configuration) {
  static const char *const endings[] = {"ForSequenceClassification", "ForCausalLM", "LMHeadModel"};
  const char *class = json_string_value(json_array_get(json_object_get(configuration, "architectures"), 0));
  size_t length = class ? strlen(class) : 0;
  char name[160];
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    const size_t n = strlen(endings[i]);
    if (length > n && !strcmp(class + length - n, endings[i])) length -= n;
  }
  snprintf(name, sizeof name, "%.*s%s", (int)(length < 128 ? length : 128), class ? class : "", endings[0]);
  json_put(configuration, "architectures", json_build("[s]", name));
}

static json_t *configuration_of(const Adapted *a) {
  NamedTensor head;
  if (!peft_head(&a->adapter, &head) || head.tensor.dims != 2) return json_incref(a->base.configuration);
  json_t *configuration = with_labels(a->base.configuration, a->adapter.card, head.tensor.shape[0]);
  name_class(configuration);
  return configuration;
}

/* With the head among the tensors, instead of the base's. */
static void add_head(Adapted *a, TensorSet *set) {
  NamedTensor head;
  size_t count = 0;
  if (!peft_head(&a->adapter, &head)) return;
  a->tensors = mem_alloc((set->count + 1) * sizeof *a->tensors);
  for (size_t i = 0; i < set->count; i++)
    if (strcmp(set->items[i].name, head.name)) a->tensors[count++] = set->items[i];
  a->tensors[count++] = head;
  *set = (TensorSet){.items = a->tensors, .count = count, .path = set->path};
  tensors_sort(set);
}

static bool open_over(ModelSource *s, const char *base, Error *err) {
  Adapted *a = mem_alloc_zeroed(1, sizeof *a);
  s->own = a;
  if (!open_base(a, s->path, base, err)) return false;
  s->adapter = &a->adapter;
  s->names = a->base.names;
  s->configuration = configuration_of(a);
  memcpy(s->configuration_at, a->base.configuration_at, sizeof s->configuration_at);
  memcpy(s->generation_at, a->base.generation_at, sizeof s->generation_at);
  s->card = json_incref(json_object_size(a->adapter.card) ? a->adapter.card : a->base.card);
  if (!has(s, "generation_config.json")) {
    s->generation = json_incref(a->base.generation);
    return true;
  }
  path_join(s->generation_at, s->path, "generation_config.json");
  return (s->generation = json_read(s->generation_at, err));
}

static bool open_directory(ModelSource *s, Error *err) {
  return open_over(s, NULL, err);
}

bool source_open_adapted(ModelSource *s, const char *adapter, const char *base, Error *err) {
  char buf[PATH_CAPACITY];
  *s = (ModelSource){.format = &source_peft};
  snprintf(s->path, sizeof s->path, "%s", dir_current(buf, adapter));
  return open_over(s, base, err);
}

static bool open_tensors(ModelSource *s, Error *err) {
  Adapted *a = s->own;
  if (!source_open_tensors(&a->base, err)) return false;
  s->tensors = a->base.tensors;
  add_head(a, &s->tensors);
  s->remark = a->base.remark;
  return true;
}

static void close_directory(ModelSource *s) {
  Adapted *a = s->own;
  if (!a) return;
  source_close(&a->base);
  peft_close(&a->adapter);
  mem_free(a->tensors);
  mem_free(a);
}

static bool find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  const Adapted *a = s->own;
  return has(s, "tokenizer.json") ? source_huggingface.find_tokenizer(s, t, err)
                                  : source_find_tokenizer(&a->base, t, err);
}

static bool read_tokenizer_config(const ModelSource *s, json_t **out, Error *err) {
  const Adapted *a = s->own;
  return has(s, "tokenizer_config.json") ? source_huggingface.read_tokenizer_config(s, out, err)
                                         : source_read_tokenizer_config(&a->base, out, err);
}

static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  const Adapted *a = s->own;
  if (!source_huggingface.read_template(s, out, err)) return false;
  return *out || source_read_template(&a->base, out, err);
}

const SourceFormat source_peft = {.name = "peft",
                                  .claims = peft_exists,
                                  .open = open_directory,
                                  .open_tensors = open_tensors,
                                  .close = close_directory,
                                  .find_tokenizer = find_tokenizer,
                                  .read_template = read_template,
                                  .read_tokenizer_config = read_tokenizer_config};
