#include "run/scorer.h"

#include "base/threads.h"

/* The window of a network without a context limit. The state starts empty in each window, so that longer
 * windows are more accurate. */
enum { LONG_WINDOW = 1024 };

int64_t score_window(const Config *c) {
  return c->arch->unlimited_context && c->context < LONG_WINDOW ? LONG_WINDOW : c->context;
}

static void score_batch(const Model *model, Tape *tape, const Batch *batch, Score *score) {
  tape_reset(tape, false, 0);
  Net net = {.tape = tape};
  const Tensor *loss = model_loss(model, &net, batch, 0, 1); /* divisor 1: the sum */
  score->nats += (double)tensor_f32(loss)[0];
  score->tokens += batch_scored(batch);
}

Score score_batches(const Model *model, Batches *batches, const News *news) {
  Score score = {0};
  Batch batch;
  Tape *tape = tape_new(false);
  for (int64_t i = 0; i < batches->count && !(news && interrupted()); i++) {
    batches_get(batches, i, &batch);
    score_batch(model, tape, &batch, &score);
    if (news) news_progress(news, "scoring", i + 1, batches->count, "batch");
  }
  tape_free(tape);
  return score;
}
