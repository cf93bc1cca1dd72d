/* metric_chrf.c - chrF (Popovic 2015) and chrF++ (Popovic 2017), as sacrebleu computes them.
 *
 * F = (1 + b^2) P R / (b^2 P + R) with b = 2, where P and R are the mean precision and recall over n-grams of
 * 1..6 characters (chrF++: also of 1 and 2 words). */
#include "text/metric.h"
#include "text/utf8.h"

enum { HYPOTHESIS, REFERENCE, MATCHES, EACH }; /* a row holds these for each order */

static int char_orders(const Metric *m) {
  return (int)m->settings->chrf_char_order;
}

static int word_orders(const Metric *m) {
  const int orders = (int)m->settings->chrf_word_order;
  return orders > m->kind->variant ? orders : m->kind->variant;
}

static size_t statistics(const Metric *m) {
  return (size_t)(EACH * (char_orders(m) + word_orders(m)));
}

static void title(const Metric *m, Buffer *b) {
  buffer_addf(b, "chrF%d", (int)m->settings->chrf_beta);
  for (int i = 0; i < word_orders(m); i++) buffer_adds(b, "+");
}

static void signature(const Metric *m, Buffer *b) {
  const MetricSettings *s = m->settings;
  buffer_addf(b, "case:%s|eff:%s|nc:%d|nw:%d|space:%s|", s->lowercase ? "lc" : "mixed",
              yes_or_no(!s->chrf_eps_smoothing), char_orders(m), word_orders(m),
              yes_or_no(s->chrf_whitespace));
}

/* ---- characters and words of metric->codes ---- */

static void cut_characters(Metric *m, Tokens *tokens) {
  tokens->count = 0;
  for (size_t i = 0; i < m->codes.count; i++)
    if (m->settings->chrf_whitespace || !code_is_space(m->codes.data[i]))
      vec_push(tokens, (int32_t)m->codes.data[i]);
}

static bool is_mark(uint32_t c) { /* Python's string.punctuation */
  return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z');
}

static void add_word(Metric *m, size_t from, size_t to, Tokens *tokens) {
  char bytes[4];
  buffer_clear(&m->word);
  for (size_t i = from; i < to; i++) buffer_add(&m->word, bytes, utf8_encode(m->codes.data[i], bytes));
  metric_word(m, m->word.data, m->word.length, tokens);
}

/* Separates one punctuation mark from a word: the last character, else the first. */
static void cut_words(Metric *m, Tokens *tokens) {
  const Codes *c = &m->codes;
  tokens->count = 0;
  for (size_t from = 0, to; from < c->count; from = to + 1) {
    to = from;
    while (to < c->count && !code_is_space(c->data[to])) to++;
    if (to == from) continue;
    const bool mark_ends = to - from > 1 && is_mark(c->data[to - 1]);
    const bool mark_starts = to - from > 1 && is_mark(c->data[from]);
    const size_t inside = mark_ends ? to - 1 : mark_starts ? from + 1 : to;
    add_word(m, from, inside, tokens);
    if (inside < to) add_word(m, inside, to, tokens);
  }
}

static void count(Metric *m, Segment line, NgramSide side) {
  metric_line(m, line, m->settings->lowercase);
  cut_characters(m, &m->hypothesis);
  ngrams_count(&m->ngrams, m->hypothesis.data, m->hypothesis.count, char_orders(m), side);
  if (!word_orders(m)) return;
  cut_words(m, &m->hypothesis);
  ngrams_count(&m->word_ngrams, m->hypothesis.data, m->hypothesis.count, word_orders(m), side);
}

/* ---- a segment ---- */

static void compare(const Ngrams *g, int orders, double *row) {
  for (int i = 0; i < EACH * orders; i++) row[i] = 0;
  for (size_t i = 0; i < g->nodes.count; i++) {
    const Ngram *n = &g->nodes.data[i];
    const int32_t ours = n->count[NGRAMS_HYPOTHESIS], theirs = n->count[NGRAMS_REFERENCE];
    double *each = row + EACH * (n->order - 1);
    each[HYPOTHESIS] += ours;
    each[REFERENCE] += theirs;
    each[MATCHES] += ours < theirs ? ours : theirs;
  }
  for (int n = 0; n < orders; n++) /* orders longer than the reference do not count */
    if (row[EACH * n + REFERENCE] == 0) row[EACH * n + HYPOTHESIS] = 0;
}

static double score(const Metric *m, const double *sum);

/* Uses the reference with the best score, the first on ties. */
static void measure(Metric *m, Segment hypothesis, const Segment *references, size_t references_count,
                    double *row) {
  double best = -1, candidate[METRIC_STATISTICS];
  ngrams_clear(&m->ngrams);
  ngrams_clear(&m->word_ngrams);
  count(m, hypothesis, NGRAMS_HYPOTHESIS);
  for (size_t r = 0; r < references_count; r++) {
    ngrams_clear_side(&m->ngrams, NGRAMS_REFERENCE);
    ngrams_clear_side(&m->word_ngrams, NGRAMS_REFERENCE);
    count(m, references[r], NGRAMS_REFERENCE);
    compare(&m->ngrams, char_orders(m), candidate);
    compare(&m->word_ngrams, word_orders(m), candidate + EACH * char_orders(m));
    const double f = score(m, candidate);
    if (f <= best) continue;
    best = f;
    for (size_t i = 0; i < statistics(m); i++) row[i] = candidate[i];
  }
}

/* ---- a corpus ---- */

static double f_score(double factor, double precision, double recall) {
  return (1 + factor) * precision * recall / (factor * precision + recall);
}

static double score(const Metric *m, const double *sum) {
  static const double tiny = 1e-16; /* chrF++.py's */
  const int orders = char_orders(m) + word_orders(m);
  const double factor = (double)(m->settings->chrf_beta * m->settings->chrf_beta);
  double precisions = 0, recalls = 0, smoothed = 0;
  int effective = 0;
  for (int n = 0; n < orders; n++, sum += EACH) {
    const double precision = sum[HYPOTHESIS] > 0 ? sum[MATCHES] / sum[HYPOTHESIS] : tiny;
    const double recall = sum[REFERENCE] > 0 ? sum[MATCHES] / sum[REFERENCE] : tiny;
    smoothed += factor * precision + recall > 0 ? f_score(factor, precision, recall) : tiny;
    if (sum[HYPOTHESIS] == 0 || sum[REFERENCE] == 0) continue;
    precisions += precision;
    recalls += recall;
    effective++;
  }
  if (m->settings->chrf_eps_smoothing) return 100 * smoothed / orders;
  if (precisions + recalls == 0) return 0;
  return 100 * f_score(factor, precisions / effective, recalls / effective);
}

#define CHRF(word_order)                                                                     \
  {                                                                                          \
    .variant = word_order, .statistics = statistics, .title = title, .signature = signature, \
    .measure = measure, .score = score                                                       \
  }
const MetricKind metric_chrf = CHRF(0);
const MetricKind metric_chrf_words = CHRF(2);
