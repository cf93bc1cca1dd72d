#include "run/look.h"

#include <math.h>
#include <string.h>

/* The prompt followed by each text, padded at the end: [count, time]. */
static int32_t *join(const Input *input, const Ids *const *written, int64_t count, int64_t time) {
  const size_t prompt = (size_t)input->length;
  int32_t *tokens = mem_alloc_zeroed((size_t)(count * time), sizeof *tokens);
  for (int64_t i = 0; i < count; i++) {
    int32_t *row = tokens + i * time;
    memcpy(row, input->prompt, prompt * sizeof *row);
    if (written[i]->count) memcpy(row + prompt, written[i]->data, written[i]->count * sizeof *row);
  }
  return tokens;
}

static int64_t longest(const Ids *const *written, int64_t count) {
  size_t most = 0;
  for (int64_t i = 0; i < count; i++)
    if (written[i]->count > most) most = written[i]->count;
  return (int64_t)most;
}

static void add_row(void *user, const WatchedRow *r) {
  AttentionSum *sum = user;
  if (!sum->weights)
    sum->weights = mem_alloc_zeroed((size_t)(r->sequences * r->rows * r->keys), sizeof *sum->weights);
  sum->rows = r->rows;
  sum->keys = r->keys;
  if (!r->row && !r->sequence) sum->heads++;
  float *to = sum->weights + (r->sequence * r->rows + r->row) * r->keys;
  for (int64_t s = 0; s < r->seen; s++) to[s] += r->weights[s];
}

/* The logits of rows first .. first + wanted - 1, on the tape. */
static const Tensor *forward(Look *look, const Model *model, Tape *tape, const Input *input,
                             const Ids *const *written, int64_t count, int64_t first, int64_t wanted) {
  const int32_t source_length = (int32_t)input->source_length;
  const bool encodes = model->config.arch->encodes;
  const int64_t one = 1;
  int32_t *rows = mem_alloc((size_t)(wanted + 1) * sizeof *rows);
  for (int64_t i = 0; i < wanted; i++) rows[i] = (int32_t)(first + i);
  *look = (Look){.source = encodes, .finite = true};
  tape_reset(tape, false, 0);
  Watch watch = {.source = encodes, .attention = add_row, .user = &look->attention};
  Net net = {.tape = tape, .watch = &watch};
  Batch batch = {.sequences = count, .time = input->length + longest(written, count), .sources = 1};
  int32_t *tokens = join(input, written, count, batch.time);
  batch.tokens = tokens;
  if (encodes) {
    batch.source = input->source;
    batch.source_lengths = &source_length;
    batch.source_time = source_length;
    net.source_lengths = tape_constant(tape, TENSOR_I32, 1, &one, &source_length);
    int32_t *zeros = arena_alloc_zeroed(tape_arena(tape), (size_t)count * sizeof *zeros);
    net.source_of = tape_constant(tape, TENSOR_I32, 1, &count, zeros);
  }
  const Tensor *logits = model_logits(model, &net, &batch, rows, wanted);
  mem_free(tokens);
  mem_free(rows);
  return logits;
}

void look_at(Look *look, const Model *model, const Input *input, const Ids *written) {
  const int64_t length = (int64_t)written->count + 1, wanted = length * model->config.vocabulary;
  Tape *tape = tape_new(false);
  const Tensor *logits = forward(look, model, tape, input, &written, 1, input->length - 1, length);
  look->length = length;
  look->logits = mem_alloc((size_t)wanted * sizeof *look->logits);
  memcpy(look->logits, tensor_f32(logits), (size_t)wanted * sizeof *look->logits);
  look->finite = are_finite(look->logits, wanted);
  tape_free(tape);
}

void look_free(Look *look) {
  mem_free(look->attention.weights);
  mem_free(look->logits);
}

static double coverage_of(const Look *look, const Input *input, int64_t text, int64_t written) {
  const AttentionSum *a = &look->attention;
  const int64_t source = look->source ? input->source_length : input->length - 1, first = input->length - 1;
  double coverage = 0;
  for (int64_t s = 0; a->weights && s < source; s++) {
    double paid = 0;
    for (int64_t t = first; t <= first + written; t++)
      paid += (double)a->weights[(text * a->rows + t) * a->keys + s] / (double)a->heads;
    coverage += log(fmin(1, fmax(paid, 1e-9)));
  }
  return coverage;
}

void look_coverage(const Model *model, const Input *input, const Ids *const *written, int64_t count,
                   double *coverage) {
  Look look;
  Tape *tape = tape_new(false);
  forward(&look, model, tape, input, written, count, 0, 0);
  for (int64_t i = 0; i < count; i++) coverage[i] = coverage_of(&look, input, i, (int64_t)written[i]->count);
  tape_free(tape);
  look_free(&look);
}
