/* arena.h - memory that is freed all at once.
 *
 * Inkstone's three lifetimes are three arenas: parameters live with the model, state with the session,
 * activations with the step. Allocation is a pointer bump; arena_reset keeps the memory for the next step,
 * so that later steps allocate nothing from the system. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "memory.h"

typedef struct Arena Arena;

Arena *arena_new(size_t chunk_bytes); /* 0: a default for small objects */
void arena_free(Arena *);

void *arena_alloc(Arena *, size_t bytes);                      /* 64-byte aligned, undefined contents */
void *arena_alloc_zeroed(Arena *, size_t bytes);               /* likewise, zeroed */
char *arena_strndup(Arena *, const char *text, size_t length); /* not aligned */
char *arena_printf(Arena *, const char *format, ...) PRINTF(2, 3);

/* Frees everything allocated; the memory is kept for reuse, merged into one chunk of the size needed. */
void arena_reset(Arena *);

/* A position to return to: arena_rewind frees what was allocated since arena_mark (marks are rewound in
 * reverse order) and keeps the memory, whose contents stay readable until the next allocation. */
typedef struct ArenaMark {
  void *chunk;
  size_t in_chunk, used;
} ArenaMark;
ArenaMark arena_mark(const Arena *);
void arena_rewind(Arena *, ArenaMark);

/* For tests: bytes allocated and not freed. */
size_t arena_used(const Arena *);
/* For tests: the maximum of arena_used so far. */
size_t arena_peak(const Arena *);

#define arena_new_of(arena, type) ((type *)arena_alloc_zeroed((arena), sizeof(type)))

#endif
