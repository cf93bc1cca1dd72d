#include "io/model_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/language.h"

/* ---- places ---- */

/* The value of a variable; NULL if it is empty or relative: such are ignored, as the XDG specification says.
 */
static const char *directory_in(const char *variable) {
  const char *set = getenv(variable);
  return set && *set == '/' ? set : NULL;
}

/* $HOME/name; NULL: there is no home directory. */
static const char *at_home(char buf[PATH_CAPACITY], const char *name) {
  const char *home = directory_in("HOME");
  return home ? path_join(buf, home, name) : NULL;
}

static bool models_path(char path[PATH_CAPACITY], Error *err) {
  char buf[PATH_CAPACITY];
  const char *set = directory_in("XDG_CACHE_HOME"), *base = set ? set : at_home(buf, ".cache");
  if (!base) return fail(err, "there is no directory for downloaded models: set XDG_CACHE_HOME or HOME");
  path_join(path, base, "inkstone/models");
  return true;
}

/* Copies with each '/' replaced. */
static void replace_slashes(char *to, size_t capacity, const char *from, const char *by) {
  Buffer text = {0};
  for (; *from; from++) buffer_add(&text, *from == '/' ? by : from, *from == '/' ? strlen(by) : 1);
  snprintf(to, capacity, "%s", text.data ? text.data : "");
  buffer_free(&text);
}

bool model_cache_path(char path[PATH_CAPACITY], const RepositoryName *n, Error *err) {
  char models[PATH_CAPACITY], revision[PATH_CAPACITY], name[PATH_CAPACITY];
  if (!models_path(models, err)) return false;
  replace_slashes(revision, sizeof revision, n->revision, "%2F");
  snprintf(name, sizeof name, "%s%s%.600s", n->id, *revision ? "@" : "", revision);
  path_join(path, models, name);
  return true;
}

/* ---- the cache of huggingface_hub ---- */

/* $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub; NULL: none. */
static const char *hub_cache(char buf[PATH_CAPACITY]) {
  const char *cache = directory_in("HF_HUB_CACHE"), *home = directory_in("HF_HOME");
  if (cache) return cache;
  return home ? path_join(buf, home, "hub") : at_home(buf, ".cache/huggingface/hub");
}

/* The commit in a file of refs; false: there is none. */
static bool read_commit(const char *file, char commit[80]) {
  FileView view;
  size_t length = 0;
  if (!file_view_regular(file, &view, NULL)) return false;
  while (length < view.size && length < 64 && strchr("0123456789abcdef", view.data[length])) length++;
  snprintf(commit, 80, "%.*s", (int)length, view.data);
  file_view_close(&view);
  return length;
}

/* models--ORG--NAME/snapshots/COMMIT, of the commit in refs/REVISION, or the revision itself. */
static bool hub_path(char path[PATH_CAPACITY], const RepositoryName *n) {
  char buf[PATH_CAPACITY], name[300], folder[PATH_CAPACITY], refs[PATH_CAPACITY], commit[80];
  const char *hub = hub_cache(buf), *revision = *n->revision ? n->revision : "main";
  if (!hub) return false;
  replace_slashes(name, sizeof name, n->id, "--");
  snprintf(folder, sizeof folder, "%.3000s/models--%s", hub, name);
  if (!read_commit(path_join(buf, path_join(refs, folder, "refs"), revision), commit))
    snprintf(commit, sizeof commit, "%.79s", revision);
  path_join(refs, folder, "snapshots");
  return dir_exists(path_join(path, refs, commit));
}

/* ---- files ---- */

typedef VEC(char *) Found;

