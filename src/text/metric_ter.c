/* metric_ter.c - TER (Snover et al. 2006), as sacrebleu computes it after Tercom.
 *
 * The least number of word insertions, deletions, replacements and block shifts, divided by the mean length
 * of the references. Shifts are greedy: of the blocks that occur elsewhere in the reference, the one whose
 * shift reduces the edit distance most. */
#include <string.h>

#include "text/metric.h"

enum { EDITS, REFERENCE_LENGTH, STATISTICS };
/* Limits of Tercom and, the last one, of sacrebleu. */
enum { LONGEST_SHIFT = 10, FURTHEST_SHIFT = 50, MOST_CANDIDATES = 1000 };

static size_t statistics(const Metric *m) {
  return STATISTICS;
}

static void title(const Metric *m, Buffer *b) {
  buffer_adds(b, "TER");
}

static void signature(const Metric *m, Buffer *b) {
  const MetricSettings *s = m->settings;
  buffer_addf(b, "case:%s|tok:tercom|norm:%s|punct:%s|asian:%s|", s->ter_case_sensitive ? "mixed" : "lc",
              yes_or_no(s->ter_normalized), yes_or_no(!s->ter_no_punct), yes_or_no(s->ter_asian_support));
}

/* ---- shifts ---- */

typedef struct Shift {
  size_t from, length, to; /* move the block before word `to`, see edits_if_shifted */
  int64_t gain;            /* reduction of the edit distance */
} Shift;

typedef struct Search {
  Edits *edits;
  int candidates; /* tried in all rounds */
  bool found;
  Shift best;
} Search;

/* Order: largest gain, longest block, earliest block, earliest target. */
static bool is_better(const Shift *a, const Shift *b) {
  if (a->gain != b->gain) return a->gain > b->gain;
  if (a->length != b->length) return a->length > b->length;
  if (a->from != b->from) return a->from < b->from;
  return a->to < b->to;
}

static bool any_wrong(const char *wrong, size_t from, size_t length) {
  return memchr(wrong + from, 1, length) != NULL;
}

/* No gain is possible if the words are already right, or the block would move within itself. */
static bool is_worth_trying(const Edits *e, size_t from, size_t start, size_t length) {
  const int64_t aligned = e->aligned.data[start];
  return any_wrong(e->hypothesis_wrong.data, from, length) &&
         any_wrong(e->reference_wrong.data, start, length) &&
         !(aligned >= (int64_t)from && aligned < (int64_t)(from + length));
}

/* Tries to move the block to each position aligned with the matching reference words, or the one before. */
static void try_block(Search *s, size_t from, size_t start, size_t length) {
  const Edits *e = s->edits;
  int64_t before = -1;
  for (size_t offset = 0; offset <= length; offset++) {
    const size_t place = start + offset; /* one past the reference word */
    if (place > e->reference_count) break;
    const int64_t to = place ? e->aligned.data[place - 1] + 1 : 0;
    if (to == before) continue;
    before = to;
    Shift shift = {from, length, (size_t)to, 0};
    shift.gain = e->distance - edits_if_shifted(s->edits, from, length, (size_t)to);
    s->candidates++;
    if (!s->found || is_better(&shift, &s->best)) s->best = shift;
    s->found = true;
  }
}

/* Tries the blocks that occur at `from` in the hypothesis and at `start` in the reference. */
static void try_pair(Search *s, size_t from, size_t start) {
  const Edits *e = s->edits;
  for (size_t length = 1; length <= LONGEST_SHIFT; length++) {
    if (from + length > e->hypothesis_count || start + length > e->reference_count) return;
    if (e->hypothesis[from + length - 1] != e->reference[start + length - 1]) return;
    if (!is_worth_trying(e, from, start, length)) continue;
    try_block(s, from, start, length);
    if (s->candidates >= MOST_CANDIDATES) return;
  }
}

static void find_shift(Search *s) {
  const Edits *e = s->edits;
  s->found = false;
  for (size_t from = 0; from < e->hypothesis_count; from++) {
    const size_t first = from > FURTHEST_SHIFT ? from - FURTHEST_SHIFT : 0;
    for (size_t start = first; start < e->reference_count && start <= from + FURTHEST_SHIFT; start++) {
      try_pair(s, from, start);
      if (s->candidates >= MOST_CANDIDATES) return;
    }
  }
}

/* ---- a segment ---- */

static int64_t count_edits(Edits *e) {
  Search search = {.edits = e};
  int64_t shifts = 0;
  if (!e->reference_count) return (int64_t)e->hypothesis_count;
  for (edits_align(e);; edits_align(e), shifts++) {
    find_shift(&search);
    if (search.candidates >= MOST_CANDIDATES || !search.found || search.best.gain <= 0) break;
    edits_shift(e, search.best.from, search.best.length, search.best.to);
  }
  return shifts + e->distance;
}

/* sacrebleu (2.6) tokenizes references twice, and with normalization the second pass may split more: ",,9"
 * becomes ", ,9" and then ", , 9". */
static void cut(Metric *m, Segment line, int times, Tokens *tokens) {
  tokens->count = 0;
  metric_line(m, line, !m->settings->ter_case_sensitive);
  for (int i = 0; i < times; i++) tokenize_ter(m);
  metric_words(m, tokens);
}

static void measure(Metric *m, Segment hypothesis, const Segment *references, size_t count, double *row) {
  int64_t least = INT64_MAX;
  double words = 0;
  for (size_t r = 0; r < count; r++) {
    cut(m, hypothesis, 1, &m->hypothesis); /* again, because shifts change it */
    cut(m, references[r], 2, &m->reference);
    m->edits.hypothesis = m->hypothesis.data;
    m->edits.hypothesis_count = m->hypothesis.count;
    m->edits.reference = m->reference.data;
    m->edits.reference_count = m->reference.count;
    const int64_t edits = count_edits(&m->edits);
    words += (double)m->reference.count;
    if (edits < least) least = edits;
  }
  row[EDITS] = (double)least;
  row[REFERENCE_LENGTH] = words / (double)count;
}

/* ---- a corpus ---- */

static double score(const Metric *m, const double *sum) {
  if (sum[REFERENCE_LENGTH] > 0) return 100 * (sum[EDITS] / sum[REFERENCE_LENGTH]);
  return sum[EDITS] > 0 ? 100 : 0;
}

const MetricKind metric_ter = {
    .statistics = statistics, .title = title, .signature = signature, .measure = measure, .score = score};
