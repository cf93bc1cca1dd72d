#include "run/sampler.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const Setting items[] = {
#define SETTING(kind, name, otherwise, min, max, arg, help) \
  SETTING_ITEM(SamplingSettings, kind, name, otherwise, min, max, arg, help),
#include "run/settings.def"
#undef SETTING
};
const SettingTable sampling_settings_table = {"sampling", items, sizeof items / sizeof *items,
                                              sizeof(SamplingSettings)};

void sampler_open(Sampler *s, const SamplingSettings *settings, int64_t vocabulary) {
  s->settings = settings;
  s->vocabulary = vocabulary;
  s->candidates = mem_alloc_zeroed((size_t)vocabulary, sizeof *s->candidates);
  s->counts = mem_alloc_zeroed((size_t)vocabulary, sizeof *s->counts);
  s->scores = mem_alloc((size_t)vocabulary * sizeof *s->scores);
  s->rules = NULL;
}

void sampler_close(Sampler *s) {
  mem_free(s->candidates);
  mem_free(s->counts);
  mem_free(s->scores);
}

static bool has_penalties(const SamplingSettings *s) {
  return s->repetition_penalty != 1 || s->frequency_penalty != 0 || s->presence_penalty != 0;
}

/* A penalty may carry a logit beyond what a float holds. */
static float bounded(double logit) {
  return (float)fmax(-FLT_MAX, fmin(FLT_MAX, logit));
}

/* Repetition looks at prompt and text (Keskar et al. 2019); frequency and presence at the text written
 * (OpenAI). */
static void penalize(Sampler *s, const int32_t *history, int64_t prompt, int64_t length) {
  const SamplingSettings *o = s->settings;
  const int64_t first = o->penalty_window && length > o->penalty_window ? length - o->penalty_window : 0;
  for (int64_t i = first; i < length; i++) {
    Candidate *c = &s->candidates[history[i]];
    if (!s->counts[history[i]]++)
      c->logit =
          bounded(c->logit * (float)(c->logit > 0 ? 1 / o->repetition_penalty : o->repetition_penalty));
  }
  for (int64_t i = first; i < length; i++) s->counts[history[i]] = 0;
  for (int64_t i = first > prompt ? first : prompt; i < length; i++) {
    Candidate *c = &s->candidates[history[i]];
    if (!s->counts[history[i]]++) c->logit = bounded(c->logit - (float)o->presence_penalty);
    c->logit = bounded(c->logit - (float)o->frequency_penalty);
  }
  for (int64_t i = first; i < length; i++) s->counts[history[i]] = 0;
}

static int by_logit(const void *a, const void *b) {
  const Candidate *x = a, *y = b;
  if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
  return x->id < y->id ? -1 : 1;
}

static int64_t best(const Candidate *c, int64_t n) {
  int64_t at = 0;
  for (int64_t i = 1; i < n; i++)
    if (c[i].logit > c[at].logit) at = i;
  return at;
}

static void sort_by_logit(Candidate *c, int64_t n) {
  qsort(c, (size_t)n, sizeof *c, by_logit);
}

/* The k largest, sorted, at the front. Only what passes the smallest of the first k needs sorting with them.
 */
static int64_t keep_top_k(Candidate *c, int64_t n, int64_t k) {
  sort_by_logit(c, k);
  int64_t kept = k;
  const float bar = c[k - 1].logit;
  for (int64_t i = k; i < n; i++)
    if (c[i].logit > bar) c[kept++] = c[i];
  sort_by_logit(c, kept);
  return k;
}

static void softmax(Candidate *c, int64_t n, double temperature) {
  const double top = c[best(c, n)].logit;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += c[i].p = exp((c[i].logit - top) / temperature);
  for (int64_t i = 0; i < n; i++) c[i].p /= sum;
}

/* Tokens below this share can be left out before sorting: all of them together have less than 1 - p. */
static int64_t drop_hopeless(Candidate *c, int64_t n, double p) {
  const double bar = (1 - p) / (double)n;
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i++)
    if (c[i].p >= bar) c[kept++] = c[i];
  CHECK(kept); /* at least one has the mean or more */
  return kept;
}

