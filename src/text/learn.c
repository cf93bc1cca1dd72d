#include "text/learn.h"

#include <string.h>

#include "base/heap.h"
#include "base/threads.h"

typedef struct Word {
  uint32_t first, count; /* its symbols */
  int64_t times;
} Word;

/* A pair of adjacent symbols: its frequency, and the words that contain or once contained it. */
typedef struct Pair {
  int32_t left, right;
  int64_t times;
  VEC(uint32_t) words;
} Pair;

typedef struct HeapEntry {
  int64_t times; /* frequency when pushed; out of date if larger than the pair's */
  int32_t left, right;
  uint32_t pair;
} HeapEntry;

typedef VEC(HeapEntry) EntryHeap;

typedef struct Learner {
  VEC(Word) words;
  VEC(int32_t) symbols;
  VEC(Pair) pairs;
  uint32_t *slots; /* hash of (left, right) -> 1 + index in pairs */
  size_t slot_count;
  EntryHeap heap;
  Map *by_bytes;        /* bytes of a token -> id: two pairs may join to the same bytes */
  VEC(int64_t) spelled; /* id -> index in by_bytes */
} Learner;

/* ---- the table of pairs ---- */

static size_t find_slot(const Learner *l, int32_t left, int32_t right) {
  uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9e3779b97f4a7c15u;
  size_t at = (h ^ h >> 29) & (l->slot_count - 1);
  for (; l->slots[at]; at = (at + 1) & (l->slot_count - 1)) {
    const Pair *p = &l->pairs.data[l->slots[at] - 1];
    if (p->left == left && p->right == right) break;
  }
  return at;
}

static void grow_slots(Learner *l) {
  mem_free(l->slots);
  l->slot_count = l->slot_count ? 2 * l->slot_count : 1 << 16;
  l->slots = mem_alloc_zeroed(l->slot_count, sizeof *l->slots);
  for (size_t i = 0; i < l->pairs.count; i++)
    l->slots[find_slot(l, l->pairs.data[i].left, l->pairs.data[i].right)] = (uint32_t)i + 1;
}

static uint32_t pair_of(Learner *l, int32_t left, int32_t right) {
  if (2 * (l->pairs.count + 1) > l->slot_count) grow_slots(l);
  const size_t at = find_slot(l, left, right);
  if (!l->slots[at]) {
    vec_push(&l->pairs, ((Pair){.left = left, .right = right}));
    l->slots[at] = (uint32_t)l->pairs.count;
  }
  return l->slots[at] - 1;
}

/* ---- the heap: most frequent first ---- */

static bool before(const HeapEntry *a, const HeapEntry *b) {
  if (a->times != b->times) return a->times > b->times;
  return a->left != b->left ? a->left < b->left : a->right < b->right;
}

HEAP(EntryHeap, HeapEntry, before)

static void push(Learner *l, uint32_t pair) {
  const Pair *p = &l->pairs.data[pair];
  heap_push(&l->heap, (HeapEntry){p->times, p->left, p->right, pair});
}

/* The most frequent pair; -1 if none occurs twice. */
static int64_t next_pair(Learner *l) {
  while (l->heap.count) {
    const HeapEntry top = heap_pop(&l->heap);
    const Pair *p = &l->pairs.data[top.pair];
    if (p->times == top.times) return p->times > 1 ? (int64_t)top.pair : -1;
    if (p->times > 1) push(l, top.pair); /* its frequency has decreased */
  }
  return -1;
}

/* ---- words ---- */

static void load_words(Learner *l, WordCounts *c, const int32_t byte_ids[256]) {
  vec_reserve(&l->symbols, c->words.bytes.count);
  vec_reserve(&l->words, c->words.words.count);
  for (size_t i = 0; i < c->words.words.count; i++) {
    const CountedWord *w = &c->words.words.data[i];
    if (w->length < 2) continue;
    vec_push(&l->words, ((Word){(uint32_t)l->symbols.count, w->length, w->times}));
    for (size_t k = 0; k < w->length; k++)
      vec_push(&l->symbols, byte_ids[(unsigned char)c->words.bytes.data[w->at + k]]);
  }
  word_table_free(&c->words); /* before the pairs are allocated */
}

static void note_occurrence(Pair *p, uint32_t word) {
  if (!p->words.count || p->words.data[p->words.count - 1] != word) vec_push(&p->words, word);
}

static void count_pairs(Learner *l) {
  for (size_t w = 0; w < l->words.count; w++) {
    const Word *word = &l->words.data[w];
    const int32_t *s = l->symbols.data + word->first;
    for (uint32_t i = 0; i + 1 < word->count; i++) {
      const uint32_t at = pair_of(l, s[i], s[i + 1]); /* may move the table */
      Pair *p = &l->pairs.data[at];
      p->times += word->times;
      note_occurrence(p, (uint32_t)w);
    }
  }
  for (size_t i = 0; i < l->pairs.count; i++) push(l, (uint32_t)i);
}

/* ---- one merge ---- */

/* Pairs whose frequency a merge increased, to be pushed on the heap afterwards. */
typedef VEC(uint32_t) Changed;

