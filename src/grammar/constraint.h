/* constraint.h - which tokens may follow, so that a text stays one that a grammar matches.
 *
 * What is computed for a state of the grammar (which tokens may follow, what each byte leads to) is kept for
 * all texts, up to a limit, then computed anew: a text's tokens do not depend on other texts. Threads may
 * share a constraint. */
#ifndef GRAMMAR_CONSTRAINT_H
#define GRAMMAR_CONSTRAINT_H

#include "base/token_set.h"
#include "grammar/grammar.h"
#include "grammar/token_tree.h"

typedef struct Constraint Constraint;
/* `trees` must outlive it. NULL: an error of the grammar. */
Constraint *constraint_new(const Grammar *, const TokenTrees *trees, Error *);
void constraint_free(Constraint *);

/* A text, as far as it was generated. */
typedef struct ConstraintText {
  const int32_t *ids;
  int64_t count;
  DecodeState before; /* of decoding, before the first token */
} ConstraintText;

/* Forbids, with -INFINITY, all tokens that lead to no text of the grammar; `ends` are allowed where the text
 * may end, and nowhere else. */
void constraint_apply(Constraint *, const ConstraintText *, const TokenSet *ends, float *scores,
                      int64_t vocabulary);
/* Whether the grammar matches the text. */
bool constraint_matches(Constraint *, const ConstraintText *);
/* Where no token may follow: fails if that is because there are too many ways to read the text. */
bool constraint_check(Constraint *, const ConstraintText *, Error *);

/* For bench and tests: forgets what was computed; the states known. */
void constraint_forget(Constraint *);
int64_t constraint_states(const Constraint *);

#endif
