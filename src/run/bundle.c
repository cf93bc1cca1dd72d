#include "run/bundle.h"

#include <inttypes.h>
#include <string.h>

#include "base/threads.h"
#include "run/directory.h"
#include "run/generation.h"
#include "run/model_dir.h"
#include "run/special_tokens.h"

/* ---- the directory ---- */

static json_t *read_object(const char *directory, const char *name, Error *err) {
  char path[PATH_ROOM];
  path_join(path, directory, name);
  return file_exists(path) ? json_read(path, err) : json_object();
}

static void fingerprint_text(const Tokenizer *tokenizer, char text[32]) {
  snprintf(text, 32, "%016" PRIx64, tokenizer_fingerprint(tokenizer));
}

Tokenizer *bundle_tokenizer(const char *named, Error *err) {
  char path[PATH_ROOM], room[PATH_ROOM];
  const char *directory = dir_current(room, named);
  Tokenizer *t = tokenizer_open_at(directory, err);
  if (t && !special_tokens_offer(t, directory, err)) {
    tokenizer_free(t);
    return NULL;
  }
  if (!t || !file_exists(path_join(path, directory, "source_tokenizer.json"))) return t;
  Tokenizer *source = tokenizer_open(path, err);
  if (source)
    tokenizer_attach_source(t, source);
  else
    tokenizer_free(t);
  return source ? t : NULL;
}

static bool save_tokenizers(const Tokenizer *t, const char *directory, Error *err) {
  char path[PATH_ROOM];
  const Tokenizer *source = tokenizer_source(t);
  if (!tokenizer_save(t, path_join(path, directory, "tokenizer.json"), err)) return false;
  path_join(path, directory, "source_tokenizer.json");
  if (source != t) return tokenizer_save(source, path, err);
  return dir_remove(path, err); /* of a model that was here before */
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
                "%s: tokenizer.json is of another model (fingerprint %s, the model was trained with %s): put "
                "back its own",
                directory, fingerprint, expected);
  return true;
}

static bool check_tokenizer(const Bundle *b, const char *directory, const Config *config, Error *err) {
  if (!bundle_same_tokenizer(b->card, b->tokenizer, directory, err)) return false;
  const char *large = too_large(b->tokenizer, config);
  return !large ||
         fail(err, "%s: %s has more tokens than the model: it is of another model", directory, large);
}

static bool check_begin(const Bundle *b, const char *directory, const Config *config, Error *err) {
  const json_t *trained = json_object_get(b->card, "begin_token");
  return !json_is_integer(trained) ||
         (json_integer_value(trained) >= -1 && json_integer_value(trained) < config->vocabulary) ||
         fail(err, "%s/inkstone.json: \"begin_token\" is not in the vocabulary", directory);
}

/* The tokenizer, read on a thread of its own. */
typedef struct TokenizerReading {
  const char *directory;
  Tokenizer *tokenizer;
  Error err;
} TokenizerReading;

static void read_tokenizer(void *arg) {
  TokenizerReading *r = arg;
  MEM_GUARD(&r->err, return );
  r->tokenizer = bundle_tokenizer(r->directory, &r->err);
  MEM_GUARD_END();
}

static bool open_weights(Bundle *b, const char *directory, Config config, Error *err) {
  char path[PATH_ROOM];
  if (!directory_weights(directory, path, err) || !safetensors_open(&b->weights, path, err)) return false;
  const Naming *naming = arch_naming(config.arch, "huggingface");
  if (weights_untie(&b->weights, naming)) config.tied = false;
  b->model = model_outline(&config);
  model_freeze(b->model);
  return weights_map(path, naming, b->model->params, &b->weights, err);
}

static bool guarded_weights(Bundle *b, const char *directory, const Config *config, Error *err) {
  MEM_GUARD(err, return false);
  const bool ok = open_weights(b, directory, *config, err);
  MEM_GUARD_END();
  return ok;
}

/* Both take long. Whichever is wrong, the tokenizer's fault is told first. */
static bool open_both(Bundle *b, const char *directory, const Config *config, Error *err) {
  TokenizerReading reading = {.directory = directory};
  Error of_weights = {0};
  Thread *thread = thread_start(read_tokenizer, &reading);
  const bool weights = guarded_weights(b, directory, config, &of_weights);
  thread_join(thread);
  b->tokenizer = reading.tokenizer;
  if (!b->tokenizer) return fail_from(err, &reading.err);
  return check_tokenizer(b, directory, config, err) && check_begin(b, directory, config, err) &&
         (weights || fail_from(err, &of_weights));
}

