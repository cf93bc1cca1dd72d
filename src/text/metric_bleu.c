/* metric_bleu.c - BLEU (Papineni et al. 2002), as sacrebleu computes it.
 *
 * BLEU = BP * exp(mean over n = 1..4 of ln p_n); p_n is the share of the hypothesis' n-grams that occur in a
 * reference, each counted at most as often as in the reference that has it most often; BP = exp(1 - r/h) if
 * the h words of the hypotheses are fewer than the r words of the references closest in length, else 1. */
#include <math.h>
#include <string.h>

#include "text/metric.h"

enum { ORDERS = 4 };

/* A row of statistics. */
enum { HYPOTHESIS_LENGTH, REFERENCE_LENGTH, CORRECT, TOTAL = CORRECT + ORDERS, STATISTICS = TOTAL + ORDERS };

typedef struct Bleu {
  double precision[ORDERS], penalty, score;
} Bleu;

static size_t statistics(const Metric *m) {
  return STATISTICS;
}

static void title(const Metric *m, Buffer *b) {
  buffer_adds(b, "BLEU");
}

static double smooth_value(const MetricSettings *s) {
  return s->smooth_value > 0 ? s->smooth_value : strcmp(s->smooth, "floor") ? 1 : 0.1;
}

static void signature(const Metric *m, Buffer *b) {
  const MetricSettings *s = m->settings;
  buffer_addf(b, "case:%s|eff:%s|tok:%s|smooth:%s", s->lowercase ? "lc" : "mixed",
              yes_or_no(s->effective_order), s->tokenize, s->smooth);
  if (!strcmp(s->smooth, "floor") || !strcmp(s->smooth, "add-k")) buffer_addf(b, "[%.2f]", smooth_value(s));
  buffer_adds(b, "|");
}

/* ---- a segment ---- */

static void cut(Metric *m, Segment line, Tokens *tokens) {
  tokens->count = 0;
  metric_line(m, line, m->settings->lowercase);
  tokenize_line(m, m->settings->tokenize);
  metric_words(m, tokens);
}

static bool is_nearer(size_t length, size_t best, size_t to) {
  const size_t far = length > to ? length - to : to - length;
  const size_t least = best > to ? best - to : to - best;
  return far < least || (far == least && length < best);
}

static void measure(Metric *m, Segment hypothesis, const Segment *references, size_t count, double *row) {
  size_t nearest = 0;
  memset(row, 0, STATISTICS * sizeof *row);
  ngrams_clear(&m->ngrams);
  cut(m, hypothesis, &m->hypothesis);
  ngrams_count(&m->ngrams, m->hypothesis.data, m->hypothesis.count, ORDERS, NGRAMS_HYPOTHESIS);
  for (size_t r = 0; r < count; r++) {
    cut(m, references[r], &m->reference);
    ngrams_count(&m->ngrams, m->reference.data, m->reference.count, ORDERS, NGRAMS_REFERENCE);
    ngrams_keep_most(&m->ngrams);
    if (!r || is_nearer(m->reference.count, nearest, m->hypothesis.count)) nearest = m->reference.count;
  }
  row[HYPOTHESIS_LENGTH] = (double)m->hypothesis.count;
  row[REFERENCE_LENGTH] = (double)nearest;
  for (size_t i = 0; i < m->ngrams.nodes.count; i++) {
    const Ngram *n = &m->ngrams.nodes.data[i];
    const int32_t ours = n->count[NGRAMS_HYPOTHESIS], theirs = n->count[NGRAMS_MOST];
    row[CORRECT + n->order - 1] += ours < theirs ? ours : theirs;
    row[TOTAL + n->order - 1] += ours;
  }
}

/* ---- a corpus ---- */

/* Precisions in percent; returns the number of orders that count. */
static int precisions(const MetricSettings *s, const double *sum, double precision[ORDERS]) {
  const bool add = !strcmp(s->smooth, "add-k"), floor_ = !strcmp(s->smooth, "floor");
  const bool exponential = !strcmp(s->smooth, "exp");
  int orders = ORDERS;
  double divisor = 1; /* exp: doubles at each order without a match (NIST) */
  for (int n = 0; n < ORDERS; n++) {
    const double more = add && n > 0 ? smooth_value(s) : 0;
    const double correct = sum[CORRECT + n] + more, total = sum[TOTAL + n] + more;
    if (total == 0) break;
    if (s->effective_order) orders = n + 1;
    if (correct > 0)
      precision[n] = 100 * correct / total;
    else if (exponential)
      precision[n] = 100 / ((divisor *= 2) * total);
    else if (floor_)
      precision[n] = 100 * smooth_value(s) / total;
  }
  return orders;
}

static Bleu compute(const Metric *m, const double *sum) {
  const double ours = sum[HYPOTHESIS_LENGTH], theirs = sum[REFERENCE_LENGTH];
  Bleu bleu = {.penalty = ours >= theirs ? 1 : ours > 0 ? exp(1 - theirs / ours) : 0};
  double matches = 0, logs = 0;
  for (int n = 0; n < ORDERS; n++) matches += sum[CORRECT + n];
  if (matches == 0) return bleu;
  const int orders = precisions(m->settings, sum, bleu.precision);
  for (int n = 0; n < orders; n++) logs += bleu.precision[n] > 0 ? log(bleu.precision[n]) : -9999999999;
  bleu.score = bleu.penalty * exp(logs / orders);
  return bleu;
}

static double score(const Metric *m, const double *sum) {
  return compute(m, sum).score;
}

static void details(const Metric *m, const double *sum, Buffer *b) {
  const Bleu bleu = compute(m, sum);
  const double ours = sum[HYPOTHESIS_LENGTH], theirs = sum[REFERENCE_LENGTH];
  for (int n = 0; n < ORDERS; n++) buffer_addf(b, "%s%.1f", n ? "/" : "", bleu.precision[n]);
  buffer_addf(b, " (BP = %.3f ratio = %.3f hyp_len = %.0f ref_len = %.0f)", bleu.penalty,
              theirs > 0 ? ours / theirs : 0, ours, theirs);
}

const MetricKind metric_bleu = {.statistics = statistics,
                                .title = title,
                                .signature = signature,
                                .measure = measure,
                                .score = score,
                                .details = details};
