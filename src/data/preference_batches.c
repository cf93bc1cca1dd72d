#include "data/preference_batches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/random.h"
#include "data/pair_rows.h"
#include "data/template_rows.h"

/* A sequence of the store: its source, then its ids, of which a scored one is stored as its complement. */
typedef struct Side {
  size_t source, ids, end; /* positions in the store; ids = the source's end */
  size_t scored;           /* of the first scored id */
  int64_t targets;
  bool whole; /* neither truncated nor without its oldest turns */
} Side;

/* What stays together in a batch: a pair, or one text with its verdict. */
typedef struct Group {
  uint32_t first;         /* its first side */
  int64_t length, source; /* of the longer side */
} Group;

typedef struct PreferenceBatches {
  Batches base;
  PairLayout layout;
  const Pairs *examples;
  bool verdicts, shuffled;
  uint64_t seed;
  Ids store;
  Side *sides;       /* [examples->count] */
  VEC(Group) groups; /* sorted by length */
  VEC(int64_t) cuts; /* where each batch begins; then the end */
  int32_t *tokens, *targets, *source, *source_lengths, *numbers, *judged;
} PreferenceBatches;

Pairs *preference_sides(const Pairs *p) {
  Pairs *sides = mem_alloc_zeroed(1, sizeof *sides);
  *sides = *p;
  sides->files = NULL;
  sides->file_count = 0;
  sides->borrows = true;
  sides->count = 0;
  sides->examples = mem_alloc((2 * p->count + 1) * sizeof *sides->examples);
  for (size_t i = 0; i < p->count; i++) {
    Example e = p->examples[i];
    const bool pair = e.verdict == VERDICT_PREFERRED;
    const Example rejected = example_rejected(&e);
    e.references = 0;
    if (pair) e.verdict = VERDICT_GOOD;
    sides->examples[sides->count++] = e;
    if (pair) sides->examples[sides->count++] = rejected;
  }
  return sides;
}

/* ---- sides ---- */

static void keep_row(PreferenceBatches *b, size_t index, const PairRow *row, bool whole) {
  Side *s = &b->sides[index];
  s->source = b->store.count;
  for (size_t i = 0; i < row->source.count; i++) vec_push(&b->store, row->source.data[i]);
  s->ids = b->store.count;
  for (size_t i = 0; i < row->ids.count; i++) {
    if (row->scored.data[i] && !s->targets++) s->scored = b->store.count;
    vec_push(&b->store, row->scored.data[i] ? ~row->ids.data[i] : row->ids.data[i]);
  }
  s->end = b->store.count;
  s->whole = whole && s->targets;
}

static bool read_rendered(PreferenceBatches *b, const News *news, Error *err) {
  TemplateRows rows;
  PairRow row = {0};
  if (!template_rows(&rows, b->examples, &b->layout, news, err)) return false;
  for (size_t i = 0; i < rows.rows.count; i++) {
    template_row(&row, &rows, i);
    keep_row(b, rows.rows.data[i].example, &row, !row.cut && !row.shortened);
  }
  template_rows_free(&rows);
  pair_row_free(&row);
  return true;
}

/* Without a template, only what its layout has a place for. */
static bool can_lay_out(const PreferenceBatches *b, const Example *e, Error *err) {
  char where[PATH_CAPACITY];
  const char *what = example_needs_template(b->examples, e);
  if (!what && !b->layout.chat && !example_is_pair(e)) what = _("several messages before the reply");
  return !what || fail(err, "%s: has %s, which only a model with a chat template can learn",
                       example_location(b->examples, e, where), what);
}

static bool read_rows(PreferenceBatches *b, const PairTokens *data, Error *err) {
  PairItems items = {0};
  PairRow row = {0};
  bool ok = true;
  for (size_t i = 0; i < b->examples->count && ok; i++) {
    if (!(ok = can_lay_out(b, &b->examples->examples[i], err))) break;
    items.count = 0;
    pair_items(&items, data, &b->layout, (uint32_t)i);
    if (!items.count) continue;
    const PairItem *last = &items.data[items.count - 1];
    pair_row(&row, data, &b->layout, last);
    keep_row(b, i, &row, !row.cut && !last->first);
  }
  vec_free(&items);
  pair_row_free(&row);
  return ok;
}

