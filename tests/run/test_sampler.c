/* Drawing a token: each filter alone against what its paper says, and their order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/sampler.h"

#include <cmocka.h> /* last: it defines fail() */

enum { N = 8 };
/* Probabilities .30 .20 .15 .12 .10 .07 .04 .02, in another order than by size. */
static const double p[N] = {0.12, 0.30, 0.02, 0.15, 0.20, 0.04, 0.10, 0.07};
static const int32_t order[N] = {1, 4, 3, 0, 6, 7, 5, 2}; /* likeliest first */

static SamplingSettings plain(void) {
  return (SamplingSettings){.temperature = 1, .top_p = 1, .typical = 1, .repetition_penalty = 1};
}

/* How often each token comes out of many draws that cover [0,1) evenly. */
static void shares(const SamplingSettings *s, const int32_t *history, int64_t prompt, int64_t length,
                   double out[N]) {
  enum { DRAWS = 10000 };
  float logits[N];
  Sampler sampler;
  for (int i = 0; i < N; i++) logits[i] = (float)log(p[i]) + 3;
  memset(out, 0, N * sizeof *out);
  sampler_open(&sampler, s, N);
  for (int i = 0; i < DRAWS; i++)
    out[sampler_draw(&sampler, logits, history, prompt, length, (i + 0.5) / DRAWS, NULL)] += 1.0 / DRAWS;
  sampler_close(&sampler);
}

static void expect_first(const SamplingSettings *s, int kept) {
  double got[N], total = 0;
  shares(s, NULL, 0, 0, got);
  for (int i = 0; i < kept; i++) total += p[order[i]];
  for (int i = 0; i < N; i++) {
    const double expected = i < kept ? p[order[i]] / total : 0;
    if (fabs(got[order[i]] - expected) > 2e-4)
      fail_msg("token %d: %g, not %g", order[i], got[order[i]], expected);
  }
}

static void without_filters_it_draws_as_the_model_says(void **state) {
  (void)state;
  SamplingSettings s = plain();
  expect_first(&s, N);
}

static void top_k(void **state) {
  (void)state;
  SamplingSettings s = plain();
  for (s.top_k = 1; s.top_k <= N; s.top_k++) expect_first(&s, (int)s.top_k);
}

static void top_p(void **state) {
  (void)state;
  SamplingSettings s = plain();
  s.top_p = 0.49; /* .30 + .20 reaches it */
  expect_first(&s, 2);
  s.top_p = 0.51;
  expect_first(&s, 3);
  s.top_p = 0;
  expect_first(&s, 1);
}

static void min_p(void **state) {
  (void)state;
  SamplingSettings s = plain();
  s.min_p = 0.35; /* at least .105 */
  expect_first(&s, 4);
  s.min_p = 1;
  expect_first(&s, 1);
}

static void typical(void **state) {
  (void)state;
  SamplingSettings s = plain();
  double got[N];
  s.typical = 0.2; /* entropy 1.84 nats: .15 (1.90) is nearest, then .20 (1.61) */
  shares(&s, NULL, 0, 0, got);
  assert_true(fabs(got[3] - 0.15 / 0.35) < 2e-4 && fabs(got[4] - 0.20 / 0.35) < 2e-4);
}

static void temperature(void **state) {
  (void)state;
  SamplingSettings s = plain();
  double got[N], total = 0;
  s.temperature = 0.5; /* probabilities squared */
  shares(&s, NULL, 0, 0, got);
  for (int i = 0; i < N; i++) total += p[i] * p[i];
  for (int i = 0; i < N; i++) assert_true(fabs(got[i] - p[i] * p[i] / total) < 2e-4);
  s.temperature = 0;
  expect_first(&s, 1);
  s = plain();
  s.greedy = true;
  expect_first(&s, 1);
}

