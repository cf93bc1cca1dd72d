/* tokenizer_config_files.c - the small files next to tokenizer.json: tokenizer_config.json names the end
 * token, the padding token and others, and lists added tokens that tokenizer.json may lack
 * ("added_tokens_decoder"); special_tokens_map.json is the older file for the names. As in transformers, the
 * listed tokens are added to the tokenizer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/tokenizer_impl.h"

/* ---- added tokens of these files and of tokenizer.json ---- */

static bool check_added(const Tokenizer *t, const char *content, int64_t id, const char *where, Error *err) {
  int64_t known;
  if (strlen(content) > LONGEST_ADDED)
    return fail(err, "%s: added token \"%.40s...\" is longer than %d bytes, which is not supported", where,
                content, LONGEST_ADDED);
  if (id < 0 || id > (int64_t)t->pieces.count + MOST_HOLES)
    return fail(err, "%s: added token \"%s\" has no id, or one out of range", where, content);
  if (tokenizer_id(t, content) >= 0) return fail(err, "%s: added token \"%s\" occurs twice", where, content);
  const char *taken = (size_t)id < t->pieces.count ? t->pieces.data[id].name : NULL;
  if (taken && strcmp(taken, content))
    return fail(err, "%s: both \"%s\" and \"%s\" have id %" PRId64, where, taken, content, id);
  if (map_get(t->by_name, content, strlen(content), &known) && known != id)
    return fail(err, "%s: added token \"%s\" has id %" PRId64 " here and %" PRId64 " in the vocabulary",
                where, content, id, known);
  return true;
}

bool tokenizer_read_added(Tokenizer *t, const json_t *entry, int64_t id, const char *where, Error *err) {
  const json_t *text = json_object_get(entry, "content");
  const char *content = json_string_value(text);
  AddedToken token = {0};
  bool normalized;
  if (!content || !*content || strlen(content) != json_string_length(text))
    return fail(err, "%s: the added token of id %" PRId64 " has no content", where, id);
  if (!check_added(t, content, id, where, err) ||
      !json_get_bool(entry, "special", false, &token.special, where, err) ||
      !json_get_bool(entry, "normalized", !token.special, &normalized, where, err) ||
      !json_get_bool(entry, "single_word", false, &token.single_word, where, err) ||
      !json_get_bool(entry, "lstrip", false, &token.lstrip, where, err) ||
      !json_get_bool(entry, "rstrip", false, &token.rstrip, where, err))
    return false;
  tokenizer_put_added(t, (int32_t)id, content, token, normalized);
  return true;
}

/* ---- tokenizer_config.json ---- */

/* "12" -> 12; -1 for anything else. */
static int64_t id_of_key(const char *key) {
  char *end;
  const long id = strtol(key, &end, 10);
  return *key >= '0' && *key <= '9' && !*end && id <= INT32_MAX ? id : -1;
}

typedef struct Listed {
  int64_t id;
  const json_t *entry;
} Listed;

static int by_id(const void *a, const void *b) {
  const int64_t x = ((const Listed *)a)->id, y = ((const Listed *)b)->id;
  return (x > y) - (x < y);
}

/* Adds the tokens that tokenizer.json lacks, in the order of their ids. */
static bool read_listed(Tokenizer *t, const json_t *decoder, const char *where, Error *err) {
  VEC(Listed) listed = {0};
  const char *key;
  json_t *entry;
  json_object_foreach((json_t *)(uintptr_t)decoder, key,
                      entry) if (tokenizer_id(t, json_get_text(entry, "content", "")) < 0)
      vec_push(&listed, ((Listed){id_of_key(key), entry}));
  if (listed.count) qsort(listed.data, listed.count, sizeof *listed.data, by_id);
  bool ok = true;
  for (size_t i = 0; ok && i < listed.count; i++) {
    ok = tokenizer_read_added(t, listed.data[i].entry, listed.data[i].id, where, err);
    if (ok) t->completed = t->pieces.data[listed.data[i].id].listed_elsewhere = true;
  }
  vec_free(&listed);
  return ok;
}

/* A name is a string, or an added token with its "content". */
static const char *name_of(const json_t *value) {
  return json_is_string(value) ? json_string_value(value) : json_get_text(value, "content", NULL);
}

/* A vocabulary token named as special is special, even if the list of added tokens lacks it. */
static int32_t named_special(Tokenizer *t, const char *name) {
  const int32_t id = tokenizer_find(t, name);
  if (id < 0 || t->pieces.data[id].added || strlen(name) > LONGEST_ADDED) return id;
  tokenizer_put_added(t, id, name, (AddedToken){.special = true}, false);
  t->completed = t->pieces.data[id].listed_elsewhere = true;
  return id;
}

static int32_t read_name(Tokenizer *t, const json_t *value, const char *key) {
  const char *name = name_of(value);
  if (!name || !*name) return -1;
  const int32_t id = named_special(t, name);
  if (id < 0)
    tokenizer_remark_on(
        t, "tokenizer_config.json has the %s \"%.60s\", which is not in the vocabulary and is ignored", key,
        name);
  return id;
}

static void read_names(Tokenizer *t, const json_t *names) {
  static const char *const others[] = {"bos_token", "unk_token", "sep_token", "cls_token", "mask_token"};
  static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
  t->end = read_name(t, json_object_get(names, "eos_token"), "eos_token");
  t->pad = read_name(t, json_object_get(names, "pad_token"), "pad_token");
  t->named_end = t->end >= 0;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    read_name(t, json_object_get(names, others[i]), others[i]);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const json_t *list = json_object_get(names, lists[i]);
    for (size_t k = 0; k < json_array_size(list); k++) read_name(t, json_array_get(list, k), lists[i]);
  }
}

static void add_missing(json_t *config, const json_t *map) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)map, key, value) {
    if (!json_object_get(config, key)) json_share(config, key, value);
  }
}

static json_t *read_object(const char *path, size_t directory, const char *name, Error *err) {
  char file[PATH_CAPACITY];
  if ((size_t)snprintf(file, sizeof file, "%.*s%s", (int)directory, path, name) >= sizeof file ||
      !file_exists(file))
    return json_object();
  json_t *json = json_read(file, err);
  if (json && !json_is_object(json)) fail(err, "%s: not a JSON object", file);
  if (json && json_is_object(json)) return json;
  json_decref(json);
  return NULL;
}

/* A file with another name is read without these files. */
bool tokenizer_read_config_files(Tokenizer *t, const char *path, Error *err) {
  static const char config_name[] = "tokenizer_config.json", map_name[] = "special_tokens_map.json";
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (strcmp(name, "tokenizer.json") && strcmp(name, "source_tokenizer.json")) return true;
  json_t *config = read_object(path, (size_t)(name - path), config_name, err);
  json_t *map = config ? read_object(path, (size_t)(name - path), map_name, err) : NULL;
  const json_t *decoder = json_object_get(config, "added_tokens_decoder");
  const bool ok = map && (strcmp(name, "tokenizer.json") || read_listed(t, decoder, config_name, err));
  if (ok) {
    add_missing(config, map);
    read_names(t, config);
  }
  json_decref(config);
  json_decref(map);
  return ok;
}
