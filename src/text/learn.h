/* learn.h - learning BPE merges from counted words. */
#ifndef TEXT_LEARN_H
#define TEXT_LEARN_H

#include "text/bpe.h"
#include "text/count.h"

/* Learns merges until the vocabulary, whose first `known` ids are the bytes (byte_ids), has `wanted` tokens,
 * or no pair occurs twice. Results get ids known, known + 1, ... A pair that occurs more often goes first; of
 * equal ones that with the smaller left id, then the smaller right id: the rule of Hugging Face's trainer.
 * Takes the counted words apart. */
bool learn_merges(Merges *, WordCounts *, const int32_t byte_ids[256], int64_t known, int64_t wanted,
                  const News *, Error *);

#endif
