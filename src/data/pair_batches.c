#include "data/pair_batches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/random.h"
#include "data/packing.h"
#include "data/pair_rows.h"
#include "data/template_rows.h"

/* Items that do not fit, and the examples that the first of them are from. */
typedef struct TooLong {
  int64_t count;
  uint32_t first[3];
} TooLong;

typedef struct PairBatches {
  Batches base;
  PairTokens data;
  PairLayout layout;
  TemplateRows rendered; /* with a chat template */
  bool shuffled;
  uint64_t seed;
  PairItems items;                 /* sorted by length */
  VEC(int64_t) equal;              /* where each run of items of equal length begins; then the end */
  VEC(int64_t) cuts;               /* where each batch begins; then the end */
  Packing packing;                 /* of the items in windows, if `layout.pack` */
  TooLong cut, dropped, shortened; /* truncated; left out; without their oldest turns */
  PairRow row;
  int32_t *tokens, *targets, *begins, *source, *source_lengths;
} PairBatches;

/* ---- lengths ---- */

/* Rounds lengths up so that those within 1/16 of each other are equal and can be shuffled in each epoch, at
 * the cost of some padding. */
static int64_t rounded(int64_t length, int64_t most) {
  int64_t unit = 1;
  while (length / unit >= 32) unit *= 2;
  const int64_t up = (length + unit - 1) / unit * unit;
  return up < most ? up : most;
}

static int64_t padded_source(const PairBatches *b, const PairItem *item) {
  return rounded(item->source, b->layout.source_time);
}

static int64_t padded_target(const PairBatches *b, const PairItem *item) {
  return b->layout.pack ? item->target : rounded(item->target, b->layout.time);
}

static int by_length(const void *a, const void *b, void *batches) {
  const PairItem *x = a, *y = b;
  const int64_t orders[] = {padded_source(batches, x) - padded_source(batches, y),
                            padded_target(batches, x) - padded_target(batches, y),
                            (int64_t)x->example - y->example, (int64_t)x->stop - y->stop};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
    if (orders[i]) return orders[i] < 0 ? -1 : 1;
  return 0;
}

/* ---- items ---- */

static void read_row(PairBatches *b, const PairItem *item) {
  if (b->layout.template)
    template_row(&b->row, &b->rendered, item->row);
  else
    pair_row(&b->row, &b->data, &b->layout, item);
}

static void measure(PairBatches *b, PairItem *item) {
  read_row(b, item);
  item->source = (int32_t)b->row.source.count;
  item->target = (int32_t)b->row.ids.count - 1;
}

/* All items; their lengths are not set. */
static PairItems possible_items(const PairBatches *b) {
  PairItems all = {0};
  for (size_t i = 0; i < b->rendered.rows.count; i++) {
    const TemplateRow *r = &b->rendered.rows.data[i];
    vec_push(&all, ((PairItem){.example = r->example, .stop = r->turns, .row = (uint32_t)i}));
  }
  for (size_t i = 0; i < b->data.pairs->count && !b->layout.template; i++)
    pair_items(&all, &b->data, &b->layout, (uint32_t)i);
  return all;
}

static void count_long(TooLong *l, const PairItem *item) {
  if (l->count < (int64_t)(sizeof l->first / sizeof *l->first)) l->first[l->count] = item->example;
  l->count++;
}

/* What is cut off may be all that was to be learnt. */
static void list_items(PairBatches *b) {
  PairItems all = possible_items(b);
  for (size_t i = 0; i < all.count; i++) {
    PairItem *item = &all.data[i];
    measure(b, item);
    const bool dropped = !b->row.targets || (b->row.cut && b->layout.drop_long);
    if (b->row.cut) count_long(dropped ? &b->dropped : &b->cut, item);
    if (b->row.shortened && !b->row.cut) count_long(&b->shortened, item);
    if (dropped) continue;
    b->base.examples += !b->items.count || b->items.data[b->items.count - 1].example != item->example;
    vec_push(&b->items, *item);
  }
  vec_free(&all);
}

