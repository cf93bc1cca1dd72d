#include "run/sampler.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings_table.h"

#include "run/settings.def"

void sampler_open(Sampler *s, const SamplingSettings *settings, int64_t vocabulary) {
  s->settings = settings;
  s->vocabulary = vocabulary;
  s->candidates = mem_alloc_zeroed((size_t)vocabulary, sizeof *s->candidates);
  s->counts = mem_alloc_zeroed((size_t)vocabulary, sizeof *s->counts);
  s->scores = mem_alloc((size_t)vocabulary * sizeof *s->scores);
  s->order = settings->typical < 1 ? mem_alloc((size_t)vocabulary * sizeof *s->order) : NULL;
  s->rules = NULL;
  s->biases = NULL;
}

void sampler_close(Sampler *s) {
  mem_free(s->candidates);
  mem_free(s->order);
  mem_free(s->counts);
  mem_free(s->scores);
}

/* "ID:F" */
static bool read_bias(const char *text, int64_t vocabulary, TokenBias *bias, Error *err) {
  char *end, *rest;
  errno = 0;
  const long long id = strtoll(text, &end, 10);
  const double added = *end == ':' ? strtod(end + 1, &rest) : 0;
  if (errno || end == text || *end != ':' || rest == end + 1 || *rest || !isfinite(added))
    return fail_usage(err, "--logit-bias \"%s\": give it as ID:F, such as 50256:-100", text);
  if (id < 0 || id >= vocabulary)
    return fail_usage(err, "--logit-bias \"%s\": the vocabulary has the tokens 0 to %lld", text,
                      (long long)vocabulary - 1);
  *bias = (TokenBias){(int32_t)id, added};
  return true;
}

bool sampler_biases(const SamplingSettings *s, int64_t vocabulary, TokenBiases *biases, Error *err) {
  for (size_t i = 0; i < s->logit_bias.count; i++) {
    TokenBias bias;
    if (!read_bias(s->logit_bias.items[i], vocabulary, &bias, err)) return false;
    vec_push(biases, bias);
  }
  return true;
}

static bool has_penalties(const SamplingSettings *s) {
  return s->repetition_penalty != 1 || s->frequency_penalty != 0 || s->presence_penalty != 0;
}

/* A penalty may take a logit out of the range of float. */
static float bounded(double logit) {
  return (float)fmax(-FLT_MAX, fmin(FLT_MAX, logit));
}

/* The repetition penalty counts prompt and text (Keskar et al. 2019), frequency and presence penalties only
 * the generated text (OpenAI). */
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

/* ---- selection: takes candidates in order without sorting the whole vocabulary ---- */

typedef bool Order(const Candidate *, const Candidate *); /* whether the first comes before the second */

static bool by_logit(const Candidate *x, const Candidate *y) {
  return x->logit != y->logit ? x->logit > y->logit : x->id < y->id;
}

static bool by_p(const Candidate *x, const Candidate *y) {
  return x->p != y->p ? x->p < y->p : x->id < y->id;
}

static int compare_logits(const void *a, const void *b) {
  return by_logit(a, b) ? -1 : 1;
}

static int compare_p(const void *a, const void *b) {
  return by_p(a, b) ? -1 : 1;
}

static bool by_logit_last(const Candidate *x, const Candidate *y) {
  return by_logit(y, x);
}

static int64_t best(const Candidate *c, int64_t n) {
  int64_t at = 0;
  for (int64_t i = 1; i < n; i++)
    if (c[i].logit > c[at].logit) at = i;
  return at;
}

static void swap(Candidate *x, Candidate *y) {
  const Candidate kept = *x;
  *x = *y;
  *y = kept;
}

/* c [n] is a heap except for element `at`, which sinks to its place. */
static void sink(Candidate *c, int64_t n, int64_t at, Order *before) {
  for (int64_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && before(&c[child + 1], &c[child])) child++;
    if (!before(&c[child], &c[at])) return;
    swap(&c[child], &c[at]);
  }
}

static void make_heap(Candidate *c, int64_t n, Order *before) {
  for (int64_t i = n / 2 - 1; i >= 0; i--) sink(c, n, i, before);
}

