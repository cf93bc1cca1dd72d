/* metric_rouge.c - ROUGE-1, 2, L and Lsum (Lin 2004), as rouge-score computes them.
 *
 * F = 2PR / (P + R) of shared n-grams, or of the longest common subsequence: of the whole text (L), or the
 * union over pairs of sentences (Lsum). With several references the best F counts; a corpus has the mean of
 * its lines.
 *
 * Words are runs of a-z and 0-9; everything else separates them. With --tokenize zh, an extension of
 * rouge-score, each Han character is a word, and other words are runs of letters and digits of any script. */
#include <string.h>

#include "text/metric.h"
#include "text/porter.h"
#include "text/utf8.h"

enum { PRECISION, RECALL, F, LINES, STATISTICS };
enum { LONGEST = 10, LONGEST_BY_SENTENCE, SHORTEST_STEMMED = 4 };

static size_t statistics(const Metric *m) {
  return STATISTICS;
}

static void title(const Metric *m, Buffer *b) {
  buffer_adds(b, m->name);
}

static bool is_chinese_mode(const Metric *m) {
  return !strcmp(m->settings->tokenize, "zh");
}

static void signature(const Metric *m, Buffer *b) {
  buffer_addf(b, "case:lc|stem:%s|tok:%s|", yes_or_no(m->settings->stem),
              is_chinese_mode(m) ? "zh" : "rouge");
}

/* ---- words ---- */