static void subtract_occurrence(Learner *l, int32_t left, int32_t right, int64_t times) {
  const uint32_t at = pair_of(l, left, right);
  l->pairs.data[at].times -= times;
}

static void add_occurrence(Learner *l, int32_t left, int32_t right, int64_t times, uint32_t word,
                           Changed *changed) {
  const uint32_t at = pair_of(l, left, right);
  Pair *p = &l->pairs.data[at];
  if (!p->times || !changed->count || changed->data[changed->count - 1] != at) vec_push(changed, at);
  p->times += times;
  note_occurrence(p, word);
}

/* Replaces the pair in a word, from the left, and updates the counts of adjacent pairs. */
static void merge_in_word(Learner *l, uint32_t w, int32_t left, int32_t right, int32_t result,
                          Changed *changed) {
  Word *word = &l->words.data[w];
  int32_t *s = l->symbols.data + word->first;
  uint32_t out = 0;
  for (uint32_t i = 0; i < word->count; i++) {
    if (i + 1 >= word->count || s[i] != left || s[i + 1] != right) {
      s[out++] = s[i];
      continue;
    }
    if (out > 0) {
      subtract_occurrence(l, s[out - 1], left, word->times);
      add_occurrence(l, s[out - 1], result, word->times, w, changed);
    }
    if (i + 2 < word->count) {
      subtract_occurrence(l, right, s[i + 2], word->times);
      add_occurrence(l, result, s[i + 2], word->times, w, changed);
    }
    s[out++] = result;
    i++;
  }
  word->count = out;
}

static void merge(Learner *l, uint32_t pair, int32_t result) {
  const int32_t left = l->pairs.data[pair].left, right = l->pairs.data[pair].right;
  uint32_t *words = l->pairs.data[pair].words.data;
  const size_t count = l->pairs.data[pair].words.count;
  Changed changed = {0};
  l->pairs.data[pair].words.data = NULL; /* taken out, because the table may move while it grows */
  l->pairs.data[pair].words.count = l->pairs.data[pair].words.capacity = 0;
  for (size_t i = 0; i < count; i++) merge_in_word(l, words[i], left, right, result, &changed);
  l->pairs.data[pair].times = 0;
  for (size_t i = 0; i < changed.count; i++) push(l, changed.data[i]);
  vec_free(&changed);
  mem_free(words);
}

static void learner_free(Learner *l) {
  for (size_t i = 0; i < l->pairs.count; i++) vec_free(&l->pairs.data[i].words);
  vec_free(&l->pairs);
  vec_free(&l->words);
  vec_free(&l->symbols);
  vec_free(&l->heap);
  vec_free(&l->spelled);
  map_free(l->by_bytes);
  mem_free(l->slots);
}

static void add_spelling(Learner *l, const char *bytes, size_t length, int64_t id) {
  vec_reserve(&l->spelled, (size_t)id + 1);
  l->spelled.data[id] = (int64_t)map_count(l->by_bytes);
  map_set(l->by_bytes, bytes, length, id);
}

static void add_byte_spellings(Learner *l, const int32_t byte_ids[256]) {
  l->by_bytes = map_new();
  for (int i = 0; i < 256; i++) add_spelling(l, &(char){(char)i}, 1, byte_ids[i]);
}

/* The id of the joined pair: an existing token with the same bytes, else `fresh`. */
static int64_t joined_id(Learner *l, const Pair *p, int64_t fresh) {
  Buffer bytes = {0};
  const int32_t parts[2] = {p->left, p->right};
  int64_t id = fresh;
  for (int i = 0; i < 2; i++) {
    size_t length;
    const char *piece = map_at(l->by_bytes, (size_t)l->spelled.data[parts[i]], &length, NULL);
    buffer_add(&bytes, piece, length);
  }
  if (!map_get(l->by_bytes, bytes.data, bytes.length, &id)) add_spelling(l, bytes.data, bytes.length, fresh);
  buffer_free(&bytes);
  return id;
}

bool learn_merges(Merges *merges, WordCounts *counts, const int32_t byte_ids[256], int64_t known,
                  int64_t wanted, const News *news, Error *err) {
  Learner l = {0};
  if (counts->words.bytes.count > UINT32_MAX / 2)
    return fail(err, "the distinct words take more than 2 GB: give a smaller --memory");
  add_byte_spellings(&l, byte_ids);
  load_words(&l, counts, byte_ids);
  count_pairs(&l);
  for (int64_t next = known; next < wanted && !interrupted();) {
    const int64_t pair = next_pair(&l);
    if (pair < 0) break;
    const int64_t id = joined_id(&l, &l.pairs.data[pair], next);
    merges_add(merges, (Merge){l.pairs.data[pair].left, l.pairs.data[pair].right, (int32_t)id});
    merge(&l, (uint32_t)pair, (int32_t)id);
    next += id == next;
    if (next % 64 == 0) news_progress(news, "learning merges", next - known, wanted - known, "merge");
  }
  learner_free(&l);
  return !interrupted() || fail_interrupted(err);
}
