/* convert.c - ink_convert: a model of any source, written in the Hugging Face layout, or as one file
 * (export.h).
 *
 * The new model is written into the working directory of DST (model_dir.h) and then replaces the old one. Its
 * values are converted while they are written, so only the tensors that reading changes are held in memory.
 */
#include <string.h>

#include "base/engine.h"
#include "base/structs.h"
#include "io/licence.h"
#include "io/model_cache.h"
#include "run/adapter.h"
#include "run/adapter_forms.h"
#include "run/export.h"
#include "run/model_dir.h"
#include "run/special_tokens.h"

#include "run/convert.def" /* ConvertSettings, convert_settings_table */

#include "base/settings_table.h"

#include "run/convert.def"

ink_settings *ink_settings_convert(void) {
  static const SettingTable *const tables[] = {&convert_settings_table};
  return settings_new(tables, 1);
}

typedef struct Conversion {
  const ConvertSettings *settings;
  Bundle bundle;      /* the source */
  NamedTensor *items; /* what is written, one per parameter */
  size_t count;
} Conversion;

/* Whether the adapter itself is converted, not merged. */
static bool is_adapter(const Conversion *c) {
  return c->bundle.source.adapter && !c->settings->merge.count;
}

/* ---- weights ---- */

/* The wanted type, else one that has the values exactly. */
static TensorType type_of(const Conversion *c, const Param *p) {
  if (c->settings->type) return type_named(c->settings->type);
  const Bundle *b = &c->bundle;
  const Naming *naming = arch_naming(b->model->config.arch, b->source.names);
  const TensorType stored = weights_stored_type(&b->source.tensors, naming, p->name);
  return type_info(stored)->safetensors ? stored : TENSOR_F32;
}

static void list_items(Conversion *c) {
  Params *params = c->bundle.model->params;
  c->count = params_count(params);
  c->items = mem_alloc_zeroed(c->count, sizeof *c->items);
  for (size_t i = 0; i < c->count; i++) {
    const Param *p = params_at(params, i);
    NamedTensor *item = &c->items[i];
    *item = (NamedTensor){
        .name = p->name, .tensor = p->tensor, .file = c->bundle.source.tensors.path, .from = &p->tensor};
    item->tensor.type = type_of(c, p);
    item->tensor.data = NULL;
  }
}

/* "q4_0", or "f32 (61 tensors), q4_0 (210)": the types of the tensors, in the order of types.def. The caller
 * frees. */
static char *types_text(const NamedTensor *items, size_t count) {
  Buffer text = {0};
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++) {
    size_t of_type = 0;
    for (size_t i = 0; i < count; i++) of_type += (int)items[i].tensor.type == type;
    if (!of_type) continue;
    buffer_addf(&text, "%s%s", text.length ? ", " : "", type_info((TensorType)type)->name);
    if (of_type < count) buffer_addf(&text, strchr(text.data, '(') ? " (%zu)" : " (%zu tensors)", of_type);
  }
  return buffer_take(&text);
}

/* ---- the other files ---- */

/* The type in which transformers keeps the weights: that of all tensors, else f32, which has all values. */
static const char *dtype_of(const Conversion *c) {
  const TensorType first = c->items[0].tensor.type;
  for (size_t i = 0; i < c->count; i++)
    if (c->items[i].tensor.type != first) return "float32";
  return first == TENSOR_BF16 ? "bfloat16" : first == TENSOR_F16 ? "float16" : "float32";
}

/* The source's config.json, with what transformers needs and conversion changes. */
static json_t *configuration_of(const Conversion *c) {
  json_t *json = json_deep_copy(c->bundle.source.configuration),
         *read = config_json(&c->bundle.model->config);
  if (!json_object_get(json, "architectures"))
    json_share(json, "architectures", json_object_get(read, "architectures"));
  json_share(json, "tie_word_embeddings", json_object_get(read, "tie_word_embeddings"));
  json_object_del(json, "dtype");
  json_put(json, "torch_dtype", json_string(dtype_of(c)));
  licence_add_keys(c->bundle.source.licence, json);
  json_decref(read);
  return json;
}

/* Of a source without generation_config.json, the keys that its configuration has, and the end tokens. */
static json_t *generation_of(const Bundle *b) {
  json_t *json = json_deep_copy(b->generation);
  const TokenSet *ends = &b->model->config.ends;
  const json_t *end = json_object_get(json, "eos_token_id");
  if (!b->source.generation && ends->count && (!end || json_is_null(end)))
    json_put(json, "eos_token_id", config_tokens_json(ends));
  return json;
}

static json_t *card_of(const Bundle *b, const json_t *configuration) {
  if (!json_object_size(b->card)) return NULL;
  json_t *card = json_deep_copy(b->card);
  json_object_del(card, "base"); /* of an adapter that was merged */
  bundle_fingerprint(card, configuration, b->tokenizer);
  return card;
}

