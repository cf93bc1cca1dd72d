#include "io/zip.h"

#include <inttypes.h>
#include <string.h>

#include "io/little_endian.h"

enum { END = 22, LOCATOR = 20, END64 = 56, ENTRY = 46, LOCAL = 30, COMMENT_MOST = 0xffff };

/* The `count` bytes at an offset, if they are in the file and begin with "PK" and that kind of record. */
static const char *record(const FileView *file, uint64_t at, size_t count, int kind) {
  if (at > file->size || file->size - at < count) return NULL;
  const char *p = file->data + at;
  return little_endian(p, 4) == (0x4b50u | (unsigned)kind << 16) ? p : NULL;
}

typedef struct Directory {
  uint64_t count, bytes, at;
} Directory;

/* The end record is the last one in the file, before a comment. Before it may be the locator of a zip64 end
 * record, which then counts. */
static bool find_directory(const FileView *file, Directory *d) {
  const char *end = NULL;
  uint64_t at = file->size < END ? 0 : file->size - END;
  for (int i = 0; !(end = record(file, at, END, 0x0605)); i++)
    if (!at-- || i == COMMENT_MOST) return false;
  *d = (Directory){little_endian(end + 10, 2), little_endian(end + 12, 4), little_endian(end + 16, 4)};
  const char *locator = at < LOCATOR ? NULL : record(file, at - LOCATOR, LOCATOR, 0x0706);
  if (!locator) return true;
  if (!(end = record(file, little_endian(locator + 8, 8), END64, 0x0606))) return false;
  *d = (Directory){little_endian(end + 32, 8), little_endian(end + 40, 8), little_endian(end + 48, 8)};
  return true;
}

/* Sizes and offset that do not fit into 32 bits are in the extra field of id 1, in this order. */
static bool read_extra(const char *extra, size_t bytes, uint64_t *const fields[3]) {
  for (size_t size = 0; bytes >= 4; extra += 4 + size, bytes -= 4 + size) {
    if ((size = little_endian(extra + 2, 2)) > bytes - 4) return false;
    if (little_endian(extra, 2) != 1) continue;
    for (size_t i = 0, at = 0; i < 3; i++) {
      if (*fields[i] != UINT32_MAX) continue;
      if (size - at < 8) return false;
      *fields[i] = little_endian(extra + 4 + at, 8);
      at += 8;
    }
  }
  return true;
}

/* `data` of an entry is behind its local header, whose name must be the same. */
static bool find_data(const FileView *file, ZipEntry *e, uint64_t at) {
  const char *local = record(file, at, LOCAL, 0x0403);
  if (!local || little_endian(local + 26, 2) != e->length) return false;
  const uint64_t head = LOCAL + e->length + little_endian(local + 28, 2), rest = file->size - at;
  if (head > rest || e->size > rest - head || memcmp(local + LOCAL, e->name, e->length)) return false;
  e->data = local + head;
  return true;
}

/* Reads the directory's entry at *at, and moves *at behind it. */
static bool read_entry(Zip *z, const FileView *file, uint64_t *at, const char *path, Error *err) {
  const char *p = record(file, *at, ENTRY, 0x0201);
  if (!p) return false;
  ZipEntry e = {.name = p + ENTRY, .length = little_endian(p + 28, 2)};
  const size_t extra = little_endian(p + 30, 2), comment = little_endian(p + 32, 2);
  uint64_t packed = little_endian(p + 20, 4), offset = little_endian(p + 42, 4);
  e.size = little_endian(p + 24, 4);
  if (file->size - *at - ENTRY < e.length + extra + comment) return false;
  if (!read_extra(e.name + e.length, extra, (uint64_t *const[]){&e.size, &packed, &offset})) return false;
  if (little_endian(p + 10, 2) || little_endian(p + 8, 2) & 1)
    return fail(
        err, "%s: an entry of the zip archive is compressed or encrypted, which torch.save never does", path);
  if (packed != e.size || !find_data(file, &e, offset)) return false;
  int64_t *slot = map_slot(z->names, e.name, e.length, -1);
  if (*slot >= 0) return fail(err, "%s: an entry of the zip archive is there twice", path);
  *slot = (int64_t)z->entries.count;
  vec_push(&z->entries, e);
  *at += ENTRY + e.length + extra + comment;
  return true;
}

bool zip_open(Zip *z, const FileView *file, const char *path, Error *err) {
  Directory d;
  *z = (Zip){.names = map_new()};
  bool ok = find_directory(file, &d) && d.count && d.at <= file->size && d.bytes <= file->size - d.at &&
            d.count <= d.bytes / ENTRY;
  for (uint64_t i = 0; ok && i < d.count; i++) ok = read_entry(z, file, &d.at, path, err);
  return ok || fail(err, "%s: not a whole zip archive: the file is truncated or altered", path);
}

const ZipEntry *zip_find(const Zip *z, const char *name, size_t length) {
  int64_t at;
  return map_get(z->names, name, length, &at) ? &z->entries.data[at] : NULL;
}

void zip_close(Zip *z) {
  vec_free(&z->entries);
  map_free(z->names);
}
