/* trace.c - one forward pass over a text, observed (nn/watch.h). T: tokens, L: layers, V: vocabulary. */
#include "run/trace.h"

#include <math.h>
#include <string.h>

#include "base/integers.h"
#include "base/threads.h"
#include "nn/watch.h"
#include "run/session.h"

/* Of a text and of all its weights of attention: what fits into a page of some megabytes. */
enum { MOST_LENGTH = 256, MOST_WEIGHTS = 6000000 };

int64_t trace_most_tokens(const Config *c) {
  const int64_t heads = int64_max(1, c->layers * c->heads);
  int64_t most = MOST_LENGTH;
  if (!c->arch->unlimited_context) most = int64_min(most, c->context);
  while (most > 2 && heads * trace_pairs(most) > MOST_WEIGHTS) most--;
  return most;
}

/* ---- attention ---- */

static void keep_row(void *user, const WatchedRow *r) {
  Trace *t = user;
  const int64_t pairs = trace_pairs(r->rows);
  if (!t->attention) {
    t->layers = t->model->config.layers;
    t->heads = r->heads;
    t->attention = mem_alloc_zeroed((size_t)(t->layers * t->heads * pairs), sizeof *t->attention);
  }
  CHECK(r->layer < t->layers && r->heads == t->heads && r->seen == r->row + 1);
  memcpy(t->attention + (r->layer * t->heads + r->head) * pairs + trace_pairs(r->row), r->weights,
         (size_t)r->seen * sizeof *t->attention);
}

/* ---- predictions ---- */

/* The logits of some rows of [L+1, T]. */
typedef struct Rows {
  Trace *trace;
  const float *logits;
  int64_t first;
} Rows;

static void predict_rows(void *arg, int64_t begin, int64_t end) {
  const Rows *r = arg;
  const Trace *t = r->trace;
  const int64_t count = (int64_t)t->ids.count, vocabulary = t->model->config.vocabulary;
  for (int64_t i = begin; i < end; i++) {
    const float *x = r->logits + i * vocabulary;
    const int64_t depth = (r->first + i) / count, position = (r->first + i) % count;
    Prediction *p = &t->predictions[position * t->depths + depth];
    p->count = choices_find(x, vocabulary, p->best, TRACE_CHOICES);
    if (position + 1 == count) continue;
    const int32_t next = t->ids.data[position + 1];
    p->probability = exp((double)x[next] - choices_log_sum(x, vocabulary));
    p->rank = 1;
    for (int64_t k = 0; k < vocabulary; k++) p->rank += x[k] > x[next];
  }
}

/* Rows first .. first+count-1 of x, as a matrix. */
static Tensor rows_of(const Tensor *x, int64_t first, int64_t count) {
  const int64_t width = tensor_columns(x);
  return (Tensor){
      .type = TENSOR_F32, .dims = 2, .shape = {count, width}, .data = tensor_f32(x) + first * width};
}

/* Some rows at a time, since L T V logits are too many. */
static bool predict(Trace *t, Net *net, const Output *out) {
  enum { LOGITS = 1 << 22 };
  const int64_t rows = tensor_rows(out->hidden), vocabulary = t->model->config.vocabulary,
                most = int64_max(1, LOGITS / vocabulary);
  bool finite = true;
  for (int64_t first = 0, count; first < rows && finite && !interrupted(); first += count) {
    const ArenaMark mark = arena_mark(tape_arena(net->tape));
    count = int64_min(most, rows - first);
    Tensor some = rows_of(out->hidden, first, count);
    Rows r = {t, tensor_f32(output_logits(net, out, &some)), first};
    finite = are_finite(r.logits, count * vocabulary);
    if (finite) parallel_for(count, predict_rows, &r);
    arena_rewind(tape_arena(net->tape), mark);
  }
  return finite;
}

bool trace_read(Trace *t, Error *err) {
  const Model *m = t->model;
  const int64_t count = (int64_t)t->ids.count;
  CHECK(!m->config.arch->encodes && count > 0);
  t->depths = m->config.layers + 1;
  t->predictions = mem_alloc_zeroed((size_t)(count * t->depths), sizeof *t->predictions);
  Tape *tape = tape_new(false);
  tape_reset(tape, false, 0);
  Watch watch = {.attention = keep_row, .user = t, .depths = true};
  Net net = {.tape = tape, .watch = &watch};
  const Output out = model_forward(m, &net, &(Batch){.sequences = 1, .time = count, .tokens = t->ids.data});
  CHECK(tensor_rows(out.hidden) == t->depths * count);
  const bool finite = predict(t, &net, &out);
  tape_free(tape);
  return (finite || fail_not_finite(err)) && (!interrupted() || fail_interrupted(err));
}

void trace_free(Trace *t) {
  for (size_t i = 0; t->branches && i < t->ids.count * TRACE_CHOICES; i++) vec_free(&t->branches[i].tokens);
  mem_free(t->branches);
  mem_free(t->predictions);
  mem_free(t->attention);
  vec_free(&t->ids);
}
