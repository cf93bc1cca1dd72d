/* gguf.h - GGUF files (llama.cpp's), versions 2 and 3, little-endian: typed metadata, then named tensors, in
 * one file or in several ("split"). https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * Every count, length and offset of a file is checked against the bytes there are, before anything is
 * allocated by it. */
#ifndef IO_GGUF_H
#define IO_GGUF_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "io/tensors.h"

/* As the format numbers them. */
typedef enum GgufType {
  GGUF_U8,
  GGUF_I8,
  GGUF_U16,
  GGUF_I16,
  GGUF_U32,
  GGUF_I32,
  GGUF_F32,
  GGUF_BOOL,
  GGUF_STRING,
  GGUF_ARRAY,
  GGUF_U64,
  GGUF_I64,
  GGUF_F64
} GgufType;

/* A value, or an array of them (no arrays of arrays). */
typedef struct GgufValue {
  const char *key;
  GgufType type; /* of an array: of its items */
  bool array;
  uint64_t count;         /* items; 1 where it is no array */
  const char *at;         /* in the file */
  struct GgufText *texts; /* of strings, each; else NULL */
} GgufValue;

typedef struct GgufText {
  const char *data; /* in the file, not NUL-terminated */
  size_t length;
} GgufText;

typedef struct Gguf {
  TensorSet tensors; /* of all files, where they are mapped; shapes as row-major arrays have them */
  GgufValue *values; /* of the first file */
  size_t count;
  struct GgufFile *files;
  size_t file_count;
  const char *path;
  Arena *arena;
} Gguf;

/* Does the file begin as such files do? */
bool gguf_claims(const char *path);
/* Of a split model: the first of its files; the others are opened too. To be closed in any case. */
bool gguf_open(Gguf *, const char *path, Error *);
void gguf_close(Gguf *);

const GgufValue *gguf_find(const Gguf *, const char *key); /* NULL: it has none of that name */
/* A single value as a number or a text; an absent one leaves *out as it is; another type, a
 * number that is not finite and a text that is not UTF-8 are refused. Texts live as long as the file is open.
 */
bool gguf_get_int(const Gguf *, const char *key, int64_t *out, Error *);
bool gguf_get_real(const Gguf *, const char *key, double *out, Error *);
bool gguf_get_bool(const Gguf *, const char *key, bool *out, Error *);
bool gguf_get_text(const Gguf *, const char *key, const char **out, Error *);
/* Item `index` of an array of numbers (bool: 0 or 1). */
int64_t gguf_int_at(const GgufValue *, uint64_t index);
double gguf_real_at(const GgufValue *, uint64_t index);
bool gguf_is_int(const GgufValue *); /* of an integer type */

/* ---- stacks of experts ----
 *
 * A stack "blk.0.ffn_up_exps.weight" is read as, and written from, matrices "blk.0.ffn_up.7.weight"; likewise
 * those of RWKV that end in "_fused". */
enum { GGUF_NAME = 512 };
/* The name of one of its tensors; false if the other is no stack's. */
bool gguf_stack_name(const char *stack, int64_t expert, char buf[GGUF_NAME]);

/* ---- writing ---- */

/* Metadata in the order of calls. Keys are not checked. */
typedef struct GgufValues {
  Buffer bytes;
  uint64_t count;
} GgufValues;
void gguf_put_int(GgufValues *, const char *key, int64_t); /* as u32 if it is one */
void gguf_put_real(GgufValues *, const char *key, double); /* as f32 */
void gguf_put_bool(GgufValues *, const char *key, bool);
void gguf_put_text(GgufValues *, const char *key, const char *text, size_t length);
/* `count` items are added next, each with one of the following. */
void gguf_put_array(GgufValues *, const char *key, GgufType, uint64_t count);
void gguf_add_text(GgufValues *, const char *text, size_t length);
void gguf_add_number(GgufValues *, uint64_t bits, int bytes);
void gguf_add_real(GgufValues *, double);

/* Sorts items as files have them: numbers in names by their value. */
void gguf_sort(NamedTensor *items, size_t count);
/* Gives the tensor to write for item `index`, valid until the next call. */
typedef struct GgufTensors {
  void *self;
  const Tensor *(*values)(void *self, const NamedTensor *);
} GgufTensors;
/* Replaces the file atomically; `create`: as FileWriter. Items are sorted, and their `tensor` says shape and
 * type as they are written. */
bool gguf_write(const char *path, bool create, const GgufValues *, const NamedTensor *items, size_t count,
                GgufTensors, Error *);
/* Opens values as a file that has them would be, with those tensors. To be closed in any case. */
bool gguf_open_values(Gguf *, const char *path, const Buffer *file, TensorSet, Error *);
/* A file's beginning up to the descriptions of tensors. */
void gguf_begin(Buffer *, const GgufValues *, uint64_t tensors);
uint32_t gguf_type_number(TensorType);

#endif
