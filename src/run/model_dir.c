#include "run/model_dir.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/peft.h"
#include "io/shards.h"
#include "io/tfevents.h"

static const char next[] = "inkstone-next", ready[] = DIR_READY, done[] = "inkstone-next.done";
/* A card names the version of Inkstone that wrote it. */
#define CARD_MARK "\"inkstone_version\""
static const char card[] = "inkstone.json", weights[] = WEIGHTS_FILE, checkpoint[] = "checkpoint-";

/* Files that Inkstone writes, besides the card. */
static const char *const own[] = {PEFT_CONFIG,          PEFT_WEIGHTS,
                                  "config.json",        "generation_config.json",
                                  "log.jsonl",          "model.safetensors",
                                  "recipe.yaml",        "references.safetensors",
                                  "report.html",        "source_tokenizer.json",
                                  "tokenizer.json",     "tokenizer_config.json",
                                  "chat_template.jinja"};
/* Suffixes of the weight files of other programs. */
static const char *const weights_ends[] = {".safetensors", ".safetensors.index.json", ".bin", ".gguf", ".pt"};

static bool ends_in(const char *name, const char *end) {
  const size_t n = strlen(name), m = strlen(end);
  return n >= m && !strcmp(name + n - m, end);
}

static bool is_of_a_model(const char *name) {
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!strcmp(name, own[i])) return true;
  for (size_t i = 0; i < sizeof weights_ends / sizeof *weights_ends; i++)
    if (ends_in(name, weights_ends[i])) return true;
  return false;
}

/* Inkstone pads the step to ten digits; other programs do not. */
static bool is_checkpoint(const char *name) {
  const char *digits = name + sizeof checkpoint - 1;
  return !strncmp(name, checkpoint, sizeof checkpoint - 1) && strlen(digits) >= 10 &&
         strspn(digits, "0123456789") == strlen(digits);
}

ModelDirContent model_dir_content(const char *dir, char buf[PATH_CAPACITY], const char **met) {
  Names names;
  char path[PATH_CAPACITY];
  *met = NULL;
  if (!dir_exists(dir) || !dir_list(dir, &names, NULL)) return MODEL_DIR_EMPTY;
  const bool ours = file_exists(path_join(path, dir, card)) && !dir_exists(path) &&
                    file_check_kind(path, CARD_MARK, card, NULL);
  ModelDirContent content = ours ? MODEL_DIR_STARTED : MODEL_DIR_EMPTY;
  for (size_t i = 0; i < names.count; i++) {
    const char *name = names.items[i];
    const bool trained =
        !strcmp(name, weights) || !strcmp(name, PEFT_WEIGHTS) || shards_own(name) || is_checkpoint(name);
    if (ours ? !trained : !trained && !is_of_a_model(name) && strcmp(name, card)) continue;
    content = ours ? MODEL_DIR_OURS : MODEL_DIR_FOREIGN;
    snprintf(buf, PATH_CAPACITY, "%s", name);
    *met = buf;
    break;
  }
  names_free(&names);
  return content;
}

bool model_dir_has_model(const char *dir) {
  char path[PATH_CAPACITY];
  return file_exists(path_join(path, dir, "config.json"));
}

static bool is_file_or_absent(const char *dir, const char *name, Error *err) {
  char path[PATH_CAPACITY];
  return !dir_exists(path_join(path, dir, name)) ||
         fail(err,
              "%s: is a directory, but the model needs a file of "
              "this name: move it away, or choose another directory",
              path);
}

static bool is_known(const char *name) {
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!strcmp(name, own[i])) return true;
  return shards_own(name) || !strcmp(name, card) || !strcmp(name, LOCK_NAME) || name[0] == '.' ||
         !strncmp(name, next, sizeof next - 1);
}

const char *model_dir_stranger(const char *dir, char buf[PATH_CAPACITY]) {
  Names names;
  const char *stranger = NULL;
  if (!dir_list(dir, &names, NULL)) return NULL;
  for (size_t i = 0; i < names.count && !stranger; i++)
    if (!is_known(names.items[i])) {
      snprintf(buf, PATH_CAPACITY, "%s", names.items[i]);
      stranger = buf;
    }
  names_free(&names);
  return stranger;
}

bool model_dir_check(const char *dir, Error *err) {
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!is_file_or_absent(dir, own[i], err)) return false;
  return is_file_or_absent(dir, card, err);
}

static ino_t number_of(const char *dir, const char *name) {
  char path[PATH_CAPACITY];
  struct stat info;
  return stat(path_join(path, dir, name), &info) ? 0 : info.st_ino;
}

