#include "run/bundle.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/language.h"
#include "base/threads.h"
#include "io/model_cache.h"
#include "io/tokenizer_files.h"
#include "run/adapter.h"
#include "run/generation.h"
#include "run/model_dir.h"
#include "run/special_tokens.h"

/* ---- tokenizers ---- */

static void fingerprint_text(const Tokenizer *tokenizer, char text[32]) {
  snprintf(text, 32, "%016" PRIx64, tokenizer_fingerprint(tokenizer));
}

/* A tokenizer.json, or other files of a tokenizer. */
static Tokenizer *open_files(const char *path, Error *err) {
  char file[PATH_CAPACITY], buf[PATH_CAPACITY];
  const char *current = dir_exists(path) ? dir_current(buf, path) : path;
  if (dir_exists(path) && file_exists(path_join(file, current, "tokenizer.json")))
    return tokenizer_open_at(path, err);
  StoredTokenizer stored = {0};
  Tokenizer *t = NULL;
  if (tokenizer_files_read(current, file, &stored, err))
    t = stored.steps.length ? tokenizer_build_beside(&stored, file, err) : tokenizer_open_at(path, err);
  stored_free(&stored);
  return t;
}

static Tokenizer *open_tokenizer(SourceTokenizer *found, Error *err) {
  return found->stored.steps.length ? tokenizer_build(&found->stored, found->path, err)
                                    : open_files(found->path, err);
}

/* A file: a directory in its place is not searched. */
static Tokenizer *open_source_tokenizer(const char *path, Error *err) {
  return dir_exists(path) ? tokenizer_open(path, err) : open_files(path, err);
}

static Tokenizer *read_tokenizers(const ModelSource *s, Error *err) {
  SourceTokenizer found;
  Tokenizer *t = source_find_tokenizer(s, &found, err) ? open_tokenizer(&found, err) : NULL;
  stored_free(&found.stored);
  if (!t) return NULL;
  const bool offered = special_tokens_offer(t, s, err);
  Tokenizer *source = offered && *found.source_path ? open_source_tokenizer(found.source_path, err) : NULL;
  if (source) tokenizer_attach_source(t, source);
  if (offered && (source || !*found.source_path)) return t;
  tokenizer_free(t);
  return NULL;
}

static Tokenizer *read_and_close(ModelSource *s, bool opened, Error *err) {
  Tokenizer *t = opened ? read_tokenizers(s, err) : NULL;
  source_close(s);
  return t;
}

Tokenizer *bundle_tokenizer(const char *model, Error *err) {
  ModelSource source;
  char path[PATH_CAPACITY];
  if (!model_cache_locate(path, model, err)) return NULL;
  return read_and_close(&source, source_open(&source, path, err), err);
}

Tokenizer *bundle_tokenizer_at(const char *model, Error *err) {
  ModelSource source;
  char path[PATH_CAPACITY];
  if (!model_cache_locate(path, model, err)) return NULL;
  if (dir_exists(path) || !source_claim(&source, path)) return open_files(path, err);
  return read_and_close(&source, source_open_claimed(&source, err), err);
}

/* The file of a vocabulary larger than the model's, or NULL. */
static const char *too_large(const Tokenizer *t, const Config *config) {
  const Tokenizer *source = tokenizer_source(t);
  const int64_t sources = config->source_vocabulary ? config->source_vocabulary : config->vocabulary;
  return tokenizer_size(t) > config->vocabulary ? "tokenizer.json"
         : tokenizer_size(source) > sources     ? "source_tokenizer.json"
                                                : NULL;
}

bool bundle_same_tokenizer(const json_t *card, const Tokenizer *tokenizer, const char *directory,
                           Error *err) {
  char fingerprint[32];
  fingerprint_text(tokenizer, fingerprint);
  const char *expected = json_get_text(card, "tokenizer_fingerprint", NULL);
  if (expected && strcmp(expected, fingerprint))
    return fail(err,
                "%s: tokenizer.json belongs to another model (its fingerprint is %s, the model was trained "
                "with %s): restore the model's own",
                directory, fingerprint, expected);
  return true;
}

static bool check_tokenizer(const Bundle *b, const char *directory, const Config *config, Error *err) {
  if (!bundle_same_tokenizer(b->card, b->tokenizer, directory, err)) return false;
  const char *large = too_large(b->tokenizer, config);
  return !large ||
         fail(err, "%s: %s has more tokens than the model's vocabulary: it belongs to another model",
              directory, large);
}

