/* batch.h - the token ids of one forward pass: what data/ gives and models/ take. */
#ifndef OPS_BATCH_H
#define OPS_BATCH_H

#include <stdint.h>

/* Targets: the id each position should predict, -1 where nothing is scored; NULL when generating.
 * Source: what an encoder reads, padded behind; source_time 0 for networks that have none, and when
 * generating after the first call, since the state then remembers what the encoder made of it. */
typedef struct Batch {
  int64_t sequences, time;
  const int32_t *tokens, *targets; /* [sequences, time] */
  int64_t sources, source_time;    /* sources 0: one for each sequence */
  const int32_t *source;           /* [sources, source_time] */
  const int32_t *source_lengths;   /* [sources]: how many of each are not padding, at least 1 */
} Batch;

static inline int64_t batch_sources(const Batch *b) {
  return b->sources ? b->sources : b->sequences;
}

#endif
