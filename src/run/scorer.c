#include "run/scorer.h"

#include "base/threads.h"

/* Tokens scored at once, and the window of a network that has no limit of its own: its state starts empty in
 * each window, so a long one comes closer to the truth. */
enum { TOKENS_AT_ONCE = 4096, LONG_WINDOW = 1024 };

ScoreShape score_shape(const Config *c) {
  const int64_t time = c->arch->unlimited_context && c->context < LONG_WINDOW ? LONG_WINDOW : c->context;
  return (ScoreShape){.sequences = time < TOKENS_AT_ONCE ? TOKENS_AT_ONCE / time : 1, .time = time};
}

static void score_batch(const Model *model, Tape *tape, const Batch *batch, Score *score) {
  tape_reset(tape, false, 0);
  Net net = {.tape = tape, .params = model->params};
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
