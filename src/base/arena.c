#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Chunk {
  struct Chunk *older;
  size_t size, used; /* of the bytes after this header */
} Chunk;

/* The header takes a whole cache line, so that the data after it is aligned to 64 bytes. */
enum { HEADER = 64 };

struct Arena {
  Chunk *newest, *spare;                /* spare: rewound chunks, for reuse */
  size_t chunk_bytes, used, peak, most; /* most: maximum of used since the last reset */
};

Arena *arena_new(size_t chunk_bytes) {
  Arena *a = mem_alloc_zeroed(1, sizeof *a);
  a->chunk_bytes = chunk_bytes ? chunk_bytes : 64 << 10;
  return a;
}

static void free_list(Chunk **list) {
  while (*list) {
    Chunk *older = (*list)->older;
    mem_free(*list);
    *list = older;
  }
}

static void free_chunks(Arena *a) {
  free_list(&a->newest);
  free_list(&a->spare);
}

void arena_free(Arena *a) {
  if (!a) return;
  free_chunks(a);
  mem_free(a);
}

/* Chunks grow with the arena, up to this size: few large chunks use huge pages, which are zeroed faster. */
static const size_t most_ahead = 32 << 20;

static bool use_spare(Arena *a, size_t bytes) {
  for (Chunk **at = &a->spare; *at; at = &(*at)->older)
    if ((*at)->size >= bytes) {
      Chunk *c = *at;
      *at = c->older;
      *c = (Chunk){a->newest, c->size, 0};
      a->newest = c;
      return true;
    }
  return false;
}

static void add_chunk(Arena *a, size_t bytes) {
  if (use_spare(a, bytes)) return;
  const size_t ahead = a->used < most_ahead ? a->used : most_ahead;
  if (bytes < a->chunk_bytes) bytes = a->chunk_bytes;
  if (bytes < ahead) bytes = ahead;
  Chunk *c = mem_alloc(HEADER + bytes);
  *c = (Chunk){a->newest, bytes, 0};
  a->newest = c;
}

/* The next bytes at a multiple of `alignment`. Alignment gaps are counted even at the start of a new
 * chunk: they are needed once all chunks are merged into one. */
static void *take(Arena *a, size_t bytes, size_t alignment) {
  const size_t skip = a->newest ? -a->newest->used & (alignment - 1) : 0;
  if (!a->newest || a->newest->size - a->newest->used < skip + bytes)
    add_chunk(a, bytes);
  else
    a->newest->used += skip;
  void *place = (char *)a->newest + HEADER + a->newest->used;
  a->newest->used += bytes;
  a->used += skip + bytes;
  if (a->used > a->most) a->most = a->used;
  if (a->used > a->peak) a->peak = a->used;
  return place;
}

void *arena_alloc(Arena *a, size_t bytes) {
  if (bytes > PTRDIFF_MAX - 2 * HEADER) mem_exhausted(bytes);
  return take(a, (bytes + 63) & ~(size_t)63, 64);
}

void *arena_alloc_zeroed(Arena *a, size_t bytes) {
  return memset(arena_alloc(a, bytes), 0, bytes);
}

char *arena_strndup(Arena *a, const char *text, size_t length) {
  if (length >= PTRDIFF_MAX - 2 * HEADER) mem_exhausted(length);
  char *copy = take(a, length + 1, 1); /* unaligned: a vocabulary has a hundred thousand short strings */
  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

char *arena_printf(Arena *a, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  CHECK(length >= 0);
  char *text = arena_alloc(a, (size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

void arena_reset(Arena *a) {
  if (a->spare || (a->newest && a->newest->older)) { /* merge several chunks into one */
    const size_t bytes = a->most;
    a->used = 0;
    free_chunks(a);
    add_chunk(a, bytes);
  }
  if (a->newest) a->newest->used = 0;
  a->used = a->most = 0;
}

ArenaMark arena_mark(const Arena *a) {
  return (ArenaMark){a->newest, a->newest ? a->newest->used : 0, a->used};
}

void arena_rewind(Arena *a, ArenaMark mark) {
  while (a->newest != mark.chunk) {
    Chunk *c = a->newest;
    a->newest = c->older;
    c->older = a->spare;
    a->spare = c;
  }
  if (a->newest) a->newest->used = mark.in_chunk;
  a->used = mark.used;
}

size_t arena_used(const Arena *a) {
  return a->used;
}
size_t arena_peak(const Arena *a) {
  return a->peak;
}
