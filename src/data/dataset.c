#include "data/dataset.h"

#include <inttypes.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"

/* ---- encoding ---- */

/* Documents are shared out in runs of about this many bytes, each encoded into ids of its own and then
 * joined. */
static const size_t run_bytes = 1 << 18;

typedef struct Run {
  size_t first, count; /* documents */
  Ids ids;
  int64_t *lengths; /* of each document, end token included */
  Error err;
} Run;

typedef struct Encoding {
  const Corpus *corpus;
  const Tokenizer *tokenizer;
  Run *runs;
  size_t count;
} Encoding;

static void encode_run(const Encoding *e, Run *r) {
  MEM_GUARD(&r->err, return );
  const int32_t end = tokenizer_end(e->tokenizer);
  for (size_t i = 0; i < r->count; i++) {
    const Document *d = &e->corpus->documents[r->first + i];
    const size_t before = r->ids.count;
    if (!tokenizer_encode(e->tokenizer, d->text, d->length, false, &r->ids, &r->err)) break;
    if (end >= 0) vec_push(&r->ids, end);
    r->lengths[i] = (int64_t)(r->ids.count - before);
  }
  MEM_GUARD_END();
}

static void encode_runs(void *arg, int64_t begin, int64_t end) {
  const Encoding *e = arg;
  for (int64_t i = begin; i < end; i++) encode_run(e, &e->runs[i]);
}

static void plan_runs(Encoding *e) {
  VEC(Run) runs = {0};
  for (size_t i = 0; i < e->corpus->count;) {
    Run r = {.first = i};
    size_t bytes = 0;
    while (i < e->corpus->count && (r.count == 0 || bytes < run_bytes)) {
      bytes += e->corpus->documents[i++].length;
      r.count++;
    }
    r.lengths = mem_alloc_zeroed(r.count, sizeof *r.lengths);
    vec_push(&runs, r);
  }
  e->runs = runs.data;
  e->count = runs.count;
}

static void join(const Encoding *e, Dataset *d) {
  size_t at = 0;
  int64_t document = 0;
  for (size_t i = 0; i < e->count; i++) d->count += (int64_t)e->runs[i].ids.count;
  d->tokens = mem_alloc((size_t)d->count * sizeof *d->tokens);
  d->starts = mem_alloc((size_t)(d->documents + 1) * sizeof *d->starts);
  d->starts[0] = 0;
  for (size_t i = 0; i < e->count; i++) {
    const Run *r = &e->runs[i];
    if (r->ids.count) memcpy(d->tokens + at, r->ids.data, r->ids.count * sizeof *d->tokens);
    at += r->ids.count;
    for (size_t k = 0; k < r->count; k++, document++)
      d->starts[document + 1] = d->starts[document] + r->lengths[k];
  }
}

static void free_runs(Encoding *e) {
  for (size_t i = 0; i < e->count; i++) {
    vec_free(&e->runs[i].ids);
    mem_free(e->runs[i].lengths);
  }
  mem_free(e->runs);
}

static bool first_error(const Encoding *e, Error *err) {
  for (size_t i = 0; i < e->count; i++)
    if (e->runs[i].err.code) return fail(err, "%s", e->runs[i].err.text);
  return true;
}

bool dataset_encode(Dataset *d, const Corpus *corpus, const Tokenizer *tokenizer, const News *news,
                    Error *err) {
  Encoding e = {.corpus = corpus, .tokenizer = tokenizer};
  *d = (Dataset){.documents = (int64_t)corpus->count,
                 .bytes = corpus->bytes,
                 .characters = corpus->characters,
                 .ended = tokenizer_end(tokenizer) >= 0};
  plan_runs(&e);
  const int64_t batch = 4 * threads_count(); /* runs between two reports */
  for (int64_t i = 0; i < (int64_t)e.count; i += batch) {
    Encoding part = e;
    part.runs = e.runs + i;
    parallel_for((int64_t)e.count - i < batch ? (int64_t)e.count - i : batch, encode_runs, &part);
    news_progress(news, "encoding", i + batch < (int64_t)e.count ? i + batch : (int64_t)e.count,
                  (int64_t)e.count, "piece");
  }
  const bool ok = first_error(&e, err);
  if (ok) join(&e, d);
  free_runs(&e);
  return ok;
}

