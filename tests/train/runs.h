/* runs.h - whole training runs in a scratch directory, through the public interface. */
#ifndef TESTS_RUNS_H
#define TESTS_RUNS_H

#include <inttypes.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/scratch.h"

/* What a run said, and what is to be done to it meanwhile. */
typedef struct Watch {
  Buffer notes, warnings;
  int64_t interrupt_at; /* the evaluation of this step asks it to stop; 0: none does */
  ink_stop stop;
  int evaluations;
  double losses[64]; /* held-out, of the evaluations */
} Watch;

static inline void watch_free(Watch *w) {
  buffer_free(&w->notes);
  buffer_free(&w->warnings);
}

static inline void watch_event(void *user, const ink_event *event) {
  Watch *w = user;
  if (event->kind == INK_EVENT_NOTE) buffer_addf(&w->notes, "%s\n", event->text);
  if (event->kind == INK_EVENT_WARNING) buffer_addf(&w->warnings, "%s\n", event->text);
  if (event->kind != INK_EVENT_EVAL) return;
  if (w->evaluations < 64) w->losses[w->evaluations++] = event->valid_loss;
  if (event->done == w->interrupt_at) ink_stop_request(&w->stop);
}

/* NULL: nobody watches. */
static inline ink_call watch_call(Watch *w) {
  ink_call call = INK_CALL_INIT;
  call.listener = w ? watch_event : NULL;
  call.user = w;
  call.stop = w ? &w->stop : NULL;
  return call;
}

static inline bool heard(const Buffer *said, const char *words) {
  return said->length && strstr(said->data, words);
}

/* A small network over bytes, 12 steps of 64 tokens; `pairs` adds to that or replaces it.
 */
static inline ink_settings *small_settings(const char *const *pairs) {
  static const char *const base[] = {"layers", "1", "width",         "16",   "context",    "16",
                                     "batch",  "4", "tokenizer",     "byte", "steps",      "12",
                                     "warmup", "2", "threads",       "1",    "eval-every", "4",
                                     "seed",   "7", "sample-tokens", "0",    NULL};
  ink_settings *s = ink_settings_train();
  Error err = {0};
  for (int i = 0; base[i]; i += 2) ink_settings_set(s, base[i], base[i + 1], &err);
  for (; *pairs; pairs += 2) ink_settings_set(s, pairs[0], pairs[1], &err);
  CHECK(err.code == INK_OK);
  return s;
}

static inline bool train(const char *run, const char *text, const char *const *pairs, Watch *watch,
                         Error *err) {
  ink_settings *s = small_settings(pairs);
  const ink_call call = watch_call(watch);
  const bool ok = ink_train("write", &text, text ? 1 : 0, run, s, &call, err);
  ink_settings_free(s);
  return ok;
}

/* 200 short lines, no two alike: each a document of its own. */
static inline const char *some_text(void) {
  const char *path = in_scratch("text");
  Buffer text = {0};
  for (int i = 0; i < 200; i++)
    buffer_addf(&text, "The %s of %d sings over %d stones.\n", i % 3 ? "moon" : "old river", i, i * i % 97);
  CHECK(file_replace(path, text.data, text.length, NULL));
  buffer_free(&text);
  return path;
}

static inline bool same_bytes(const char *path_a, const char *path_b) {
  FileView a, b;
  Error err = {0};
  if (!file_view(path_a, &a, &err)) return false;
  if (!file_view(path_b, &b, &err)) return file_view_close(&a), false;
  const bool same = a.size == b.size && !memcmp(a.data, b.data, a.size);
  file_view_close(&a);
  file_view_close(&b);
  return same;
}

/* Of two runs in the scratch directory. */
static inline bool same_file(const char *run_a, const char *run_b, const char *name) {
  char a[PATH_CAPACITY], b[PATH_CAPACITY];
  return same_bytes(path_join(a, in_scratch(run_a), name), path_join(b, in_scratch(run_b), name));
}

/* A number of the card's "training". */
static inline double result_of(const char *run, const char *name) {
  char path[PATH_CAPACITY];
  Error err = {0};
  json_t *card = json_read(path_join(path, run, "inkstone.json"), &err);
  const double value = json_number_value(json_object_get(json_object_get(card, "training"), name));
  json_decref(card);
  return value;
}

#endif
