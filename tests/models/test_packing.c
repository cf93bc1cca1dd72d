/* Several texts in a sequence (Batch.begins): each has the loss that it has by itself, and the gradients are
 * their sum, in every network that packs: all configurations of tests/golden/models. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "models/model.h"

#include <cmocka.h> /* last: it defines fail() */

enum { WINDOWS = 2, TIME = 16, TEXTS = 4 };

/* Where each text lies; the last token of the first window is padding. */
static const struct {
  int window, begin, length;
} texts[TEXTS] = {{0, 0, 7}, {0, 7, 1}, {0, 8, 7}, {1, 0, 16}};

typedef struct Trial {
  Model *model;
  Tape *tape;
  int32_t tokens[WINDOWS * TIME], targets[WINDOWS * TIME], begins[WINDOWS * TIME];
} Trial;

static void draw(Trial *p) {
  Params *params = p->model->params;
  for (size_t i = 0; i < params_count(params); i++) {
    const Param *param = params_at(params, i);
    for (int64_t e = 0; e < tensor_count(&param->tensor); e++)
      tensor_f32(&param->tensor)[e] = (param->init.kind == INIT_ONE) +
                                      0.1f * (float)random_normal(1, random_stream(param->name), (uint64_t)e);
  }
  for (int i = 0; i < WINDOWS * TIME; i++) {
    const uint64_t most = (uint64_t)p->model->config.vocabulary;
    p->tokens[i] = (int32_t)random_below(most, 1, random_stream("tokens"), (uint64_t)i);
    p->targets[i] = (int32_t)random_below(most, 1, random_stream("targets"), (uint64_t)i);
    p->begins[i] = i % TIME;
  }
  p->targets[TIME - 1] = -1;
  for (int i = 0; i < TEXTS; i++)
    for (int t = 0; t < texts[i].length; t++)
      p->begins[texts[i].window * TIME + texts[i].begin + t] = texts[i].begin;
}

/* The loss with these targets, divided by `divisor`; adds to the gradients. */
static double loss_of(Trial *p, const Batch *batch, double divisor, double *gradients) {
  Params *params = p->model->params;
  tape_reset(p->tape, true, 0);
  params_forget_gradients(params);
  Net net = {.tape = p->tape, .params = params};
  Tensor *out = model_loss(p->model, &net, batch, 0, divisor);
  tape_backward(p->tape, out);
  params_settle_gradients(params);
  for (int64_t i = 0; gradients && i < params_length(params); i++)
    gradients[i] += (double)params_gradients(params)[i];
  return (double)tensor_f32(out)[0];
}

static double loss_alone(Trial *p, int text, double divisor, double *gradients) {
  const int at = texts[text].window * TIME + texts[text].begin;
  const Batch batch = {
      .sequences = 1, .time = texts[text].length, .tokens = p->tokens + at, .targets = p->targets + at};
  return loss_of(p, &batch, divisor, gradients);
}

/* Of one text in the packed windows; -1: of all. */
static double loss_packed(Trial *p, int text, double divisor, double *gradients) {
  int32_t targets[WINDOWS * TIME];
  for (int i = 0; i < WINDOWS * TIME; i++) {
    const int first = text < 0 ? 0 : texts[text].window * TIME + texts[text].begin;
    targets[i] = text < 0 || (i >= first && i < first + texts[text].length) ? p->targets[i] : -1;
  }
  const Batch batch = {
      .sequences = WINDOWS, .time = TIME, .tokens = p->tokens, .targets = targets, .begins = p->begins};
  return loss_of(p, &batch, divisor, gradients);
}

static void expect_same_gradients(const char *name, const double *a, const double *b, int64_t count) {
  double most = 0, off = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(a[i])), off = fmax(off, fabs(a[i] - b[i]));
  if (!(most > 0 && off <= 2e-6 * most)) fail_msg("%s: gradients differ by %g of %g", name, off, most);
}

static void check(const char *name, const Config *c) {
  Trial p = {.model = model_new(c, true), .tape = tape_new(false)};
  const int64_t count = params_length(p.model->params);
  double *alone = mem_alloc_zeroed((size_t)count, sizeof *alone),
         *packed = mem_alloc_zeroed((size_t)count, sizeof *packed);
  double scored = 0;
  draw(&p);
  for (int i = 0; i < TEXTS; i++) scored += texts[i].length;
  for (int i = 0; i < TEXTS; i++) {
    const double wanted = loss_alone(&p, i, texts[i].length, NULL),
                 got = loss_packed(&p, i, texts[i].length, NULL);
    if (!(fabs(got - wanted) <= 1e-6 * fmax(1, wanted)))
      fail_msg("%s: text %d has a loss of %.9g, packed %.9g", name, i, wanted, got);
    loss_alone(&p, i, scored, alone);
  }
  loss_packed(&p, -1, scored, packed);
  expect_same_gradients(name, alone, packed, count);
  mem_free(alone);
  mem_free(packed);
  tape_free(p.tape);
  model_free(p.model);
}

static void packed_texts_are_as_by_themselves(void **state) {
  (void)state;
  DIR *directory = opendir(TESTS_DIR "/golden/models");
  int checked = 0;
  assert_non_null(directory);
  for (const struct dirent *e; (e = readdir(directory));) {
    char path[600];
    Config c;
    Error err = {0};
    if (!strstr(e->d_name, ".json")) continue;
    snprintf(path, sizeof path, TESTS_DIR "/golden/models/%s", e->d_name);
    if (!config_read(&c, path, &err)) fail_msg("%s", err.text);
    if (!arch_packs(c.arch) || c.context < TIME) continue;
    check(e->d_name, &c);
    checked++;
  }
  closedir(directory);
  print_message("%d configurations\n", checked);
  assert_true(checked > 20);
}

/* Frequencies that depend on the length of a text see that of the longest text, not of the window. */
static void frequencies_are_those_of_the_longest_text(void **state) {
  (void)state;
  static const char text[] =
      "{\"model_type\": \"llama\", \"hidden_size\": 16, \"intermediate_size\": 16, \"num_hidden_layers\": 1,"
      " \"num_attention_heads\": 2, \"vocab_size\": 50, \"max_position_embeddings\": 4,"
      " \"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 8.0}}";
  Error err = {0};
  Config c;
  json_t *json = json_parse(text, strlen(text), "config.json", &err);
  if (!json || !config_from_json(&c, json, "config.json", &err)) fail_msg("%s", err.text);
  Trial t = {.model = model_new(&c, true), .tape = tape_new(false)};
  draw(&t);
  for (int i = 0; i < TIME; i++) t.begins[i] = i / 8 * 8;
  const Batch alone = {.sequences = 1, .time = 8, .tokens = t.tokens, .targets = t.targets};
  const double wanted = loss_of(&t, &alone, 8, NULL);
  for (int i = 8; i < TIME; i++) t.targets[i] = -1;
  const Batch packed = {
      .sequences = 1, .time = TIME, .tokens = t.tokens, .targets = t.targets, .begins = t.begins};
  const double got = loss_of(&t, &packed, 8, NULL);
  if (!(fabs(got - wanted) <= 1e-6 * fmax(1, wanted))) fail_msg("%.9g %.9g", wanted, got);
  json_decref(json);
  tape_free(t.tape);
  model_free(t.model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packed_texts_are_as_by_themselves),
                                     cmocka_unit_test(frequencies_are_those_of_the_longest_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