static bool check_begin(const Bundle *b, const char *directory, const Config *config, Error *err) {
  static const char *const keys[] = {"begin_token", "opening_token"};
  for (int i = 0; i < 2; i++) {
    const json_t *id = json_object_get(b->card, keys[i]);
    if (json_is_integer(id) && (json_integer_value(id) < -1 || json_integer_value(id) >= config->vocabulary))
      return fail(
          err,
          "%s: \"%s\" of the card (inkstone.json, or \"inkstone.card\" of a GGUF file) is not an id of "
          "the vocabulary",
          directory, keys[i]);
  }
  return true;
}

/* Reads the tokenizer on a separate thread. */
typedef struct TokenizerReading {
  const ModelSource *source;
  Tokenizer *tokenizer;
  Error err;
} TokenizerReading;

static void read_tokenizer(void *arg) {
  TokenizerReading *r = arg;
  MEM_GUARD(&r->err, return );
  r->tokenizer = read_tokenizers(r->source, &r->err);
  MEM_GUARD_END();
}

/* ---- opening ---- */

/* Hashes the values, not the formatting. */
static void config_fingerprint(const json_t *configuration, char text[32]) {
  char *json = json_text(configuration, JSON_COMPACT | JSON_SORT_KEYS);
  snprintf(text, 32, "%016" PRIx64, hash_bytes(json, strlen(json), 0));
  mem_free(json);
}

static bool check_config(const ModelSource *s, Error *err) {
  const char *began = json_get_text(s->card, "config_fingerprint", NULL);
  char now[32];
  config_fingerprint(s->configuration, now);
  return !began || !strcmp(began, now) ||
         fail(err,
              "%s: was changed since this run started (fingerprint %s, was %s): restore it, or start a new "
              "run with --from",
              s->configuration_at, now, began);
}

bool bundle_config(Config *config, Labels *labels, const char *path, Error *err) {
  ModelSource source;
  const bool ok = source_open(&source, path, err) && check_config(&source, err) &&
                  config_from_json(config, source.configuration, source.configuration_at, err) &&
                  labels_read(labels, source.configuration, config->labels, source.configuration_at, err);
  source_close(&source);
  return ok;
}

/* Adapters to be applied, as a user names them; count 0: none but the source's own, if it is one. */
typedef struct Adapters {
  const char *const *items;
  int count;
} Adapters;

static bool apply_further(Model *m, const char *adapter, Error *err) {
  PeftAdapter opened = {.path = ""};
  char path[PATH_CAPACITY];
  double weight;
  NamedTensor head;
  bool ok = adapter_locate(adapter, path, &weight, err) && peft_open(&opened, path, err);
  if (ok && peft_head(&opened, &head))
    ok = fail_usage(
        err, "--adapter %s: has a head for labels, which only the first adapter may have: give it first",
        adapter);
  ok = ok && adapter_apply(m, &opened, weight, err);
  peft_close(&opened);
  return ok;
}

/* The source has the first one. */
static bool apply(Bundle *b, Adapters adapters, Error *err) {
  char path[PATH_CAPACITY];
  double weight = 1;
  if (!b->source.adapter) return true;
  if (adapters.count && !adapter_locate(adapters.items[0], path, &weight, err)) return false;
  if (!adapter_apply(b->model, b->source.adapter, weight, err)) return false;
  for (int i = 1; i < adapters.count; i++)
    if (!apply_further(b->model, adapters.items[i], err)) return false;
  return true;
}

/* The network of text below a classifier's adapter, which then does without its output; NULL: none. */
static Model *below_head(const ModelSource *s, const Config *config) {
  Config below = *config;
  if (!s->adapter || !config->labels) return NULL;
  below.labels = 0;
  below.tied = false;
  return model_outline(&below);
}

static bool open_weights(Bundle *b, Config config, Adapters adapters, const News *news, Error *err) {
  const Naming *naming = arch_naming(config.arch, b->source.names);
  if (!source_open_tensors(&b->source, err)) return false;
  if (weights_untie(&b->source.tensors, naming)) config.tied = false;
  b->model = model_outline(&config);
  model_freeze(b->model);
  Model *below = below_head(&b->source, &config);
  const bool ok = weights_map(&b->source.tensors, naming, &b->model->config, b->model->params,
                              below ? below->params : NULL, news, err);
  model_free(below);
  return ok && apply(b, adapters, err);
}

