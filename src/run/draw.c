#include "run/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/flow.h"

/* What a worker needs to draw. */
typedef struct Hand {
  Sampler sampler;
  int32_t *history; /* prompt and text in a row, for the penalties */
} Hand;

typedef struct Draw {
  Flow flow;
  const DrawRequest *request;
  const int64_t *numbers; /* of the inputs */
  Hypothesis *results;
  Hand *hands; /* of each worker */
} Draw;

typedef struct Line {
  FlowLine flow;
  Hypothesis *texts; /* [each] */
  int32_t *which;    /* [each]: the text of each row */
  uint64_t stream;   /* of the first text */
} Line;

static FlowLine *open_line(Flow *flow, int64_t index, int64_t room) {
  const Draw *d = (const Draw *)flow;
  const size_t each = (size_t)flow->each;
  Line *line = mem_alloc_zeroed(1, sizeof *line);
  line->which = mem_alloc_zeroed(each, sizeof *line->which);
  line->texts = d->results + index * flow->each;
  line->stream = random_stream("draw") + (uint64_t)(d->numbers[index] * flow->each);
  for (size_t i = 0; i < each; i++) vec_reserve(&line->texts[i].ids, room + 1);
  return &line->flow;
}

static void close_line(Flow *flow, FlowLine *base) {
  Line *line = (Line *)base;
  (void)flow;
  mem_free(line->which);
  mem_free(line);
}

/* Draws a token; false where it ends the text. */
static bool extend(const Draw *d, const Line *line, int32_t which, const float *logits) {
  const DrawRequest *r = d->request;
  const Input *input = line->flow.input;
  Hypothesis *text = &line->texts[which];
  Hand *hand = &d->hands[parallel_worker()];
  double logprob;
  memcpy(hand->history, input->prompt, (size_t)input->length * sizeof *hand->history);
  memcpy(hand->history + input->length, text->ids.data, text->ids.count * sizeof *hand->history);
  const double random = random_unit(r->seed, line->stream + (uint64_t)which, text->ids.count);
  hand->sampler.most = input->length + line->flow.room;
  const int32_t id = sampler_draw(&hand->sampler, logits, hand->history, input->length,
                                  input->length + (int64_t)text->ids.count, random, &logprob);
  text->logprob += logprob;
  text->score = text->logprob;
  if (token_set_has(&r->ends, id) || id == r->never) return false;
  vec_push(&text->ids, id);
  return true;
}

/* The first time all texts draw from the one row there is. */
static int64_t advance(const Flow *flow, FlowLine *base, const float *logits) {
  const Draw *d = (const Draw *)flow;
  Line *line = (Line *)base;
  const bool begins = !base->written;
  const int64_t count = begins ? flow->each : base->alive;
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i++) {
    const int32_t row = begins ? 0 : (int32_t)i, which = begins ? (int32_t)i : line->which[i];
    if (!extend(d, line, which, logits + row * flow->model->config.vocabulary)) continue;
    const Ids *ids = &line->texts[which].ids;
    base->from[kept] = row;
    base->tokens[kept] = ids->data[ids->count - 1];
    line->which[kept++] = which;
  }
  return kept;
}

Hypothesis *draw_run(const DrawRequest *r, const Input *inputs, int64_t count, const int64_t *numbers) {
  const int threads = threads_count();
  Draw d = {.flow = {r->model, r->each, r->settings->max_tokens, r->rules, open_line, advance, close_line},
            .request = r,
            .numbers = numbers};
  const size_t history = (size_t)r->model->config.context; /* all that a row has room for */
  d.results = mem_alloc_zeroed((size_t)(count * r->each), sizeof *d.results);
  d.hands = mem_alloc_zeroed((size_t)threads, sizeof *d.hands);
  for (int i = 0; i < threads; i++) {
    sampler_open(&d.hands[i].sampler, r->settings, r->model->config.vocabulary);
    d.hands[i].sampler.rules = r->rules;
    d.hands[i].history = mem_alloc_zeroed(history, sizeof *d.hands[i].history);
  }
  const bool ok = flow_run(&d.flow, inputs, count);
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
