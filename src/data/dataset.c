#include "data/dataset.h"

#include <inttypes.h>

#include "base/random.h"
#include "data/encode.h"

bool dataset_encode(Dataset *d, const Corpus *corpus, const Tokenizer *tokenizer, DocumentTokens around,
                    const News *news, Error *err) {
  const Encoder encoder = {.tokenizers = {tokenizer}, .begin = around.begin, .end = around.end};
  Encoded e;
  if (!texts_encode(&e, &encoder, corpus->documents, corpus->count, news, err)) return false;
  *d = (Dataset){.store = e.store,
                 .tokens = e.tokens,
                 .count = e.starts[e.count],
                 .starts = e.starts,
                 .documents = e.count,
                 .bytes = corpus->bytes,
                 .characters = corpus->characters,
                 .ended = around.begin < 0 && around.end >= 0};
  return true;
}

void dataset_free(Dataset *d) {
  spool_free(&d->store);
  mem_free(d->starts);
  *d = (Dataset){0};
}

/* ---- windows ---- */

/* Targets are the tokens shifted by one, so adjacent windows share one token. A document's first window
 * begins with the end token before it, if any, because generation starts from that token. */
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
    return fail(err, "the text is %" PRId64 " tokens long, too short to predict anything: give more text",
                data->count);
  if (data->count <= time && !by_document)
    news_warning(news,
                 "the text (%" PRId64 " tokens) is shorter than a window of %" PRId64
                 " and is padded: a smaller --context would waste less",
                 data->count, time);
  if (by_document)
    list_document_windows(w);
  else
    w->count = data->count - 1 > time ? (data->count - 1) / time : 1;
  if (w->count) return true;
  windows_free(w);
  return fail(err, "each document is one token long, too short to predict anything: give longer documents");
}

void windows_free(Windows *w) {
  mem_free(w->pieces);
  *w = (Windows){0};
}

/* Tokens from `at`, targets shifted by one, up to `end`; the rest is padding. */
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

/* Where an epoch starts to cut the stream: a random offset, at most the remainder that whole windows leave.
 */
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
