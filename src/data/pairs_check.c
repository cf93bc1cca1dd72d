/* pairs_check.c - checks of pairs: duplicates, overlap of training and held-out data, odd length ratios. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "data/pairs_impl.h"
#include "text/utf8.h"

/* Hashes of an example; 64 bits suffice for some hundred million. */
typedef struct Key {
  uint64_t source, whole; /* source: as in pairs_hold_out; whole: of all bytes */
  size_t index;
} Key;

typedef struct Checker {
  Pairs *train, *held;
  const PairTrainingSettings *settings;
  PairsReport *report;
  const News *news;
  Key *keys, *held_keys; /* sorted by whole, then by source */
  bool *dropped;         /* of training examples */
} Checker;

static int compare(uint64_t a, uint64_t b) {
  return (a > b) - (a < b);
}

static int by_whole(const void *a, const void *b) {
  const Key *x = a, *y = b;
  const int order = compare(x->whole, y->whole);
  return order ? order : compare(x->index, y->index);
}

static int by_source(const void *a, const void *b) {
  const Key *x = a, *y = b;
  const int order = compare(x->source, y->source);
  return order ? order : by_whole(a, b);
}

static uint64_t whole_key(const Pairs *p, const Example *e) {
  uint64_t hash = e->turns;
  for (size_t i = 0; i < e->turns; i++) hash = turn_hash(p, e->first + i, hash);
  return hash;
}

static Key *keys_of(const Pairs *p) {
  Key *keys = mem_alloc((p->count + 1) * sizeof *keys);
  for (size_t i = 0; i < p->count; i++)
    keys[i] = (Key){source_key(p, &p->examples[i]), whole_key(p, &p->examples[i]), i};
  return keys;
}

/* ---- duplicates ---- */

/* Counts duplicates and marks them in `dropped`, unless that is NULL. Leaves the keys sorted by_whole. */
static int64_t find_duplicates(Key *keys, size_t count, bool *dropped) {
  int64_t found = 0;
  qsort(keys, count, sizeof *keys, by_whole);
  for (size_t i = 1; i < count; i++) {
    if (keys[i].whole != keys[i - 1].whole) continue;
    found++;
    if (dropped) dropped[keys[i].index] = true;
  }
  return found;
}

/* Leaves the keys sorted by_source. */
static int64_t count_same_source(Key *keys, size_t count) {
  int64_t found = 0;
  qsort(keys, count, sizeof *keys, by_source);
  for (size_t i = 1; i < count; i++)
    found += keys[i].source == keys[i - 1].source && keys[i].whole != keys[i - 1].whole;
  return found;
}

/* The number of keys in `a` whose source is in `b`; both sorted by_source. */
static int64_t count_shared(const Key *a, size_t count, const Key *b, size_t others) {
  int64_t shared = 0;
  for (size_t i = 0, k = 0; i < count; i++) {
    while (k < others && b[k].source < a[i].source) k++;
    shared += k < others && b[k].source == a[i].source;
  }
  return shared;
}

/* Both key lists are sorted by_source. */
static void find_overlap(Checker *c) {
  const bool drop = !strcmp(c->settings->overlap, "drop");
  for (size_t i = 0, k = 0; i < c->train->count; i++) {
    const Key *key = &c->keys[i];
    while (k < c->held->count && c->held_keys[k].source < key->source) k++;
    if (k == c->held->count || c->held_keys[k].source != key->source) continue;
    c->report->overlap_sources++;
    for (size_t j = k; j < c->held->count && c->held_keys[j].source == key->source; j++)
      if (c->held_keys[j].whole == key->whole) {
        c->report->overlap_pairs++;
        break;
      }
    if (drop) c->dropped[key->index] = true;
  }
}

/* ---- lengths ---- */

