/* gguf_write.c - the mirror of gguf.c: version 3, tensors at multiples of 32 bytes, experts in stacks. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/gguf.h"

/* ---- metadata ---- */

static void add_bits(Buffer *b, uint64_t bits, int bytes) {
  for (int i = 0; i < bytes; i++) buffer_add(b, &(unsigned char){(unsigned char)(bits >> 8 * i)}, 1);
}

static void add_text(Buffer *b, const char *text, size_t length) {
  add_bits(b, length, 8);
  buffer_add(b, text, length);
}

static Buffer *begin(GgufValues *v, const char *key, GgufType type) {
  v->count++;
  add_text(&v->bytes, key, strlen(key));
  add_bits(&v->bytes, type, 4);
  return &v->bytes;
}

void gguf_put_int(GgufValues *v, const char *key, int64_t x) {
  const bool small = x >= 0 && x <= UINT32_MAX;
  add_bits(begin(v, key, small ? GGUF_U32 : GGUF_I64), (uint64_t)x, small ? 4 : 8);
}

static uint32_t float_bits(double x) {
  const float single = (float)x;
  uint32_t bits;
  memcpy(&bits, &single, sizeof bits);
  return bits;
}

void gguf_put_real(GgufValues *v, const char *key, double x) {
  add_bits(begin(v, key, GGUF_F32), float_bits(x), 4);
}

void gguf_put_bool(GgufValues *v, const char *key, bool x) {
  add_bits(begin(v, key, GGUF_BOOL), x, 1);
}

void gguf_put_text(GgufValues *v, const char *key, const char *text, size_t length) {
  add_text(begin(v, key, GGUF_STRING), text, length);
}

void gguf_put_array(GgufValues *v, const char *key, GgufType type, uint64_t count) {
  Buffer *b = begin(v, key, GGUF_ARRAY);
  add_bits(b, type, 4);
  add_bits(b, count, 8);
}

void gguf_add_text(GgufValues *v, const char *text, size_t length) {
  add_text(&v->bytes, text, length);
}

void gguf_add_number(GgufValues *v, uint64_t bits, int bytes) {
  add_bits(&v->bytes, bits, bytes);
}

void gguf_add_real(GgufValues *v, double x) {
  add_bits(&v->bytes, float_bits(x), 4);
}

void gguf_begin(Buffer *b, const GgufValues *v, uint64_t tensors) {
  buffer_adds(b, "GGUF");
  add_bits(b, 3, 4);
  add_bits(b, tensors, 8);
  add_bits(b, v->count, 8);
  buffer_add(b, v->bytes.data, v->bytes.length);
}

/* ---- tensors ---- */

static int by_numbers(const void *a, const void *b) {
  const char *x = ((const NamedTensor *)a)->name, *y = ((const NamedTensor *)b)->name;
  for (; *x && *y; x++, y++) {
    if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
      char *x_end, *y_end;
      const long long m = strtoll(x, &x_end, 10), n = strtoll(y, &y_end, 10);
      if (m != n) return m < n ? -1 : 1;
      x = x_end, y = y_end;
    }
    if (*x != *y) break;
    if (!*x) return 0;
  }
  return *x < *y ? -1 : *x > *y;
}

void gguf_sort(NamedTensor *items, size_t count) {
  if (count) qsort(items, count, sizeof *items, by_numbers);
}

/* "blk.0.ffn_up.0.weight": its stack; false: another name. */
static bool stack_of(const char *name, char stack[GGUF_NAME]) {
  const char *number = strstr(name, ".0.weight");
  char first[GGUF_NAME];
  if (!number || number[9] || strlen(name) + 9 > GGUF_NAME) return false;
  const char *mark = strstr(name, "time_mix_lerp.") ? "fused" : "exps";
  snprintf(stack, GGUF_NAME, "%.*s_%s.weight", (int)(number - name), name, mark);
  return gguf_stack_name(stack, 0, first) && !strcmp(first, name);
}

