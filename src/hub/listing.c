#include "hub/listing.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "io/repository.h"

/* Copies a hexadecimal number of that many digits. */
static bool read_hex(char text[DIGEST_TEXT], const char *from, size_t digits) {
  if (strlen(from) != digits || strspn(from, "0123456789abcdef") != digits) return false;
  memcpy(text, from, digits + 1);
  return true;
}

enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64, MOST_FILES = 100000 };
static const int64_t most_bytes = (int64_t)1 << 50; /* sums of MOST_FILES sizes fit in 64 bits */

static bool read_name(ListedFile *f, const json_t *file, const char *where, Error *err) {
  const json_t *name = json_object_get(file, "rfilename");
  const char *text = json_string_value(name);
  if (!text) return fail_damaged(err, "%s: lists a file without a name", where);
  if (!repository_safe(text, json_string_length(name)))
    return fail_damaged(err, "%s: lists a file named \"%.200s\", which could lead elsewhere: not downloaded",
                        where, text);
  f->name = mem_strdup(text);
  return true;
}

/* Files of Git LFS have an object "lfs". */
static bool read_file(ListedFile *f, const json_t *file, const char *where, Error *err) {
  if (!read_name(f, file, where, err)) return false;
  const json_t *large = json_object_get(file, "lfs");
  const bool is_large = json_is_object(large);
  if (!json_get_int(is_large ? large : file, "size", -1, &f->size, where, err)) return false;
  if (f->size < 0 || f->size > most_bytes)
    return fail_damaged(err, "%s: does not say how large %s is, though asked (?blobs=true)", where, f->name);
  f->digest = is_large ? DIGEST_SHA256 : DIGEST_SHA1;
  return (is_large ? read_hex(f->sum, json_get_text(large, "sha256", ""), SHA256_DIGITS)
                   : read_hex(f->sum, json_get_text(file, "blobId", ""), SHA1_DIGITS)) ||
         fail_damaged(err, "%s: has no checksum of %s", where, f->name);
}

static bool read_files(Listing *l, const json_t *files, const char *where, Error *err) {
  const size_t count = json_array_size(files);
  if (!json_is_array(files) || count > MOST_FILES)
    return fail_damaged(err, "%s: has no list of files (\"siblings\")", where);
  l->files = mem_alloc_zeroed(count + 1, sizeof *l->files);
  for (size_t i = 0; i < count; i++) {
    const json_t *file = json_array_get(files, i);
    l->count++;
    if (!read_file(&l->files[i], file, where, err)) return false;
  }
  return true;
}

bool listing_read(Listing *l, const char *text, size_t length, const char *where, Error *err) {
  *l = (Listing){.files = NULL};
  if (length && *text == '<')
    return fail(err,
                "%s: a web page came instead of the list of files, perhaps from a proxy or the login of a "
                "network: check HF_ENDPOINT and the connection",
                where);
  json_t *json = json_parse(text, length, where, err);
  const bool ok =
      json &&
      (read_hex(l->commit, json_get_text(json, "sha", ""), SHA1_DIGITS) ||
       fail_damaged(err, "%s: is not a listing of a repository: it names no commit (\"sha\")", where)) &&
      read_files(l, json_object_get(json, "siblings"), where, err);
  json_decref(json);
  return ok;
}

void listing_close(Listing *l) {
  for (size_t i = 0; i < l->count; i++) mem_free((char *)(uintptr_t)l->files[i].name);
  mem_free(l->files);
  *l = (Listing){.files = NULL};
}
