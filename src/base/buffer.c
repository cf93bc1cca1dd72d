#include "base/buffer.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

/* ---- Buffer ---- */

static void reserve(Buffer *b, size_t more) {
  if (more >= PTRDIFF_MAX - b->length) mem_exhausted(more);
  const size_t need = b->length + more + 1;
  if (need <= b->capacity) return;
  const size_t capacity = need < 2 * b->capacity ? 2 * b->capacity : need;
  b->data = mem_resize(b->data, capacity);
  b->capacity = capacity;
}

void buffer_add(Buffer *b, const void *bytes, size_t length) {
  b->overfull |= b->most && (b->length > b->most || length > b->most - b->length);
  if (b->overfull) return;
  reserve(b, length);
  if (length) memcpy(b->data + b->length, bytes, length);
  b->length += length;
  b->data[b->length] = '\0';
}

void buffer_adds(Buffer *b, const char *text) {
  buffer_add(b, text, strlen(text));
}

void buffer_addf(Buffer *b, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  const int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  CHECK(length >= 0);
  reserve(b, (size_t)length);
  vsnprintf(b->data + b->length, (size_t)length + 1, format, again);
  va_end(again);
  b->length += (size_t)length;
}

void buffer_clear(Buffer *b) {
  b->length = 0;
  b->overfull = false;
  if (b->data) b->data[0] = '\0';
}

void buffer_free(Buffer *b) {
  mem_free(b->data);
  *b = (Buffer){0};
}

char *buffer_take(Buffer *b) {
  char *data = b->data ? b->data : mem_strdup("");
  *b = (Buffer){0};
  return data;
}

/* ---- Map: open addressing into an array of entries in order of insertion ---- */

typedef struct Entry {
  char *key; /* in the arena */
  size_t length;
  uint64_t hash;
  int64_t value;
} Entry;

/* With a part of the hash, so that most entries with other keys are told apart without reading them. */
typedef struct Slot {
  uint32_t tag;   /* upper half of the hash; the position is taken from the lower */
  uint32_t entry; /* 0: empty, else 1 + index */
} Slot;

struct Map {
  Arena *keys;
  VEC(Entry) entries;
  Slot *slots;
  size_t slot_count;
};

Map *map_new(void) {
  Map *m = mem_alloc_zeroed(1, sizeof *m);
  m->keys = arena_new(0);
  return m;
}

void map_free(Map *m) {
  if (!m) return;
  arena_free(m->keys);
  vec_free(&m->entries);
  mem_free(m->slots);
  mem_free(m);
}

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed) {
  const unsigned char *p = bytes;
  uint64_t h = 14695981039346656037u ^ seed;
  for (size_t i = 0; i < length; i++) h = (h ^ p[i]) * 1099511628211u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

static uint64_t secret;

static void draw_secret(void) {
  if (getrandom(&secret, sizeof secret, 0) != sizeof secret) secret = (uint64_t)(uintptr_t)&secret;
  secret |= 1;
}

uint64_t hash_secret(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, draw_secret);
  return secret;
}

static uint64_t hash_key(const void *key, size_t length) {
  return hash_bytes(key, length, hash_secret());
}

static uint32_t tag_of(uint64_t hash) {
  return (uint32_t)(hash >> 32);
}

static size_t find_slot(const Map *m, const void *key, size_t length, uint64_t hash) {
  size_t at = hash & (m->slot_count - 1);
  for (; m->slots[at].entry; at = (at + 1) & (m->slot_count - 1)) {
    if (m->slots[at].tag != tag_of(hash)) continue;
    const Entry *e = &m->entries.data[m->slots[at].entry - 1];
    if (e->hash == hash && e->length == length && !memcmp(e->key, key, length)) break;
  }
  return at;
}

static void make_slots(Map *m, size_t count) {
  CHECK(count <= UINT32_MAX);
  Slot *slots = mem_alloc_zeroed(count, sizeof *slots);
  mem_free(m->slots);
  m->slots = slots;
  m->slot_count = count;
  for (size_t i = 0; i < m->entries.count; i++) {
    const uint64_t hash = m->entries.data[i].hash;
    size_t at = hash & (count - 1);
    while (m->slots[at].entry) at = (at + 1) & (count - 1);
    m->slots[at] = (Slot){tag_of(hash), (uint32_t)i + 1};
  }
}

/* Keeps the load factor at or below one half. */
static void make_slots_for(Map *m, size_t keys) {
  size_t count = m->slot_count ? m->slot_count : 64;
  while (count / 2 < keys) count *= 2;
  if (count > m->slot_count) make_slots(m, count);
}

void map_reserve(Map *m, size_t count) {
  vec_reserve(&m->entries, count);
  make_slots_for(m, count);
}

int64_t *map_slot(Map *m, const void *key, size_t length, int64_t initial) {
  make_slots_for(m, m->entries.count + 1);
  const uint64_t hash = hash_key(key, length);
  const size_t at = find_slot(m, key, length, hash);
  if (!m->slots[at].entry) {
    vec_push(&m->entries, ((Entry){arena_strndup(m->keys, key, length), length, hash, initial}));
    m->slots[at] = (Slot){tag_of(hash), (uint32_t)m->entries.count};
  }
  return &m->entries.data[m->slots[at].entry - 1].value;
}

void map_set(Map *m, const void *key, size_t length, int64_t value) {
  *map_slot(m, key, length, value) = value;
}

bool map_get(const Map *m, const void *key, size_t length, int64_t *value) {
  if (!m->slot_count) return false;
  const size_t at = find_slot(m, key, length, hash_key(key, length));
  if (!m->slots[at].entry) return false;
  if (value) *value = m->entries.data[m->slots[at].entry - 1].value;
  return true;
}

/* Fetches what look-ups will read: the slots, then the entries, then the keys. */
static void fetch(const Map *m, const uint64_t *hashes, size_t count) {
  for (size_t i = 0; i < count; i++) __builtin_prefetch(&m->slots[hashes[i] & (m->slot_count - 1)]);
  for (int keys = 0; keys < 2; keys++)
    for (size_t i = 0; i < count; i++) {
      const Slot *s = &m->slots[hashes[i] & (m->slot_count - 1)];
      if (!s->entry || s->tag != tag_of(hashes[i])) continue;
      const Entry *e = &m->entries.data[s->entry - 1];
      __builtin_prefetch(keys ? (const void *)e->key : e);
    }
}

void map_get_all(const Map *m, const MapKey *keys, size_t count, int64_t *values) {
  enum { TOGETHER = 16 };
  uint64_t hashes[TOGETHER];
  for (size_t i = 0; i < count; i++) values[i] = -1;
  for (size_t first = 0, n; first < count && m->slot_count; first += n) {
    n = count - first < TOGETHER ? count - first : TOGETHER;
    for (size_t i = 0; i < n; i++) hashes[i] = hash_key(keys[first + i].bytes, keys[first + i].length);
    fetch(m, hashes, n);
    for (size_t i = 0; i < n; i++) {
      const size_t at = find_slot(m, keys[first + i].bytes, keys[first + i].length, hashes[i]);
      if (m->slots[at].entry) values[first + i] = m->entries.data[m->slots[at].entry - 1].value;
    }
  }
}

size_t map_count(const Map *m) {
  return m->entries.count;
}

const char *map_at(const Map *m, size_t index, size_t *length, int64_t *value) {
  const Entry *e = &m->entries.data[index];
  if (length) *length = e->length;
  if (value) *value = e->value;
  return e->key;
}