/* A converted model of another program has no card. */
ModelDirMark model_dir_mark(const char *dir) {
  const ino_t own_card = number_of(dir, card);
  return (ModelDirMark){number_of(dir, ready), own_card ? own_card : number_of(dir, "config.json")};
}

bool model_dir_same(ModelDirMark a, ModelDirMark b) {
  return a.ready == b.ready && a.card == b.card;
}

const char *model_dir_next(char buf[PATH_CAPACITY], const char *dir) {
  return path_join(buf, dir, next);
}

/* ---- replacing ---- */

static bool begins(const char *name, const char *prefix) {
  return !strncmp(name, prefix, strlen(prefix));
}

bool model_dir_remove_states(const char *dir, Error *err) {
  Names names;
  char path[PATH_CAPACITY];
  bool ok = dir_list(dir, &names, err);
  for (size_t i = 0; ok && i < names.count; i++)
    if (is_checkpoint(names.items[i]) || begins(names.items[i], "snapshot-") ||
        begins(names.items[i], TFEVENTS_PREFIX))
      ok = dir_remove(path_join(path, dir, names.items[i]), err);
  names_free(&names);
  return ok;
}

static bool remove_obsolete(const char *dir, const char *from, Error *err) {
  char old[PATH_CAPACITY], new[PATH_CAPACITY];
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!file_exists(path_join(new, from, own[i])) && !dir_remove(path_join(old, dir, own[i]), err))
      return false;
  Names names;
  if (!dir_list(dir, &names, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < names.count; i++)
    if (shards_own(names.items[i]) && !file_exists(path_join(new, from, names.items[i])))
      ok = dir_remove(path_join(old, dir, names.items[i]), err);
  names_free(&names);
  return ok;
}

static bool place_all(const char *dir, const char *from, Error *err) {
  Names names;
  char old[PATH_CAPACITY], new[PATH_CAPACITY];
  bool ok = dir_list(from, &names, err);
  for (size_t i = 0; ok && i < names.count; i++) {
    path_join(old, dir, names.items[i]);
    path_join(new, from, names.items[i]);
    ok = dir_exists(new) ? dir_remove(old, err) && dir_rename(new, old, err) : file_link_over(new, old, err);
  }
  names_free(&names);
  return ok && dir_sync(dir, err);
}

/* Such as "model.safetensors.tmp4711": the temporary file of a killed process. */
static bool is_unfinished(const char *name) {
  const char *tail = strstr(name, ".tmp");
  char whole[256];
  if (!tail || !tail[4] || strspn(tail + 4, "0123456789") != strlen(tail + 4)) return false;
  snprintf(whole, sizeof whole, "%.*s", (int)(tail - name), name);
  return is_of_a_model(whole) || !strcmp(whole, card);
}

static void sweep(const char *dir) {
  Names names;
  char path[PATH_CAPACITY];
  if (!dir_list(dir, &names, NULL)) return;
  for (size_t i = 0; i < names.count; i++)
    if (is_unfinished(names.items[i])) dir_remove(path_join(path, dir, names.items[i]), NULL);
  names_free(&names);
}

bool model_dir_finish(const char *dir, Error *err) {
  char from[PATH_CAPACITY], old[PATH_CAPACITY];
  path_join(from, dir, ready);
  path_join(old, dir, done);
  if (dir_exists(from) && (!remove_obsolete(dir, from, err) || !place_all(dir, from, err) ||
                           !dir_remove(old, err) || !dir_rename(from, old, err)))
    return false;
  return dir_remove(old, err);
}

bool model_dir_replace(const char *dir, Error *err) {
  char from[PATH_CAPACITY], to[PATH_CAPACITY];
  path_join(from, dir, next);
  path_join(to, dir, ready);
  return model_dir_remove_states(dir, err) && dir_sync(from, err) && dir_rename(from, to, err) &&
         dir_sync(dir, err) && model_dir_finish(dir, err);
}

/* ---- locking ---- */

bool model_dir_lock(ModelDirLock *l, const char *home, Error *err) {
  char work[PATH_CAPACITY];
  *l = (ModelDirLock){.home = home, .made = !dir_exists(home), .lock = -1};
  if (!dir_make(home, err)) return false;
  l->lock = file_lock(home, err);
  if (l->lock < 0 || !model_dir_finish(home, err)) return false;
  sweep(home);
  sweep(model_dir_next(work, home));
  return true;
}

void model_dir_unlock(ModelDirLock *l) {
  if (l->lock < 0) return;
  file_unlock(l->home, l->lock);
  l->lock = -1;
  if (l->made) rmdir(l->home); /* fails if it is not empty */
}
