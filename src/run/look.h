/* look.h - inspects generated texts by one forward pass over input and texts: the logits of each step and the
 * attention weights. The input is encoded once for all texts. */
#ifndef RUN_LOOK_H
#define RUN_LOOK_H

#include "nn/watch.h"
#include "run/inputs.h"

/* Attention, summed over layers and heads. */
typedef struct AttentionSum {
  int64_t rows, keys; /* of `weights`, 0 for networks without attention */
  int64_t heads;      /* how many were summed, of all layers */
  float *weights;     /* [sequences, rows, keys]; NULL for networks without attention */
} AttentionSum;

typedef struct Look {
  float *logits;  /* look_at only, [length, vocabulary]: after the prompt and after each generated token */
  int64_t length; /* look_at only: generated tokens and the end */
  bool finite;    /* false: the values are meaningless */
  bool source;    /* attention is that to the source; else to the sequence itself */
  AttentionSum attention;
} Look;
/* Inspects one text, logits included. */
void look_at(Look *, const Model *, const Input *, const Ids *written);
void look_free(Look *);

/* For each text, the sum over source tokens of ln(min(1, attention paid to it by all generated tokens)): 0 if
 * all of the source was attended to, far below 0 if parts were left out (Wu et al. 2016, with the mean over
 * layers and heads). 0 for networks without attention. */
void look_coverage(const Model *, const Input *, const Ids *const *written, int64_t count, double *coverage);

#endif
