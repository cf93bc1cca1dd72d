#include "run/rules.h"

#include <math.h>
#include <string.h>

void rules_free(Rules *r) {
  Ids *lists[] = {&r->forced_first, &r->forced_last, &r->suppressed, &r->suppressed_first, &r->copies};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) vec_free(lists[i]);
  for (size_t i = 0; i < r->bad_words.count; i++) vec_free(&r->bad_words.data[i]);
  vec_free(&r->bad_words);
}

bool rules_any(const Rules *r, bool penalize) {
  return r &&
         ((penalize && r->repetition_penalty != 1) || r->min_length || r->min_new || r->no_repeat_ngram ||
          r->forced_first.count || r->forced_last.count || r->suppressed.count || r->suppressed_first.count ||
          r->bad_words.count || r->decay_factor != 0 || r->renormalize || r->constraint || r->copies.count);
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

static bool is_copy(const Rules *r, int32_t id) {
  for (size_t i = 0; i < r->copies.count; i++)
    if (r->copies.data[i] == id) return true;
  return false;
}

static int64_t occurrences(const int32_t *ids, int64_t count, int32_t id) {
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++) found += ids[i] == id;
  return found;
}

/* How often a copy is still to be written. */
static int64_t copies_left(const RulesText *t, int32_t id) {
  return occurrences(t->source, t->source_length, id) + occurrences(t->ids, t->prompt, id) -
         occurrences(t->ids + t->prompt, t->length - t->prompt, id);
}

static bool is_end_likeliest(const Rules *r, const float *scores, int64_t vocabulary) {
  float best = -INFINITY, best_end = -INFINITY;
  for (int64_t i = 0; i < vocabulary; i++) best = scores[i] > best ? scores[i] : best;
  for (int32_t i = 0; i < r->ends.count; i++)
    if (scores[r->ends.ids[i]] > best_end) best_end = scores[r->ends.ids[i]];
  return best_end >= best;
}

/* A text does not end without its copies: where it would, or has only as many tokens left, one of them
 * follows. (Lexically constrained decoding, Hokamp and Liu 2017, for constraints of a token that the model
 * has learnt to place by itself, so that beams need no banks.) */
static void require_copies(const Rules *r, const RulesText *t, float *scores, int64_t vocabulary) {
  int64_t missing = 0;
  for (size_t i = 0; i < r->copies.count; i++) {
    const int64_t left = copies_left(t, r->copies.data[i]);
    missing += left > 0 ? left : 0;
    if (left <= 0) scores[r->copies.data[i]] = -INFINITY;
  }
  if (!missing) return;
  const bool now = t->length + missing >= t->most - 1 || is_end_likeliest(r, scores, vocabulary);
  forbid(scores, r->ends.ids, (size_t)r->ends.count);
  for (int64_t i = 0; i < vocabulary && now; i++)
    if (!is_copy(r, (int32_t)i)) scores[i] = -INFINITY;
}

static void keep_copies(const Rules *r, const RulesText *t, float *scores, int64_t vocabulary) {
  if (r->copy_all) {
    require_copies(r, t, scores, vocabulary);
    return;
  }
  for (size_t i = 0; i < r->copies.count; i++) {
    const int32_t id = r->copies.data[i];
    if (!occurrences(t->source, t->source_length, id) && !occurrences(t->ids, t->prompt, id))
      scores[id] = -INFINITY;
  }
}

/* A forced first token, such as that of a language, is no part of the text. */
static void constrain(const Rules *r, const RulesText *t, float *scores, int64_t vocabulary) {
  const ConstraintText text = {t->ids + t->prompt, t->length - t->prompt, r->before};
  if (t->length != 1 || !r->forced_first.count)
    constraint_apply(r->constraint, &text, &r->ends, scores, vocabulary);
}

bool rules_match(const Rules *r, const int32_t *ids, int64_t count) {
  return !r || !r->constraint || constraint_matches(r->constraint, &(ConstraintText){ids, count, r->before});
}

/* In the order of transformers' _get_logits_processor; the copies and the constraint come last. */
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
  if (r->copies.count) keep_copies(r, t, scores, vocabulary);
  if (r->constraint) constrain(r, t, scores, vocabulary);
}
