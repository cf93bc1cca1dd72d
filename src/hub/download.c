#include "hub/download.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/language.h"
#include "base/threads.h"

/* ---- checksums ---- */

/* Git hashes a file with a header. */
static void begin_sum(Digest *d, const ListedFile *f) {
  char head[40];
  digest_begin(d, f->digest);
  if (f->digest == DIGEST_SHA1)
    digest_add(d, head, (size_t)snprintf(head, sizeof head, "blob %lld", (long long)f->size) + 1);
}

static bool add_file(Digest *d, const char *path, Error *err) {
  static const size_t piece = 1 << 20;
  FileView view;
  if (!file_view_regular(path, &view, err)) return false;
  for (size_t at = 0; at < view.size && !interrupted(); at += piece)
    digest_add(d, view.data + at, view.size - at < piece ? view.size - at : piece);
  file_view_close(&view);
  return !interrupted() || fail_interrupted(err);
}

static bool has_sum(Digest *d, const ListedFile *f) {
  char text[DIGEST_TEXT];
  return !strcmp(digest_end(d, text), f->sum);
}

bool download_check(const char *path, const ListedFile *f, bool *right, Error *err) {
  Digest d;
  struct stat info;
  *right = false;
  if (stat(path, &info) || !S_ISREG(info.st_mode) || info.st_size != f->size) return true;
  begin_sum(&d, f);
  if (!add_file(&d, path, err)) return false;
  *right = has_sum(&d, f);
  return true;
}

/* ---- writing ---- */

typedef struct Partial {
  const ListedFile *file;
  const char *path;
  int descriptor;
  Digest sum; /* of the bytes there */
  Fetch fetch;
  Meter *meter;
} Partial;

static bool fail_write(const Partial *p, Error *err) {
  return fail(err, "%s: cannot be written: %s", p->path, language_errno(errno));
}

static bool restart(Partial *p, Error *err) {
  p->meter->done -= p->fetch.have;
  p->fetch.have = 0;
  begin_sum(&p->sum, p->file);
  return (!ftruncate(p->descriptor, 0) && lseek(p->descriptor, 0, SEEK_SET) == 0) || fail_write(p, err);
}

/* Servers may ignore the wish for a part. */
static bool begin(void *self, int64_t from, int64_t count, Error *err) {
  Partial *p = self;
  if (count >= 0 && from + count != p->file->size)
    return fail_damaged(err, "%s: the server sends %lld bytes, its listing says %lld", p->fetch.what,
                        (long long)(from + count), (long long)p->file->size);
  return from == p->fetch.have || restart(p, err);
}

static bool take(void *self, const void *bytes, size_t count, Error *err) {
  Partial *p = self;
  if ((int64_t)count > p->file->size - p->fetch.have)
    return fail_damaged(err, "%s: the server sends more than the %lld bytes of its listing", p->fetch.what,
                        (long long)p->file->size);
  for (size_t at = 0; at < count;) {
    const ssize_t n = write(p->descriptor, (const char *)bytes + at, count - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_write(p, err);
    at += (size_t)n;
  }
  digest_add(&p->sum, bytes, count);
  p->fetch.have += (int64_t)count;
  p->meter->done += (int64_t)count;
  news_progress(p->meter->news, "downloading", p->meter->done, p->meter->total, "byte");
  return true;
}

/* Continues after the bytes that are there. */
static bool open_partial(Partial *p, Error *err) {
  struct stat info;
  p->descriptor = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (p->descriptor < 0 || fstat(p->descriptor, &info)) return fail_write(p, err);
  if (info.st_size > p->file->size) return restart(p, err);
  begin_sum(&p->sum, p->file);
  if (info.st_size && !add_file(&p->sum, p->path, err)) return false;
  p->fetch.have = lseek(p->descriptor, 0, SEEK_END);
  p->meter->done += p->fetch.have;
  return p->fetch.have == info.st_size || fail(err, "%s: changes while it is written", p->path);
}

static bool sync_partial(const Partial *p, Error *err) {
  return fsync(p->descriptor) == 0 || fail_write(p, err);
}

/* Bytes of an earlier attempt may be wrong, for example after a power failure: then all are fetched again. */
static bool fetch_all(const Hub *hub, Partial *p, Error *err) {
  const bool resumed = p->fetch.have > 0;
  if (p->fetch.have < p->file->size && !fetch(hub, &p->fetch, err)) return false;
  if (has_sum(&p->sum, p->file)) return sync_partial(p, err);
  if (!restart(p, err)) return false;
  if (resumed) return fetch_all(hub, p, err);
  return fail_damaged(
      err,
      "%s: what the server sends has another checksum than its listing says (%s %s): try again "
      "later, or without HF_ENDPOINT",
      p->fetch.what, p->file->digest == DIGEST_SHA256 ? "SHA-256" : "git SHA-1", p->file->sum);
}

bool download(const Hub *hub, const char *id, const char *commit, const ListedFile *file, const char *path,
              Meter *meter, Error *err) {
  Buffer url = {0}, what = {0};
  buffer_addf(&url, "%s/%s/resolve/%s/", hub->endpoint, id, commit);
  fetch_escape(&url, file->name, false);
  buffer_addf(&what, "%s: %s", id, file->name);
  Partial p = {.file = file,
               .path = path,
               .meter = meter,
               .fetch = {.id = id, .what = what.data, .url = url.data, .promised = file->size}};
  p.fetch.sink = (HttpSink){&p, begin, take};
  const bool ok = open_partial(&p, err) && fetch_all(hub, &p, err);
  if (p.descriptor >= 0) close(p.descriptor);
  buffer_free(&url);
  buffer_free(&what);
  return ok;
}
