#include "run/inputs.h"

#include <string.h>

void hypotheses_free(Hypothesis *h, int64_t count) {
  for (int64_t i = 0; i < count; i++) vec_free(&h[i].ids);
  mem_free(h);
}

static int64_t longest_prompt(const Input *inputs, int64_t count) {
  int64_t longest = 0;
  for (int64_t i = 0; i < count; i++)
    if (inputs[i].length > longest) longest = inputs[i].length;
  return longest;
}

static int64_t longest_source(const Input *inputs, int64_t count) {
  int64_t longest = 0;
  for (int64_t i = 0; i < count; i++)
    if (inputs[i].source_length > longest) longest = inputs[i].source_length;
  return longest;
}

/* Inputs whose prompts are of one length, with their sources side by side. */
static const float *read_together(Session *session, const Input *inputs, int64_t first, int64_t count) {
  const int64_t length = inputs[first].length, time = longest_source(inputs + first, count);
  int32_t *prompts = mem_alloc((size_t)(count * length) * sizeof *prompts);
  int32_t *sources = mem_alloc_zeroed((size_t)(count * time), sizeof *sources);
  int32_t *lengths = mem_alloc((size_t)count * sizeof *lengths);
  for (int64_t i = 0; i < count; i++) {
    const Input *input = &inputs[first + i];
    memcpy(prompts + i * length, input->prompt, (size_t)length * sizeof *prompts);
    if (time) memcpy(sources + i * time, input->source, (size_t)input->source_length * sizeof *sources);
    lengths[i] = (int32_t)input->source_length;
  }
  if (time) session_read_sources(session, sources, lengths, time);
  const float *logits = session_feed_at(session, first, prompts, count, length);
  mem_free(prompts);
  mem_free(sources);
  mem_free(lengths);
  return logits;
}

/* Source tokens encoded at once: enough for products at full speed, little enough for a cache. */
enum { SOURCE_TOKENS = 1024 };

/* How many inputs from the first on are read together: with prompts of one length, and not too much of
 * sources. */
static int64_t readable_together(const Input *inputs, int64_t count) {
  int64_t n = 1, longest = inputs[0].source_length;
  for (; n < count && inputs[n].length == inputs[0].length; n++) {
    if (inputs[n].source_length > longest) longest = inputs[n].source_length;
    if (longest * (n + 1) > SOURCE_TOKENS) break;
  }
  return n;
}

float *inputs_read(Session *session, const Model *model, const Input *inputs, int64_t count) {
  session_rewind(session);
  const int64_t vocabulary = model->config.vocabulary;
  const size_t row = (size_t)vocabulary * sizeof(float);
  float *logits = mem_alloc((size_t)count * row);
  for (int64_t i = 0, n; i < count; i += n) {
    n = readable_together(inputs + i, count - i);
    memcpy(logits + i * vocabulary, read_together(session, inputs, i, n), (size_t)n * row);
  }
  return logits;
}

Session *inputs_session(const Model *model, const Input *inputs, int64_t count, int64_t together,
                        int64_t each, int64_t most) {
  const Config *c = &model->config;
  const int64_t wanted = longest_prompt(inputs, count) + most, rows = count < together ? count : together;
  return session_new_sized(model, (StateSize){.sequences = rows * each,
                                              .room = wanted < c->context ? wanted : c->context,
                                              .sources = c->arch->encodes ? rows : 0,
                                              .source_room = longest_source(inputs, count)});
}

int64_t inputs_room(const Session *session, const Input *inputs, int64_t count, int64_t most) {
  const int64_t left = session_room(session) - longest_prompt(inputs, count);
  return left < most ? left : most;
}
