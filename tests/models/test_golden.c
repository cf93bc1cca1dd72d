/* Families against transformers: tests/golden/models/, written by scripts/golden_models.py,
 * which says what is in it. Logits of random weights, and the losses of twenty steps of AdamW from there. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "kernels/kernels.h"
#include "models/model.h"

#include <cmocka.h> /* last: it defines fail() */

enum { SEED = 1, MOST = 1024, SOURCE_TIME = 17, SHORT = 12 };

typedef struct Golden {
  const char *name;
  FILE *file;
  Model *model;
  Tape *tape;
  int64_t sequences, time, stride;
  float rate;
  int32_t tokens[MOST], targets[MOST], source[MOST];
} Golden;

/* With an encoder, the last token is its padding only. */
static void draw_tokens(const Golden *g, int32_t *to, const char *name, int64_t time) {
  const Config *c = &g->model->config;
  const uint64_t below = (uint64_t)(c->vocabulary - c->arch->encodes);
  for (int64_t i = 0; i < g->sequences * time; i++)
    to[i] = (int32_t)random_below(below, SEED, random_stream(name), (uint64_t)i);
}

static void draw_weights(Params *p) {
  for (size_t i = 0; i < params_count(p); i++) {
    const Param *param = params_at(p, i);
    const uint64_t stream = random_stream(param->name);
    const float begin = param->init.kind == INIT_ONE ? 1 : 0;
    for (int64_t e = 0; e < tensor_count(&param->tensor); e++)
      tensor_f32(&param->tensor)[e] = begin + 0.2f * (float)random_normal(SEED, stream, (uint64_t)e);
  }
}

static void open_golden(Golden *g, const char *name) {
  char path[512];
  Error err = {0};
  Config config;
  *g = (Golden){.name = name, .tape = tape_new(false)};
  snprintf(path, sizeof path, TESTS_DIR "/golden/models/%s.json", name);
  if (!config_read(&config, path, &err)) fail_msg("%s", err.text);
  g->model = model_new(&config, true);
  draw_weights(g->model->params);
  snprintf(path, sizeof path, TESTS_DIR "/golden/models/%s.txt", name);
  g->file = fopen(path, "r");
  assert_non_null(g->file);
  assert_int_equal(fscanf(g->file, "shape %" SCNd64 " %" SCNd64 " rate %f stride %" SCNd64, &g->sequences,
                          &g->time, &g->rate, &g->stride),
                   4);
  assert_true(g->sequences * g->time <= MOST);
  draw_tokens(g, g->tokens, "tokens", g->time);
  draw_tokens(g, g->targets, "targets", g->time);
  draw_tokens(g, g->source, "source", SOURCE_TIME);
}

static void close_golden(Golden *g) {
  fclose(g->file);
  model_free(g->model);
  tape_free(g->tape);
}

static Batch batch_of(const Golden *g) {
  static const int32_t lengths[] = {SOURCE_TIME, SHORT};
  Batch b = {.sequences = g->sequences, .time = g->time, .tokens = g->tokens, .targets = g->targets};
  if (!g->model->config.arch->encodes) return b;
  b.source = g->source;
  b.source_time = SOURCE_TIME;
  b.source_lengths = lengths;
  return b;
}

static int64_t read_count(Golden *g, const char *what) {
  char word[32];
  int64_t count;
  assert_int_equal(fscanf(g->file, "%31s %" SCNd64, word, &count), 2);
  assert_string_equal(word, what);
  return count;
}

static void compare(Golden *g, const char *what, int64_t index, double got, double within) {
  double expected;
  assert_int_equal(fscanf(g->file, "%lf", &expected), 1);
  if (!(fabs(got - expected) <= within))
    fail_msg("%s: %s[%lld] is %.9g, transformers has %.9g", g->name, what, (long long)index, got, expected);
}

static void check_logits(Golden *g) {
  const Batch batch = batch_of(g);
  Net net = {.tape = g->tape, .params = g->model->params};
  tape_reset(g->tape, false, 0);
  const Output out = model_forward(g->model, &net, &batch);
  const Tensor *logits = output_logits(&net, &out, out.hidden);
  const int64_t count = read_count(g, "logits");
  assert_int_equal(count, (tensor_count(logits) + g->stride - 1) / g->stride);
  for (int64_t i = 0; i < count; i++)
    compare(g, "logit", i * g->stride, (double)tensor_f32(logits)[i * g->stride], 5e-5);
}

static float step(Golden *g, float *moments, int step) {
  Params *p = g->model->params;
  const int64_t count = params_length(p);
  const Batch batch = batch_of(g);
  Net net = {.tape = g->tape, .params = p};
  tape_reset(g->tape, true, (uint64_t)step);
  memset(params_gradients(p), 0, (size_t)count * sizeof(float));
  Tensor *loss = model_loss(g->model, &net, &batch, 0, 0);
  tape_backward(g->tape, loss);
  kernels->adamw(params_values(p), moments, moments + count, params_gradients(p), 1, g->rate, 0.9f, 0.999f,
                 1 - powf(0.9f, (float)step), 1 - powf(0.999f, (float)step), 1e-8f, 0, count);
  return *tensor_f32(loss);
}

static void check_losses(Golden *g) {
  float *moments = mem_alloc_zeroed(2 * (size_t)params_length(g->model->params), sizeof *moments);
  const int64_t steps = read_count(g, "losses");
  for (int i = 1; i <= steps; i++) compare(g, "loss of step", i, (double)step(g, moments, i), 1e-4);
  mem_free(moments);
}

static void same_as_transformers(void **state) {
  (void)state;
  char name[64];
  FILE *names = fopen(TESTS_DIR "/golden/models/models.txt", "r");
  assert_non_null(names);
  while (fscanf(names, "%63s", name) == 1) {
    Golden g;
    open_golden(&g, name);
    check_logits(&g);
    check_losses(&g);
    close_golden(&g);
  }
  fclose(names);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_transformers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
