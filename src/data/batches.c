#include "data/batches.h"

#include <stddef.h>

void batches_get(Batches *b, int64_t index, Batch *batch) {
  b->kind->get(b, index, batch);
}

void batches_free(Batches *b) {
  if (b) b->kind->free(b);
}

Batch batch_piece(const Batch *b, int64_t first, int64_t count) {
  Batch piece = *b;
  piece.sequences = count;
  piece.tokens += first * b->time;
  piece.targets += first * b->time;
  if (b->begins) piece.begins += first * b->time;
  if (b->numbers) piece.numbers += first;
  if (b->judged) piece.judged += first;
  if (b->source) {
    piece.source += first * b->source_time;
    piece.source_lengths += first;
  }
  return piece;
}

Batch batch_part(const Batch *b, int64_t i, int64_t pieces) {
  const int64_t unit = b->together ? b->together : 1, units = b->sequences / unit,
                first = units * i / pieces * unit;
  return batch_piece(b, first, units * (i + 1) / pieces * unit - first);
}

int64_t batch_scored(const Batch *b) {
  int64_t scored = 0;
  for (int64_t i = 0; i < b->sequences * b->time; i++) scored += b->targets[i] >= 0;
  return scored;
}