static bool write_description(const Conversion *c, const char *directory, Error *err) {
  const Bundle *b = &c->bundle;
  json_t *names = special_tokens_kept(&b->model->config, b->tokenizer, &b->source, err);
  if (!names) return false;
  json_t *configuration = configuration_of(c), *generation = generation_of(b),
         *card = card_of(b, configuration);
  const ModelParts parts = {
      .configuration = configuration, .generation = generation, .card = card, .tokenizer_config = names};
  const bool ok = bundle_write_parts(directory, b->tokenizer, parts, err);
  json_decref(configuration);
  json_decref(generation);
  json_decref(card);
  json_decref(names);
  return ok;
}

/* ---- the directory ---- */

static bool check_place(const char *source, const char *home, Error *err) {
  if (file_exists(home) && !dir_exists(home))
    return fail_usage(
        err, "%s: not a directory: give the directory to write the model to, or a name that ends in .gguf",
        home);
  if (path_within(home, source))
    return fail_usage(err, "%s: is the source %s or inside of it: choose another directory", home, source);
  return !path_within(source, home) ||
         fail_usage(err, "%s: contains the source %s: choose another directory", home, source);
}

static bool check_content(const char *home, bool overwrite, Error *err) {
  char met[PATH_CAPACITY], other[PATH_CAPACITY];
  const char *name;
  if (!model_dir_check(home, err)) return false;
  const ModelDirContent content = model_dir_content(home, met, &name);
  if (content == MODEL_DIR_EMPTY || content == MODEL_DIR_STARTED) return true;
  if (content == MODEL_DIR_FOREIGN && !model_dir_has_model(home))
    return fail(err,
                "%s contains %s, which Inkstone did not write: move it away, or choose another directory",
                home, name);
  if (!overwrite)
    return fail(err,
                "%s already contains a model (%s): replace it with --overwrite, or choose another "
                "directory",
                home, name);
  const char *stranger = content == MODEL_DIR_FOREIGN ? model_dir_stranger(home, other) : NULL;
  return !stranger || fail(err,
                           "%s contains %s, perhaps a part of the model to be replaced, but Inkstone "
                           "did not write it: move it away, or choose another directory",
                           home, stranger);
}

static bool write_model(const Conversion *c, const char *home, Error *err) {
  char next[PATH_CAPACITY];
  model_dir_next(next, home);
  return dir_remove(next, err) && dir_make(next, err) &&
         source_write_tensors(next, c->items, c->count, err) && write_description(c, next, err) &&
         model_dir_replace(home, err);
}

/* With a guard, so that running out of memory leaves no partial model and no lock. */
static bool guarded_write(const Conversion *c, const char *home, Error *err) {
  MEM_GUARD(err, return false);
  const bool ok = write_model(c, home, err);
  MEM_GUARD_END();
  return ok;
}

/* Checks the place again, as the path may have led elsewhere before the directory was made. */
static bool place(const Conversion *c, const char *source, const char *home, Error *err) {
  char next[PATH_CAPACITY];
  ModelDirLock lock;
  bool ok = model_dir_lock(&lock, home, err) && check_place(source, home, err) &&
            check_content(home, c->settings->overwrite, err);
  if (ok && !(ok = guarded_write(c, home, err))) dir_remove(model_dir_next(next, home), NULL);
  model_dir_unlock(&lock);
  return ok;
}

/* ---- one file ---- */

static bool write_file(Conversion *c, const SourceFormat *format, const char *source, const char *path,
                       const News *news, Error *err) {
  if (dir_exists(path)) return fail_usage(err, "%s: is a directory: choose another name for the file", path);
  if (path_within(path, source))
    return fail_usage(err, "%s: is the source %s or inside of it: choose another name", path, source);
  if (file_exists(path) && !c->settings->overwrite)
    return fail(err, "%s already exists: replace it with --overwrite, or choose another name", path);
  Exported out = {.create = !c->settings->overwrite};
  const char *type = c->settings->type;
  const bool ok = is_adapter(c) ? adapter_export(&c->bundle, format, path, type, &out, err)
                                : export_model(&c->bundle, format, path, type, &out, err);
  if (ok && out.finer)
    news_note(
        news,
        "merged matrices are stored as %s, as rounding to the base's blocks could undo what was merged: "
        "give --type to choose",
        out.finer);
  if (ok && !is_adapter(c) && tokenizer_normalizes_bytes(c->bundle.tokenizer))
    news_note(news,
              "the tokenizer brings text into Unicode's form NFC, which the file says to Inkstone only: of "
              "text in another form, other programs make other tokens");
  c->items = out.items;
  c->count = out.count;
  return ok;
}

static bool write_directory(Conversion *c, const char *source, const char *home, Error *err) {
  list_items(c);
  return place(c, source, home, err);
}

/* ---- the call ---- */