/* Moves the front of a heap to its end; returns the heap's new length. */
static int64_t take_front(Candidate *c, int64_t n, Order *before) {
  swap(&c[0], &c[n - 1]);
  sink(c, n - 1, 0, before);
  return n - 1;
}

static void reverse(Candidate *c, int64_t n) {
  for (int64_t i = 0; i < n / 2; i++) swap(&c[i], &c[n - 1 - i]);
}

/* Takes candidates in order, one by one: the first 64th from a heap, further ones from the sorted rest, which
 * is faster for many. */
typedef struct Selection {
  Candidate *c;
  int64_t n, taken;
  Order *before;
  int (*compare)(const void *, const void *); /* the same order for qsort */
  bool sorted; /* c holds the taken ones and the rest, all in order; else a heap, then the taken ones in
                  reverse */
} Selection;

static Selection select_from(Candidate *c, int64_t n, Order *before,
                             int (*compare)(const void *, const void *)) {
  make_heap(c, n, before);
  return (Selection){.c = c, .n = n, .before = before, .compare = compare};
}

static const Candidate *take(Selection *s) {
  if (!s->sorted && s->taken == s->n / 64) {
    reverse(s->c, s->n);
    qsort(s->c + s->taken, (size_t)(s->n - s->taken), sizeof *s->c, s->compare);
    s->sorted = true;
  }
  if (s->sorted) return &s->c[s->taken++];
  take_front(s->c, s->n - s->taken, s->before);
  return &s->c[s->n - ++s->taken];
}

/* Moves the taken candidates to the front, in order. */
static int64_t taken_in_front(Selection *s) {
  if (s->sorted) return s->taken;
  reverse(s->c + s->n - s->taken, s->taken);
  memmove(s->c, s->c + s->n - s->taken, (size_t)s->taken * sizeof *s->c);
  return s->taken;
}

/* Moves the k largest to the front, in order. The front of the heap is the smallest of the best so far. */
static int64_t keep_top_k(Candidate *c, int64_t n, int64_t k) {
  make_heap(c, k, by_logit_last);
  for (int64_t i = k; i < n; i++)
    if (by_logit(&c[i], &c[0])) {
      c[0] = c[i];
      sink(c, k, 0, by_logit_last);
    }
  for (int64_t rest = k; rest > 1;)
    rest = take_front(c, rest, by_logit_last); /* sorts them, the best first */
  return k;
}

static void softmax(Candidate *c, int64_t n, double temperature) {
  const double top = c[best(c, n)].logit;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += c[i].p = exp((c[i].logit - top) / temperature);
  for (int64_t i = 0; i < n; i++) c[i].p /= sum;
}

/* A probability below which top-p and min-p keep no token: all tokens below (1 - p) / n have less than 1 - p
 * together. */
static double safe_bar(const Candidate *c, int64_t n, double p, double share) {
  const double bar = (1 - p) / (double)n;
  return share > 0 ? fmax(bar, share * c[best(c, n)].p) : bar;
}

static int64_t drop_below(Candidate *c, int64_t n, double bar) {
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i++)
    if (c[i].p >= bar) c[kept++] = c[i];
  CHECK(kept); /* at least one has the mean probability or more */
  return kept;
}

/* Keeps the likeliest, in order, until their total probability is p (p 1: no limit) or the next one has less
 * than `share` of the first one's. */
static int64_t keep_likeliest(Candidate *c, int64_t n, double p, double share) {
  Selection s = select_from(c, n, by_logit, compare_logits);
  double sum = 0, bar = 0;
  while (s.taken < n && (p >= 1 || !s.taken || sum < p)) {
    const Candidate *next = take(&s);
    if (s.taken == 1) bar = share * next->p;
    if (next->p < bar) {
      s.taken--;
      break;
    }
    sum += next->p;
  }
  return taken_in_front(&s);
}

/* Keeps the tokens of smallest |surprisal - entropy| with a total probability of p (Meister et al. 2023). */
static int64_t keep_typical(Sampler *s, int64_t n, double p) {
  Candidate *c = s->candidates, *order = s->order;
  double entropy = 0, sum = 0;
  for (int64_t i = 0; i < n; i++)
    if (c[i].p > 0) entropy -= c[i].p * log(c[i].p);
  for (int64_t i = 0; i < n; i++)
    order[i] = (Candidate){(int32_t)i, 0, c[i].p > 0 ? fabs(-log(c[i].p) - entropy) : INFINITY};
  Selection best = select_from(order, n, by_p, compare_p);
  while (best.taken < n && (!best.taken || sum < p)) sum += c[take(&best)->id].p;
  const int64_t kept = taken_in_front(&best);
  for (int64_t i = 0; i < kept; i++) order[i] = c[order[i].id];
  memcpy(c, order, (size_t)kept * sizeof *c);
  return kept;
}

