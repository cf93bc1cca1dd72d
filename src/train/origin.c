#include "train/origin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "run/adapter.h"

/* ---- text ---- */

void origin_text(const Material *m, char text[ORIGIN_TEXT]) {
  snprintf(text, ORIGIN_TEXT, "%016" PRIx64 "-%016" PRIx64, m->train.fingerprint, m->held.fingerprint);
}

bool origin_same_text(const json_t *card, const Material *material, const char *home, Error *err) {
  char print[ORIGIN_TEXT];
  origin_text(material, print);
  const char *then = json_get_text(json_object_get(card, "data"), "fingerprint", "");
  return !strcmp(print, then) ||
         fail(err,
              "%s: the text differs from the one this run began with (fingerprint %s, was "
              "%s): restore the same files, or start another run",
              home, print, then);
}

/* ---- base model ---- */

enum { PIECE = 1 << 20 };

/* The hashes of a tensor's pieces. */
typedef struct Hashing {
  const char *bytes;
  size_t size;
  uint64_t *hashes;
} Hashing;

static void hash_pieces(void *arg, int64_t begin, int64_t end) {
  const Hashing *h = arg;
  for (int64_t i = begin; i < end; i++) {
    const size_t at = (size_t)i * PIECE, left = h->size - at;
    h->hashes[i] = hash_bytes(h->bytes + at, left < PIECE ? left : PIECE, 0);
  }
}

static uint64_t hash_param(const Param *p, uint64_t seed) {
  const size_t size = tensor_bytes(&p->tensor), pieces = (size + PIECE - 1) / PIECE;
  Hashing h = {p->tensor.data, size, mem_alloc(pieces * sizeof *h.hashes)};
  parallel_for((int64_t)pieces, hash_pieces, &h);
  seed = hash_bytes(p->name, strlen(p->name), seed ^ (uint64_t)p->tensor.type);
  seed = hash_bytes(h.hashes, pieces * sizeof *h.hashes, seed);
  mem_free(h.hashes);
  return seed;
}

static void weights_fingerprint(const Bundle *base, char text[32]) {
  Params *params = base->model->params;
  uint64_t hash = 0;
  for (size_t i = 0; i < params_count(params); i++) hash = hash_param(params_at(params, i), hash);
  snprintf(text, 32, "%016" PRIx64, hash);
}

json_t *origin_base(const char *path, const Bundle *base) {
  char print[32], vectors[ADAPTER_PRINT], matrices[ADAPTER_PRINT];
  weights_fingerprint(base, print);
  adapter_base(base->model, vectors);
  adapter_base_matrices(base->model, matrices);
  return json_build("{s:s, s:s, s:s, s:s}", "model", path, "weights", print, "vectors", vectors, "matrices",
                    matrices);
}

static bool same_weights(const json_t *began, const Bundle *now, char print[32]) {
  weights_fingerprint(now, print);
  return !strcmp(print, json_get_text(began, "weights", ""));
}

json_t *origin_teacher(const char *path, const Bundle *teacher) {
  char print[32];
  weights_fingerprint(teacher, print);
  return json_build("{s:s, s:s}", "model", path, "weights", print);
}

bool origin_same_teacher(const json_t *card, const Bundle *teacher, const char *home, Error *err) {
  const json_t *began = json_object_get(card, "teacher");
  char print[32];
  return same_weights(began, teacher, print) ||
         fail(err,
              "%s: the weights of its teacher %s were changed since this run began (fingerprint %s, was %s): "
              "restore them, or start another run",
              home, json_get_text(began, "model", ""), print, json_get_text(began, "weights", ""));
}

bool origin_same_base(const json_t *card, const Bundle *base, const char *home, Error *err) {
  const json_t *began = json_object_get(card, "base");
  char print[32];
  return same_weights(began, base, print) ||
         fail(err,
              "%s: the weights of its base model %s were changed since this run began (fingerprint %s, was "
              "%s): restore "
              "them, or start another run",
              home, json_get_text(began, "model", ""), print, json_get_text(began, "weights", ""));
}

/* ---- instruction set ---- */

/* Whether two instruction sets give the same bits: the AVX-512 ones differ in bf16 products only. */
static bool same_results(const char *a, const char *b, const TrainSettings *s) {
  static const char *const wide[] = {"avx512", "avx512bf16", "amx"};
  int wides = 0;
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) wides += !strcmp(a, wide[i]) + !strcmp(b, wide[i]);
  return !strcmp(a, b) || (wides == 2 && !strcmp(s->precision, "f32"));
}

static bool lies_apart(const Bundle *b, const char *home) {
  const char *path = b->source.path;
  return !path_within(path, home) && !path_within(home, path);
}

bool origin_keeps_base(const Bundle *base, const char *home, Error *err) {
  return lies_apart(base, home) ||
         fail_usage(err,
                    "-o %s is or contains the model of --from, without which what is trained cannot be "
                    "used: choose another directory",
                    home);
}

bool origin_keeps_teacher(const Bundle *teacher, const char *home, Error *err) {
  return lies_apart(teacher, home) ||
         fail_usage(err,
                    "-o %s is or contains the model of --teacher, which the run reads until its end: choose "
                    "another directory",
                    home);
}

void origin_warn_instructions(const json_t *card, const TrainSettings *s, const News *news) {
  const char *then = json_get_text(card, "instruction_set", kernels->isa);
  if (!same_results(then, kernels->isa, s))
    news_warning(news,
                 "the run began with %s instructions and continues with %s: rounding differs, so the weights "
                 "will differ "
                 "from those of an uninterrupted run (set INKSTONE_ISA=%s on a processor that supports it)",
                 then, kernels->isa, then);
}
