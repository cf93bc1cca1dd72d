/* scorer.h - how well a model predicts a dataset. */
#ifndef RUN_SCORER_H
#define RUN_SCORER_H

#include "data/dataset.h"
#include "models/model.h"

typedef struct Score {
  double nats;    /* sum of -ln p over the scored tokens */
  int64_t tokens; /* how many those are */
} Score;

/* Windows of the model's context, one after another, each token scored once; about `limit` tokens spread
 * evenly over the text (0: all). by_document as in windows_open. With news, tells progress and stops early,
 * with what it has, when interrupted; with NULL it goes on to the end: a training run's evaluation must not
 * depend on when somebody interrupts it. */
bool score_dataset(const Model *, const Dataset *, bool by_document, int64_t limit, const News *, Score *,
                   Error *);

#endif