static void penalties(void **state) {
  (void)state;
  static const int32_t history[] = {1, 4, 4};
  SamplingSettings s = plain();
  double got[N], before[N];
  shares(&s, NULL, 0, 0, before);
  s.frequency_penalty = 1; /* counts what was written, not the prompt: e^-2 for token 4 */
  shares(&s, history, 1, 3, got);
  assert_true(fabs(got[4] / got[1] - before[4] / before[1] * exp(-2)) < 2e-3);
  s = plain();
  s.presence_penalty = 1;
  shares(&s, history, 1, 3, got);
  assert_true(fabs(got[4] / got[1] - before[4] / before[1] * exp(-1)) < 2e-3);
  s = plain();
  s.repetition_penalty = 2; /* the prompt too: a positive logit is halved, once however often it was seen */
  shares(&s, history, 1, 3, got);
  assert_true(fabs(got[4] / got[0] - exp((log(p[4]) + 3) / 2 - (log(p[0]) + 3))) < 2e-3);
  assert_true(fabs(got[1] / got[0] - exp((log(p[1]) + 3) / 2 - (log(p[0]) + 3))) < 2e-3);
  s.penalty_window = 2; /* token 1 is three back */
  shares(&s, history, 1, 3, got);
  assert_true(fabs(got[1] / got[0] - p[1] / p[0]) < 2e-2);
}

static void the_log_probability_is_the_models_own(void **state) {
  (void)state;
  SamplingSettings s = plain();
  float logits[N];
  Sampler sampler;
  double logprob;
  s.temperature = 0.1;
  for (int i = 0; i < N; i++) logits[i] = (float)log(p[i]) - 7;
  sampler_open(&sampler, &s, N);
  const int32_t id = sampler_draw(&sampler, logits, NULL, 0, 0, 0.3, &logprob);
  sampler_close(&sampler);
  assert_true(fabs(logprob - log(p[id])) < 1e-5);
}

/* ---- against sorting the whole vocabulary ---- */

enum { MANY = 500 };

static int by_logit(const void *a, const void *b) {
  const Candidate *x = a, *y = b;
  if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
  return x->id - y->id;
}

static void shares_of(Candidate *c, int64_t n, double temperature) {
  double sum = 0;
  float top = -INFINITY;
  for (int64_t i = 0; i < n; i++) top = fmaxf(top, c[i].logit);
  for (int64_t i = 0; i < n; i++) sum += c[i].p = exp((c[i].logit - (double)top) / temperature);
  for (int64_t i = 0; i < n; i++) c[i].p /= sum;
}

static int by_distance(const void *a, const void *b) { /* from the entropy, in `logit` */
  const Candidate *x = a, *y = b;
  return x->logit != y->logit ? (x->logit > y->logit ? 1 : -1) : 0;
}

/* Typical sampling of what top-k, top-p and min-p left, as in transformers. */
static int64_t sorted_typical(Candidate *c, int64_t n, double mass) {
  double entropy = 0, total = 0, sum = 0;
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i++) total += c[i].p;
  for (int64_t i = 0; i < n; i++) c[i].p /= total;
  for (int64_t i = 0; i < n; i++) entropy -= c[i].p > 0 ? c[i].p * log(c[i].p) : 0;
  for (int64_t i = 0; i < n; i++) c[i].logit = c[i].p > 0 ? (float)fabs(-log(c[i].p) - entropy) : INFINITY;
  qsort(c, (size_t)n, sizeof *c, by_distance);
  while (kept < n && (!kept || sum < mass)) sum += c[kept++].p;
  return kept;
}

