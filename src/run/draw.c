#include "run/draw.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/generator.h"

/* Workspace of a worker thread. */
typedef struct PerWorker {
  Sampler sampler;
  int32_t *history; /* prompt and text, contiguous, for the penalties */
} PerWorker;

typedef struct Draw {
  const DrawRequest *request;
  const Input *inputs;
  const int64_t *numbers; /* of the inputs */
  Hypothesis *results;
  PerWorker *workers; /* [threads] */
} Draw;

/* One input: a row for each text that has not ended. */
typedef struct InputDraw {
  const Draw *draw;
  const Input *input;
  int64_t most;      /* maximum number of new tokens */
  Hypothesis *texts; /* [each] */
  int32_t *which;    /* [each]: the text of each row */
  uint64_t stream;   /* random stream of the first text */
  bool begun;
} InputDraw;

static void finish(void *user, GenerationEnd how, int64_t rows) {
  InputDraw *in = user;
  for (int64_t i = 0; how == GENERATION_FULL && i < rows; i++) in->texts[in->which[i]].unended = true;
  mem_free(in->which);
  mem_free(in);
}

/* Samples a token; false if it ends the text. */
static bool extend(const Draw *d, const InputDraw *in, int32_t which, const float *logits) {
  const DrawRequest *r = d->request;
  const Input *input = in->input;
  Hypothesis *text = &in->texts[which];
  PerWorker *worker = &d->workers[parallel_worker()];
  double logprob;
  memcpy(worker->history, input->prompt, (size_t)input->length * sizeof *worker->history);
  memcpy(worker->history + input->length, text->ids.data, text->ids.count * sizeof *worker->history);
  const double random = random_unit(r->seed, in->stream + (uint64_t)which, text->ids.count);
  worker->sampler.most = input->length + in->most;
  worker->sampler.source = input->source;
  worker->sampler.source_length = input->source_length;
  const int32_t id = sampler_draw(&worker->sampler, logits, worker->history, input->length,
                                  input->length + (int64_t)text->ids.count, random, &logprob);
  text->logprob += logprob;
  text->score = text->logprob;
  if (id < 0) text->stuck = !rules_match(r->rules, text->ids.data, (int64_t)text->ids.count);
  if (id < 0 || token_set_has(&r->ends, id)) return false;
  vec_push(&text->ids, id);
  return true;
}

/* In the first call, all texts sample from the only row. */
static int64_t choose(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  InputDraw *in = user;
  const Draw *d = in->draw;
  const bool begins = !in->begun;
  const int64_t count = begins ? d->request->each : rows;
  int64_t kept = 0;
  in->begun = true;
  for (int64_t i = 0; i < count; i++) {
    const int32_t row = begins ? 0 : (int32_t)i, which = begins ? (int32_t)i : in->which[i];
    if (!extend(d, in, which, logits + row * d->request->model->config.vocabulary)) continue;
    const Ids *ids = &in->texts[which].ids;
    from[kept] = row;
    tokens[kept] = ids->data[ids->count - 1];
    in->which[kept++] = which;
  }
  return kept;
}

static void open_draw(void *user, int64_t index, GenerationRequest *request) {
  const Draw *d = user;
  const DrawRequest *r = d->request;
  const int64_t length = d->inputs[index].length;
  InputDraw *in = mem_alloc_zeroed(1, sizeof *in);
  *in = (InputDraw){.draw = d,
                    .input = &d->inputs[index],
                    .most = input_most_tokens(&r->model->config, length,
                                              rules_most_tokens(r->rules, length, r->settings->max_tokens)),
                    .texts = d->results + index * r->each,
                    .stream = random_stream("draw") + (uint64_t)(d->numbers[index] * r->each)};
  in->which = mem_alloc_zeroed((size_t)r->each, sizeof *in->which);
  for (int64_t i = 0; i < r->each; i++) vec_reserve(&in->texts[i].ids, in->most + 1);
  request->most = in->most > 1 ? in->most : 1;
  request->choose = choose;
  request->finish = finish;
  request->user = in;
}

Hypothesis *draw_run(const DrawRequest *r, const Input *inputs, int64_t count, const int64_t *numbers) {
  const int threads = threads_count();
  Draw d = {.request = r, .inputs = inputs, .numbers = numbers};
  const size_t history = (size_t)r->model->config.context; /* capacity of a row */
  d.results = mem_alloc_zeroed((size_t)(count * r->each), sizeof *d.results);
  d.workers = mem_alloc_zeroed((size_t)threads, sizeof *d.workers);
  for (int i = 0; i < threads; i++) {
    sampler_open(&d.workers[i].sampler, r->settings, r->model->config.vocabulary);
    d.workers[i].sampler.rules = r->rules;
    d.workers[i].history = mem_alloc_zeroed(history, sizeof *d.workers[i].history);
  }
  const bool ok = generate_all(r->model, r->each, inputs, count, open_draw, &d);
  for (int i = 0; i < threads; i++) {
    sampler_close(&d.workers[i].sampler);
    mem_free(d.workers[i].history);
  }
  mem_free(d.workers);
  for (int64_t i = 0; i < count && ok; i++)
    qsort(d.results + i * r->each, (size_t)r->each, sizeof *d.results, hypothesis_order);
  if (ok) return d.results;
  hypotheses_free(d.results, count * r->each);
  return NULL;
}