/* Keeps every n-th item, in file order, for about `limit` targets. */
static void thin_out(PairBatches *b, int64_t limit) {
  int64_t targets = 0;
  size_t kept = 0;
  for (size_t i = 0; i < b->items.count; i++) {
    read_row(b, &b->items.data[i]);
    targets += b->row.targets;
  }
  const size_t every = limit > 0 && targets > limit ? (size_t)(targets / limit) : 1;
  for (size_t i = 0; i < b->items.count; i += every) b->items.data[kept++] = b->items.data[i];
  b->items.count = kept;
}

static void count_targets(PairBatches *b) {
  double bytes = 0, characters = 0;
  for (size_t i = 0; i < b->items.count; i++) {
    read_row(b, &b->items.data[i]);
    b->base.tokens += b->row.targets;
    bytes += b->row.bytes;
    characters += b->row.characters;
  }
  b->base.bytes = (int64_t)(bytes + 0.5);
  b->base.characters = (int64_t)(characters + 0.5);
}

/* ---- cutting ---- */

static void find_equal(PairBatches *b) {
  for (size_t i = 0; i < b->items.count; i++) {
    const PairItem *x = &b->items.data[i];
    if (i && padded_source(b, x) == padded_source(b, x - 1) && padded_target(b, x) == padded_target(b, x - 1))
      continue;
    vec_push(&b->equal, (int64_t)i);
  }
  vec_push(&b->equal, (int64_t)b->items.count);
}

/* Cuts by the rounded lengths, so that any item of equal length may take another's place. */
static void cut(PairBatches *b, int64_t sequences, int64_t tokens) {
  int64_t source = 0, time = 0, begin = 0;
  vec_push(&b->cuts, 0);
  for (int64_t i = 0; i < (int64_t)b->items.count; i++) {
    const PairItem *item = &b->items.data[i];
    const int64_t longer_source = int64_max(source, padded_source(b, item)),
                  longer_time = int64_max(time, padded_target(b, item));
    const int64_t count = i - begin + 1;
    if (count > 1 &&
        ((sequences && count > sequences) || count * int64_max(longer_source, longer_time) > tokens)) {
      vec_push(&b->cuts, i);
      begin = i;
      source = padded_source(b, item);
      time = padded_target(b, item);
    } else {
      source = longer_source;
      time = longer_time;
    }
    b->base.sequences = int64_max(b->base.sequences, i - begin + 1);
    b->base.source_time = int64_max(b->base.source_time, source);
    b->base.time = int64_max(b->base.time, time);
  }
  vec_push(&b->cuts, (int64_t)b->items.count);
  b->base.count = (int64_t)b->cuts.count - 1;
}

/* A window has the tokens of a batch, or the longest item. */
static void pack(PairBatches *b, int64_t sequences, int64_t tokens) {
  const size_t count = b->items.count;
  const int64_t size = int64_max(int64_min(b->layout.time, tokens), b->items.data[count - 1].target);
  int64_t together = int64_max(tokens / size, 1), *lengths = mem_alloc(count * sizeof *lengths);
  for (size_t i = 0; i < count; i++) lengths[i] = b->items.data[i].target;
  packing_make(&b->packing, lengths, count, size);
  mem_free(lengths);
  const int64_t windows = packing_windows(&b->packing);
  if (sequences) together = int64_min(together, sequences);
  for (int64_t i = 0; i < windows; i += together) vec_push(&b->cuts, i);
  vec_push(&b->cuts, windows);
  b->base.count = (int64_t)b->cuts.count - 1;
  b->base.sequences = int64_min(together, windows);
  b->base.time = size;
}

/* ---- filling ---- */

