/* pull.c - ink_pull: downloads a model into the cache.
 *
 * The files of one commit are downloaded under other names, checked and moved into place together, so that
 * the directory has the old or the new model. What an interrupted download left is named by its checksum: it
 * is continued only if it is the beginning of the same file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/engine.h"
#include "base/figure.h"
#include "base/integers.h"
#include "base/settings.h"
#include "hub/download.h"
#include "io/model_cache.h"

#include "hub/pull.def" /* PullSettings, pull_settings_table */

#include "base/settings_table.h"

#include "hub/pull.def"

ink_settings *ink_settings_pull(void) {
  static const SettingTable *const tables[] = {&pull_settings_table};
  return settings_new(tables, 1);
}

typedef struct Pull {
  const PullSettings *settings;
  RepositoryName name;
  char endpoint[1000];
  Hub hub;
  Listing listing;
  bool *chosen;     /* which of the listing's files */
  const char *main; /* the file to open; NULL: the directory */
  char home[PATH_CAPACITY], incoming[PATH_CAPACITY];
  bool *missing; /* which of the chosen ones are not there yet */
  Meter meter;
} Pull;

/* ---- where and how ---- */

static bool set_revision(Pull *p, Error *err) {
  const char *revision = p->settings->revision;
  Buffer text = {0};
  if (!revision || !*revision || !strcmp(revision, p->name.revision)) return true;
  if (*p->name.revision)
    return fail_usage(err, "--revision %s contradicts @%s: give one of them", revision, p->name.revision);
  buffer_addf(&text, "%s@%s", p->name.id, revision);
  if (*p->name.file) buffer_addf(&text, ":%s", p->name.file);
  const bool ok = repository_name(&p->name, text.data, err);
  buffer_free(&text);
  return ok;
}

/* A token is part of a header, which ends at a line break. */
static bool is_printable(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~') return false;
  return true;
}

static bool set_hub(Pull *p, Error *err) {
  const char *endpoint = getenv("HF_ENDPOINT"), *token = getenv("HF_TOKEN");
  if (!endpoint || !*endpoint) endpoint = "https://huggingface.co";
  size_t length = strlen(endpoint);
  while (length && endpoint[length - 1] == '/') length--;
  if ((strncmp(endpoint, "https://", 8) && strncmp(endpoint, "http://", 7)) || length >= sizeof p->endpoint)
    return fail_usage(err, "HF_ENDPOINT is %.200s: give an address that begins with https:// or http://",
                      endpoint);
  snprintf(p->endpoint, sizeof p->endpoint, "%.*s", (int)length, endpoint);
  if (token && !is_printable(token))
    return fail_usage(err, "HF_TOKEN has a blank or a character that no token has: copy it again");
  p->hub = (Hub){.endpoint = p->endpoint, .token = token ? token : "", .retries = p->settings->retries};
  return (p->hub.http = http_open(p->settings->timeout, err));
}

static bool is_offline(const Pull *p) {
  static const char *const yes[] = {"1", "on", "yes", "true"};
  const char *set = getenv("HF_HUB_OFFLINE");
  for (size_t i = 0; set && i < sizeof yes / sizeof *yes; i++)
    if (!strcasecmp(set, yes[i])) return true;
  return p->settings->offline;
}

/* ---- the listing ---- */

enum { MOST_LISTING = 1 << 24 };

typedef struct ListingText {
  Buffer text;
  Fetch fetch;
} ListingText;

static bool begin_listing(void *self, int64_t from, int64_t count, Error *err) {
  ListingText *l = self;
  buffer_clear(&l->text);
  l->fetch.have = 0;
  return !from || fail_damaged(err, "%s: the server sends only a part of the listing", l->fetch.what);
}

static bool take_listing(void *self, const void *bytes, size_t count, Error *err) {
  ListingText *l = self;
  if (l->text.length + count > MOST_LISTING)
    return fail_damaged(err, "%s: the server's listing is longer than %d bytes: not read", l->fetch.what,
                        MOST_LISTING);
  buffer_add(&l->text, bytes, count);
  return true;
}

