#include "run/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/generator.h"

/* What a worker needs to draw. */
typedef struct Hand {
  Sampler sampler;
  int32_t *history; /* prompt and text in a row, for the penalties */
} Hand;

typedef struct Draw {
  const DrawRequest *request;
  const Input *inputs;
  const int64_t *numbers; /* of the inputs */
  Hypothesis *results;
  Hand *hands; /* of each worker */
} Draw;

typedef struct Line {
  const Draw *draw;
  const Input *input;
  int64_t most;      /* tokens there is room for */
  Hypothesis *texts; /* [each] */
  int32_t *which;    /* [each]: the text of each row */
  uint64_t stream;   /* of the first text */
  bool begun;
} Line;

static void finish(void *user, GenerationEnd how, int64_t rows) {
  Line *line = user;
  (void)how;
  (void)rows;
  mem_free(line->which);
  mem_free(line);
}

/* Draws a token; false where it ends the text. */
static bool extend(const Draw *d, const Line *line, int32_t which, const float *logits) {
  const DrawRequest *r = d->request;
  const Input *input = line->input;
  Hypothesis *text = &line->texts[which];
  Hand *hand = &d->hands[parallel_worker()];
  double logprob;
  memcpy(hand->history, input->prompt, (size_t)input->length * sizeof *hand->history);
  memcpy(hand->history + input->length, text->ids.data, text->ids.count * sizeof *hand->history);
  const double random = random_unit(r->seed, line->stream + (uint64_t)which, text->ids.count);
  hand->sampler.most = input->length + line->most;
  const int32_t id = sampler_draw(&hand->sampler, logits, hand->history, input->length,
                                  input->length + (int64_t)text->ids.count, random, &logprob);
  text->logprob += logprob;
  text->score = text->logprob;
  if (token_set_has(&r->ends, id) || id == r->never) return false;
  vec_push(&text->ids, id);
  return true;
}

/* The first time all texts draw from the one row there is. */
static int64_t choose(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  Line *line = user;
  const Draw *d = line->draw;
  const bool begins = !line->begun;
  const int64_t count = begins ? d->request->each : rows;
  int64_t kept = 0;
  line->begun = true;
  for (int64_t i = 0; i < count; i++) {
    const int32_t row = begins ? 0 : (int32_t)i, which = begins ? (int32_t)i : line->which[i];
    if (!extend(d, line, which, logits + row * d->request->model->config.vocabulary)) continue;
    const Ids *ids = &line->texts[which].ids;
    from[kept] = row;
    tokens[kept] = ids->data[ids->count - 1];
    line->which[kept++] = which;
  }
  return kept;
}

static void open_line(void *user, int64_t index, GenerationRequest *request) {
  const Draw *d = user;
  const DrawRequest *r = d->request;
  const int64_t length = d->inputs[index].length;
  Line *line = mem_alloc_zeroed(1, sizeof *line);
  *line = (Line){.draw = d,
                 .input = &d->inputs[index],
                 .most = input_most_tokens(&r->model->config, length,
                                           rules_most_tokens(r->rules, length, r->settings->max_tokens)),
                 .texts = d->results + index * r->each,
                 .stream = random_stream("draw") + (uint64_t)(d->numbers[index] * r->each)};
  line->which = mem_alloc_zeroed((size_t)r->each, sizeof *line->which);
  for (int64_t i = 0; i < r->each; i++) vec_reserve(&line->texts[i].ids, line->most + 1);
  request->most = line->most > 1 ? line->most : 1;
  request->choose = choose;
  request->finish = finish;
  request->user = line;
}

Hypothesis *draw_run(const DrawRequest *r, const Input *inputs, int64_t count, const int64_t *numbers) {
  const int threads = threads_count();
  Draw d = {.request = r, .inputs = inputs, .numbers = numbers};
  const size_t history = (size_t)r->model->config.context; /* all that a row has room for */
  d.results = mem_alloc_zeroed((size_t)(count * r->each), sizeof *d.results);
  d.hands = mem_alloc_zeroed((size_t)threads, sizeof *d.hands);
  for (int i = 0; i < threads; i++) {
    sampler_open(&d.hands[i].sampler, r->settings, r->model->config.vocabulary);
    d.hands[i].sampler.rules = r->rules;
    d.hands[i].history = mem_alloc_zeroed(history, sizeof *d.hands[i].history);
  }
  const bool ok = generate_all(r->model, r->each, inputs, count, open_line, &d);
  for (int i = 0; i < threads; i++) {
    sampler_close(&d.hands[i].sampler);
    mem_free(d.hands[i].history);
  }
  mem_free(d.hands);
  for (int64_t i = 0; i < count && ok; i++)
    qsort(d.results + i * r->each, (size_t)r->each, sizeof *d.results, hypothesis_order);
  if (ok) return d.results;
  hypotheses_free(d.results, count * r->each);
  return NULL;
}
