/* batch.h - the token ids of one forward pass, passed from data/ to models/. */
#ifndef OPS_BATCH_H
#define OPS_BATCH_H

#include <stdint.h>

/* Begins: several texts follow each other in a sequence, and begins[t] is the index of the first token of
 * token t's text; no token sees another text, and positions count from there. NULL: one text, from 0.
 * Decoders without a recurrence only. Targets: the id each position should predict, -1 if it is not scored;
 * NULL when generating. Source: the encoder's input, padded at the end; source_time 0 without an encoder, and
 * when generating after the first call, since the state then holds the encoder's output. *
 * Numbers: of material whose sequences have values of their own that were computed before
 * (train/objective.h), the number of each. Judged: its verdict, 1 or 0; -1: a text that belongs to another
 * prompt (KTO). */
typedef struct Batch {
  int64_t sequences, time;
  const int32_t *tokens, *targets, *begins; /* [sequences, time] */
  int64_t sources, source_time;             /* sources 0: one per sequence */
  const int32_t *source;                    /* [sources, source_time] */
  const int32_t *source_lengths;            /* [sources]: lengths without padding, at least 1 */
  const int32_t *numbers, *judged;          /* [sequences]; NULL: none */
  int64_t together;                         /* pieces have a multiple of so many sequences; 0: any number */
} Batch;

static inline int64_t batch_sources(const Batch *b) {
  return b->sources ? b->sources : b->sequences;
}

#endif