/* The run of equal lengths that contains item `at`. */
static size_t find_run(const PairBatches *b, int64_t at) {
  size_t low = 0, high = b->equal.count - 1; /* equal[low] <= at < equal[high] */
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (b->equal.data[middle] <= at)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static const PairItem *item_at(const PairBatches *b, int64_t at, uint64_t epoch) {
  if (!b->shuffled) return &b->items.data[at];
  const size_t run = find_run(b, at);
  const int64_t first = b->equal.data[run], count = b->equal.data[run + 1] - first;
  const uint64_t stream = random_stream("pair order") + epoch;
  return &b->items.data[first + (int64_t)random_permute((uint64_t)(at - first), (uint64_t)count,
                                                        b->seed + run, stream)];
}

/* The row's tokens and targets, from `at` in a sequence of the batch. */
static void put_row(const PairBatches *b, int64_t at) {
  const PairRow *r = &b->row;
  for (int64_t t = 0; t + 1 < (int64_t)r->ids.count; t++) {
    b->tokens[at + t] = r->ids.data[t];
    b->targets[at + t] = r->scored.data[t + 1] ? r->ids.data[t + 1] : -1;
  }
}

static void put_padding(const PairBatches *b, int64_t from, int64_t to) {
  for (int64_t t = from; t < to; t++) {
    b->tokens[t] = b->layout.pad;
    b->targets[t] = -1;
  }
}

static void fill_row(const PairBatches *b, int64_t row, const Batch *batch) {
  const PairRow *r = &b->row;
  int32_t *source = b->source + row * batch->source_time;
  put_row(b, row * batch->time);
  put_padding(b, row * batch->time + (int64_t)r->ids.count - 1, (row + 1) * batch->time);
  for (int64_t t = 0; t < batch->source_time; t++)
    source[t] = t < (int64_t)r->source.count ? r->source.data[t] : b->layout.source_pad;
  b->source_lengths[row] = (int32_t)r->source.count;
}

/* ---- packed windows ---- */

static int64_t window_at(const PairBatches *b, int64_t at, uint64_t epoch) {
  const uint64_t stream = random_stream("window order") + epoch, n = (uint64_t)packing_windows(&b->packing);
  return (int64_t)random_permute((uint64_t)at, n, b->seed, stream);
}

/* Number of tokens in a window; the lengths of items that may take each other's place are equal. */
static int64_t window_tokens(const PairBatches *b, int64_t window) {
  int64_t tokens = 0;
  for (int64_t i = b->packing.starts.data[window]; i < b->packing.starts.data[window + 1]; i++)
    tokens += b->items.data[b->packing.order.data[i]].target;
  return tokens;
}

/* Padding sees itself only. */
static void fill_window(PairBatches *b, int64_t window, int64_t row, int64_t time, uint64_t epoch) {
  int64_t at = row * time;
  for (int64_t i = b->packing.starts.data[window]; i < b->packing.starts.data[window + 1]; i++) {
    const PairItem *item = item_at(b, b->packing.order.data[i], epoch);
    read_row(b, item);
    put_row(b, at);
    for (int64_t t = 0; t < item->target; t++) b->begins[at + t] = (int32_t)(at - row * time);
    at += item->target;
  }
  put_padding(b, at, (row + 1) * time);
  for (; at < (row + 1) * time; at++) b->begins[at] = (int32_t)(at - row * time);
}

/* Windows first .. first + count - 1 of the epoch's order. */
static void get_packed(PairBatches *b, int64_t first, int64_t count, uint64_t epoch, Batch *batch) {
  *batch = (Batch){.sequences = count, .tokens = b->tokens, .targets = b->targets, .begins = b->begins};
  for (int64_t i = 0; i < count; i++)
    batch->time = int64_max(batch->time, window_tokens(b, window_at(b, first + i, epoch)));
  for (int64_t i = 0; i < count; i++) fill_window(b, window_at(b, first + i, epoch), i, batch->time, epoch);
}

/* ---- batches ---- */

static void get(Batches *base, int64_t index, Batch *batch) {
  PairBatches *b = (PairBatches *)base;
  const uint64_t epoch = b->shuffled ? (uint64_t)(index / base->count) : 0, n = (uint64_t)base->count;
  const uint64_t which =
      b->shuffled ? random_permute((uint64_t)index % n, n, b->seed, random_stream("batch order") + epoch)
                  : (uint64_t)index % n;
  const int64_t begin = b->cuts.data[which], end = b->cuts.data[which + 1];
  if (b->layout.pack) {
    get_packed(b, begin, end - begin, epoch, batch);
    return;
  }
  *batch = (Batch){.sequences = end - begin, .tokens = b->tokens, .targets = b->targets};
  for (int64_t i = begin; i < end; i++) {
    const PairItem *item = item_at(b, i, epoch);
    batch->time = int64_max(batch->time, item->target);
    batch->source_time = int64_max(batch->source_time, item->source);
  }
  for (int64_t i = begin; i < end; i++) {
    read_row(b, item_at(b, i, epoch));
    fill_row(b, i - begin, batch);
  }
  if (!b->layout.separate) return;
  batch->source = b->source;
  batch->source_lengths = b->source_lengths;
}

/* ---- construction ---- */

static void free_batches(Batches *base) {
  PairBatches *b = (PairBatches *)base;
  vec_free(&b->items);
  vec_free(&b->equal);
  vec_free(&b->cuts);
  pair_row_free(&b->row);
  template_rows_free(&b->rendered);
  packing_free(&b->packing);
  mem_free(b->tokens);
  mem_free(b->targets);
  mem_free(b->begins);
  mem_free(b->source);
  mem_free(b->source_lengths);
  mem_free(b);
}

static const BatchesKind kind = {get, free_batches};

/* Allocates for the largest batch and computes the average size. */
static void alloc_rows(PairBatches *b) {
  size_t targets = 1, sources = 1;
  double positions = 0;
  for (size_t i = 0; i + 1 < b->cuts.count; i++) {
    const int64_t begin = b->cuts.data[i], end = b->cuts.data[i + 1];
    int64_t time = 0, source = 0;
    for (int64_t k = begin; k < end; k++) {
      time = int64_max(time, padded_target(b, &b->items.data[k]));
      source = int64_max(source, padded_source(b, &b->items.data[k]));
    }
    targets = (size_t)int64_max((int64_t)targets, (end - begin) * time);
    sources = (size_t)int64_max((int64_t)sources, (end - begin) * source);
    positions += (double)((end - begin) * (time + source));
  }
  b->base.step_positions = positions / (double)b->base.count;
  b->tokens = mem_alloc_zeroed(targets, sizeof *b->tokens);
  b->targets = mem_alloc_zeroed(targets, sizeof *b->targets);
  b->source = mem_alloc_zeroed(sources, sizeof *b->source);
  b->source_lengths = mem_alloc_zeroed((size_t)b->base.sequences, sizeof *b->source_lengths);
}

static void alloc_windows(PairBatches *b) {
  const int64_t windows = packing_windows(&b->packing);
  const size_t most = (size_t)(b->base.sequences * b->base.time);
  int64_t tokens = 0;
  for (int64_t i = 0; i < windows; i++) tokens += window_tokens(b, i);
  b->base.step_positions = (double)tokens / (double)b->base.count;
  b->tokens = mem_alloc_zeroed(most, sizeof *b->tokens);
  b->targets = mem_alloc_zeroed(most, sizeof *b->targets);
  b->begins = mem_alloc_zeroed(most, sizeof *b->begins);
}

/* " (talks.jsonl:7, talks.jsonl:9, ...)" */
static const char *places_of(const PairBatches *b, const TooLong *l, Buffer *out) {
  const Pairs *p = b->data.pairs;
  char where[PATH_CAPACITY];
  for (int i = 0; i < 3 && i < l->count && p->file_names; i++)
    buffer_addf(out, "%s%s", i ? ", " : " (", example_location(p, &p->examples[l->first[i]], where));
  if (out->length) buffer_adds(out, l->count > 3 ? ", ...)" : ")");
  return out->data ? out->data : "";
}

static void report_some(const PairBatches *b, const TooLong *l, const char *done, const News *news) {
  char n[FIGURE_SIZE];
  Buffer at = {0};
  const char *places = places_of(b, l, &at);
  figure_of(n, l->count, "example");
  if (l->count && b->layout.separate)
    news_warning(
        news, "%s longer than the model's context of %" PRId64 " source or %" PRId64 " target tokens: %s%s",
        n, b->layout.source_time, b->layout.time, done, places);
  else if (l->count)
    news_warning(news, "%s longer than the model's context of %" PRId64 " tokens: %s%s", n, b->layout.time,
                 done, places);
  buffer_free(&at);
}

static void report_long(const PairBatches *b, const News *news) {
  char n[FIGURE_SIZE];
  Buffer shortened = {0};
  report_some(b, &b->cut, _("truncated"), news);
  report_some(b, &b->dropped, _("dropped"), news);
  if (b->shortened.count)
    news_warning(news,
                 "%s without the oldest turns before them, which the model's context of %" PRId64
                 " tokens does not hold%s",
                 figure_of(n, b->shortened.count, N_("answer")), b->layout.time,
                 places_of(b, &b->shortened, &shortened));
  buffer_free(&shortened);
}

static void report_packing(const PairBatches *b, const News *news) {
  char n[FIGURE_SIZE], m[FIGURE_SIZE];
  const int64_t windows = packing_windows(&b->packing);
  const double tokens = b->base.step_positions * (double)b->base.count;
  news_note(news, "packed: %s in %s of %" PRId64 " tokens, %.1f %% of them filled",
            figure_of(n, (int64_t)b->items.count, N_("sequence")), figure_of(m, windows, N_("window")),
            b->base.time, 100 * tokens / (double)(windows * b->base.time));
}

/* Fails for what only a chat template can lay out. */
static bool can_lay_out(const PairBatches *b, Error *err) {
  const Pairs *p = b->data.pairs;
  char where[PATH_CAPACITY];
  for (size_t i = 0; i < p->count && !b->layout.template; i++) {
    const char *what = example_needs_template(p, &p->examples[i]);
    if (what)
      return fail(err, "%s: has %s, which only a model with a chat template can learn: give one with --from",
                  example_location(p, &p->examples[i], where), what);
  }
  return true;
}

/* Only training can change what fits. */
static void fail_empty(const PairBatches *b, Error *err) {
  if (!b->shuffled)
    fail(err, "no example fits into the model's context of %" PRId64 " tokens: give shorter ones",
         b->layout.time);
  else
    fail(err, "no example fits into the model's context: give a larger --context, or --too-long truncate");
}

static Batches *make(PairBatches *b, int64_t sequences, int64_t tokens, int64_t limit, const News *news,
                     Error *err) {
  CHECK(b->layout.time >= 2 && (!b->layout.separate || b->layout.source_time >= 2));
  if (!can_lay_out(b, err) ||
      (b->layout.template && !template_rows(&b->rendered, b->data.pairs, &b->layout, news, err))) {
    free_batches(&b->base);
    return NULL;
  }
  list_items(b);
  report_long(b, news);
  if (!b->items.count) {
    fail_empty(b, err);
    free_batches(&b->base);
    return NULL;
  }
  thin_out(b, limit);
  count_targets(b);
  qsort_r(b->items.data, b->items.count, sizeof *b->items.data, by_length, b);
  find_equal(b);
  if (b->layout.pack) {
    pack(b, sequences, tokens);
    alloc_windows(b);
    report_packing(b, news);
  } else {
    cut(b, sequences, tokens);
    alloc_rows(b);
  }
  b->base.step_tokens = (double)b->base.tokens / (double)b->base.count;
  return &b->base;
}

static PairBatches *new_batches(const PairTokens *data, const PairLayout *layout) {
  PairBatches *b = mem_alloc_zeroed(1, sizeof *b);
  b->base.kind = &kind;
  b->data = *data;
  b->layout = *layout;
  return b;
}

Batches *pair_batches(const PairTokens *data, const PairLayout *layout, int64_t sequences, int64_t tokens,
                      uint64_t seed, const News *news, Error *err) {
  PairBatches *b = new_batches(data, layout);
  b->shuffled = true;
  b->seed = seed;
  return make(b, sequences, tokens, 0, news, err);
}

Batches *pair_eval_batches(const PairTokens *data, const PairLayout *layout, int64_t sequences,
                           int64_t tokens, int64_t limit, const News *news, Error *err) {
  PairBatches *b = new_batches(data, layout);
  b->layout.pack = false;
  return make(b, sequences, tokens, limit, news, err);
}