static int32_t draw(const Candidate *c, int64_t n, double random) {
  double total = 0, sum = 0;
  for (int64_t i = 0; i < n; i++) total += c[i].p;
  for (int64_t i = 0; i < n; i++)
    if ((sum += c[i].p) > random * total) return c[i].id;
  return c[n - 1].id;
}

/* ln of the sum of e^logit, relative to the largest. */
static double log_total(const float *logits, int64_t n, float *top) {
  *top = logits[0];
  for (int64_t i = 1; i < n; i++) *top = logits[i] > *top ? logits[i] : *top;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i] - *top);
  return log(sum);
}

static double log_probability(const float *logits, int64_t n, int32_t id) {
  float top;
  const double total = log_total(logits, n, &top);
  return (double)logits[id] - top - total;
}

void sampler_likeliest(const float *logits, int64_t n, ink_alternative *best, int64_t count) {
  int64_t kept = 0;
  float top;
  const double total = log_total(logits, n, &top);
  for (int64_t id = 0; id < n; id++) {
    const double logprob = (double)logits[id] - top - total;
    if (kept == count && (!count || logprob <= best[count - 1].logprob)) continue;
    int64_t at = kept < count ? kept++ : count - 1;
    for (; at > 0 && best[at - 1].logprob < logprob; at--) best[at] = best[at - 1];
    best[at] = (ink_alternative){(int32_t)id, logprob};
  }
}

/* Rules may forbid every token; then token 0 is taken, as in transformers, unless there is a constraint. */
static bool none_is_left(const Candidate *c, int64_t n) {
  return c[best(c, n)].logit == -INFINITY;
}

/* The filters are in the order of transformers' warpers. */
static int32_t choose(Sampler *s, double random) {
  const SamplingSettings *o = s->settings;
  Candidate *c = s->candidates;
  int64_t n = s->vocabulary;
  if (o->greedy || o->temperature <= 0 || none_is_left(c, n)) return c[best(c, n)].id;
  if (o->top_k && o->top_k < n) n = keep_top_k(c, n, o->top_k);
  softmax(c, n, o->temperature);
  if (o->top_p < 1 || o->min_p > 0) {
    n = drop_below(c, n, safe_bar(c, n, o->top_p, o->min_p));
    n = keep_likeliest(c, n, o->top_p, o->min_p);
  }
  if (o->typical < 1) {
    softmax(c, n, o->temperature);
    n = keep_typical(s, n, o->typical);
  }
  return draw(c, n, random);
}

int32_t sampler_draw(Sampler *s, const float *logits, const int32_t *history, int64_t prompt, int64_t length,
                     double random, double *logprob) {
  const float *scores = logits;
  if (rules_any(s->rules, false)) {
    const RulesText text = {.ids = history,
                            .prompt = prompt,
                            .length = length,
                            .most = s->most,
                            .source = s->source,
                            .source_length = s->source_length};
    memcpy(s->scores, logits, (size_t)s->vocabulary * sizeof *s->scores);
    rules_apply(s->rules, &text, s->scores, s->vocabulary);
    scores = s->scores;
  }
  for (int64_t i = 0; i < s->vocabulary; i++) s->candidates[i] = (Candidate){(int32_t)i, scores[i], 0};
  for (size_t i = 0; s->biases && i < s->biases->count; i++) {
    Candidate *c = &s->candidates[s->biases->data[i].id];
    c->logit = c->logit == -INFINITY ? c->logit : bounded(c->logit + s->biases->data[i].added);
  }
  if (has_penalties(s->settings)) penalize(s, history, prompt, length);
  const bool none = s->rules && s->rules->constraint && none_is_left(s->candidates, s->vocabulary);
  const int32_t id = none ? -1 : choose(s, random);
  if (logprob) *logprob = none ? 0 : log_probability(logits, s->vocabulary, id);
  return id;
}
