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

/* What evaluation batches should be: the window of a network, and how many of them at once. */
typedef struct ScoreShape {
  int64_t sequences, time;
} ScoreShape;
ScoreShape score_shape(const Config *);

#endif
