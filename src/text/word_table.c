#include "text/word_table.h"

#include <string.h>

#include "base/buffer.h"

uint32_t word_hash(const char *word, size_t length) {
  return (uint32_t)hash_bytes(word, length, 0);
}

static size_t find(const WordTable *t, const char *word, size_t length, uint32_t hash) {
  size_t at = hash & (t->slot_count - 1);
  for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
    const CountedWord *w = &t->words.data[t->slots[at] - 1];
    if (w->hash == hash && w->length == length && !memcmp(t->bytes.data + w->at, word, length)) break;
  }
  return at;
}

/* All words are distinct: each goes to its first empty slot. */
static void fill_slots(WordTable *t) {
  memset(t->slots, 0, t->slot_count * sizeof *t->slots);
  for (size_t i = 0; i < t->words.count; i++) {
    size_t at = t->words.data[i].hash & (t->slot_count - 1);
    while (t->slots[at]) at = (at + 1) & (t->slot_count - 1);
    t->slots[at] = (uint32_t)i + 1;
  }
}

static void grow_slots(WordTable *t, size_t words) {
  size_t count = t->slot_count ? t->slot_count : 1024;
  while (2 * words > count) count *= 2;
  if (count == t->slot_count) return;
  mem_free(t->slots);
  t->slots = NULL; /* in case the allocation unwinds */
  t->slots = mem_alloc(count * sizeof *t->slots);
  t->slot_count = count;
  fill_slots(t);
}

void word_table_add(WordTable *t, const char *word, size_t length, uint32_t hash, int64_t times) {
  grow_slots(t, t->words.count + 1);
  const size_t at = find(t, word, length, hash);
  if (t->slots[at]) {
    t->words.data[t->slots[at] - 1].times += times;
    return;
  }
  CHECK(t->words.count < UINT32_MAX / 2 && length <= UINT32_MAX);
  vec_push(&t->words, ((CountedWord){times, t->bytes.count, hash, (uint32_t)length}));
  vec_reserve(&t->bytes, t->bytes.count + length);
  memcpy(t->bytes.data + t->bytes.count, word, length);
  t->bytes.count += length;
  t->slots[at] = (uint32_t)t->words.count;
}

void word_table_reserve(WordTable *t, size_t words, size_t bytes) {
  vec_reserve(&t->words, words);
  vec_reserve(&t->bytes, bytes);
  grow_slots(t, words);
}

int64_t word_table_drop_below(WordTable *t, int64_t times) {
  size_t words = 0, bytes = 0;
  int64_t dropped = 0;
  for (size_t i = 0; i < t->words.count; i++) {
    CountedWord w = t->words.data[i];
    if (w.times < times) {
      dropped += w.times;
      continue;
    }
    memmove(t->bytes.data + bytes, t->bytes.data + w.at, w.length);
    w.at = bytes;
    bytes += w.length;
    t->words.data[words++] = w;
  }
  t->words.count = words;
  t->bytes.count = bytes;
  if (t->slot_count) fill_slots(t);
  return dropped;
}

void word_table_clear(WordTable *t) {
  t->words.count = t->bytes.count = 0;
  if (t->slot_count) fill_slots(t);
}

void word_table_free(WordTable *t) {
  vec_free(&t->words);
  vec_free(&t->bytes);
  mem_free(t->slots);
  *t = (WordTable){0};
}
