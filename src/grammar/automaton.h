/* automaton.h - runs a program (program.h): all ways to read a text at once.
 *
 * A way is a place in the program with a stack of callers and loops. Stacks share their lower parts, and each
 * has one number. A state is the set of ways that are left after a text, and also a number: equal sets have
 * the same one. So texts fork for free, and what follows a state, by byte, is computed once (a lazy
 * determinization, as in Thompson 1968 and RE2).
 *
 * Numbers are valid until automaton_clear. A state's meaning depends on the text alone. */
#ifndef GRAMMAR_AUTOMATON_H
#define GRAMMAR_AUTOMATON_H

#include "grammar/program.h"

enum {
  STATE_DEAD = 0,   /* no way is left */
  STATE_TANGLE = 1, /* too many ways to follow: see AUTOMATON_MOST_WAYS */
  STATE_START = 2,
  AUTOMATON_MOST_WAYS = 2000,  /* in a state */
  AUTOMATON_MOST_STEPS = 20000 /* to find a state */
};

typedef struct Automaton Automaton;
Automaton *automaton_new(const Program *);
void automaton_free(Automaton *);
void automaton_clear(Automaton *); /* forgets all states but the first three */
size_t automaton_bytes(const Automaton *);
int64_t automaton_states(const Automaton *);

/* Adds the steps that following the ways took when it was done first, whether it is done now or known. */
int32_t automaton_step(Automaton *, int32_t state, unsigned char byte, int64_t *steps);
int32_t automaton_read(Automaton *, int32_t state, const char *bytes, size_t length);
bool automaton_accepts(const Automaton *, int32_t state); /* the text may end here */
size_t automaton_ways(const Automaton *, int32_t state);

#endif
