#include "nn/state.h"

#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"

/* Keys or values of one layer. */
typedef struct Cache {
  int64_t width;
  VEC(void *) pages; /* [pages of the state] */
} Cache;

/* h or c of one layer. */
typedef struct Rows {
  int64_t width;
  float *values; /* [capacity, width] */
} Rows;

typedef struct Sequence {
  VEC(int32_t) pages;
  bool open;
} Sequence;

struct State {
  Arena *arena;
  Map *by_name; /* name -> index in its list */
  VEC(Cache) caches;
  VEC(Rows) rows;
  VEC(StateMemory) memories;
  VEC(Sequence) sequences;
  VEC(int32_t) users;      /* [pages]: number of sequences that use the page */
  VEC(int32_t) spare;      /* unused pages */
  int64_t capacity;        /* sequences that rows are allocated for */
  int64_t sources, tokens; /* sizes that memories are allocated for */
  TensorType cache;        /* type of keys and values */
};

State *state_new(StateSize size) {
  State *s = mem_alloc_zeroed(1, sizeof *s);
  s->arena = arena_new(0);
  s->by_name = map_new();
  s->capacity = size.sequences > 0 ? size.sequences : 1;
  s->sources = size.sources;
  s->tokens = size.source_tokens;
  s->cache = size.cache;
  return s;
}

void state_free(State *s) {
  if (!s) return;
  for (size_t i = 0; i < s->caches.count; i++) vec_free(&s->caches.data[i].pages);
  for (size_t i = 0; i < s->sequences.count; i++) vec_free(&s->sequences.data[i].pages);
  vec_free(&s->caches);
  vec_free(&s->rows);
  vec_free(&s->memories);
  vec_free(&s->sequences);
  vec_free(&s->users);
  vec_free(&s->spare);
  arena_free(s->arena);
  map_free(s->by_name);
  mem_free(s);
}

static float *floats(State *s, int64_t rows, int64_t width) {
  return arena_alloc(s->arena, (size_t)rows * (size_t)width * sizeof(float));
}

/* ---- pages ---- */

static size_t page_bytes(const State *s, const Cache *c) {
  return type_bytes(s->cache, STATE_PAGE * c->width);
}

int64_t state_page_bytes(const State *s) {
  size_t bytes = 0;
  for (size_t i = 0; i < s->caches.count; i++) bytes += page_bytes(s, &s->caches.data[i]);
  return (int64_t)bytes;
}

static void extend_cache(State *s, Cache *c) {
  while (c->pages.count < s->users.count) vec_push(&c->pages, arena_alloc(s->arena, page_bytes(s, c)));
}

static int32_t take_page(State *s) {
  if (s->spare.count) {
    const int32_t page = s->spare.data[--s->spare.count];
    s->users.data[page] = 1;
    return page;
  }
  vec_push(&s->users, 1);
  for (size_t i = 0; i < s->caches.count; i++) extend_cache(s, &s->caches.data[i]);
  return (int32_t)s->users.count - 1;
}

static void drop_page(State *s, int32_t page) {
  if (--s->users.data[page] == 0) vec_push(&s->spare, page);
}

static void copy_page(State *s, int32_t to, int32_t from) {
  for (size_t i = 0; i < s->caches.count; i++) {
    const Cache *c = &s->caches.data[i];
    memcpy(c->pages.data[to], c->pages.data[from], page_bytes(s, c));
  }
}

static void own_page(State *s, int32_t *page, bool filled) {
  if (s->users.data[*page] == 1) return;
  const int32_t copy = take_page(s);
  if (filled) copy_page(s, copy, *page);
  drop_page(s, *page);
  *page = copy;
}

void state_reserve(State *s, int32_t sequence, int64_t first, int64_t count) {
  Sequence *q = &s->sequences.data[sequence];
  const int64_t from = first / STATE_PAGE, to = (first + count + STATE_PAGE - 1) / STATE_PAGE;
  CHECK(q->open && from <= (int64_t)q->pages.count);
  for (int64_t i = from; i < to; i++)
    if (i < (int64_t)q->pages.count)
      own_page(s, &q->pages.data[i], first > i * STATE_PAGE);
    else
      vec_push(&q->pages, take_page(s));
}

const int32_t *state_pages(const State *s, int32_t sequence, int64_t *count) {
  const Sequence *q = &s->sequences.data[sequence];
  *count = (int64_t)q->pages.count;
  return q->pages.data;
}

int64_t state_pages_used(const State *s) {
  return (int64_t)(s->users.count - s->spare.count);
}

/* ---- sequences ---- */

