#include "run/rules.h"

#include <math.h>
#include <string.h>

void rules_free(Rules *r) {
  Ids *lists[] = {&r->forced_first, &r->forced_last, &r->suppressed, &r->suppressed_first};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) vec_free(lists[i]);
  for (size_t i = 0; i < r->bad_words.count; i++) vec_free(&r->bad_words.data[i]);
  vec_free(&r->bad_words);
}

bool rules_any(const Rules *r, bool penalize) {
  return r && ((penalize && r->repetition_penalty != 1) || r->min_length || r->min_new ||
               r->no_repeat_ngram || r->forced_first.count || r->forced_last.count || r->suppressed.count ||
               r->suppressed_first.count || r->bad_words.count || r->decay_factor != 0 || r->renormalize);
}

int64_t rules_most_tokens(const Rules *r, int64_t prompt, int64_t wanted) {
  return r && r->max_length && r->max_length - prompt < wanted ? r->max_length - prompt : wanted;
}

static void forbid(float *scores, const int32_t *ids, size_t count) {
  for (size_t i = 0; i < count; i++) scores[ids[i]] = -INFINITY;
}

/* Keskar et al. 2019: applied once to each distinct token. */
static void penalize_repeats(double penalty, const RulesText *t, float *scores) {
  for (int64_t i = 0; i < t->length; i++) t->scratch[i] = scores[t->ids[i]];
  for (int64_t i = 0; i < t->length; i++)
    scores[t->ids[i]] = t->scratch[i] * (float)(t->scratch[i] < 0 ? penalty : 1 / penalty);
}

static void forbid_repeats(int64_t n, const RulesText *t, float *scores) {
  const int32_t *tail = t->ids + t->length - (n - 1);
  for (int64_t at = 0; t->length >= n && at + n <= t->length; at++)
    if (!memcmp(t->ids + at, tail, (size_t)(n - 1) * sizeof *tail)) scores[t->ids[at + n - 1]] = -INFINITY;
}

static void forbid_words(const Rules *r, const RulesText *t, float *scores) {
  for (size_t i = 0; i < r->bad_words.count; i++) {
    const Ids *word = &r->bad_words.data[i];
    const int64_t before = (int64_t)word->count - 1;
    if ((!before && token_set_has(&r->ends, word->data[0])) || before > t->length) continue;
    if (!memcmp(t->ids + t->length - before, word->data, (size_t)before * sizeof *word->data))
      scores[word->data[before]] = -INFINITY;
  }
}

static void force(const Ids *ids, float *scores, int64_t vocabulary) {
  for (int64_t i = 0; i < vocabulary; i++) scores[i] = -INFINITY;
  for (size_t i = 0; i < ids->count; i++) scores[ids->data[i]] = 0;
}

static void favour_ends(const Rules *r, const RulesText *t, float *scores) {
  const int64_t over = t->length - t->prompt - r->decay_start;
  for (size_t i = 0; i < (size_t)r->ends.count && over > 0; i++) {
    float *score = &scores[r->ends.ids[i]];
    if (isfinite(*score)) *score += fabsf(*score) * (float)(pow(r->decay_factor, (double)over) - 1);
  }
}

/* In the order of transformers' _get_logits_processor. */
void rules_apply(const Rules *r, const RulesText *t, float *scores, int64_t vocabulary) {
  const int64_t first = t->prompt > 1 || !r->forced_first.count ? t->prompt : 2;
  if (t->scratch && r->repetition_penalty != 1) penalize_repeats(r->repetition_penalty, t, scores);
  if (r->no_repeat_ngram) forbid_repeats(r->no_repeat_ngram, t, scores);
  forbid_words(r, t, scores);
  if (t->length < r->min_length || t->length - t->prompt < r->min_new)
    forbid(scores, r->ends.ids, (size_t)r->ends.count);
  if (t->length == 1 && r->forced_first.count) force(&r->forced_first, scores, vocabulary);
  if (t->length == t->most - 1 && r->forced_last.count) force(&r->forced_last, scores, vocabulary);
  if (r->decay_factor != 0) favour_ends(r, t, scores);
  forbid(scores, r->suppressed.data, r->suppressed.count);
  if (t->length == first) forbid(scores, r->suppressed_first.data, r->suppressed_first.count);
}
