#include "data/encode.h"

#include "base/threads.h"

/* Texts are shared out in runs of about this many bytes, each encoded into ids of its own and then joined. */
static const size_t run_bytes = 1 << 18;

typedef struct Run {
  size_t first, count; /* texts */
  Ids ids;
  int64_t *lengths; /* of each text */
  Error err;
} Run;

typedef struct Work {
  const Encoder *encoder;
  const Document *texts;
  Run *runs;
  size_t count;
} Work;

static void encode_run(const Work *w, Run *r) {
  MEM_GUARD(&r->err, return );
  const Encoder *e = w->encoder;
  for (size_t i = 0; i < r->count; i++) {
    const Document *d = &w->texts[r->first + i];
    const Tokenizer *tokenizer = e->tokenizers[e->which ? e->which[r->first + i] : 0];
    const size_t before = r->ids.count;
    if (e->begin >= 0) vec_push(&r->ids, e->begin);
    if (!(e->drop ? tokenizer_encode_dropping(tokenizer, d->text, d->length, e->drop, e->seed, r->first + i,
                                              &r->ids, &r->err)
                  : tokenizer_encode(tokenizer, d->text, d->length, false, &r->ids, &r->err)))
      break;
    if (e->end >= 0) vec_push(&r->ids, e->end);
    r->lengths[i] = (int64_t)(r->ids.count - before);
  }
  MEM_GUARD_END();
}

static void encode_runs(void *arg, int64_t begin, int64_t end) {
  const Work *w = arg;
  for (int64_t i = begin; i < end; i++) encode_run(w, &w->runs[i]);
}

static void plan_runs(Work *w, size_t count) {
  VEC(Run) runs = {0};
  for (size_t i = 0; i < count;) {
    Run r = {.first = i};
    size_t bytes = 0;
    while (i < count && (r.count == 0 || bytes < run_bytes)) {
      bytes += w->texts[i++].length;
      r.count++;
    }
    r.lengths = mem_alloc_zeroed(r.count, sizeof *r.lengths);
    vec_push(&runs, r);
  }
  w->runs = runs.data;
  w->count = runs.count;
}

/* Puts a run's ids behind those there are. */
static bool collect(Run *r, Encoded *e, Error *err) {
  int64_t *starts = e->starts + r->first;
  if (r->err.code) return fail(err, "%s", r->err.text);
  if (!spool_add(&e->store, r->ids.data, r->ids.count * sizeof *r->ids.data, err)) return false;
  for (size_t k = 0; k < r->count; k++) starts[k + 1] = starts[k] + r->lengths[k];
  vec_free(&r->ids);
  return true;
}

static bool encode_all(const Work *w, Encoded *e, const News *news, Error *err) {
  const int64_t batch = 4 * threads_count(), all = (int64_t)w->count; /* runs between two reports */
  bool ok = true;
  for (int64_t i = 0; i < all && ok; i += batch) {
    Work part = *w;
    const int64_t stop = i + batch < all ? i + batch : all;
    part.runs = w->runs + i;
    parallel_for(stop - i, encode_runs, &part);
    for (int64_t k = i; k < stop && ok; k++) ok = collect(&w->runs[k], e, err);
    news_progress(news, "encoding", stop, all, "piece");
  }
  spool_finish(&e->store);
  e->tokens = (const int32_t *)(const void *)e->store.data;
  return ok;
}

static void free_runs(Work *w) {
  for (size_t i = 0; i < w->count; i++) {
    vec_free(&w->runs[i].ids);
    mem_free(w->runs[i].lengths);
  }
  mem_free(w->runs);
}

bool texts_encode(Encoded *e, const Encoder *encoder, const Document *texts, size_t count, const News *news,
                  Error *err) {
  Work w = {.encoder = encoder, .texts = texts};
  *e = (Encoded){.count = (int64_t)count};
  e->starts = mem_alloc_zeroed(count + 1, sizeof *e->starts);
  plan_runs(&w, count);
  const bool ok = encode_all(&w, e, news, err);
  free_runs(&w);
  if (!ok) encoded_free(e);
  return ok;
}

void encoded_free(Encoded *e) {
  spool_free(&e->store);
  mem_free(e->starts);
  *e = (Encoded){0};
}
