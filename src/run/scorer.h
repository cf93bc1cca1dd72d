/* scorer.h - a model's loss on a text. */
#ifndef RUN_SCORER_H
#define RUN_SCORER_H

#include "base/news.h"
#include "data/batches.h"
#include "models/model.h"

typedef struct Score {
  double nats;    /* sum of -ln p over the scored tokens */
  int64_t tokens; /* number of scored tokens */
} Score;

/* Scores every batch once. With news, reports progress and, if interrupted, returns what it has; with NULL it
 * always completes: a training run's evaluation must not depend on the time of an interrupt. */
Score score_batches(const Model *, Batches *, const News *);

/* Recommended evaluation batches: tokens at once, and the window of a network. */
enum { SCORE_TOGETHER = 4096 };
int64_t score_window(const Config *);

#endif