static bool open_parts(Bundle *b, const char *named, Error *err) {
  char path[PATH_ROOM], room[PATH_ROOM];
  Config config;
  if (!directory_check(named, err)) return false;
  const char *directory = dir_current(room, named);
  if (!config_read(&config, path_join(path, directory, "config.json"), err)) return false;
  if (!(b->card = read_object(directory, "inkstone.json", err)) ||
      !(b->generation = generation_read(directory, &config, err)))
    return false;
  if (!open_both(b, directory, &config, err)) return false;
  if (config.bos < 0) b->model->config.bos = tokenizer_begin(b->tokenizer);
  generation_settle(&b->model->config, b->generation);
  return special_tokens_settle(&b->model->config, b->generation, b->tokenizer, err);
}

/* A model that another process replaces meanwhile is read once more: its parts would be of two. */
bool bundle_open(Bundle *b, const char *directory, Error *err) {
  enum { MOST_TRIES = 8 };
  for (int tries = 1;; tries++) {
    const ModelDirMark before = model_dir_mark(directory);
    Error why = {0};
    *b = (Bundle){0};
    const bool ok = open_parts(b, directory, &why), same = model_dir_same(before, model_dir_mark(directory));
    if (ok && same) return true;
    bundle_close(b);
    if (same || tries == MOST_TRIES) {
      if (ok) return fail(err, "%s: is being replaced by other models again and again", directory);
      if (err) *err = why;
      return false;
    }
  }
}

void bundle_close(Bundle *b) {
  model_free(b->model);
  safetensors_close(&b->weights);
  tokenizer_free(b->tokenizer);
  json_decref(b->card);
  json_decref(b->generation);
  *b = (Bundle){0};
}

int32_t bundle_begin(const Bundle *b) {
  const json_t *trained = json_object_get(b->card, "begin_token");
  return json_is_integer(trained) ? (int32_t)json_integer_value(trained) : tokenizer_begin(b->tokenizer);
}

/* ---- what it is for ---- */

static const Task *task_of(const Bundle *b) {
  return task_find(json_get_text(b->card, "task", ""));
}

bool bundle_is_ours(const Bundle *b) {
  return task_of(b) != NULL;
}

const Task *bundle_task(const Bundle *b) {
  const Task *learnt = task_of(b);
  return learnt ? learnt : task_find(b->model->config.arch->encodes ? "translate" : "write");
}

bool bundle_check_task(const Bundle *b, const Task *task, Error *err) {
  const Task *learnt = task_of(b);
  const bool encodes = b->model->config.arch->encodes;
  if (learnt == task) return true;
  if (learnt)
    return fail_usage(err,
                      "this model was trained to %s, not to %s: `inkstone %s -m MODEL`, or train one for it",
                      learnt->name, task->name, learnt->name);
  if (encodes == task_has_pairs(task) && !task->chat) return true;
  return fail_usage(err, encodes ? "this model reads a source and writes a target: try `inkstone translate`"
                                 : "this model only writes on: `inkstone write -m MODEL`");
}

/* Of several tokens that end a text, the one that its tokenizer puts behind one. */
static int32_t usual_end(const Config *c, const Tokenizer *t) {
  const int32_t end = tokenizer_end(t);
  return token_set_has(&c->ends, end) ? end : token_set_first(&c->ends);
}

/* Of a model from elsewhere. */
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

/* Each id is looked up in an embedding, whatever file it comes from. */
static bool check_layout(const PairLayout *l, const Config *c, Error *err) {
  const int64_t sources = c->source_vocabulary ? c->source_vocabulary : c->vocabulary;
  const struct {
    const char *name;
    int64_t id, vocabulary;
  } ids[] = {{"decoder_start_token_id", l->start, c->vocabulary},
             {"eos_token_id", l->end, c->vocabulary},
             {"pad_token_id", l->pad, c->vocabulary},
             {"the end token of sources (eos_token_id)", around_source(l), sources},
             {"the padding token of sources", l->source_pad, sources}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (ids[i].id >= ids[i].vocabulary)
      return fail(err,
                  "%s is %" PRId64 ", but its vocabulary has %" PRId64
                  " tokens: this is not the config.json of these tokenizers",
                  ids[i].name, ids[i].id, ids[i].vocabulary);
  return true;
}

bool bundle_layout(const Bundle *b, const Task *task, PairLayout *layout, Error *err) {
  const Config *c = &b->model->config;
  if (task_of(b)) {
    if (!layout_find(layout, task, b->tokenizer, c->arch->encodes, c->context, err)) return false;
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
  char path[PATH_ROOM];
  return json_write(path_join(path, directory, "inkstone.json"), card, err);
}

bool bundle_write_description(const char *directory, const Config *c, const Tokenizer *tokenizer,
                              const BundleUse *use, json_t *card, Error *err) {
  char path[PATH_ROOM], fingerprint[32];
  fingerprint_text(tokenizer, fingerprint);
  json_put(card, "tokenizer_fingerprint", json_string(fingerprint));
  return config_write(c, path_join(path, directory, "config.json"), err) &&
         save_tokenizers(tokenizer, directory, err) &&
         special_tokens_write(directory, c, tokenizer, use->task, use->from, err) &&
         generation_write(directory, c, use, err) && bundle_write_card(directory, card, err);
}