static bool get_listing(Pull *p, Error *err) {
  Buffer url = {0};
  buffer_addf(&url, "%s/api/models/%s/revision/", p->endpoint, p->name.id);
  fetch_escape(&url, *p->name.revision ? p->name.revision : "main", true);
  buffer_adds(&url, "?blobs=true");
  ListingText l = {.fetch = {.id = p->name.id, .what = p->name.id, .url = url.data, .promised = -1}};
  l.fetch.sink = (HttpSink){&l, begin_listing, take_listing};
  const bool ok = fetch(&p->hub, &l.fetch, err) &&
                  listing_read(&p->listing, l.text.data ? l.text.data : "", l.text.length, p->name.id, err);
  buffer_free(&l.text);
  buffer_free(&url);
  return ok;
}

static bool choose(Pull *p, const News *news, Error *err) {
  const size_t count = p->listing.count;
  const char **names = mem_alloc((count + 1) * sizeof *names);
  p->chosen = mem_alloc_zeroed(count + 1, sizeof *p->chosen);
  p->missing = mem_alloc_zeroed(count + 1, sizeof *p->missing);
  for (size_t i = 0; i < count; i++) names[i] = p->listing.files[i].name;
  const bool ok = repository_choose(names, count, p->name.file, p->name.id, p->chosen, &p->main, err);
  mem_free(names);
  if (ok && p->main && !*p->name.file) news_note(news, "%s: the model is %s", p->name.id, p->main);
  return ok;
}

/* ---- files ---- */

static const char *place_of(const Pull *p, size_t file, char path[PATH_CAPACITY]) {
  return path_join(path, p->home, p->listing.files[file].name);
}

static const char *incoming_of(const Pull *p, size_t file, char path[PATH_CAPACITY]) {
  const ListedFile *f = &p->listing.files[file];
  const char *slash = strrchr(f->name, '/');
  char name[PATH_CAPACITY];
  snprintf(name, sizeof name, "%s-%s", f->sum, slash ? slash + 1 : f->name);
  return path_join(path, p->incoming, name);
}

static int64_t size_of(const char *path) {
  struct stat info;
  return stat(path, &info) ? 0 : info.st_size;
}

/* Which files are to be downloaded, and whether there is space for them. */
static bool take_stock(Pull *p, Error *err) {
  char path[PATH_CAPACITY], need_text[FIGURE_SIZE], free_text[FIGURE_SIZE];
  int64_t need = 0;
  for (size_t i = 0; i < p->listing.count; i++) {
    const ListedFile *f = &p->listing.files[i];
    bool right;
    if (!p->chosen[i]) continue;
    if (!download_check(place_of(p, i, path), f, &right, err)) return false;
    p->missing[i] = !right;
    if (right) continue;
    p->meter.total += f->size;
    need += f->size - int64_min(size_of(incoming_of(p, i, path)), f->size);
  }
  const int64_t space = disk_free(p->home);
  return space < 0 || need <= space ||
         fail(err,
              "%s: needs %s more in %s, where %s are free: free some, or set XDG_CACHE_HOME to a larger disk",
              p->name.id, figure_bytes(need_text, need), p->home, figure_bytes(free_text, space));
}

static bool download_missing(Pull *p, Error *err) {
  char path[PATH_CAPACITY];
  for (size_t i = 0; i < p->listing.count; i++)
    if (p->missing[i] && !download(&p->hub, p->name.id, p->listing.commit, &p->listing.files[i],
                                   incoming_of(p, i, path), &p->meter, err))
      return false;
  return true;
}

static bool move(const Pull *p, size_t file, Error *err) {
  char from[PATH_CAPACITY], to[PATH_CAPACITY], parent[PATH_CAPACITY];
  place_of(p, file, to);
  snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(to, '/') - to), to);
  return dir_make(parent, err) && dir_rename(incoming_of(p, file, from), to, err) && dir_sync(parent, err);
}

