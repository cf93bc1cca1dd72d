#include "io/tensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/threads.h"

static int by_name(const void *a, const void *b) {
  return strcmp(((const NamedTensor *)a)->name, ((const NamedTensor *)b)->name);
}

void tensors_sort(TensorSet *s) {
  if (s->count) qsort(s->items, s->count, sizeof *s->items, by_name);
}

const NamedTensor *tensors_find(const TensorSet *s, const char *name) {
  const NamedTensor key = {.name = name};
  return s->count ? bsearch(&key, s->items, s->count, sizeof key, by_name) : NULL;
}

uint64_t tensors_bytes(const TensorSet *s) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < s->count; i++) bytes += tensor_bytes(&s->items[i].tensor);
  return bytes;
}

/* ---- values in other types ---- */

typedef struct Conversion {
  float *out;
  const Tensor *from;
} Conversion;

enum { BLOCK = 1 << 16 }; /* minimum number of elements per thread */

static void convert_blocks(void *arg, int64_t first, int64_t beyond) {
  const Conversion *c = arg;
  const int64_t count = tensor_count(c->from), begin = first * BLOCK;
  const int64_t end = beyond * BLOCK < count ? beyond * BLOCK : count;
  type_widen(c->from->type, c->out + begin, c->from->data, begin, end - begin);
}

void tensor_to_f32(float *out, const Tensor *t) {
  CHECK(t->type != TENSOR_I32);
  Conversion c = {out, t};
  parallel_for((tensor_count(t) + BLOCK - 1) / BLOCK, convert_blocks, &c);
}

/* A part of a tensor that is being converted, in shares for the threads. */
enum { PIECE = 1 << 20, SHARE = 1 << 15 };
typedef struct Piece {
  const Tensor *from;
  TensorType to;
  int64_t begin, count; /* elements */
  char *out;
  bool beyond[PIECE / SHARE]; /* result: the share has a value beyond the type's range */
} Piece;

static void convert_shares(void *arg, int64_t first, int64_t end) {
  enum { SOME = 1024 };
  Piece *p = arg;
  float values[SOME];
  for (int64_t share = first; share < end; share++) {
    const int64_t beyond = (share + 1) * SHARE < p->count ? (share + 1) * SHARE : p->count;
    p->beyond[share] = false;
    for (int64_t i = share * SHARE; i < beyond; i += SOME) {
      const int64_t n = beyond - i < SOME ? beyond - i : SOME;
      type_widen(p->from->type, values, p->from->data, p->begin + i, n);
      if (!type_quantize(p->to, p->out + type_bytes(p->to, i), values, n)) p->beyond[share] = true;
    }
  }
}

static bool convert_piece(Piece *p, const NamedTensor *item, Error *err) {
  const int64_t shares = (p->count + SHARE - 1) / SHARE;
  if (interrupted()) return fail_interrupted(err);
  parallel_for(shares, convert_shares, p);
  for (int64_t i = 0; i < shares; i++)
    if (p->beyond[i])
      return fail(err, "%s: tensor \"%s\" has a value beyond the range of %s: use a type of a larger range",
                  item->file ? item->file : "model", item->name, type_info(p->to)->name);
  return true;
}

bool tensor_put(FileWriter *w, const NamedTensor *item, char *buffer, Error *err) {
  const Tensor *t = &item->tensor, *same = !item->from ? t : item->from->type == t->type ? item->from : NULL;
  if (same) return file_writer_put(w, same->data, tensor_bytes(same), err);
  const int64_t count = tensor_count(t);
  Piece p = {.from = item->from, .to = t->type, .out = buffer};
  for (; p.begin < count; p.begin += PIECE) {
    p.count = count - p.begin < PIECE ? count - p.begin : PIECE;
    if (!convert_piece(&p, item, err) || !file_writer_put(w, buffer, type_bytes(p.to, p.count), err))
      return false;
  }
  return true;
}

char *tensors_buffer(const NamedTensor *items, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (items[i].from) return mem_alloc(PIECE * sizeof(float));
  return NULL;
}