static bool is_plain(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_in_word(const Metric *m, uint32_t c) {
  return is_plain(c) || (is_chinese_mode(m) && (code_is_letter(c) || code_is_number(c)));
}

static void end_word(Metric *m, bool plain, Tokens *tokens) {
  size_t length = m->word.length;
  if (m->settings->stem && plain && length >= SHORTEST_STEMMED) length = porter_stem(m->word.data, length);
  if (length) metric_word(m, m->word.data, length, tokens);
  buffer_clear(&m->word);
}

static void add_words(Metric *m, Segment text, Tokens *tokens) {
  bool plain = true;
  metric_line(m, text, true);
  buffer_clear(&m->word);
  for (size_t i = 0; i < m->codes.count; i++) {
    const uint32_t c = m->codes.data[i];
    const bool alone = is_chinese_mode(m) && code_is_han(c);
    char bytes[4];
    if (alone || !is_in_word(m, c)) {
      end_word(m, plain, tokens);
      plain = true;
    }
    if (alone || is_in_word(m, c)) {
      buffer_add(&m->word, bytes, utf8_encode(c, bytes));
      plain &= is_plain(c);
    }
    if (alone) end_word(m, plain = false, tokens);
  }
  end_word(m, plain, tokens);
}

/* All words of a line, and the ends of its sentences. */
#define CUT(m, line, side) cut((m), (line), &(m)->side, &(m)->side##_ends)

/* Bytes before the next sentence end, and of that end: a line break, as in rouge-score, or the mark. */
static size_t sentence_bytes(Segment rest, const char *mark, size_t *end) {
  const char *line = rest.length ? memchr(rest.text, '\n', rest.length) : NULL;
  const char *marked = mark && *mark ? memmem(rest.text, rest.length, mark, strlen(mark)) : NULL;
  const bool is_marked = marked && (!line || marked <= line);
  *end = is_marked ? strlen(mark) : line ? 1 : 0;
  return is_marked ? (size_t)(marked - rest.text) : line ? (size_t)(line - rest.text) : rest.length;
}

static void cut(Metric *m, Segment line, Tokens *tokens, Ends *ends) {
  size_t end;
  tokens->count = ends->count = 0;
  do {
    const size_t length = sentence_bytes(line, m->settings->sentence_mark, &end);
    add_words(m, (Segment){line.text, length}, tokens);
    vec_push(ends, tokens->count);
    line.text += length + end;
    line.length -= length + end;
  } while (end);
}

/* ---- shared words ---- */

static double shared_ngrams(Metric *m, int order) {
  double shared = 0;
  ngrams_clear(&m->ngrams);
  ngrams_count(&m->ngrams, m->hypothesis.data, m->hypothesis.count, order, NGRAMS_HYPOTHESIS);
  ngrams_count(&m->ngrams, m->reference.data, m->reference.count, order, NGRAMS_REFERENCE);
  for (size_t i = 0; i < m->ngrams.nodes.count; i++) {
    const Ngram *n = &m->ngrams.nodes.data[i];
    if (n->order == order)
      shared += n->count[NGRAMS_HYPOTHESIS] < n->count[NGRAMS_REFERENCE] ? n->count[NGRAMS_HYPOTHESIS]
                                                                         : n->count[NGRAMS_REFERENCE];
  }
  return shared;
}

/* Takes one occurrence from each side, if both have any left. */
static bool take_pair(Ngrams *g, int32_t word) {
  Ngram *n = ngrams_find(g, word);
  if (n->count[NGRAMS_HYPOTHESIS] <= 0 || n->count[NGRAMS_REFERENCE] <= 0) return false;
  n->count[NGRAMS_HYPOTHESIS]--;
  n->count[NGRAMS_REFERENCE]--;
  return true;
}

/* For each sentence of the reference, the union of its longest common subsequences with the sentences of the
 * hypothesis; no word counts more often than it occurs. */
static double shared_by_sentence(Metric *m) {
  double shared = 0;
  shared_ngrams(m, 1); /* counts the words */
  vec_reserve(&m->kept, m->reference.count);
  memset(m->kept.data, 0, m->reference.count);
  for (size_t r = 0, from = 0; r < m->reference_ends.count; from = m->reference_ends.data[r++])
    for (size_t h = 0, start = 0; h < m->hypothesis_ends.count; start = m->hypothesis_ends.data[h++])
      common_mark(&m->common, m->reference.data + from, m->reference_ends.data[r] - from,
                  m->hypothesis.data + start, m->hypothesis_ends.data[h] - start, m->kept.data + from);
  for (size_t i = 0; i < m->reference.count; i++)
    shared += m->kept.data[i] && take_pair(&m->ngrams, m->reference.data[i]);
  return shared;
}

/* ---- a line ---- */

/* The number of n-grams, or words for L and Lsum; at least 1. */
static double units(const Metric *m, const Tokens *tokens) {
  const size_t order = m->kind->variant < LONGEST ? (size_t)m->kind->variant : 1;
  return tokens->count >= order ? (double)(tokens->count - order + 1) : 1;
}

static double shared(Metric *m) {
  if (!m->hypothesis.count || !m->reference.count) return 0;
  if (m->kind->variant == LONGEST_BY_SENTENCE) return shared_by_sentence(m);
  if (m->kind->variant == LONGEST)
    return (double)common_length(&m->common, m->reference.data, m->reference.count, m->hypothesis.data,
                                 m->hypothesis.count);
  return shared_ngrams(m, m->kind->variant);
}

static void measure(Metric *m, Segment hypothesis, const Segment *references, size_t count, double *row) {
  row[F] = -1;
  row[LINES] = 1;
  CUT(m, hypothesis, hypothesis);
  for (size_t r = 0; r < count; r++) {
    CUT(m, references[r], reference);
    const double both = shared(m);
    const double precision = both / units(m, &m->hypothesis), recall = both / units(m, &m->reference);
    const double f = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
    if (f <= row[F]) continue;
    row[PRECISION] = precision;
    row[RECALL] = recall;
    row[F] = f;
  }
}

/* ---- a corpus ---- */

static double score(const Metric *m, const double *sum) {
  return 100 * (sum[F] / sum[LINES]);
}

static void details(const Metric *m, const double *sum, Buffer *b) {
  buffer_addf(b, "(P = %.2f R = %.2f)", 100 * (sum[PRECISION] / sum[LINES]),
              100 * (sum[RECALL] / sum[LINES]));
}

#define ROUGE(variant_)                                                               \
  {                                                                                   \
    .family = "rouge", .variant = variant_, .statistics = statistics, .title = title, \
    .signature = signature, .measure = measure, .score = score, .details = details    \
  }
const MetricKind metric_rouge_1 = ROUGE(1);
const MetricKind metric_rouge_2 = ROUGE(2);
const MetricKind metric_rouge_l = ROUGE(LONGEST);
const MetricKind metric_rouge_lsum = ROUGE(LONGEST_BY_SENTENCE);
