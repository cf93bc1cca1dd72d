#include "text/trie.h"

struct TrieSlot {
  uint64_t key;  /* node and byte */
  uint32_t node; /* 0: empty, because the root is no child */
};

static size_t find_slot(const Trie *t, uint64_t key) {
  const uint64_t h = key * t->multiplier;
  size_t at = (h >> 32 ^ h >> 8) & (t->slot_count - 1);
  while (t->slots[at].node && t->slots[at].key != key) at = (at + 1) & (t->slot_count - 1);
  return at;
}

static void make_slots(Trie *t, size_t count) {
  TrieSlot *old = t->slots;
  const size_t old_count = t->slot_count;
  t->slots = mem_alloc_zeroed(count, sizeof *t->slots);
  t->slot_count = count;
  for (size_t i = 0; i < old_count; i++)
    if (old[i].node) t->slots[find_slot(t, old[i].key)] = old[i];
  mem_free(old);
}

static uint64_t key_of(uint32_t node, char byte) {
  return (uint64_t)node << 8 | (unsigned char)byte;
}

static uint32_t make_child(Trie *t, uint32_t node, char byte) {
  if (2 * (t->values.count + 1) > t->slot_count) make_slots(t, t->slot_count ? 2 * t->slot_count : 256);
  TrieSlot *slot = &t->slots[find_slot(t, key_of(node, byte))];
  if (slot->node) return slot->node;
  *slot = (TrieSlot){key_of(node, byte), (uint32_t)t->values.count};
  vec_push(&t->values, -1);
  return slot->node;
}

int32_t *trie_put(Trie *t, const char *text, size_t length) {
  uint32_t node = 0;
  if (!t->values.count) {
    t->multiplier = hash_secret();
    vec_push(&t->values, -1);
  }
  for (size_t i = 0; i < length; i++) node = make_child(t, node, text[i]);
  return &t->values.data[node];
}

uint32_t trie_child(const Trie *t, uint32_t node, char byte) {
  return t->slot_count ? t->slots[find_slot(t, key_of(node, byte))].node : 0;
}

void trie_free(Trie *t) {
  vec_free(&t->values);
  mem_free(t->slots);
  *t = (Trie){.slots = NULL};
}