/* Files of an earlier revision that would be read instead of, or next to, the new ones. */
static bool remove_obsolete(const Pull *p, Error *err) {
  Names names;
  char path[PATH_CAPACITY];
  if (p->main) return true;
  if (!model_cache_files(p->home, &names, err)) return false;
  bool ok = true;
  for (size_t k = 0; ok && k < names.count; k++) {
    bool kept = !repository_of_directory(names.items[k]);
    for (size_t i = 0; i < p->listing.count && !kept; i++)
      kept = p->chosen[i] && !strcmp(p->listing.files[i].name, names.items[k]);
    ok = kept || dir_remove(path_join(path, p->home, names.items[k]), err);
  }
  names_free(&names);
  return ok;
}

/* config.json last: opening a model compares it before and after (bundle_open). */
static bool install(const Pull *p, Error *err) {
  for (int last = 0; last < 2; last++)
    for (size_t i = 0; i < p->listing.count; i++)
      if (p->missing[i] && last == !strcmp(p->listing.files[i].name, "config.json") && !move(p, i, err))
        return false;
  return remove_obsolete(p, err) && dir_remove(p->incoming, err);
}

/* With a guard, so that running out of memory keeps no lock. */
static bool complete(Pull *p, Error *err) {
  MEM_GUARD(err, return false);
  const bool ok =
      take_stock(p, err) && dir_make(p->incoming, err) && download_missing(p, err) && install(p, err);
  MEM_GUARD_END();
  return ok;
}

static bool complete_locked(Pull *p, Error *err) {
  if (!model_cache_path(p->home, &p->name, err) || !dir_make(p->home, err)) return false;
  path_join(p->incoming, p->home, ".incoming");
  const int lock = file_lock(p->home, err);
  if (lock < 0) return false;
  const bool ok = complete(p, err);
  file_unlock(p->home, lock);
  return ok;
}

/* ---- the call ---- */

static char *describe(const Pull *p) {
  char path[PATH_CAPACITY];
  int64_t files = 0, bytes = 0;
  for (size_t i = 0; i < p->listing.count; i++)
    if (p->chosen[i]) files++, bytes += p->listing.files[i].size;
  if (p->main)
    path_join(path, p->home, p->main);
  else
    memcpy(path, p->home, sizeof path);
  json_t *json = json_build("{s:s, s:s, s:I, s:I, s:I, s:s}", "model", p->name.id, "commit",
                            p->listing.commit, "files", (json_int_t)files, "bytes", (json_int_t)bytes,
                            "downloaded", (json_int_t)p->meter.total, "path", path);
  char *text = json_text(json, JSON_INDENT(2));
  json_decref(json);
  return text;
}

static char *look_up(const Pull *p, Error *err) {
  char path[PATH_CAPACITY];
  if (!model_cache_find(path, &p->name, err)) return NULL;
  if (!*path) {
    fail_not_found(
        err, "%s: was not downloaded yet: pull it with a connection (without --offline, HF_HUB_OFFLINE)",
        p->name.id);
    return NULL;
  }
  json_t *json = json_build("{s:s, s:s}", "model", p->name.id, "path", path);
  char *text = json_text(json, JSON_INDENT(2));
  json_decref(json);
  return text;
}

static char *pull(Pull *p, const char *model, const News *news, Error *err) {
  if (!repository_name(&p->name, model, err) || !set_revision(p, err)) return NULL;
  if (is_offline(p)) return look_up(p, err);
  if (!set_hub(p, err)) return NULL;
  p->hub.news = p->meter.news = news;
  return get_listing(p, err) && choose(p, news, err) && complete_locked(p, err) ? describe(p) : NULL;
}

char *ink_pull(const char *model, const ink_settings *settings, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  Pull p = {.settings = settings_part(settings, &pull_settings_table)};
  char *text = call_enter(call, NULL, &news, err) ? pull(&p, model, &news, err) : NULL;
  http_close(p.hub.http);
  listing_close(&p.listing);
  mem_free(p.chosen);
  mem_free(p.missing);
  MEM_GUARD_END();
  return text;
}

char *ink_pulled(ink_error *err) {
  MEM_GUARD(err, return NULL);
  json_t *list = model_cache_list(err);
  char *text = list ? json_text(list, JSON_INDENT(2)) : NULL;
  json_decref(list);
  MEM_GUARD_END();
  return text;
}
