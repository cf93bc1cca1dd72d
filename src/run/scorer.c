#include "run/scorer.h"

#include "base/threads.h"

/* Tokens scored at once, and the window of a network that has no limit of its own: its state starts empty in
 * each window, so a long one comes closer to the truth. */
enum { TOKENS_AT_ONCE = 4096, LONG_WINDOW = 1024 };

typedef struct Scorer {
  const Model *model;
  const Windows *windows;
  Tape *tape;
  int64_t batch, time;
  int32_t *tokens, *targets; /* [batch, time] */
} Scorer;

static void get_window(const Windows *w, int64_t index, int32_t *tokens, int32_t *targets) {
  if (w->by_document)
    windows_get(w, index, tokens, targets);
  else
    windows_eval(w, index, tokens, targets);
}

static void score_batch(Scorer *s, int64_t sequences, Score *score) {
  tape_reset(s->tape, false, 0);
  Net net = {.tape = s->tape, .params = s->model->params};
  const Batch batch = {.sequences = sequences, .time = s->time, .tokens = s->tokens, .targets = s->targets};
  const Tensor *loss = model_loss(s->model, &net, &batch, 0, 1); /* divisor 1: the sum */
  score->nats += (double)tensor_f32(loss)[0];
  for (int64_t i = 0; i < sequences * s->time; i++) score->tokens += s->targets[i] >= 0;
}

static void score_windows(Scorer *s, int64_t count, int64_t every, const News *news, Score *score) {
  int64_t filled = 0;
  for (int64_t i = 0; i < count && !(news && interrupted()); i += every) {
    get_window(s->windows, i, s->tokens + filled * s->time, s->targets + filled * s->time);
    if (++filled < s->batch && i + every < count) continue;
    score_batch(s, filled, score);
    filled = 0;
    if (news) news_progress(news, "scoring", i + 1, count, "window");
  }
}

bool score_dataset(const Model *model, const Dataset *data, bool by_document, int64_t limit, const News *news,
                   Score *score, Error *err) {
  *score = (Score){0};
  const int64_t context = model->config.context;
  const int64_t time = model->config.arch->unlimited_context && context < LONG_WINDOW ? LONG_WINDOW : context;
  Windows windows;
  if (!windows_open(&windows, data, time, by_document, 0, &(News){0}, err)) return false;
  const int64_t count = by_document ? windows.count : windows_eval_count(&windows);
  Scorer s = {.model = model, .windows = &windows, .time = time};
  s.batch = time < TOKENS_AT_ONCE ? TOKENS_AT_ONCE / time : 1;
  s.tape = tape_new(false);
  s.tokens = mem_alloc((size_t)(s.batch * time) * sizeof *s.tokens);
  s.targets = mem_alloc((size_t)(s.batch * time) * sizeof *s.targets);
  const int64_t wanted = limit > 0 ? (limit + time - 1) / time : count;
  score_windows(&s, count, wanted < count ? count / wanted : 1, news, score);
  mem_free(s.tokens);
  mem_free(s.targets);
  tape_free(s.tape);
  windows_free(&windows);
  return true;
}