static bool guarded_weights(Bundle *b, const Config *config, Adapters adapters, const News *news,
                            Error *err) {
  MEM_GUARD(err, return false);
  const bool ok = open_weights(b, *config, adapters, news, err);
  MEM_GUARD_END();
  return ok;
}

/* Both take long, so they run in parallel. If both fail, the tokenizer's error is reported. */
static bool open_both(Bundle *b, const Config *config, Adapters adapters, const News *news, Error *err) {
  const char *path = b->source.path;
  TokenizerReading reading = {.source = &b->source};
  Error of_weights = {0};
  Thread *thread = thread_start(read_tokenizer, &reading);
  const bool weights = guarded_weights(b, config, adapters, news, &of_weights);
  thread_join(thread);
  b->tokenizer = reading.tokenizer;
  if (!b->tokenizer) return fail_from(err, &reading.err);
  return check_tokenizer(b, path, config, err) && check_begin(b, path, config, err) &&
         (weights || fail_from(err, &of_weights));
}

static const Task *task_in(const json_t *card) {
  return task_find(json_get_text(card, "task", ""));
}

static const Task *task_of(const Bundle *b) {
  return task_in(b->card);
}

/* Models that learn to reply from nothing have Inkstone's layout, and a template that says the same to
 * transformers; those that learn it from a model with a template keep that. */
static const char uses_template[] = "uses_chat_template";

static bool open_chat(ChatTemplate **chat, const ModelSource *s, const Config *c, const Tokenizer *t,
                      Error *err) {
  const Task *task = task_in(s->card);
  if (c->arch->encodes || (task && task->chat && !json_is_true(json_object_get(s->card, uses_template))))
    return true;
  json_t *config = special_tokens_kept(c, t, s, err);
  *chat = chat_template_open(config, t);
  json_decref(config);
  return config != NULL;
}

bool bundle_template(const char *model, const Tokenizer *t, ChatTemplate **chat, Error *err) {
  ModelSource source;
  Config config;
  char path[PATH_CAPACITY];
  *chat = NULL;
  if (!model_cache_locate(path, model, err)) return false;
  const bool ok = source_open(&source, path, err) &&
                  config_from_json(&config, source.configuration, source.configuration_at, err) &&
                  open_chat(chat, &source, &config, t, err);
  source_close(&source);
  return ok;
}

static bool open_source(ModelSource *s, const char *path, Adapters adapters, Error *err) {
  char first[PATH_CAPACITY];
  double weight;
  if (!adapters.count) return source_open(s, path, err);
  return adapter_locate(adapters.items[0], first, &weight, err) && source_open_adapted(s, first, path, err);
}

static bool open_parts(Bundle *b, const char *path, Adapters adapters, const News *news, Error *err) {
  Config config;
  if (!open_source(&b->source, path, adapters, err) ||
      !config_from_json(&config, b->source.configuration, b->source.configuration_at, err))
    return false;
  b->card = json_incref(b->source.card);
  if (!labels_read(&b->labels, b->source.configuration, config.labels, b->source.configuration_at, err))
    return false;
  if (!(b->generation = generation_read(&b->source, &config, err)) ||
      !open_both(b, &config, adapters, news, err))
    return false;
  if (config.bos < 0) b->model->config.bos = tokenizer_begin(b->tokenizer);
  generation_settle(&b->model->config, b->generation);
  return special_tokens_settle(&b->model->config, b->generation, b->tokenizer, err) &&
         open_chat(&b->chat, &b->source, &b->model->config, b->tokenizer, err);
}

/* If another process replaces the model meanwhile, reads it again: its parts could be of two models. */
bool bundle_open_adapted(Bundle *b, const char *model, const char *const *items, int count, const News *news,
                         Error *err) {
  enum { MOST_TRIES = 8 };
  char path[PATH_CAPACITY];
  *b = (Bundle){0};
  if (!model_cache_locate(path, model, err)) return false;
  for (int tries = 1;; tries++) {
    const ModelDirMark before = model_dir_mark(path);
    Error why = {0};
    *b = (Bundle){0};
    const bool ok = open_parts(b, path, (Adapters){items, count}, news, &why),
               same = model_dir_same(before, model_dir_mark(path));
    if (ok && same) {
      b->constraints = constraints_new(b->tokenizer);
      return true;
    }
    bundle_close(b);
    if (same || tries == MOST_TRIES) {
      if (ok)
        return fail(err, "%s: the model was replaced while it was read, several times: try again", path);
      if (err) *err = why;
      return false;
    }
  }
}

