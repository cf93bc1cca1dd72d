/* pieces.h - the fuzzer's bytes as several files of one directory. */
#ifndef TESTS_PIECES_H
#define TESTS_PIECES_H

#include "base/scratch.h"

/* One file of each piece in turn, up to the next 0x1e byte, the last of all that is left; an empty one stays
 * as it is. */
static void write_pieces(const uint8_t *data, size_t size, const char *const *paths, int count) {
  for (int i = 0; i < count && size; i++) {
    const uint8_t *end = i + 1 < count ? memchr(data, 0x1e, size) : NULL;
    const size_t length = end ? (size_t)(end - data) : size;
    if (length) CHECK(file_replace(paths[i], (const char *)data, length, NULL));
    data += length + (end != NULL);
    size -= length + (end != NULL);
  }
}

static void remove_scratch(void) {
  dir_remove(scratch, NULL);
}

/* A directory in TMPDIR, once a process. */
static void open_pieces(void) {
  CHECK(scratch_open(NULL) == 0);
  CHECK(atexit(remove_scratch) == 0);
}

static ink_settings *settings_with(ink_settings *s, const char *const *pairs) {
  Error err = {0};
  for (; *pairs; pairs += 2) CHECK(ink_settings_set(s, pairs[0], pairs[1], &err));
  return s;
}
#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