/* Which of them are left: draws that cover [0, 1) find no others, whatever their order. */
static void typical_comes_last(void **state) {
  (void)state;
  static const struct {
    int64_t top_k;
    double top_p, min_p, typical;
  } cases[] = {{0, 1, 0.05, 0.5}, {0, 1, 0.45, 0.2},  {0, 0.7, 0, 0.5},
               {6, 1, 0, 0.3},    {7, 0.9, 0.1, 0.6}, {0, 0.95, 0, 0.9}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    SamplingSettings s = plain();
    Candidate c[N];
    double got[N], wanted[N] = {0}, total = 0;
    int64_t n = cases[k].top_k ? cases[k].top_k : N, kept = 0;
    double sum = 0;
    s.top_k = cases[k].top_k, s.top_p = cases[k].top_p, s.min_p = cases[k].min_p;
    s.typical = cases[k].typical;
    for (int i = 0; i < N; i++) c[i] = (Candidate){order[i], 0, p[order[i]]};
    for (int64_t i = 0; i < n; i++) total += c[i].p;
    for (int64_t i = 0; i < n; i++) c[i].p /= total;
    for (; kept < n && (!kept || (sum < s.top_p && c[kept].p >= s.min_p * c[0].p)); kept++) sum += c[kept].p;
    n = sorted_typical(c, kept, s.typical);
    total = 0;
    for (int64_t i = 0; i < n; i++) total += c[i].p;
    for (int64_t i = 0; i < n; i++) wanted[c[i].id] = c[i].p / total;
    shares(&s, NULL, 0, 0, got);
    for (int i = 0; i < N; i++)
      if (fabs(got[i] - wanted[i]) > 2e-4)
        fail_msg("case %zu: token %d: %g, not %g", k, i, got[i], wanted[i]);
  }
}

static int32_t sorted_draw(const SamplingSettings *s, const float *logits, double random) {
  Candidate c[MANY];
  int64_t n = MANY, kept = 0;
  double sum = 0, total = 0;
  for (int i = 0; i < MANY; i++) c[i] = (Candidate){i, logits[i], 0};
  if (s->top_k) qsort(c, MANY, sizeof *c, by_logit), n = s->top_k;
  shares_of(c, n, s->temperature);
  if (s->top_p < 1 || s->min_p > 0) qsort(c, (size_t)n, sizeof *c, by_logit);
  for (; kept < n && (kept == 0 || (sum < s->top_p && c[kept].p >= s->min_p * c[0].p)); kept++)
    sum += c[kept].p;
  if (s->top_p < 1 || s->min_p > 0) n = kept;
  for (int64_t i = 0; i < n; i++) total += c[i].p;
  sum = 0;
  for (int64_t i = 0; i < n; i++)
    if ((sum += c[i].p) > random * total) return c[i].id;
  return c[n - 1].id;
}

/* Many ties, and some tokens that rules forbid. */
static void some_logits(float *logits, int seed) {
  for (int i = 0; i < MANY; i++) {
    const int hash = (int)(((unsigned)(i + 1) * 2654435761u + (unsigned)seed * 40503u) >> 16 & 0xff);
    logits[i] = hash < 9 ? -INFINITY : (float)(hash % 23) / 3;
  }
}

static void selecting_is_as_good_as_sorting(void **state) {
  (void)state;
  static const struct {
    int64_t top_k;
    double top_p, min_p, temperature;
  } cases[] = {{7, 1, 0, 1},     {40, 0.8, 0, 1},  {499, 1, 0, 2}, {0, 0.9, 0, 1},      {0, 0.999, 0, 0.5},
               {0, 1, 0.2, 0.7}, {0, 0.7, 0.3, 1}, {0, 0, 0, 1},   {100, 0.9, 0.01, 3}, {1, 1, 1, 1}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (int seed = 0; seed < 40; seed++) {
      SamplingSettings s = plain();
      Sampler sampler;
      float logits[MANY];
      const double random = (seed + 0.5) / 40;
      s.top_k = cases[k].top_k, s.top_p = cases[k].top_p, s.min_p = cases[k].min_p;
      s.temperature = cases[k].temperature;
      some_logits(logits, seed);
      sampler_open(&sampler, &s, MANY);
      const int32_t id = sampler_draw(&sampler, logits, NULL, 0, 0, random, NULL);
      sampler_close(&sampler);
      if (id != sorted_draw(&s, logits, random))
        fail_msg("case %zu, %d: token %d, not %d", k, seed, id, sorted_draw(&s, logits, random));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_filters_it_draws_as_the_model_says),
      cmocka_unit_test(top_k),
      cmocka_unit_test(top_p),
      cmocka_unit_test(min_p),
      cmocka_unit_test(typical),
      cmocka_unit_test(typical_comes_last),
      cmocka_unit_test(temperature),
      cmocka_unit_test(penalties),
      cmocka_unit_test(the_log_probability_is_the_models_own),
      cmocka_unit_test(selecting_is_as_good_as_sorting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