bool bundle_open(Bundle *b, const char *model, const News *news, Error *err) {
  return bundle_open_adapted(b, model, NULL, 0, news, err);
}

void bundle_close(Bundle *b) {
  chat_template_close(b->chat);
  constraints_free(b->constraints);
  model_free(b->model);
  source_close(&b->source);
  tokenizer_free(b->tokenizer);
  labels_free(&b->labels);
  json_decref(b->card);
  json_decref(b->generation);
  *b = (Bundle){0};
}

int32_t bundle_card_token(const json_t *card, const char *key, int32_t otherwise) {
  const json_t *trained = json_object_get(card, key);
  return json_is_integer(trained) ? (int32_t)json_integer_value(trained) : otherwise;
}

int32_t bundle_begin(const Bundle *b) {
  return bundle_card_token(b->card, "begin_token", tokenizer_begin(b->tokenizer));
}

int32_t bundle_opening(const Bundle *b) {
  return bundle_card_token(b->card, "opening_token", -1);
}

/* ---- tasks ---- */

bool bundle_is_ours(const Bundle *b) {
  return task_of(b) != NULL;
}

const Task *bundle_task(const Bundle *b) {
  const Task *learnt = task_of(b);
  if (b->labels.count) return task_find("classify");
  return learnt ? learnt : task_find(b->model->config.arch->encodes ? "translate" : "write");
}

bool bundle_check_tokens(const Bundle *b, Error *err) {
  return !b->labels.count || fail_usage(err, "this model labels texts: use `inkstone classify -m MODEL`");
}

bool bundle_check_task(const Bundle *b, const Task *task, Error *err) {
  const Task *learnt = task_of(b);
  const bool encodes = b->model->config.arch->encodes;
  if (!task_has_labels(task) && !bundle_check_tokens(b, err)) return false;
  if (learnt == task || (b->labels.count && task_has_labels(task))) return true;
  if (learnt)
    return fail_usage(
        err,
        "this model was trained to %s, not to %s: use `inkstone %s -m MODEL`, or train a model for this task",
        learnt->name, task->name, learnt->name);
  if (task->chat && b->chat) return true;
  if (encodes == task_has_pairs(task) && !task->chat) return true;
  if (task->chat && !encodes)
    return fail_usage(
        err,
        "this model has no chat template (tokenizer_config.json, chat_template.jinja or "
        "tokenizer.chat_template), so it can only continue a text: use `inkstone write -m MODEL`");
  return fail_usage(err, encodes ? "this model generates a target from a source: use `inkstone translate`"
                                 : N_("this model can only continue a text: use `inkstone write -m MODEL`"));
}

/* Of several end tokens, the one that the tokenizer appends. */
static int32_t usual_end(const Config *c, const Tokenizer *t) {
  const int32_t end = tokenizer_end(t);
  return token_set_has(&c->ends, end) ? end : token_set_first(&c->ends);
}

/* The layout of another program's model. */
static PairLayout foreign_layout(const Config *c, const Tokenizer *t) {
  PairLayout l = {.separate = true,
                  .start = (int32_t)c->decoder_start,
                  .end = usual_end(c, t),
                  .begin = -1,
                  .pad = (int32_t)c->pad,
                  .source_pad = c->pad >= 0 ? (int32_t)c->pad : 0,
                  .time = c->context,
                  .source_time = c->context};
  const Tokenizer *source = tokenizer_source(t);
  layout_frame_source(&l, source, source != t && tokenizer_end(source) >= 0 ? tokenizer_end(source) : l.end);
  return l;
}

/* The largest id around a source. */
static int64_t around_source(const PairLayout *l) {
  const TokenRun *runs[] = {&l->source_before, &l->source_behind};
  int64_t most = -1;
  for (int k = 0; k < 2; k++)
    for (int32_t i = 0; i < runs[k]->count; i++) most = runs[k]->ids[i] > most ? runs[k]->ids[i] : most;
  return most;
}

