/* Perplexities and divergences of two models against transformers' logits: tests/golden/compare/values.txt,
 * written by scripts/golden_compare.py, which says what is in it. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/compare.h"
#include "run/scorer.h"

#include <cmocka.h> /* last: it defines fail() */

enum { SEED = 1, SEQUENCES = 2, TIME = 24, SOURCE_TIME = 17, SHORT = 12, UNSCORED = 5 };

/* One batch of random tokens. */
typedef struct Drawn {
  Batches batches;
  Batch batch;
  int32_t tokens[SEQUENCES * TIME], targets[SEQUENCES * TIME], source[SEQUENCES * SOURCE_TIME];
} Drawn;

static void get(Batches *b, int64_t index, Batch *batch) {
  (void)index;
  *batch = ((Drawn *)b)->batch;
}

static void draw_tokens(const Config *c, int32_t *to, const char *name, int64_t time) {
  const uint64_t below = (uint64_t)(c->vocabulary - c->arch->encodes); /* the last one is padding */
  for (int64_t i = 0; i < SEQUENCES * time; i++)
    to[i] = (int32_t)random_below(below, SEED, random_stream(name), (uint64_t)i);
}

static void draw_batch(Drawn *d, const Config *c) {
  static const BatchesKind kind = {.get = get};
  static const int32_t lengths[] = {SOURCE_TIME, SHORT};
  *d = (Drawn){.batches = {.kind = &kind, .count = 1},
               .batch = {.sequences = SEQUENCES, .time = TIME, .tokens = d->tokens, .targets = d->targets}};
  draw_tokens(c, d->tokens, "tokens", TIME);
  draw_tokens(c, d->targets, "targets", TIME);
  draw_tokens(c, d->source, "source", SOURCE_TIME);
  for (int i = 0; i < SEQUENCES * TIME; i++)
    if (i % TIME % UNSCORED == UNSCORED - 1 || i % TIME >= TIME - 3) d->targets[i] = -1;
  if (!c->arch->encodes) return;
  d->batch.source = d->source;
  d->batch.source_time = SOURCE_TIME;
  d->batch.source_lengths = lengths;
}

/* As scripts/golden_models.py draws it, times `scale`. */
static Model *draw_model(const char *name, float scale) {
  char path[512];
  Error err = {0};
  Config config;
  snprintf(path, sizeof path, TESTS_DIR "/golden/models/%s.json", name);
  if (!config_read(&config, path, &err)) fail_msg("%s", err.text);
  Model *m = model_new(&config, false);
  for (size_t i = 0; i < params_count(m->params); i++) {
    const Param *p = params_at(m->params, i);
    const uint64_t stream = random_stream(p->name);
    const float begin = p->init.kind == INIT_ONE ? 1 : 0;
    for (int64_t e = 0; e < tensor_count(&p->tensor); e++)
      tensor_f32(&p->tensor)[e] = scale * (begin + 0.2f * (float)random_normal(SEED, stream, (uint64_t)e));
  }
  return m;
}

static void expect_near(const char *name, const char *what, double got, double expected, double within) {
  if (!(fabs(got - expected) <= within * expected))
    fail_msg("%s: %s is %.9g, transformers has %.9g", name, what, got, expected);
}

static void same_as_transformers(void **state) {
  (void)state;
  char name[64];
  int64_t tokens, agreed;
  double nats, reference, sum, median, most_of, largest;
  int count = 0;
  FILE *file = fopen(TESTS_DIR "/golden/compare/values.txt", "r");
  assert_non_null(file);
  while (fscanf(file, "%63s %" SCNd64 " %" SCNd64 " %lf %lf %lf %lf %lf %lf", name, &tokens, &agreed, &nats,
                &reference, &sum, &median, &most_of, &largest) == 9) {
    static Drawn d;
    const News news = {0};
    Error err = {0};
    Comparison c;
    Model *scaled = draw_model(name, 0.9f), *whole = draw_model(name, 1);
    draw_batch(&d, &whole->config);
    assert_true(compare_batches(scaled, whole, &d.batches, &news, &c, &err));
    assert_int_equal(c.tokens, tokens);
    assert_int_equal(c.agreed, agreed);
    expect_near(name, "-ln p", c.nats, nats, 1e-5);
    expect_near(name, "-ln p of the reference", c.reference_nats, reference, 1e-5);
    expect_near(name, "divergence", c.divergence, sum, 1e-4);
    expect_near(name, "median", comparison_quantile(&c, 0.5), median, 1.1e-3);
    expect_near(name, "99 % quantile", comparison_quantile(&c, 0.99), most_of, 1.1e-3);
    expect_near(name, "maximum", c.largest, largest, 1e-4);
    comparison_free(&c);
    model_free(scaled);
    model_free(whole);
    count++;
  }
  fclose(file);
  assert_int_equal(count, 3);
}

/* A model has no distance from itself, and the loss that `scorer.h` finds, on any number of threads. */
static void a_model_and_itself(void **state) {
  (void)state;
  static const char *const names[] = {"llama", "gpt2", "marian"};
  for (int i = 0; i < 3; i++) {
    static Drawn d;
    const News news = {0};
    Error err = {0};
    Comparison both, one;
    Model *m = draw_model(names[i], 1);
    draw_batch(&d, &m->config);
    threads_set(1);
    assert_true(compare_batches(m, m, &d.batches, &news, &both, &err));
    threads_set(4);
    assert_true(compare_batches(m, NULL, &d.batches, &news, &one, &err));
    const Score score = score_batches(m, &d.batches, &news);
    assert_true(both.divergence == 0 && both.largest == 0 && both.agreed == both.tokens);
    assert_true(both.nats == both.reference_nats && both.nats == one.nats && one.tokens == both.tokens);
    assert_int_equal(one.tokens, score.tokens);
    expect_near(names[i], "-ln p", one.nats, score.nats, 1e-6);
    comparison_free(&both);
    comparison_free(&one);
    model_free(m);
  }
  threads_set(0);
}

/* Keys and values in 16 bits are a little off; so a session's type of them is what is measured. */
static void caches_are_measured(void **state) {
  (void)state;
  static Drawn d;
  const News news = {0};
  Error err = {0};
  double divergence[2];
  Model *m = draw_model("llama", 1), *rounded = draw_model("llama", 1);
  draw_batch(&d, &m->config);
  for (int i = 0; i < 2; i++) {
    Comparison c;
    assert_true(model_cache(rounded, i ? "bf16" : "f16", &err));
    assert_true(compare_batches(rounded, m, &d.batches, &news, &c, &err));
    divergence[i] = c.divergence / (double)c.tokens;
    comparison_free(&c);
  }
  assert_true(divergence[0] > 1e-10 && divergence[0] < 1e-5);
  assert_true(divergence[1] > 10 * divergence[0] && divergence[1] < 1e-3);
  model_free(m);
  model_free(rounded);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_transformers),
                                     cmocka_unit_test(a_model_and_itself),
                                     cmocka_unit_test(caches_are_measured)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