static bool collect(const char *directory, const char *prefix, int depth, Found *found, Error *err) {
  enum { DEEPEST = 8 };
  Names names;
  if (!dir_list(directory, &names, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < names.count; i++) {
    char path[PATH_CAPACITY], name[PATH_CAPACITY];
    if (names.items[i][0] == '.' || !strcmp(names.items[i], LOCK_NAME)) continue;
    snprintf(name, sizeof name, "%.3000s%s%.255s", prefix, *prefix ? "/" : "", names.items[i]);
    if (!dir_exists(path_join(path, directory, names.items[i])))
      vec_push(found, mem_strdup(name));
    else if (depth < DEEPEST)
      ok = collect(path, name, depth + 1, found, err);
  }
  names_free(&names);
  return ok;
}

bool model_cache_files(const char *directory, Names *names, Error *err) {
  Found found = {0};
  const bool ok = collect(directory, "", 0, &found, err);
  *names = (Names){found.data, found.count};
  if (!ok) names_free(names);
  return ok;
}

/* ---- models ---- */

/* Completes a directory to the path of the model that the name means; "" if the directory has no files. */
static bool choose_in(char path[PATH_CAPACITY], const RepositoryName *n, Error *err) {
  Names names;
  char where[PATH_CAPACITY + 2000], directory[PATH_CAPACITY];
  const char *main;
  if (!model_cache_files(path, &names, err)) return false;
  snprintf(where, sizeof where, _("%s in %s (`inkstone pull %s%s%s%s%s` downloads more)"), n->id, path, n->id,
           *n->revision ? "@" : "", n->revision, *n->file ? ":" : "", n->file);
  bool *chosen = mem_alloc_zeroed(names.count + 1, sizeof *chosen);
  const bool ok = !names.count || repository_choose((const char *const *)names.items, names.count, n->file,
                                                    where, chosen, &main, err);
  memcpy(directory, path, PATH_CAPACITY);
  if (!names.count)
    *path = '\0';
  else if (ok && main)
    path_join(path, directory, main);
  mem_free(chosen);
  names_free(&names);
  return ok;
}

bool model_cache_find(char path[PATH_CAPACITY], const RepositoryName *n, Error *err) {
  if (!model_cache_path(path, n, err)) return false;
  if (dir_exists(path) && !choose_in(path, n, err)) return false;
  if (*path && file_exists(path)) return true;
  if (hub_path(path, n)) return choose_in(path, n, err);
  *path = '\0';
  return true;
}

bool model_cache_locate(char path[PATH_CAPACITY], const char *given, Error *err) {
  RepositoryName name;
  *path = '\0';
  if (!file_exists(given) && repository_name(&name, given, NULL) && !model_cache_find(path, &name, err))
    return false;
  if (!*path) snprintf(path, PATH_CAPACITY, "%s", given);
  return true;
}

static int64_t bytes_of(const char *directory, const Names *names) {
  int64_t bytes = 0;
  char path[PATH_CAPACITY];
  struct stat info;
  for (size_t i = 0; i < names->count; i++)
    if (!stat(path_join(path, directory, names->items[i]), &info)) bytes += info.st_size;
  return bytes;
}

static bool list_owner(json_t *list, const char *models, const char *owner, Error *err) {
  Names names, files;
  char home[PATH_CAPACITY], path[PATH_CAPACITY], model[600];
  if (!dir_list(path_join(home, models, owner), &names, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < names.count; i++) {
    if (!dir_exists(path_join(path, home, names.items[i]))) continue;
    snprintf(model, sizeof model, "%.255s/%.255s", owner, names.items[i]);
    if (!(ok = model_cache_files(path, &files, err))) break;
    if (files.count && json_is_utf8(model, strlen(model)) && json_is_utf8(path, strlen(path)))
      json_push(list, json_build("{s:s, s:I, s:s}", "model", model, "bytes",
                                 (json_int_t)bytes_of(path, &files), "path", path));
    names_free(&files);
  }
  names_free(&names);
  return ok;
}

json_t *model_cache_list(Error *err) {
  char models[PATH_CAPACITY], path[PATH_CAPACITY];
  Names owners = {0};
  bool ok = models_path(models, err) && (!dir_exists(models) || dir_list(models, &owners, err));
  json_t *list = json_array();
  for (size_t i = 0; ok && i < owners.count; i++)
    if (dir_exists(path_join(path, models, owners.items[i])))
      ok = list_owner(list, models, owners.items[i], err);
  names_free(&owners);
  if (ok) return list;
  json_decref(list);
  return NULL;
}
