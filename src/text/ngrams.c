#include "text/ngrams.h"

#include <string.h>

#include "base/random.h"

enum { ROOT = UINT32_MAX, LEAST_SLOTS = 1024 };

void ngrams_free(Ngrams *g) {
  vec_free(&g->nodes);
  vec_free(&g->slots);
  vec_free(&g->at);
}

void ngrams_clear(Ngrams *g) {
  for (size_t i = 0; i < g->nodes.count; i++) g->slots.data[g->nodes.data[i].slot] = 0;
  g->nodes.count = 0;
}

/* The edge's slot, or the free slot for it (linear probing). */
static size_t find_slot(const Ngrams *g, uint64_t edge) {
  const size_t mask = g->slots.count - 1;
  size_t slot = (size_t)random_mix(edge) & mask;
  while (g->slots.data[slot] && g->nodes.data[g->slots.data[slot] - 1].edge != edge) slot = (slot + 1) & mask;
  return slot;
}

static void grow(Ngrams *g) {
  const size_t count = g->slots.count ? 2 * g->slots.count : LEAST_SLOTS;
  vec_reserve(&g->slots, count);
  memset(g->slots.data, 0, count * sizeof *g->slots.data);
  g->slots.count = count;
  for (size_t i = 0; i < g->nodes.count; i++) {
    g->nodes.data[i].slot = find_slot(g, g->nodes.data[i].edge);
    g->slots.data[g->nodes.data[i].slot] = (uint32_t)i + 1;
  }
}

static uint64_t edge_of(uint32_t parent, int32_t token) {
  return (uint64_t)parent << 32 | (uint32_t)token;
}

static uint32_t child(Ngrams *g, uint32_t parent, int32_t token, int order) {
  if (2 * g->nodes.count >= g->slots.count) grow(g);
  const uint64_t edge = edge_of(parent, token);
  const size_t slot = find_slot(g, edge);
  if (g->slots.data[slot]) return g->slots.data[slot] - 1;
  if (g->nodes.count >= ROOT - 1) mem_exhausted(g->nodes.count * sizeof *g->nodes.data);
  const Ngram node = {.edge = edge, .slot = slot, .order = order};
  vec_push(&g->nodes, node);
  g->slots.data[slot] = (uint32_t)g->nodes.count;
  return (uint32_t)g->nodes.count - 1;
}

void ngrams_count(Ngrams *g, const int32_t *tokens, size_t count, int most, NgramSide side) {
  vec_reserve(&g->at, count);
  for (size_t i = 0; i < count; i++) g->at.data[i] = ROOT;
  for (int order = 1; order <= most; order++)
    for (size_t i = 0; i + (size_t)order <= count; i++) {
      g->at.data[i] = child(g, g->at.data[i], tokens[i + (size_t)order - 1], order);
      g->nodes.data[g->at.data[i]].count[side]++;
    }
}

void ngrams_keep_most(Ngrams *g) {
  for (size_t i = 0; i < g->nodes.count; i++) {
    int32_t *count = g->nodes.data[i].count;
    if (count[NGRAMS_REFERENCE] > count[NGRAMS_MOST]) count[NGRAMS_MOST] = count[NGRAMS_REFERENCE];
    count[NGRAMS_REFERENCE] = 0;
  }
}

void ngrams_clear_side(Ngrams *g, NgramSide side) {
  for (size_t i = 0; i < g->nodes.count; i++) g->nodes.data[i].count[side] = 0;
}

Ngram *ngrams_find(Ngrams *g, int32_t token) {
  if (!g->slots.count) return NULL;
  const uint32_t found = g->slots.data[find_slot(g, edge_of(ROOT, token))];
  return found ? &g->nodes.data[found - 1] : NULL;
}