/* ---- groups ---- */

static int64_t longer(const PreferenceBatches *b, uint32_t first, bool source) {
  const size_t sides = b->verdicts ? 1 : 2;
  int64_t most = 0;
  for (size_t i = 0; i < sides; i++) {
    const Side *s = &b->sides[first + i];
    most = int64_max(most, (int64_t)(source ? s->ids - s->source : s->end - s->ids - 1));
  }
  return most;
}

/* Equal lengths in an order of chance: that of a file may be by topic or by verdict. */
static int by_length(const void *a, const void *b, void *batches) {
  const Group *x = a, *y = b;
  const PreferenceBatches *p = batches;
  const uint64_t stream = random_stream("preferences"), first = random_bits(p->seed, stream, x->first),
                 second = random_bits(p->seed, stream, y->first);
  if (x->source / 16 != y->source / 16) return x->source < y->source ? -1 : 1;
  if (x->length / 16 != y->length / 16) return x->length < y->length ? -1 : 1;
  return (first > second) - (first < second);
}

static void report_long(const PreferenceBatches *b, int64_t count, const Buffer *places, const News *news) {
  char n[FIGURE_SIZE];
  if (!count) return;
  news_warning(news, "%s longer than the model's context of %" PRId64 " tokens: %s (%s%s)",
               figure_of(n, count, N_("preference")), b->layout.time,
               b->layout.drop_long ? _("dropped (--too-long truncate cuts them)") : _("truncated"),
               places->data, count > 3 ? ", ..." : "");
}

static void list_groups(PreferenceBatches *b, const News *news) {
  const uint32_t step = b->verdicts ? 1 : 2;
  int64_t long_ones = 0;
  Buffer places = {0};
  char where[PATH_CAPACITY];
  for (uint32_t i = 0; i + step <= b->examples->count; i += step) {
    const Side *side = &b->sides[i], *last = side + step - 1;
    const bool whole = side->whole && last->whole;
    if (!whole && long_ones++ < 3 && b->examples->file_names)
      buffer_addf(&places, "%s%s", places.length ? ", " : "",
                  example_location(b->examples, &b->examples->examples[i], where));
    if (!side->targets || !last->targets || (!whole && b->layout.drop_long)) continue;
    const Group g = {i, longer(b, i, false), longer(b, i, true)};
    vec_push(&b->groups, g);
  }
  buffer_adds(&places, "");
  report_long(b, long_ones, &places, news);
  buffer_free(&places);
  if (b->groups.count) qsort_r(b->groups.data, b->groups.count, sizeof *b->groups.data, by_length, b);
}

/* Of texts with verdicts at least two, each of which has the other's prompt. */
static void cut(PreferenceBatches *b, int64_t sequences, int64_t tokens) {
  const int64_t least = b->verdicts ? 2 : 1, all = (int64_t)b->groups.count;
  int64_t begin = 0, longest = 0;
  vec_push(&b->cuts, 0);
  for (int64_t i = 0; i < all; i++) {
    const Group *g = &b->groups.data[i];
    const int64_t own = int64_max(g->length, g->source), now = int64_max(longest, own), count = i - begin + 1;
    longest = now;
    if (count <= least || all - i < least ||
        !((sequences && 2 * count > sequences) || 2 * count * now > tokens))
      continue;
    vec_push(&b->cuts, i);
    begin = i;
    longest = own;
  }
  vec_push(&b->cuts, all);
  b->base.count = (int64_t)b->cuts.count - 1;
}

/* ---- sequences ---- */

/* Those of a batch: the side whose prompt it has, and the one whose text. */
typedef struct Sequence {
  uint32_t prompt, text;
} Sequence;

static Sequence sequence_at(const PreferenceBatches *b, int64_t batch, int64_t row) {
  const int64_t begin = b->cuts.data[batch], count = b->cuts.data[batch + 1] - begin, group = row / 2,
                next = (group + row % 2) % count;
  const uint32_t first = b->groups.data[begin + group].first;
  if (!b->verdicts) return (Sequence){first + (uint32_t)(row % 2), first + (uint32_t)(row % 2)};
  return (Sequence){first, b->groups.data[begin + next].first};
}

