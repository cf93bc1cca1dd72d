#include "run/look.h"

#include <math.h>
#include <string.h>

/* The prompt, and what was written after it. */
static int32_t *join(const Input *input, const Ids *written) {
  const size_t prompt = (size_t)input->length;
  int32_t *tokens = mem_alloc((prompt + written->count) * sizeof *tokens);
  memcpy(tokens, input->prompt, prompt * sizeof *tokens);
  if (written->count) memcpy(tokens + prompt, written->data, written->count * sizeof *tokens);
  return tokens;
}

void look_at(Look *look, const Model *model, const Input *input, const Ids *written) {
  const int64_t vocabulary = model->config.vocabulary, prompt = input->length;
  const int32_t source_length = (int32_t)input->source_length;
  int32_t *tokens = join(input, written);
  Tape *tape = tape_new(false);
  tape_reset(tape, false, 0);
  *look = (Look){.length = (int64_t)written->count + 1, .watch = {.source = model->config.arch->encodes}};
  Net net = {.tape = tape, .params = model->params, .watch = &look->watch};
  const Batch batch = {.sequences = 1,
                       .time = prompt + (int64_t)written->count,
                       .tokens = tokens,
                       .source = input->source,
                       .source_lengths = &source_length,
                       .source_time = source_length};
  const Output out = model_forward(model, &net, &batch);
  const Tensor *logits = op_linear(tape, out.hidden, out.weight, out.bias, false);
  const size_t wanted = (size_t)(look->length * vocabulary);
  look->logits = mem_alloc(wanted * sizeof *look->logits);
  memcpy(look->logits, tensor_f32(logits) + (prompt - 1) * vocabulary, wanted * sizeof *look->logits);
  look->finite = are_finite(look->logits, (int64_t)wanted);
  tape_free(tape);
  mem_free(tokens);
}

void look_free(Look *look) {
  mem_free(look->watch.sum);
  mem_free(look->logits);
}

double look_coverage(const Look *look, const Input *input) {
  const Watch *w = &look->watch;
  const int64_t source = w->source ? input->source_length : input->length - 1, first = input->length - 1;
  double coverage = 0;
  for (int64_t s = 0; w->sum && s < source; s++) {
    double paid = 0;
    for (int64_t t = first; t < w->rows; t++) paid += (double)w->sum[t * w->keys + s] / (double)w->looks;
    coverage += log(fmin(1, fmax(paid, 1e-9)));
  }
  return coverage;
}
