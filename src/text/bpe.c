#include "text/bpe.h"

#include <string.h>

#include "base/buffer.h"
#include "base/heap.h"
#include "base/random.h"

/* The slot contains the pair, so that most look-ups touch one cache line. */
struct MergeSlot {
  int32_t left, right;
  int32_t rank; /* 0: empty, else 1 + rank */
};

static size_t find(const Merges *m, int32_t left, int32_t right) {
  const uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
  size_t at = (size_t)(key * m->multiplier >> m->shift);
  while (m->slots[at].rank && (m->slots[at].left != left || m->slots[at].right != right))
    at = (at + 1) & (m->slot_count - 1);
  return at;
}

static void make_slots_for(Merges *m, size_t count) {
  size_t slots = m->slot_count ? m->slot_count : 1024;
  while (slots / 3 * 2 < count) slots *= 2;
  if (slots == m->slot_count) return;
  mem_free(m->slots);
  m->slot_count = slots;
  m->multiplier = hash_secret();
  m->shift = 64;
  for (size_t i = slots; i > 1; i /= 2) m->shift--;
  m->slots = mem_alloc_zeroed(m->slot_count, sizeof *m->slots);
  for (size_t i = 0; i < m->list.count; i++) {
    const Merge *x = &m->list.data[i];
    m->slots[find(m, x->left, x->right)] = (MergeSlot){x->left, x->right, (int32_t)i + 1};
  }
}

void merges_take(Merges *m, MergeList *list) {
  merges_free(m);
  m->list = *list;
  *list = (MergeList){0};
  make_slots_for(m, m->list.count);
}

void merges_add(Merges *m, Merge merge) {
  make_slots_for(m, m->list.count + 1);
  vec_push(&m->list, merge);
  m->slots[find(m, merge.left, merge.right)] = (MergeSlot){merge.left, merge.right, (int32_t)m->list.count};
}

int32_t merges_rank(const Merges *m, int32_t left, int32_t right) {
  return m->slot_count ? m->slots[find(m, left, right)].rank - 1 : -1;
}

void merges_free(Merges *m) {
  vec_free(&m->list);
  mem_free(m->slots);
  *m = (Merges){0};
}

/* ---- short words: scan all pairs in each step ---- */

enum { SHORT = 24 };

static size_t apply_short(const Merges *m, int32_t *symbols, size_t count) {
  int32_t ranks[SHORT];
  for (size_t i = 0; i + 1 < count; i++) ranks[i] = merges_rank(m, symbols[i], symbols[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; i++)
      if ((uint32_t)ranks[i] < (uint32_t)ranks[best]) best = i; /* -1 is the largest */
    if (ranks[best] < 0) break;
    symbols[best] = m->list.data[ranks[best]].result;
    count--;
    memmove(symbols + best + 1, symbols + best + 2, (count - best - 1) * sizeof *symbols);
    if (best + 1 < count) memmove(ranks + best + 1, ranks + best + 2, (count - best - 2) * sizeof *ranks);
    if (best > 0) ranks[best - 1] = merges_rank(m, symbols[best - 1], symbols[best]);
    if (best + 1 < count) ranks[best] = merges_rank(m, symbols[best], symbols[best + 1]);
  }
  return count;
}

/* ---- long words: a linked list of symbols and a heap of pairs ---- */

typedef struct Candidate {
  int32_t rank;
  uint32_t left; /* index of the left symbol */
} Candidate;

typedef VEC(Candidate) Candidates;

typedef struct LongWord {
  const Merges *merges;
  int32_t *symbols; /* -1: merged into an earlier one */
  uint32_t *next, *previous;
  size_t count;
  Candidates heap;
} LongWord;

static bool before(const Candidate *a, const Candidate *b) {
  return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

HEAP(Candidates, Candidate, before)

static void push_candidate(LongWord *w, uint32_t left) {
  const uint32_t right = w->next[left];
  if (right >= w->count) return;
  const int32_t rank = merges_rank(w->merges, w->symbols[left], w->symbols[right]);
  if (rank >= 0) heap_push(&w->heap, (Candidate){rank, left});
}

/* Merges the candidate, unless its symbols have changed since it was pushed. */
static void join(LongWord *w, Candidate c) {
  const Merge *m = &w->merges->list.data[c.rank];
  const uint32_t left = c.left, right = w->next[left];
  if (w->symbols[left] != m->left || right >= w->count || w->symbols[right] != m->right) return;
  w->symbols[left] = m->result;
  w->symbols[right] = -1;
  w->next[left] = w->next[right];
  if (w->next[left] < w->count) w->previous[w->next[left]] = left;
  if (left > 0) push_candidate(w, w->previous[left]);
  push_candidate(w, left);
}

static size_t apply_long(const Merges *m, int32_t *symbols, size_t count) {
  LongWord w = {.merges = m, .symbols = symbols, .count = count};
  CHECK(count < UINT32_MAX);
  w.next = mem_alloc(count * sizeof *w.next);
  w.previous = mem_alloc(count * sizeof *w.previous);
  for (size_t i = 0; i < count; i++) {
    w.next[i] = (uint32_t)i + 1;
    w.previous[i] = i ? (uint32_t)i - 1 : 0;
  }
  for (size_t i = 0; i + 1 < count; i++) push_candidate(&w, (uint32_t)i);
  while (w.heap.count) join(&w, heap_pop(&w.heap));
  size_t left = 0;
  for (size_t i = 0; i < count; i = w.next[i]) symbols[left++] = symbols[i];
  vec_free(&w.heap);
  mem_free(w.next);
  mem_free(w.previous);
  return left;
}

size_t merges_apply(const Merges *m, int32_t *symbols, size_t count) {
  if (count < 2 || !m->list.count) return count;
  return count <= SHORT ? apply_short(m, symbols, count) : apply_long(m, symbols, count);
}

/* ---- dropout ---- */

size_t merges_apply_dropping(const Merges *m, int32_t *symbols, size_t count, double drop, uint64_t seed,
                             uint64_t stream) {
  enum { MOST = 64 };
  uint64_t drawn = 0;
  if (count > MOST) return merges_apply(m, symbols, count);
  while (count > 1) {
    int32_t best_rank = -1;
    size_t best = 0;
    for (size_t i = 0; i + 1 < count; i++) {
      const int32_t rank = merges_rank(m, symbols[i], symbols[i + 1]);
      if (rank < 0 || random_unit(seed, stream, drawn++) < drop) continue;
      if (best_rank >= 0 && rank >= best_rank) continue;
      best_rank = rank;
      best = i;
    }
    if (best_rank < 0) break;
    symbols[best] = m->list.data[best_rank].result;
    count--;
    memmove(symbols + best + 1, symbols + best + 2, (count - best - 1) * sizeof *symbols);
  }
  return count;
}

bool ids_begin_with(const Ids *ids, const Ids *first) {
  return first->count <= ids->count &&
         (!first->count || !memcmp(ids->data, first->data, first->count * sizeof *ids->data));
}
