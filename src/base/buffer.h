/* buffer.h - a growable run of bytes, and a hash table keyed by bytes. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "memory.h"

/* Zero-initialized is empty. `data` is NUL-terminated whenever it is not NULL. */
typedef struct Buffer {
  char *data;
  size_t length, capacity;
  size_t most;   /* bytes that buffer_add may make it; 0: no limit */
  bool overfull; /* more than that was to be added, and was dropped */
} Buffer;

void buffer_add(Buffer *, const void *bytes, size_t length);
void buffer_adds(Buffer *, const char *text);
void buffer_addf(Buffer *, const char *format, ...) PRINTF(2, 3);
void buffer_clear(Buffer *); /* keeps the memory */
void buffer_free(Buffer *);
char *buffer_take(Buffer *); /* returns the bytes ("" if none) for mem_free, and empties the buffer */

/* Bytes -> int64. Keys are copied. Iteration in order of insertion is by `map_at`. */
typedef struct Map Map;
Map *map_new(void);
void map_free(Map *);
void map_reserve(Map *, size_t count); /* capacity for `count` keys in total */
void map_set(Map *, const void *key, size_t length, int64_t value);
bool map_get(const Map *, const void *key, size_t length, int64_t *value);
/* Looks up several keys, whose waits for memory overlap. Values of keys that are absent are -1. */
typedef struct MapKey {
  const void *bytes;
  size_t length;
} MapKey;
void map_get_all(const Map *, const MapKey *, size_t count, int64_t *values);
/* Pointer to the key's value, inserted as `initial` if new; valid until the next insertion. */
int64_t *map_slot(Map *, const void *key, size_t length, int64_t initial);
size_t map_count(const Map *);
const char *map_at(const Map *, size_t index, size_t *length, int64_t *value);

/* 64-bit hash of bytes (FNV-1a then a finalizer): stable across runs and machines. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);
/* A random odd seed, drawn once per process: tables with keys from files use it, so that a file cannot be
 * crafted whose keys all collide. */
uint64_t hash_secret(void);

#endif