static void grow_rows(State *s) {
  const int64_t had = s->capacity;
  s->capacity *= 2;
  for (size_t i = 0; i < s->rows.count; i++) {
    Rows *r = &s->rows.data[i];
    float *values = floats(s, s->capacity, r->width);
    memcpy(values, r->values, (size_t)(had * r->width) * sizeof *values);
    r->values = values;
  }
}

static float *row_of(const Rows *r, int32_t sequence) {
  return r->values + sequence * r->width;
}

static int32_t free_sequence(State *s) {
  for (size_t i = 0; i < s->sequences.count; i++)
    if (!s->sequences.data[i].open) return (int32_t)i;
  vec_push(&s->sequences, (Sequence){0});
  while ((int64_t)s->sequences.count > s->capacity) grow_rows(s);
  return (int32_t)s->sequences.count - 1;
}

int32_t state_open(State *s) {
  const int32_t sequence = free_sequence(s);
  s->sequences.data[sequence].open = true;
  for (size_t i = 0; i < s->rows.count; i++)
    memset(row_of(&s->rows.data[i], sequence), 0, (size_t)s->rows.data[i].width * sizeof(float));
  return sequence;
}

int32_t state_fork(State *s, int32_t of, int64_t length) {
  const int32_t sequence = free_sequence(s);
  Sequence *to = &s->sequences.data[sequence], *from = &s->sequences.data[of];
  const int64_t pages = s->caches.count ? (length + STATE_PAGE - 1) / STATE_PAGE : 0;
  CHECK(from->open && pages <= (int64_t)from->pages.count);
  to->open = true;
  for (int64_t i = 0; i < pages; i++) {
    vec_push(&to->pages, from->pages.data[i]);
    s->users.data[from->pages.data[i]]++;
  }
  for (size_t i = 0; i < s->rows.count; i++) {
    const Rows *r = &s->rows.data[i];
    memcpy(row_of(r, sequence), row_of(r, of), (size_t)r->width * sizeof(float));
  }
  return sequence;
}

void state_close(State *s, int32_t sequence) {
  Sequence *q = &s->sequences.data[sequence];
  CHECK(q->open);
  while (q->pages.count) drop_page(s, q->pages.data[--q->pages.count]);
  q->open = false;
}

/* ---- caches and rows ---- */

static bool find(const State *s, const char *name, int64_t *at) {
  return map_get(s->by_name, name, strlen(name), at);
}

void *const *state_cache(State *s, const char *name, int64_t width) {
  int64_t at;
  if (!find(s, name, &at)) {
    at = (int64_t)s->caches.count;
    map_set(s->by_name, name, strlen(name), at);
    vec_push(&s->caches, (Cache){.width = width});
    extend_cache(s, &s->caches.data[at]);
  }
  CHECK(s->caches.data[at].width == width);
  return s->caches.data[at].pages.data;
}

float *state_row(State *s, const char *name, int64_t width, int32_t sequence) {
  int64_t at;
  if (!find(s, name, &at)) {
    at = (int64_t)s->rows.count;
    map_set(s->by_name, name, strlen(name), at);
    vec_push(&s->rows,
             ((Rows){width, arena_alloc_zeroed(s->arena, (size_t)(s->capacity * width) * sizeof(float))}));
  }
  CHECK(s->rows.data[at].width == width && s->sequences.data[sequence].open);
  return row_of(&s->rows.data[at], sequence);
}

/* ---- sources ---- */

static float *memory_for(State *s, int64_t width) {
  return floats(s, s->sources * s->tokens, width);
}

const StateMemory *state_memory(State *s, const char *name, int64_t width) {
  int64_t at;
  if (!find(s, name, &at)) {
    CHECK(width && s->sources); /* the first call stores the sources */
    at = (int64_t)s->memories.count;
    map_set(s->by_name, name, strlen(name), at);
    vec_push(&s->memories, ((StateMemory){memory_for(s, width), s->sources, s->tokens, width}));
  }
  return &s->memories.data[at];
}

static void grow_memory(State *s, StateMemory *m) {
  float *values = memory_for(s, m->width);
  const size_t had = (size_t)(m->tokens * m->width);
  for (int64_t i = 0; i < m->sources; i++)
    memcpy(values + i * s->tokens * m->width, m->values + i * m->tokens * m->width, had * sizeof *values);
  *m = (StateMemory){values, s->sources, s->tokens, m->width};
}

void state_hold_sources(State *s, int64_t count, int64_t tokens) {
  if (count <= s->sources && tokens <= s->tokens) return;
  if (count > s->sources) s->sources = count > 2 * s->sources ? count : 2 * s->sources;
  if (tokens > s->tokens) s->tokens = tokens > 2 * s->tokens ? tokens : 2 * s->tokens;
  for (size_t i = 0; i < s->memories.count; i++) grow_memory(s, &s->memories.data[i]);
}

int64_t state_sources(const State *s) {
  return s->sources;
}
