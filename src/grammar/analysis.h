/* analysis.h - what must be known of a grammar's expressions before it is compiled. */
#ifndef GRAMMAR_ANALYSIS_H
#define GRAMMAR_ANALYSIS_H

#include "grammar/grammar.h"

typedef struct Analysis {
  bool *nullable;   /* by expression: matches the empty text */
  bool *productive; /* matches any text at all */
} Analysis;
/* Fails for left recursion, which would never read a character, and for a grammar without texts. */
bool analysis_open(Analysis *, const Grammar *, Error *);
void analysis_close(Analysis *);

#endif