static int64_t keep_mass(const Candidate *c, int64_t n, double p) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    if ((sum += c[i].p) >= p) return i + 1;
  return n;
}

static int by_p(const void *a, const void *b) {
  const Candidate *x = a, *y = b;
  if (x->p != y->p) return x->p < y->p ? -1 : 1;
  return x->id < y->id ? -1 : 1;
}

/* Sorts by |surprise - expected surprise| and keeps the first of probability p in all (Meister et al. 2023).
 */
static int64_t keep_typical(Candidate *c, int64_t n, double p) {
  double entropy = 0, sum = 0;
  for (int64_t i = 0; i < n; i++)
    if (c[i].p > 0) entropy -= c[i].p * log(c[i].p);
  Candidate *order = mem_alloc((size_t)n * sizeof *order);
  for (int64_t i = 0; i < n; i++)
    order[i] = (Candidate){(int32_t)i, 0, c[i].p > 0 ? fabs(-log(c[i].p) - entropy) : INFINITY};
  qsort(order, (size_t)n, sizeof *order, by_p);
  int64_t kept = 0;
  for (int64_t i = 0; i < n && (i == 0 || sum < p); i++) {
    sum += c[order[i].id].p;
    order[i] = c[order[i].id];
    kept = i + 1;
  }
  memcpy(c, order, (size_t)kept * sizeof *c);
  mem_free(order);
  return kept;
}

static int64_t keep_min_p(const Candidate *c, int64_t n, double share) {
  int64_t kept = 1;
  while (kept < n && c[kept].p >= share * c[0].p) kept++;
  return kept;
}

static int32_t draw(const Candidate *c, int64_t n, double random) {
  double total = 0, sum = 0;
  for (int64_t i = 0; i < n; i++) total += c[i].p;
  for (int64_t i = 0; i < n; i++)
    if ((sum += c[i].p) > random * total) return c[i].id;
  return c[n - 1].id;
}

static double log_probability(const float *logits, int64_t n, int32_t id) {
  float top = logits[0];
  for (int64_t i = 1; i < n; i++) top = logits[i] > top ? logits[i] : top;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i] - top);
  return (double)logits[id] - top - log(sum);
}

/* Rules may forbid every token; then, as in transformers, the first one comes. */
static bool none_is_left(const Candidate *c, int64_t n) {
  return c[best(c, n)].logit == -INFINITY;
}

static int32_t choose(Sampler *s, double random) {
  const SamplingSettings *o = s->settings;
  Candidate *c = s->candidates;
  int64_t n = s->vocabulary;
  if (o->greedy || o->temperature <= 0 || none_is_left(c, n)) return c[best(c, n)].id;
  if (o->top_k && o->top_k < n) n = keep_top_k(c, n, o->top_k);
  softmax(c, n, o->temperature);
  if (o->typical < 1) {
    n = keep_typical(c, n, o->typical);
    softmax(c, n, o->temperature);
  }
  if (o->top_p < 1) n = drop_hopeless(c, n, o->top_p);
  if (o->top_p < 1 || o->min_p > 0) sort_by_logit(c, n);
  if (o->top_p < 1) n = keep_mass(c, n, o->top_p);
  if (o->min_p > 0) n = keep_min_p(c, n, o->min_p);
  return draw(c, n, random);
}

int32_t sampler_draw(Sampler *s, const float *logits, const int32_t *history, int64_t prompt, int64_t length,
                     double random, double *logprob) {
  const float *scores = logits;
  if (rules_any(s->rules, false)) {
    const RulesText text = {history, prompt, length, s->most, NULL};
    memcpy(s->scores, logits, (size_t)s->vocabulary * sizeof *s->scores);
    rules_apply(s->rules, &text, s->scores, s->vocabulary);
    scores = s->scores;
  }
  for (int64_t i = 0; i < s->vocabulary; i++) s->candidates[i] = (Candidate){(int32_t)i, scores[i], 0};
  if (has_penalties(s->settings)) penalize(s, history, prompt, length);
  const int32_t id = choose(s, random);
  if (logprob) *logprob = log_probability(logits, s->vocabulary, id);
  return id;
}
