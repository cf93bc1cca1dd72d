/* look.h - texts that were written for an input, seen again in one forward pass, for which the input is
 * encoded once: what the network weighed at each step, and where it looked. */
#ifndef RUN_LOOK_H
#define RUN_LOOK_H

#include "nn/watch.h"
#include "run/inputs.h"

typedef struct Look {
  float *logits;  /* of a single text, [length, vocabulary]: after the prompt, after each token written */
  int64_t length; /* of a single text: tokens written, and the end */
  bool finite;    /* else its values mean nothing */
  Watch watch;    /* of the source, or of the sequence itself where there is no encoder */
} Look;
/* One text, with its logits. */
void look_at(Look *, const Model *, const Input *, const Ids *written);
void look_free(Look *);

/* Of each text: the sum over the source's tokens of ln(min(1, attention that all written tokens together paid
 * it)): 0 where all of it was looked at, far below where parts were left out (Wu et al. 2016, with the mean
 * over layers and heads). 0 for networks without attention. */
void look_coverage(const Model *, const Input *, const Ids *const *written, int64_t count, double *coverage);

#endif
