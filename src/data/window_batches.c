/* window_batches.c - windows of a text as batches, for training and for evaluation. */
#include "data/dataset.h"

typedef struct WindowBatches {
  Batches base;
  Windows windows;
  int64_t of_epoch, every; /* evaluation: windows there are, and every how many-th is looked at */
  int32_t *tokens, *targets;
} WindowBatches;

static void give(const WindowBatches *w, int64_t sequences, Batch *batch) {
  *batch = (Batch){.sequences = sequences, .time = w->base.time, .tokens = w->tokens, .targets = w->targets};
}

static void get_training(Batches *b, int64_t index, Batch *batch) {
  WindowBatches *w = (WindowBatches *)b;
  for (int64_t i = 0; i < b->sequences; i++)
    windows_get(&w->windows, index * b->sequences + i, w->tokens + i * b->time, w->targets + i * b->time);
  give(w, b->sequences, batch);
}

static void get_evaluation(Batches *b, int64_t index, Batch *batch) {
  WindowBatches *w = (WindowBatches *)b;
  int64_t filled = 0;
  for (; filled < b->sequences; filled++) {
    const int64_t at = (index * b->sequences + filled) * w->every;
    int32_t *tokens = w->tokens + filled * b->time, *targets = w->targets + filled * b->time;
    if (at >= w->of_epoch) break;
    if (w->windows.by_document)
      windows_get(&w->windows, at, tokens, targets);
    else
      windows_eval(&w->windows, at, tokens, targets);
  }
  give(w, filled, batch);
}

static void free_batches(Batches *b) {
  WindowBatches *w = (WindowBatches *)b;
  windows_free(&w->windows);
  mem_free(w->tokens);
  mem_free(w->targets);
  mem_free(w);
}

static const BatchesKind training = {get_training, free_batches}, evaluation = {get_evaluation, free_batches};

static WindowBatches *new_batches(const BatchesKind *kind, const Windows *windows, int64_t sequences) {
  WindowBatches *w = mem_alloc_zeroed(1, sizeof *w);
  const Dataset *d = windows->data;
  w->windows = *windows;
  w->base = (Batches){.kind = kind,
                      .sequences = sequences,
                      .time = windows->time,
                      .tokens = d->count,
                      .bytes = d->bytes,
                      .characters = d->characters};
  w->tokens = mem_alloc_zeroed((size_t)(sequences * windows->time), sizeof *w->tokens);
  w->targets = mem_alloc_zeroed((size_t)(sequences * windows->time), sizeof *w->targets);
  return w;
}

Batches *windows_batches(const Dataset *data, int64_t sequences, int64_t time, bool by_document,
                         uint64_t seed, const News *news, Error *err) {
  Windows windows;
  if (!windows_open(&windows, data, time, by_document, seed, news, err)) return NULL;
  WindowBatches *w = new_batches(&training, &windows, sequences);
  w->base.count = (windows.count + sequences - 1) / sequences;
  return &w->base;
}

Batches *windows_eval_batches(const Dataset *data, int64_t sequences, int64_t time, bool by_document,
                              int64_t limit, Error *err) {
  Windows windows;
  if (!windows_open(&windows, data, time, by_document, 0, &(News){0}, err)) return NULL;
  WindowBatches *w = new_batches(&evaluation, &windows, sequences);
  w->of_epoch = by_document ? windows.count : windows_eval_count(&windows);
  const int64_t wanted = limit > 0 ? (limit + time - 1) / time : w->of_epoch;
  w->every = wanted < w->of_epoch ? w->of_epoch / wanted : 1;
  const int64_t looked_at = (w->of_epoch + w->every - 1) / w->every;
  w->base.count = (looked_at + sequences - 1) / sequences;
  return &w->base;
}
