/* batches.h - what one training step, or one step of an evaluation, sees: windows of a text and pairs of
 * texts alike.
 *
 * A pure function of (seed, index): nothing has to be saved for an exact resume but the number of the step.
 */
#ifndef DATA_BATCHES_H
#define DATA_BATCHES_H

#include "base/settings.h"
#include "ops/batch.h"

typedef struct Batches Batches;
typedef struct BatchesKind {
  /* Fills in the index-th batch counted from the start of training (epoch = index / count). */
  void (*get)(Batches *, int64_t index, Batch *);
  void (*free)(Batches *);
} BatchesKind;

/* First member of what implements it. */
struct Batches {
  const BatchesKind *kind;
  int64_t count;                        /* batches an epoch, the same in every epoch */
  int64_t sequences, time, source_time; /* the largest of each in any batch */
  int64_t tokens;                       /* scored targets an epoch, about */
  double step_tokens;                   /* the same of a batch, on average */
  double step_positions;                /* of sources and targets in a batch, padding counted, on average */
  int64_t bytes, characters;            /* of the text that those targets spell */
};

/* The pointers in Batch are valid until the next call. */
void batches_get(Batches *, int64_t index, Batch *);
void batches_free(Batches *); /* NULL is fine */

/* Sequences first .. first+count-1 of a batch: a piece, for gradient accumulation. */
Batch batch_piece(const Batch *, int64_t first, int64_t count);
int64_t batch_scored(const Batch *); /* targets that are not -1 */

#endif