static int by_value(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

Lengths lengths_of(int64_t *values, size_t count) {
  Lengths l = {0};
  if (!count) return l;
  qsort(values, count, sizeof *values, by_value);
  for (size_t i = 0; i < count; i++) l.mean += (double)values[i] / (double)count;
  l.least = values[0];
  l.median = values[count / 2];
  l.high = values[count - 1 - count / 20];
  l.most = values[count - 1];
  return l;
}

static int64_t characters(const Document *d) {
  return utf8_count(d->text, d->length);
}

/* Of conversations, `source` is the total length and `target` that of each turn. */
static void measure_lengths(Checker *c) {
  VEC(int64_t) sources = {0}, targets = {0};
  const bool pairs = !c->report->conversations;
  for (size_t i = 0; i < c->train->count; i++) {
    const Example *e = &c->train->examples[i];
    int64_t all = 0;
    for (size_t k = 0; k < e->turns; k++) {
      const int64_t length = characters(example_turn(c->train, e, k));
      all += length;
      if (!pairs || k == 1) vec_push(&targets, length);
    }
    vec_push(&sources, pairs ? all - targets.data[targets.count - 1] : all);
  }
  c->report->source = lengths_of(sources.data, sources.count);
  c->report->target = lengths_of(targets.data, targets.count);
  vec_free(&sources);
  vec_free(&targets);
}

/* ---- proportion ---- */

static int by_real(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_ratio(const Pairs *p) {
  VEC(double) ratios = {0};
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    if (example_is_pair(e))
      vec_push(&ratios,
               (double)characters(example_turn(p, e, 1)) / (double)characters(example_turn(p, e, 0)));
  }
  if (ratios.count) qsort(ratios.data, ratios.count, sizeof *ratios.data, by_real);
  const double median = ratios.count ? ratios.data[ratios.count / 2] : 0;
  vec_free(&ratios);
  return median;
}

/* Is the target's length far from source length * median ratio? Ten characters are added to both sides,
 * because short texts vary more. */
static bool is_odd(const Pairs *p, const Example *e, double median, double most) {
  const double target = (double)characters(example_turn(p, e, 1)) + 10,
               expected = (double)characters(example_turn(p, e, 0)) * median + 10;
  return fmax(target / expected, expected / target) > most;
}

static void find_odd(Checker *c) {
  static const double suspicious = 4;
  const double most = c->settings->max_ratio > 0 ? c->settings->max_ratio : suspicious;
  const Pairs *p = c->train;
  c->report->ratio = median_ratio(p);
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    if (!example_is_pair(e)) continue;
    const Document *source = example_turn(p, e, 0), *target = example_turn(p, e, 1);
    c->report->copies +=
        source->length == target->length && !memcmp(source->text, target->text, source->length);
    if (!is_odd(p, e, c->report->ratio, most)) continue;
    char place[PATH_CAPACITY];
    if (!c->report->odd_ratios++)
      news_note(c->news, "%s: first pair with an unusual length ratio", example_location(p, e, place));
    if (c->settings->max_ratio > 0) c->dropped[i] = true;
  }
}

/* ---- the report ---- */

static void report_repeats(const Checker *c) {
  const PairsReport *r = c->report;
  const News *n = c->news;
  const bool drops = !strcmp(c->settings->duplicates, "drop");
  const bool pairs = !r->conversations;
  const char *noun = pairs ? N_("pair") : N_("conversation");
  char buf[FIGURE_SIZE];
  if (r->duplicates)
    news_note(n, "%s: %s",
              figure_of(buf, r->duplicates, pairs ? N_("duplicate pair") : N_("duplicate conversation")),
              drops ? _("dropped") : _("kept (--duplicates drop drops them)"));
  if (r->same_source && c->train->labelled)
    news_warning(n, "%s again with another label", figure_of(buf, r->same_source, N_("text")));
  else if (r->same_source)
    news_note(n, "%s with the source of another one but a different target",
              figure_of(buf, r->same_source, noun));
  if (r->held_duplicates)
    news_note(
        n, "held-out data contains %s: kept",
        figure_of(buf, r->held_duplicates, pairs ? N_("duplicate pair") : N_("duplicate conversation")));
  if (!r->overlap_sources) return;
  if (!strcmp(c->settings->overlap, "drop"))
    news_note(n, "%s whose source is also held out (%" PRId64 " identical): dropped",
              figure_of(buf, r->overlap_sources, noun), r->overlap_pairs);
  else
    news_warning(n,
                 "%" PRId64 " of %s held out share the source of %" PRId64 " in the training data (%" PRId64
                 " identical), so results will look too good: give --overlap drop",
                 r->held_overlap, figure_of(buf, r->held, noun), r->overlap_sources, r->overlap_pairs);
}

