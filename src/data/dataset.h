/* dataset.h - a corpus as token ids, and the windows that training and evaluation see of it. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/spool.h"
#include "data/batches.h"
#include "data/corpus.h"

/* What stands before and behind each document; -1: nothing. */
typedef struct DocumentTokens {
  int32_t begin, end;
} DocumentTokens;

/* All documents one after another, with these tokens around each. */
typedef struct Dataset {
  Spool store;           /* of the tokens, which may be more than memory */
  const int32_t *tokens; /* in it */
  int64_t count;
  int64_t *starts; /* [documents + 1]: where each document begins; the last is `count` */
  int64_t documents, bytes, characters;
  bool ended; /* by an end token, each document, which is what the next one begins with: it has no other */
} Dataset;
/* Encodes with all threads; shows progress. */
bool dataset_encode(Dataset *, const Corpus *, const Tokenizer *, DocumentTokens, const News *, Error *);
void dataset_free(Dataset *);

/* Training windows, as a pure function of (seed, epoch, index): nothing to save for an exact resume but the
 * index. packed: the stream is cut into pieces of `time` at an offset that the epoch draws; document: see
 * settings.def (a document longer than `time` gives several windows; a document's first window begins with
 * the end token before it). The order is a permutation drawn by the epoch. */
typedef struct Windows {
  const Dataset *data;
  int64_t time;
  bool by_document;
  uint64_t seed;
  int64_t *pieces; /* by_document: first token of each window */
  int64_t count;   /* windows per epoch, at least 1 */
} Windows;
/* Fails where the text is shorter than one window can use (packed: fewer than 2 tokens; shorter than `time`
 * is said as a warning and padded). */
bool windows_open(Windows *, const Dataset *, int64_t time, bool by_document, uint64_t seed, const News *,
                  Error *);
void windows_free(Windows *);
/* Window number `index` counted from the start of training (epoch = index / count): tokens and targets
 * [time], targets -1 at padding. */
void windows_get(const Windows *, int64_t index, int32_t *tokens, int32_t *targets);
/* By document only, in the order of the text: the targets of window `which`, and the window, padded to `time`
 * (at least as long). Together they have each token but the first as a target exactly once. */
int64_t windows_length(const Windows *, int64_t which);
void windows_at(const Windows *, int64_t which, int64_t time, int32_t *tokens, int32_t *targets);

/* The same as batches of `sequences` windows. An epoch may end amid a batch. */
Batches *windows_batches(const Dataset *, int64_t sequences, int64_t time, bool by_document, uint64_t seed,
                         const News *, Error *);
/* Evaluation: each document from its own beginning, those longer than `time` in pieces; each target once, or
 * about `limit` targets spread evenly over the text (0: all). Windows of like length share a batch of at most
 * `together` tokens, or a single window. */
Batches *windows_eval_batches(const Dataset *, int64_t time, int64_t together, int64_t limit, Error *);

#endif