/* How many items from the first one on are one stack, whose name is in `stack`; 0: it is a tensor of its own.
 */
static size_t count_stack(const NamedTensor *items, size_t count, char stack[GGUF_NAME]) {
  char name[GGUF_NAME];
  size_t n = 0;
  if (!stack_of(items->name, stack)) return 0;
  while (n < count && gguf_stack_name(stack, (int64_t)n, name) && !strcmp(name, items[n].name) &&
         items[n].tensor.type == items->tensor.type && tensor_same_shape(&items[n].tensor, &items->tensor))
    n++;
  return n;
}

enum { ALIGNMENT = 32 };

static uint64_t aligned(uint64_t bytes) {
  return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Describes the tensor or stack of the first item. Returns the number of its items. */
static size_t describe(Buffer *b, const NamedTensor *items, size_t count, uint64_t *offset) {
  char stack[GGUF_NAME];
  const Tensor *t = &items->tensor;
  const size_t experts = count_stack(items, count, stack);
  const char *name = experts ? stack : items->name;
  add_text(b, name, strlen(name));
  add_bits(b, (uint64_t)t->dims + (experts > 0), 4);
  for (int i = t->dims - 1; i >= 0; i--) add_bits(b, (uint64_t)t->shape[i], 8);
  if (experts) add_bits(b, experts, 8);
  add_bits(b, gguf_type_number(t->type), 4);
  add_bits(b, *offset, 8);
  *offset += aligned(tensor_bytes(t) * (experts ? experts : 1));
  return experts ? experts : 1;
}

static void make_header(Buffer *b, const GgufValues *v, const NamedTensor *items, size_t count) {
  char stack[GGUF_NAME];
  uint64_t tensors = 0, offset = 0;
  for (size_t i = 0, n; i < count; i += n ? n : 1, tensors++) n = count_stack(items + i, count - i, stack);
  gguf_begin(b, v, tensors);
  for (size_t i = 0; i < count;) i += describe(b, items + i, count - i, &offset);
}

static bool put_padding(FileWriter *w, uint64_t bytes, Error *err) {
  static const char zeros[ALIGNMENT];
  return file_writer_put(w, zeros, (size_t)(aligned(bytes) - bytes), err);
}

static bool put_tensors(FileWriter *w, const NamedTensor *items, size_t count, GgufTensors of, char *buffer,
                        Error *err) {
  char stack[GGUF_NAME];
  for (size_t i = 0; i < count;) {
    const size_t experts = count_stack(items + i, count - i, stack), end = i + (experts ? experts : 1);
    const uint64_t bytes = tensor_bytes(&items[i].tensor) * (end - i);
    for (; i < end; i++) {
      NamedTensor item = items[i];
      item.from = of.values(of.self, &items[i]);
      if (!tensor_put(w, &item, buffer, err)) return false;
    }
    if (!put_padding(w, bytes, err)) return false;
  }
  return true;
}

/* With a guard, so that running out of memory leaves no partial file. */
static bool guarded_put(FileWriter *w, const NamedTensor *items, size_t count, GgufTensors of, char *buffer,
                        Error *err) {
  MEM_GUARD(err, return false);
  const bool ok = put_tensors(w, items, count, of, buffer, err);
  MEM_GUARD_END();
  return ok;
}

bool gguf_write(const char *path, bool create, const GgufValues *v, const NamedTensor *items, size_t count,
                GgufTensors of, Error *err) {
  FileWriter w;
  Buffer header = {0};
  make_header(&header, v, items, count);
  char *buffer = tensors_buffer(items, count);
  const bool ok = file_writer_open(&w, path, err) && file_writer_put(&w, header.data, header.length, err) &&
                  put_padding(&w, header.length, err) && guarded_put(&w, items, count, of, buffer, err);
  buffer_free(&header);
  mem_free(buffer);
  w.create = create;
  if (ok) return file_writer_commit(&w, err);
  file_writer_abandon(&w);
  return false;
}
