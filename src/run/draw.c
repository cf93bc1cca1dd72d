#include "run/draw.h"

#include <string.h>

#include "base/random.h"
#include "base/threads.h"

/* A text being drawn: a row of the session. */
typedef struct Row {
  const Input *input;
  Hypothesis *text;
  uint64_t stream;
} Row;

typedef struct Draw {
  const DrawRequest *request;
  Sampler sampler;
  Row *rows; /* those not ended */
  int64_t count;
  int32_t *from, *next;
  Ids history;
} Draw;

/* Prompt and text in a row, for the penalties. */
static const int32_t *history_of(Draw *d, const Row *row) {
  const Ids *ids = &row->text->ids;
  const size_t prompt = (size_t)row->input->length;
  vec_reserve(&d->history, prompt + ids->count + 1);
  memcpy(d->history.data, row->input->prompt, prompt * sizeof *d->history.data);
  if (ids->count) memcpy(d->history.data + prompt, ids->data, ids->count * sizeof *ids->data);
  return d->history.data;
}

/* Draws a token; false where it ends the text. */
static bool extend(Draw *d, Row *row, const float *logits) {
  const DrawRequest *r = d->request;
  Ids *ids = &row->text->ids;
  double logprob;
  const double random = random_unit(r->seed, row->stream, ids->count);
  const int64_t prompt = row->input->length;
  const int32_t id = sampler_draw(&d->sampler, logits, history_of(d, row), prompt,
                                  prompt + (int64_t)ids->count, random, &logprob);
  row->text->logprob += logprob;
  row->text->score = row->text->logprob;
  if (id == r->end || id == r->never) return false;
  vec_push(ids, id);
  return true;
}

/* Row i draws from logits row which[i]; those that end leave, the others close up. */
static void step(Draw *d, const float *logits, const int32_t *which) {
  const int64_t vocabulary = d->request->model->config.vocabulary;
  int64_t kept = 0;
  for (int64_t i = 0; i < d->count; i++) {
    Row row = d->rows[i];
    const int32_t source = which ? which[i] : (int32_t)i;
    if (!extend(d, &row, logits + source * vocabulary)) continue;
    d->from[kept] = source;
    d->next[kept] = row.text->ids.data[row.text->ids.count - 1];
    d->rows[kept++] = row;
  }
  d->count = kept;
}

static void draw_together(const DrawRequest *r, Session *session, const Input *inputs, int64_t count,
                          const int64_t *numbers, Hypothesis *results) {
  const int64_t most = inputs_room(session, inputs, count, r->settings->max_tokens);
  const size_t rows = (size_t)(count * r->each);
  Draw d = {.request = r, .count = (int64_t)rows};
  float *first = inputs_read(session, r->model, inputs, count);
  int32_t *which = mem_alloc(rows * sizeof *which);
  d.rows = mem_alloc_zeroed(rows, sizeof *d.rows);
  d.from = mem_alloc(rows * sizeof *d.from);
  d.next = mem_alloc(rows * sizeof *d.next);
  sampler_open(&d.sampler, r->settings, r->model->config.vocabulary);
  for (int64_t i = 0; i < d.count; i++) {
    const int64_t input = i / r->each;
    const uint64_t number = (uint64_t)(numbers[input] * r->each + i % r->each);
    which[i] = (int32_t)input;
    d.rows[i] = (Row){&inputs[input], &results[i], random_stream("draw") + number};
    vec_reserve(&results[i].ids, 1);
  }
  for (int64_t written = 0; d.count && written < most && !interrupted(); written++) {
    step(&d, written ? session_feed_at(session, 0, d.next, d.count, 1) : first, written ? NULL : which);
    if (d.count && written + 1 < most) session_reorder(session, d.from, d.count);
  }
  sampler_close(&d.sampler);
  vec_free(&d.history);
  mem_free(which);
  mem_free(first);
  mem_free(d.rows);
  mem_free(d.from);
  mem_free(d.next);
}

Hypothesis *draw_run(const DrawRequest *r, const Input *inputs, int64_t count, const int64_t *numbers) {
  const int64_t together = r->each < ROWS_TOGETHER ? ROWS_TOGETHER / r->each : 1;
  Hypothesis *results = mem_alloc_zeroed((size_t)(count * r->each), sizeof *results);
  Session *session = inputs_session(r->model, inputs, count, together, r->each, r->settings->max_tokens);
  for (int64_t i = 0; i < count; i += together)
    draw_together(r, session, inputs + i, count - i < together ? count - i : together, numbers + i,
                  results + i * r->each);
  session_free(session);
  return results;
}
