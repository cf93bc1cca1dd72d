/* window_batches.c - windows of a text as batches, for training and for evaluation. */
#include <stdlib.h>

#include "data/dataset.h"

typedef struct WindowBatches {
  Batches base;
  Windows windows;
  int32_t *tokens, *targets;
  /* evaluation: the chosen windows sorted by length, and where each batch begins among them */
  struct WindowLength *order;
  VEC(int64_t) starts;
} WindowBatches;

static WindowBatches *new_batches(const BatchesKind *kind, const Windows *windows) {
  WindowBatches *w = mem_alloc_zeroed(1, sizeof *w);
  const Dataset *d = windows->data;
  w->windows = *windows;
  w->base = (Batches){.kind = kind,
                      .time = windows->time,
                      .tokens = d->count,
                      .bytes = d->bytes,
                      .characters = d->characters};
  return w;
}

static void alloc_tokens(WindowBatches *w, int64_t tokens) {
  w->tokens = mem_alloc_zeroed((size_t)tokens, sizeof *w->tokens);
  w->targets = mem_alloc_zeroed((size_t)tokens, sizeof *w->targets);
}

static void free_batches(Batches *b) {
  WindowBatches *w = (WindowBatches *)b;
  windows_free(&w->windows);
  mem_free(w->tokens);
  mem_free(w->targets);
  mem_free(w->order);
  vec_free(&w->starts);
  mem_free(w);
}

/* ---- training ---- */

static void get_training(Batches *b, int64_t index, Batch *batch) {
  WindowBatches *w = (WindowBatches *)b;
  for (int64_t i = 0; i < b->sequences; i++)
    windows_get(&w->windows, index * b->sequences + i, w->tokens + i * b->time, w->targets + i * b->time);
  *batch = (Batch){.sequences = b->sequences, .time = b->time, .tokens = w->tokens, .targets = w->targets};
}

static const BatchesKind training = {get_training, free_batches};

Batches *windows_batches(const Dataset *data, int64_t sequences, int64_t time, bool by_document,
                         uint64_t seed, const News *news, Error *err) {
  Windows windows;
  if (!windows_open(&windows, data, time, by_document, seed, news, err)) return NULL;
  WindowBatches *w = new_batches(&training, &windows);
  w->base.sequences = sequences;
  w->base.count = (windows.count + sequences - 1) / sequences;
  w->base.step_tokens = w->base.step_positions = (double)(sequences * time);
  alloc_tokens(w, sequences * time);
  return &w->base;
}

/* ---- evaluation ---- */

typedef struct WindowLength {
  int64_t length, window;
} WindowLength;

static int by_length(const void *a, const void *b) {
  const WindowLength *x = a, *y = b;
  if (x->length != y->length) return x->length < y->length ? -1 : 1;
  return x->window < y->window ? -1 : x->window > y->window;
}

static void get_evaluation(Batches *b, int64_t index, Batch *batch) {
  WindowBatches *w = (WindowBatches *)b;
  const int64_t first = w->starts.data[index], count = w->starts.data[index + 1] - first;
  const int64_t time = w->order[first + count - 1].length;
  for (int64_t i = 0; i < count; i++)
    windows_at(&w->windows, w->order[first + i].window, time, w->tokens + i * time, w->targets + i * time);
  *batch = (Batch){.sequences = count, .time = time, .tokens = w->tokens, .targets = w->targets};
}

static const BatchesKind evaluation = {get_evaluation, free_batches};

/* Chooses every n-th window, for about `limit` targets; returns the number of windows. */
static int64_t choose_windows(WindowBatches *w, int64_t limit) {
  const int64_t all = w->windows.count, targets = w->windows.data->count;
  const int64_t every = limit > 0 && limit < targets ? targets / limit : 1, count = (all + every - 1) / every;
  w->order = mem_alloc((size_t)count * sizeof *w->order);
  for (int64_t i = 0; i < count; i++)
    w->order[i] = (WindowLength){windows_length(&w->windows, i * every), i * every};
  qsort(w->order, (size_t)count, sizeof *w->order, by_length);
  return count;
}

/* Windows are sorted by length: the last one of a batch is its longest. */
static void cut_batches(WindowBatches *w, int64_t count, int64_t together) {
  int64_t most = 0, first = 0;
  vec_push(&w->starts, 0);
  for (int64_t i = 1; i <= count; i++) {
    if (i < count && (i + 1 - first) * w->order[i].length <= together) continue;
    const int64_t tokens = (i - first) * w->order[i - 1].length;
    if (tokens > most) most = tokens;
    if (i - first > w->base.sequences) w->base.sequences = i - first;
    vec_push(&w->starts, i);
    first = i;
  }
  w->base.count = (int64_t)w->starts.count - 1;
  alloc_tokens(w, most);
}

/* The first token of a document is no target if nothing stands before it. */
static int64_t count_targets(const Windows *w) {
  int64_t targets = 0;
  for (int64_t i = 0; i < w->count; i++) targets += windows_length(w, i);
  return targets;
}

Batches *windows_eval_batches(const Dataset *data, int64_t time, int64_t together, int64_t limit,
                              Error *err) {
  Windows windows;
  if (!windows_open(&windows, data, time, true, 0, &(News){0}, err)) return NULL;
  WindowBatches *w = new_batches(&evaluation, &windows);
  w->base.tokens = count_targets(&w->windows);
  cut_batches(w, choose_windows(w, limit), together);
  return &w->base;
}
