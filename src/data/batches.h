/* batches.h - the batches of training and evaluation, from windows of a text or from pairs.
 *
 * A pure function of (seed, index): an exact resume needs only the number of the step. */
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

/* First member of the implementing struct. */
struct Batches {
  const BatchesKind *kind;
  int64_t count;                        /* batches per epoch, the same in every epoch */
  int64_t sequences, time, source_time; /* maximum of each over all batches */
  int64_t tokens;                       /* scored targets per epoch, approximately */
  double step_tokens;                   /* scored targets per batch, on average */
  double step_positions;                /* source and target positions per batch with padding, on average */
  int64_t bytes, characters;            /* of the text of those targets */
  int64_t numbered;                     /* Batch.numbers are below this */
  int64_t examples;                     /* pairs and conversations in them; else 0 */
};

/* The pointers in Batch are valid until the next call. */
void batches_get(Batches *, int64_t index, Batch *);
void batches_free(Batches *); /* may be NULL */

/* Sequences first .. first+count-1 of a batch. */
Batch batch_piece(const Batch *, int64_t first, int64_t count);
/* Piece number i of `pieces`, for gradient accumulation; it may be empty. */
Batch batch_part(const Batch *, int64_t i, int64_t pieces);
int64_t batch_scored(const Batch *); /* targets that are not -1 */

#endif