/* Each id indexes an embedding, so it must be in the vocabulary. */
static bool check_layout(const PairLayout *l, const Config *c, Error *err) {
  const int64_t sources = c->source_vocabulary ? c->source_vocabulary : c->vocabulary;
  const struct {
    const char *name;
    int64_t id, vocabulary;
  } ids[] = {{"decoder_start_token_id", l->start, c->vocabulary},
             {"eos_token_id", l->end, c->vocabulary},
             {"pad_token_id", l->pad, c->vocabulary},
             {_("the end token of sources (eos_token_id)"), around_source(l), sources},
             {_("the padding token of sources"), l->source_pad, sources}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (ids[i].id >= ids[i].vocabulary)
      return fail(err,
                  "%s is %" PRId64 ", but its vocabulary has %" PRId64
                  " tokens: config.json and the tokenizers do not belong together",
                  ids[i].name, ids[i].id, ids[i].vocabulary);
  return true;
}

bool bundle_layout(const Bundle *b, const Task *task, PairLayout *layout, Error *err) {
  const Config *c = &b->model->config;
  if (c->labels) {
    if (!layout_of_labels(layout, b->tokenizer, c->context, err)) return false;
    layout_keep(layout, -1, c->pad);
    return check_layout(layout, c, err);
  }
  if (b->chat && task->chat) {
    if (!layout_by_template(layout, b->chat, b->tokenizer, c->context, err)) return false;
    if (chat_template_end(b->chat) < 0) layout->end = usual_end(c, b->tokenizer);
    layout_keep(layout, -1, c->pad);
    return check_layout(layout, c, err);
  }
  if (task_of(b)) {
    if (!layout_find(layout, task, b->tokenizer, c->arch->encodes, c->context, b->source.configuration_at,
                     err))
      return false;
    layout_keep(layout, c->decoder_start, c->pad);
    return check_layout(layout, c, err);
  }
  *layout = foreign_layout(c, b->tokenizer);
  if (layout->start < 0 || layout->end < 0)
    return fail(err,
                "config.json does not say which tokens begin and end a target (decoder_start_token_id, "
                "eos_token_id)");
  return check_layout(layout, c, err);
}

/* ---- writing ---- */

bool bundle_write_card(const char *directory, const json_t *card, Error *err) {
  return source_write(directory, &(ModelParts){.card = card}, err);
}

bool bundle_write_parts(const char *directory, const Tokenizer *t, ModelParts parts, Error *err) {
  const Tokenizer *source = tokenizer_source(t);
  Buffer own = {0}, of_source = {0};
  const bool ok = tokenizer_text(t, &own, err) && (source == t || tokenizer_text(source, &of_source, err));
  parts.tokenizer = own.data;
  parts.source_tokenizer = of_source.data;
  const bool written = ok && source_write(directory, &parts, err);
  buffer_free(&own);
  buffer_free(&of_source);
  return written;
}

void bundle_fingerprint(json_t *card, const json_t *configuration, const Tokenizer *tokenizer) {
  char fingerprint[32];
  fingerprint_text(tokenizer, fingerprint);
  json_put(card, "tokenizer_fingerprint", json_string(fingerprint));
  config_fingerprint(configuration, fingerprint);
  json_put(card, "config_fingerprint", json_string(fingerprint));
}

json_t *bundle_portable_card(const Bundle *b) {
  static const char *const kept[] = {"inkstone_version", "task", "begin_token", "opening_token",
                                     uses_template};
  json_t *card = json_object();
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (json_object_get(b->card, kept[i])) json_share(card, kept[i], json_object_get(b->card, kept[i]));
  return card;
}

/* tokenizer_config.json. */
static json_t *names_of(const Config *c, const Tokenizer *t, const BundleUse *use, json_t *card, Error *err) {
  const ModelSource *base = use->base ? &use->base->source : NULL;
  if (!use->base || !use->base->chat || !use->task->chat)
    return special_tokens_json(c, t, use->task, base, err);
  json_put(card, uses_template, json_true());
  return special_tokens_kept(c, t, base, err);
}

bool bundle_write_description(const char *directory, const Config *c, const Tokenizer *tokenizer,
                              const BundleUse *use, json_t *card, Error *err) {
  json_t *configuration = config_json(c), *generation = generation_json(c, use),
         *names = names_of(c, tokenizer, use, card, err);
  if (use->labels) labels_write(use->labels, use->adapter ? card : configuration);
  bundle_fingerprint(card, configuration, tokenizer);
  const ModelParts parts = {.configuration = use->adapter ? NULL : configuration,
                            .generation = use->labels ? NULL : generation,
                            .card = card,
                            .tokenizer_config = names};
  const bool ok = names && bundle_write_parts(directory, tokenizer, parts, err);
  json_decref(configuration);
  json_decref(generation);
  json_decref(names);
  return ok;
}
