/* token_tree.h - the bytes of all tokens of a vocabulary as a tree, in which the tokens that may follow are
 * found by one walk. */
#ifndef GRAMMAR_TOKEN_TREE_H
#define GRAMMAR_TOKEN_TREE_H

#include "text/tokenizer.h"

/* In depth-first order: behind a node come the nodes of longer texts that begin with its own. */
typedef struct TokenNode {
  int32_t behind; /* the first node that is not below this one */
  int32_t first;  /* in `tokens`: the first of those that end here; the next node has the end */
  uint16_t depth; /* bytes before this one */
  uint8_t byte;
} TokenNode;

enum { TOKEN_MOST_BYTES = 1024 }; /* longer tokens are left out */

typedef struct TokenTree {
  TokenNode *nodes; /* [count + 1] */
  int32_t count;
  int32_t *tokens;
} TokenTree;

/* A token's bytes may depend on those before it (DecodeState): a tree for each such state of a text. */
enum { TOKEN_MOST_TREES = 8 };

typedef struct TokenTrees {
  const Tokenizer *tokenizer;
  int64_t size; /* of the vocabulary */
  int count;
  DecodeState states[TOKEN_MOST_TREES];
  int which[TOKEN_MOST_TREES]; /* of `trees`: states that give tokens the same bytes share one */
  TokenTree trees[TOKEN_MOST_TREES];
  bool too_many; /* states */
} TokenTrees;

/* Special tokens have no bytes and are in no tree. Keeps a pointer to the tokenizer. NULL on
 * failure. */
TokenTrees *token_trees_new(const Tokenizer *, Error *);
void token_trees_free(TokenTrees *);
/* The index of a state's tree. */
int token_trees_at(const TokenTrees *, const DecodeState *);

#endif
