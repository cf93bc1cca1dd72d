/* dataset.h - a corpus as token ids, and its windows for training and evaluation. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/spool.h"
#include "data/batches.h"
#include "data/corpus.h"

/* Tokens before and after each document; -1: none. */
typedef struct DocumentTokens {
  int32_t begin, end;
} DocumentTokens;

/* All documents in one stream, each with its DocumentTokens. */
typedef struct Dataset {
  Spool store;           /* the tokens, which may exceed memory */
  const int32_t *tokens; /* in `store` */
  int64_t count;
  int64_t *starts; /* [documents + 1]: where each document begins; the last is `count` */
  int64_t documents, bytes, characters;
  bool ended; /* documents end with an end token and have no begin token: the next one starts from it */
} Dataset;
/* Encodes with all threads; shows progress. */
bool dataset_encode(Dataset *, const Corpus *, const Tokenizer *, DocumentTokens, const News *, Error *);
void dataset_free(Dataset *);

/* Training windows, a pure function of (seed, epoch, index): an exact resume needs only the index. packed:
 * the stream is cut into pieces of `time` tokens at a random offset per epoch; document: a document longer
 * than `time` gives several windows, and its first window begins with the end token before it. The order is a
 * random permutation per epoch. */
typedef struct Windows {
  const Dataset *data;
  int64_t time;
  bool by_document;
  uint64_t seed;
  int64_t *pieces; /* by_document: first token of each window */
  int64_t count;   /* windows per epoch, at least 1 */
} Windows;
/* Fails if the text gives no window (packed: fewer than 2 tokens). A text shorter than `time` is padded, with
 * a warning. */
bool windows_open(Windows *, const Dataset *, int64_t time, bool by_document, uint64_t seed, const News *,
                  Error *);
void windows_free(Windows *);
/* Window number `index` counted from the start of training (epoch = index / count): tokens and targets
 * [time], targets -1 at padding. */
void windows_get(const Windows *, int64_t index, int32_t *tokens, int32_t *targets);
/* by_document only, in the order of the text: the number of targets of window `which`, and the window itself,
 * padded to `time` >= that length. Over all windows, each token but the first is a target exactly once. */
int64_t windows_length(const Windows *, int64_t which);
void windows_at(const Windows *, int64_t which, int64_t time, int32_t *tokens, int32_t *targets);

/* Batches of `sequences` such windows. An epoch may end within a batch. */
Batches *windows_batches(const Dataset *, int64_t sequences, int64_t time, bool by_document, uint64_t seed,
                         const News *, Error *);
/* Evaluation: windows by document; each target once, or about `limit` targets spread evenly over the text (0:
 * all). Windows of similar length share a batch of at most `together` tokens; a longer window is a batch by
 * itself. */
Batches *windows_eval_batches(const Dataset *, int64_t time, int64_t together, int64_t limit, Error *);

#endif