void dataset_free(Dataset *d) {
  mem_free(d->tokens);
  mem_free(d->starts);
  *d = (Dataset){0};
}

/* ---- windows ---- */

/* A window of `time` tokens has its targets one further on, so neighbours share one token. The first of a
 * document begins with the end token before it, where there is one: that is what texts are started from. */
static void list_document_windows(Windows *w) {
  VEC(int64_t) pieces = {0};
  for (int64_t i = 0; i < w->data->documents; i++) {
    const int64_t first = w->data->starts[i] - (w->data->ended && i > 0);
    for (int64_t at = first; at + 1 < w->data->starts[i + 1]; at += w->time) vec_push(&pieces, at);
  }
  w->pieces = pieces.data;
  w->count = (int64_t)pieces.count;
}

bool windows_open(Windows *w, const Dataset *data, int64_t time, bool by_document, uint64_t seed,
                  const News *news, Error *err) {
  *w = (Windows){.data = data, .time = time, .by_document = by_document, .seed = seed};
  if (data->count < 2)
    return fail(err, "the text is %" PRId64 " tokens long: too short to predict anything", data->count);
  if (data->count <= time && !by_document)
    news_warning(news,
                 "the text is shorter (%" PRId64 " tokens) than a window of %" PRId64
                 ": it is padded; a smaller --context would waste less",
                 data->count, time);
  if (by_document)
    list_document_windows(w);
  else
    w->count = data->count - 1 > time ? (data->count - 1) / time : 1;
  if (w->count) return true;
  windows_free(w);
  return fail(err, "each document is one token: too short to predict anything");
}

void windows_free(Windows *w) {
  mem_free(w->pieces);
  *w = (Windows){0};
}

/* Tokens from `at`, targets one on, up to `end`; the rest is padding. */
static void fill(const Windows *w, int64_t at, int64_t end, int64_t time, int32_t *tokens, int32_t *targets) {
  const int64_t have = end - at - 1 < w->time ? end - at - 1 : w->time;
  for (int64_t t = 0; t < time; t++) {
    tokens[t] = t < have ? w->data->tokens[at + t] : 0;
    targets[t] = t < have ? w->data->tokens[at + t + 1] : -1;
  }
}

static int64_t document_end(const Dataset *d, int64_t at) {
  int64_t low = 0, high = d->documents; /* starts[low] <= at < starts[high] */
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (d->starts[middle] <= at)
      low = middle;
    else
      high = middle;
  }
  return d->starts[high];
}

/* The stream is cut anew in each epoch, at an offset between 0 and what whole windows leave over, at most a
 * window. */
static int64_t offset_of(const Windows *w, uint64_t epoch) {
  const int64_t spare = w->data->count - 1 - w->count * w->time;
  return spare > 0
             ? (int64_t)random_below((uint64_t)spare + 1, w->seed, random_stream("window offset"), epoch)
             : 0;
}

void windows_get(const Windows *w, int64_t index, int32_t *tokens, int32_t *targets) {
  const uint64_t epoch = (uint64_t)(index / w->count);
  const int64_t which = (int64_t)random_permute((uint64_t)(index % w->count), (uint64_t)w->count, w->seed,
                                                random_stream("window order") + epoch);
  if (w->by_document)
    fill(w, w->pieces[which], document_end(w->data, w->pieces[which] + 1), w->time, tokens, targets);
  else
    fill(w, offset_of(w, epoch) + which * w->time, w->data->count, w->time, tokens, targets);
}

int64_t windows_length(const Windows *w, int64_t which) {
  const int64_t at = w->pieces[which], rest = document_end(w->data, at + 1) - at - 1;
  return rest < w->time ? rest : w->time;
}

void windows_at(const Windows *w, int64_t which, int64_t time, int32_t *tokens, int32_t *targets) {
  fill(w, w->pieces[which], document_end(w->data, w->pieces[which] + 1), time, tokens, targets);
}
