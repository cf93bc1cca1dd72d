/* scorer.h - how well a model predicts a text. */
#ifndef RUN_SCORER_H
#define RUN_SCORER_H

#include "base/news.h"
#include "data/batches.h"
#include "models/model.h"

typedef struct Score {
  double nats;    /* sum of -ln p over the scored tokens */
  int64_t tokens; /* how many those are */
} Score;

/* Every batch once. With news, tells progress and stops early, with what it has, when interrupted; with NULL
 * it goes on to the end: a training run's evaluation must not depend on when somebody interrupts it. */
Score score_batches(const Model *, Batches *, const News *);

/* What evaluation batches should be: tokens at once, and the window of a network. */
enum { SCORE_TOGETHER = 4096 };
int64_t score_window(const Config *);

#endif
