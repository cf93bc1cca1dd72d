#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/language.h"
#include "base/memory.h"

static size_t in_memory;

size_t spool_in_memory(void) {
  return in_memory ? in_memory : (size_t)mem_available() / 8;
}

void spool_set_in_memory(size_t bytes) {
  in_memory = bytes;
}

static const char *directory(void) {
  const char *chosen = getenv("TMPDIR");
  return chosen && *chosen ? chosen : "/var/tmp"; /* /tmp may itself be memory */
}

static bool fail_full(Error *err, size_t bytes) {
  return fail(
      err,
      "%s: no disk space for %zu MB of text or tokens that do not fit in memory (%s): free some, or set "
      "TMPDIR to a larger disk",
      directory(), bytes >> 20, language_errno(errno));
}

/* An unlinked file, deleted when its descriptor is closed. */
static int unlinked_file(void) {
  int file = open(directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  char path[4096];
  if (snprintf(path, sizeof path, "%s/inkstone-XXXXXX", directory()) >= (int)sizeof path) return -1;
  file = mkostemp(path, O_CLOEXEC);
  if (file >= 0) unlink(path);
  return file;
}

/* Allocates the disk blocks now: on a full disk, a write to the mapping would kill the process. */
static bool allocate_blocks(int file, size_t from, size_t to) {
  errno = posix_fallocate(file, (off_t)from, (off_t)(to - from));
  return errno == 0;
}

static bool move_to_disk(Spool *s, size_t capacity, Error *err) {
  const int file = unlinked_file();
  void *map = MAP_FAILED;
  if (file >= 0 && allocate_blocks(file, 0, capacity))
    map = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) {
    fail_full(err, capacity);
    if (file >= 0) close(file);
    return false;
  }
  if (s->length) memcpy(map, s->data, s->length);
  mem_free(s->data);
  *s = (Spool){map, s->length, capacity, file, true};
  return true;
}

static bool grow_on_disk(Spool *s, size_t capacity, Error *err) {
  if (!allocate_blocks(s->file, s->capacity, capacity)) return fail_full(err, capacity);
  void *map = mremap(s->data, s->capacity, capacity, MREMAP_MAYMOVE);
  if (map == MAP_FAILED) return fail_full(err, capacity);
  s->data = map;
  s->capacity = capacity;
  return true;
}

static bool reserve(Spool *s, size_t wanted, Error *err) {
  size_t capacity = s->capacity ? s->capacity : (size_t)1 << 16;
  while (capacity < wanted) capacity += capacity / 2;
  if (s->on_disk) return grow_on_disk(s, capacity, err);
  if (capacity > spool_in_memory()) return move_to_disk(s, capacity, err);
  s->data = mem_resize(s->data, capacity);
  s->capacity = capacity;
  return true;
}

bool spool_add(Spool *s, const void *bytes, size_t count, Error *err) {
  if (count > PTRDIFF_MAX / 2 - s->length) mem_exhausted(count);
  if (s->length + count > s->capacity && !reserve(s, s->length + count, err)) return false;
  if (count) memcpy(s->data + s->length, bytes, count);
  s->length += count;
  return true;
}

void spool_finish(Spool *s) {
  if (!s->on_disk || s->file < 0) return;
  void *map = mremap(s->data, s->capacity, s->length, MREMAP_MAYMOVE);
  if (map != MAP_FAILED) {
    s->data = map;
    s->capacity = s->length;
  }
  if (ftruncate(s->file, (off_t)s->length)) errno = 0; /* the disk space is then freed later */
  close(s->file);
  s->file = -1;
}

void spool_free(Spool *s) {
  if (s->on_disk) {
    if (s->file >= 0) close(s->file);
    munmap(s->data, s->capacity);
  } else {
    mem_free(s->data);
  }
  *s = (Spool){0};
}
