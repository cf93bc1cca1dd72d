/* learn.h - learning BPE merges from counted words. */
#ifndef TEXT_LEARN_H
#define TEXT_LEARN_H

#include "text/bpe.h"
#include "text/count.h"

/* Learns merges until the vocabulary, whose first `known` ids are the bytes (byte_ids), has `wanted` tokens,
 * or no pair occurs twice. Results get ids known, known + 1, ... The most frequent pair is merged first; on
 * ties the one with the smaller left id, then the smaller right id, as in Hugging Face's trainer. Consumes
 * the counted words. */
bool learn_merges(Merges *, WordCounts *, const int32_t byte_ids[256], int64_t known, int64_t wanted,
                  const News *, Error *);

#endif
