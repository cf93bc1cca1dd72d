#include "data/encode.h"

#include <string.h>

#include "base/threads.h"
#include "data/text_file.h"

/* Texts are divided among threads in runs of about this many bytes; each run is encoded separately, then
 * joined. */
static const size_t run_bytes = 1 << 18;

/* Longer texts are cut, so that their ids need not be in memory all at once. */
static size_t piece_bytes = 1 << 18;

void encode_set_piece(size_t bytes) {
  piece_bytes = bytes;
}

typedef struct Run {
  size_t first, count; /* texts */
  Document part;       /* a part of the run's only text; text NULL: whole texts */
  bool begins, ends;   /* the part is the first, the last of its text */
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

static bool encode_text(const Encoder *e, const Run *r, size_t which, const Document *d, Ids *ids,
                        Error *err) {
  const Tokenizer *tokenizer = e->tokenizers[e->which ? e->which[which] : 0];
  if (e->begin >= 0 && r->begins) vec_push(ids, e->begin);
  if (!(e->drop ? tokenizer_encode_dropping(tokenizer, d->text, d->length, e->drop, e->seed, which, ids, err)
                : tokenizer_encode(tokenizer, d->text, d->length, false, ids, err)))
    return false;
  if (e->end >= 0 && r->ends) vec_push(ids, e->end);
  return true;
}

static void encode_run(const Work *w, Run *r) {
  MEM_GUARD(&r->err, return );
  r->lengths = mem_alloc_zeroed(r->count, sizeof *r->lengths);
  for (size_t i = 0; i < r->count; i++) {
    const Document *d = r->part.text ? &r->part : &w->texts[r->first + i];
    const size_t before = r->ids.count;
    if (!encode_text(w->encoder, r, r->first + i, d, &r->ids, &r->err)) break;
    r->lengths[i] = (int64_t)(r->ids.count - before);
  }
  MEM_GUARD_END();
}

static void encode_runs(void *arg, int64_t begin, int64_t end) {
  const Work *w = arg;
  for (int64_t i = begin; i < end; i++) encode_run(w, &w->runs[i]);
}

/* ---- cutting ---- */

/* Does a cut at `at` leave the ids unchanged? Comparing the surroundings is enough: word boundaries depend on
 * a few characters, and no token crosses one. */
static bool is_neutral(const Tokenizer *t, Document d, size_t at) {
  enum { AROUND = 256 };
  size_t from = at > AROUND ? at - AROUND : 0, to = at + AROUND < d.length ? at + AROUND : d.length;
  while (from < at && ((unsigned char)d.text[from] & 0xc0) == 0x80) from++;
  while (to > at && to < d.length && ((unsigned char)d.text[to] & 0xc0) == 0x80) to--;
  Ids whole = {0}, parts = {0};
  const bool ok = tokenizer_encode(t, d.text + from, to - from, false, &whole, NULL) &&
                  tokenizer_encode(t, d.text + from, at - from, false, &parts, NULL) &&
                  tokenizer_encode(t, d.text + at, to - at, false, &parts, NULL);
  const bool same =
      ok && whole.count == parts.count && !memcmp(whole.data, parts.data, whole.count * sizeof *whole.data);
  vec_free(&whole);
  vec_free(&parts);
  return same;
}

/* The length of a first part of about piece_bytes: up to a line end with no blank on either side; the whole
 * length if there is no place to cut. */
static size_t part_length(const Tokenizer *t, Document d) {
  enum { TRIES = 64 };
  const char *end = d.text + d.length, *at = d.text + piece_bytes;
  for (int i = 0; i < TRIES && at < end; i++) {
    const char *line = memchr(at, '\n', (size_t)(end - at));
    if (!line || line + 1 >= end) break;
    at = line + 1;
    if (is_blank(line - 1, 1) || is_blank(at, 1)) continue;
    if (is_neutral(t, d, (size_t)(at - d.text))) return (size_t)(at - d.text);
  }
  return d.length;
}

typedef VEC(Run) Runs;

static void cut_text(const Work *w, size_t which, Runs *runs) {
  const Encoder *e = w->encoder;
  Document rest = w->texts[which];
  while (rest.length) {
    const size_t length = rest.length > piece_bytes && !e->drop
                              ? part_length(e->tokenizers[e->which ? e->which[which] : 0], rest)
                              : rest.length;
    vec_push(runs, ((Run){.first = which,
                          .count = 1,
                          .part = {rest.text, length},
                          .begins = rest.text == w->texts[which].text,
                          .ends = length == rest.length}));
    rest.text += length;
    rest.length -= length;
  }
}

static void plan_runs(Work *w, size_t count) {
  Runs runs = {0};
  for (size_t i = 0; i < count;) {
    if (w->texts[i].length > piece_bytes) {
      cut_text(w, i++, &runs);
      continue;
    }
    Run r = {.first = i, .begins = true, .ends = true};
    size_t bytes = 0;
    while (i < count && w->texts[i].length <= piece_bytes && (r.count == 0 || bytes < run_bytes)) {
      bytes += w->texts[i++].length;
      r.count++;
    }
    vec_push(&runs, r);
  }
  w->runs = runs.data;
  w->count = runs.count;
}

/* ---- joining ---- */

/* Appends a run's ids; a further part of a text extends it. */
static bool collect(Run *r, Encoded *e, Error *err) {
  int64_t *starts = e->starts + r->first;
  if (r->err.code) return fail_from(err, &r->err);
  if (!spool_add(&e->store, r->ids.data, r->ids.count * sizeof *r->ids.data, err)) return false;
  if (r->begins)
    for (size_t k = 0; k < r->count; k++) starts[k + 1] = starts[k] + r->lengths[k];
  else
    starts[1] += r->lengths[0];
  vec_free(&r->ids);
  mem_free(r->lengths);
  r->lengths = NULL;
  return true;
}

static bool encode_all(const Work *w, Encoded *e, const News *news, Error *err) {
  const int64_t batch = 4 * threads_count(), all = (int64_t)w->count; /* runs per progress report */
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