static void report_lengths(const News *n, const char *side, const Lengths *l) {
  news_note(n,
            "%s: %" PRId64 " characters at the median, %.1f on average, 95 of 100 up to %" PRId64
            ", at most %" PRId64,
            side, l->median, l->mean, l->high, l->most);
}

static void report_all(const Checker *c) {
  const PairsReport *r = c->report;
  const bool pairs = !r->conversations;
  char n[FIGURE_SIZE];
  news_note(c->news, "%s, %" PRId64 " more held out",
            figure_of(n, r->read,
                      c->train->labelled ? N_("text")
                      : pairs            ? N_("pair")
                                         : N_("conversation")),
            r->held);
  if (c->train->labelled) {
    report_lengths(c->news, _("text"), &r->source);
  } else {
    report_lengths(c->news, pairs ? _("source") : _("a conversation"), &r->source);
    report_lengths(c->news, pairs ? _("target") : _("a turn"), &r->target);
  }
  report_repeats(c);
  if (r->copies) news_note(c->news, "%s whose target equals the source", figure_of(n, r->copies, "pair"));
  if (r->odd_ratios)
    news_note(c->news,
              "%s with an unusual length ratio (median: %.2f characters of target per one of source): %s",
              figure_of(n, r->odd_ratios, "pair"), r->ratio,
              c->settings->max_ratio > 0 ? _("dropped") : _("kept (--max-ratio drops them)"));
  if (r->dropped)
    news_note(c->news, "dropped: %" PRId64 " of %" PRId64 ", %" PRId64 " remain", r->dropped, r->read,
              r->kept);
}

/* ---- the pass ---- */

static void drop(Checker *c) {
  Pairs *p = c->train;
  size_t kept = 0;
  for (size_t i = 0; i < p->count; i++)
    if (!c->dropped[i]) p->examples[kept++] = p->examples[i];
  c->report->dropped = (int64_t)(p->count - kept);
  p->count = kept;
  if (c->report->dropped) pairs_fingerprint(p);
}

static void add_left_out(PairsLeftOut *sum, const PairsLeftOut *more) {
  sum->bad += more->bad;
  sum->empty_source += more->empty_source;
  sum->empty_target += more->empty_target;
  sum->blank += more->blank;
  sum->empty_turns += more->empty_turns;
  sum->no_reply += more->no_reply;
}

static void check_all(Checker *c) {
  PairsReport *r = c->report;
  const bool drops = !strcmp(c->settings->duplicates, "drop");
  c->keys = keys_of(c->train);
  r->duplicates = find_duplicates(c->keys, c->train->count, drops ? c->dropped : NULL);
  r->same_source = count_same_source(c->keys, c->train->count);
  if (c->held) {
    c->held_keys = keys_of(c->held);
    r->held_duplicates = find_duplicates(c->held_keys, c->held->count, NULL);
    qsort(c->held_keys, c->held->count, sizeof *c->held_keys, by_source);
    find_overlap(c);
    r->held_overlap = count_shared(c->held_keys, c->held->count, c->keys, c->train->count);
  }
  if (!c->train->labelled) find_odd(c);
  measure_lengths(c);
}

bool pairs_check(Pairs *train, Pairs *held, const PairTrainingSettings *settings, PairsReport *report,
                 const News *news, Error *err) {
  Checker c = {.train = train, .held = held, .settings = settings, .report = report, .news = news};
  *report = (PairsReport){.read = (int64_t)train->count, .held = held ? (int64_t)held->count : 0};
  report->conversations = pairs_converse(train);
  report->left_out = train->left_out;
  if (held) add_left_out(&report->left_out, &held->left_out);
  c.dropped = mem_alloc_zeroed(train->count + 1, sizeof *c.dropped);
  check_all(&c);
  drop(&c);
  report->kept = (int64_t)train->count;
  report_all(&c);
  mem_free(c.keys);
  mem_free(c.held_keys);
  mem_free(c.dropped);
  return train->count ||
         fail(err, "all %" PRId64 " examples were dropped: check --duplicates, --overlap and --max-ratio",
              report->read);
}