static void report(const Conversion *c, ink_converted *done) {
  const ModelSource *from = &c->bundle.source;
  const TensorSet *stored = is_adapter(c) ? &from->adapter->tensors : &from->tensors,
                  written = {.items = c->items, .count = c->count};
  done->parameters = params_elements(is_adapter(c) ? c->bundle.model->learned : c->bundle.model->params);
  done->source_bytes = (int64_t)tensors_bytes(stored);
  done->bytes = (int64_t)tensors_bytes(&written);
  done->source_types = types_text(stored->items, stored->count);
  done->types = types_text(c->items, c->count);
}

/* The name of a file in place of a directory, which may end in slashes. */
static int name_length(const char *home) {
  size_t n = strlen(home);
  while (n > 1 && home[n - 1] == '/') n--;
  return (int)n;
}

/* A directory's safetensors have no types of blocks. */
static bool check_type(const char *type, const char *home, Error *err) {
  const bool fits = !type || !*type || (strcmp(type, "q4_k_m") && type_info(type_named(type))->safetensors);
  return fits ||
         fail_usage(err, "--type %s: a directory's safetensors cannot have it: give a file, %.*s.gguf", type,
                    name_length(home), home);
}

/* Without a name, "model.gguf" is neither: a variable was empty. */
static bool check_name(const char *home, const char *suffix, Error *err) {
  const char *slash = strrchr(home, '/'), *name = slash ? slash + 1 : home;
  if (!*home) return fail_usage(err, "the name to write the model to is empty");
  return !suffix || strcmp(name, suffix) ||
         fail_usage(err, "%s: a file needs a name before %s: give one, such as %.*smodel%s", home, suffix,
                    (int)(name - home), home, suffix);
}

static bool check_merged(const Conversion *c, const char *home, Error *err) {
  const TextList *merge = &c->settings->merge;
  char path[PATH_CAPACITY];
  double weight;
  for (size_t i = 0; i < merge->count; i++) {
    if (!adapter_locate(merge->items[i], path, &weight, err)) return false;
    if (path_within(home, path) || path_within(path, home))
      return fail_usage(err, "%s: is, contains or is inside of the adapter %s: choose another name", home,
                        path);
  }
  return true;
}

/* An adapter brings the tokenizer.json of the directory that it was trained over. Of a base that is a file,
 * with the same tokens, the file's own counts: it can be written again, and the other perhaps not. */
static bool keep_tokenizer(Bundle *b, const char *source, Error *err) {
  if (dir_exists(source)) return true;
  Tokenizer *own = bundle_tokenizer(source, err);
  if (!own) return false;
  const bool same = tokenizer_size(own) == tokenizer_size(b->tokenizer) &&
                    tokenizer_same_pieces(own, b->tokenizer, tokenizer_size(own));
  tokenizer_free(same ? b->tokenizer : own);
  if (same) b->tokenizer = own;
  return true;
}

static bool convert(Conversion *c, const char *model, const char *home, const News *news, Error *err) {
  char source[PATH_CAPACITY];
  if (!model_cache_locate(source, model, err)) return false;
  const SourceFormat *format = source_format_to_write(home);
  if (!check_name(home, format ? format->suffix : NULL, err)) return false;
  if (!format && (!check_type(c->settings->type, home, err) || !check_place(source, home, err))) return false;
  const TextList *merge = &c->settings->merge;
  if (!check_merged(c, home, err) ||
      !bundle_open_adapted(&c->bundle, source, (const char *const *)merge->items, (int)merge->count, news,
                           err))
    return false;
  if (is_adapter(c) && !format)
    return fail_usage(
        err,
        "%s: is an adapter: merge it into its base with `inkstone convert BASE DST --merge %s`, "
        "or write it as a file, %.*s.gguf",
        source, source, name_length(home), home);
  if (merge->count && format && !keep_tokenizer(&c->bundle, source, err)) return false;
  if (merge->count) adapter_merge(c->bundle.model);
  const char *remark = tokenizer_remark(c->bundle.tokenizer);
  if (remark) news_note(news, "%s: %s", source, remark);
  const json_t *licence = json_object_get(c->bundle.source.licence, "text_file");
  if (licence)
    news_note(news, "%s: the text of its licence is in %s: keep it with the new model", source,
              json_string_value(licence));
  return format ? write_file(c, format, source, home, news, err) : write_directory(c, source, home, err);
}

bool ink_convert(const char *source, const char *directory, const ink_settings *settings, ink_converted *done,
                 const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ink_converted own = INK_CONVERTED_INIT;
  Conversion c = {.settings = settings_part(settings, &convert_settings_table)};
  const bool ok = call_enter(call, NULL, &news, err) && convert(&c, source, directory, &news, err);
  if (ok && done) report(&c, &own);
  struct_give(done, &own, sizeof own);
  mem_free(c.items);
  bundle_close(&c.bundle);
  MEM_GUARD_END();
  return ok;
}
