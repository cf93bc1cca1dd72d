/* trie.h - finds which strings of a set begin at a place in a text. */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include "base/buffer.h"

typedef struct TrieSlot TrieSlot;

typedef struct Trie {
  VEC(int32_t) values; /* by node: of the string that ends there, or -1; the root is node 0 */
  TrieSlot *slots;     /* hash table (node, byte) -> node */
  size_t slot_count;
  uint64_t multiplier; /* of its hash */
} Trie;

/* The value of a string, to be set; -1: it is new. Valid until the next call. */
int32_t *trie_put(Trie *, const char *text, size_t length);
/* The node of a string that is one byte longer; 0: none. */
uint32_t trie_child(const Trie *, uint32_t node, char byte);
void trie_free(Trie *);

#endif