/* The number of ids, of which the last is a target only. */
static int64_t length_of(const PreferenceBatches *b, Sequence q) {
  const Side *prompt = &b->sides[q.prompt], *text = &b->sides[q.text];
  return int64_min((int64_t)(prompt->scored - prompt->ids + text->end - text->scored), b->layout.time + 1);
}

static int32_t id_at(const PreferenceBatches *b, Sequence q, int64_t i) {
  const Side *prompt = &b->sides[q.prompt], *text = &b->sides[q.text];
  const int64_t before = (int64_t)(prompt->scored - prompt->ids);
  return i < before ? b->store.data[prompt->ids + (size_t)i]
                    : b->store.data[text->scored + (size_t)(i - before)];
}

static int64_t source_of(const PreferenceBatches *b, Sequence q) {
  return (int64_t)(b->sides[q.prompt].ids - b->sides[q.prompt].source);
}

static void fill_source(const PreferenceBatches *b, Sequence q, int64_t row, int64_t time) {
  const int64_t count = source_of(b, q);
  for (int64_t t = 0; t < time; t++)
    b->source[row * time + t] =
        t < count ? b->store.data[b->sides[q.prompt].source + (size_t)t] : b->layout.source_pad;
  b->source_lengths[row] = (int32_t)count;
}

static void fill_row(const PreferenceBatches *b, Sequence q, int64_t row, int64_t time) {
  int32_t *tokens = b->tokens + row * time, *targets = b->targets + row * time;
  const int64_t count = length_of(b, q);
  for (int64_t t = 0; t < time; t++) {
    const int32_t id = t < count - 1 ? id_at(b, q, t) : b->layout.pad,
                  next = t < count - 1 ? id_at(b, q, t + 1) : 0;
    tokens[t] = id < 0 ? ~id : id;
    targets[t] = next < 0 ? ~next : -1;
  }
  const bool own = q.prompt == q.text;
  b->numbers[row] = (int32_t)(own ? q.prompt : b->examples->count + q.prompt);
  b->judged[row] = own ? b->examples->examples[q.prompt].verdict == VERDICT_GOOD : -1;
}

static Batch shape_of(const PreferenceBatches *b, int64_t at) {
  Batch batch = {.sequences = 2 * (b->cuts.data[at + 1] - b->cuts.data[at]), .together = 2};
  for (int64_t i = 0; i < batch.sequences; i++) {
    const Sequence q = sequence_at(b, at, i);
    batch.time = int64_max(batch.time, length_of(b, q) - 1);
    batch.source_time = int64_max(batch.source_time, source_of(b, q));
  }
  return batch;
}

static void count_targets(PreferenceBatches *b) {
  for (size_t i = 0; i < b->groups.count; i++)
    for (uint32_t k = 0; k < (b->verdicts ? 1 : 2); k++)
      b->base.tokens += b->sides[b->groups.data[i].first + k].targets;
}

static void get(Batches *base, int64_t index, Batch *batch) {
  const PreferenceBatches *b = (const PreferenceBatches *)base;
  const uint64_t epoch = (uint64_t)(index / base->count), stream = random_stream("preference order") + epoch;
  int64_t at = index % base->count;
  if (b->shuffled) at = (int64_t)random_permute((uint64_t)at, (uint64_t)base->count, b->seed, stream);
  *batch = shape_of(b, at);
  for (int64_t i = 0; i < batch->sequences; i++) {
    fill_row(b, sequence_at(b, at, i), i, batch->time);
    if (batch->source_time) fill_source(b, sequence_at(b, at, i), i, batch->source_time);
  }
  batch->tokens = b->tokens;
  batch->targets = b->targets;
  batch->numbers = b->numbers;
  batch->judged = b->judged;
  if (!batch->source_time) return;
  batch->source = b->source;
  batch->source_lengths = b->source_lengths;
}

static void free_batches(Batches *base) {
  PreferenceBatches *b = (PreferenceBatches *)base;
  vec_free(&b->store);
  vec_free(&b->groups);
  vec_free(&b->cuts);
  mem_free(b->sides);
  int32_t *const arrays[] = {b->tokens, b->targets, b->source, b->source_lengths, b->numbers, b->judged};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) mem_free(arrays[i]);
  mem_free(b);
}

static const BatchesKind kind = {get, free_batches};

static void alloc_arrays(PreferenceBatches *b) {
  int64_t tokens = 1, sources = 1;
  for (int64_t i = 0; i < b->base.count; i++) {
    const Batch s = shape_of(b, i);
    tokens = int64_max(tokens, s.sequences * s.time);
    sources = int64_max(sources, s.sequences * s.source_time);
    b->base.sequences = int64_max(b->base.sequences, s.sequences);
    b->base.time = int64_max(b->base.time, s.time);
    b->base.source_time = int64_max(b->base.source_time, s.source_time);
    b->base.step_positions += (double)(s.sequences * (s.time + s.source_time)) / (double)b->base.count;
  }
  b->tokens = mem_alloc_zeroed((size_t)tokens, sizeof(int32_t));
  b->targets = mem_alloc_zeroed((size_t)tokens, sizeof(int32_t));
  b->source = mem_alloc_zeroed((size_t)sources, sizeof(int32_t));
  int32_t **const each[] = {&b->source_lengths, &b->numbers, &b->judged};
  for (size_t i = 0; i < 3; i++) *each[i] = mem_alloc_zeroed((size_t)b->base.sequences, sizeof(int32_t));
}

/* Keeps about `limit` targets in whole batches, whose sequences keep their numbers. */
static void thin_out(PreferenceBatches *b, int64_t limit) {
  const int64_t every = limit > 0 && b->base.tokens > limit ? b->base.tokens / limit : 1;
  VEC(int64_t) kept = {0};
  if (every < 2 || b->base.count < 2 * every) return;
  VEC(Group) groups = {0};
  for (int64_t i = 0; i < b->base.count; i += every) {
    vec_push(&kept, (int64_t)groups.count);
    for (int64_t k = b->cuts.data[i]; k < b->cuts.data[i + 1]; k++) vec_push(&groups, b->groups.data[k]);
  }
  vec_push(&kept, (int64_t)groups.count);
  b->base.count = (int64_t)kept.count - 1;
  memcpy(b->cuts.data, kept.data, kept.count * sizeof *kept.data);
  memcpy(b->groups.data, groups.data, groups.count * sizeof *groups.data);
  b->cuts.count = kept.count;
  b->groups.count = groups.count;
  b->base.tokens = 0;
  count_targets(b);
  vec_free(&kept);
  vec_free(&groups);
}

static bool check_count(const PreferenceBatches *b, Error *err) {
  if (!b->groups.count)
    return fail(err,
                "no preference fits into the model's context: give a larger --context, or --too-long "
                "truncate");
  if (!b->verdicts || b->groups.count > 1) return true;
  return b->shuffled
             ? fail(err,
                    "there is one verdict to learn from, but KTO also reads each text after the prompt of "
                    "another: give two or more")
             : fail(err,
                    "one verdict is held out, but KTO also reads each text after the prompt of another: "
                    "hold out two or more (--holdout, or --valid FILE), or none (--holdout 0)");
}

Batches *preference_batches(const PreferenceRequest *r, const News *news, Error *err) {
  PreferenceBatches *b = mem_alloc_zeroed(1, sizeof *b);
  b->base.kind = &kind;
  b->layout = *r->layout;
  b->examples = r->sides->pairs;
  b->verdicts = r->verdicts;
  b->shuffled = r->shuffled;
  b->seed = r->seed;
  b->sides = mem_alloc_zeroed(b->examples->count + 1, sizeof *b->sides);
  bool ok = b->layout.template ? read_rendered(b, news, err) : read_rows(b, r->sides, err);
  if (ok) list_groups(b, news);
  if (!(ok && check_count(b, err))) {
    free_batches(&b->base);
    return NULL;
  }
  cut(b, r->sequences, r->tokens);
  count_targets(b);
  thin_out(b, r->limit);
  alloc_arrays(b);
  b->base.numbered = (int64_t)b->examples->count * (b->verdicts ? 2 : 1);
  b->base.step_tokens = (double)b->base.tokens / (double)b->base.count;
  return &b->base;
}
