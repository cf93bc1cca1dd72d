#include "io/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/language.h"
#include "io/little_endian.h"

/* ---- bytes ---- */

typedef struct Reader {
  const char *at, *end;
  const char *path;
  Gguf *gguf;
  Error *err;
} Reader;

static uint64_t left(const Reader *r) {
  return (uint64_t)(r->end - r->at);
}

static bool cut_short(const Reader *r, const char *what) {
  return fail_damaged(r->err, "%s: the file ends within %s: it is cut short or damaged", r->path, what);
}

static bool read_u32(Reader *r, uint32_t *out, const char *what) {
  if (left(r) < 4) return cut_short(r, what);
  *out = (uint32_t)little_endian(r->at, 4);
  r->at += 4;
  return true;
}

static bool read_u64(Reader *r, uint64_t *out, const char *what) {
  if (left(r) < 8) return cut_short(r, what);
  *out = little_endian(r->at, 8);
  r->at += 8;
  return true;
}

static bool read_text(Reader *r, GgufText *out, const char *what) {
  uint64_t length = 0;
  if (!read_u64(r, &length, what)) return false;
  if (length > left(r))
    return fail_damaged(r->err, "%s: %s claims %" PRIu64 " bytes, the file has %" PRIu64 " left", r->path,
                        what, length, left(r));
  *out = (GgufText){r->at, (size_t)length};
  r->at += length;
  return true;
}

/* A name that is used as a C string. */
static bool read_name(Reader *r, const char **out, const char *what) {
  enum { LONGEST = 65535 };
  GgufText text = {NULL, 0};
  if (!read_text(r, &text, what)) return false;
  if (!text.length || text.length > LONGEST || memchr(text.data, 0, text.length))
    return fail_damaged(r->err, "%s: %s is empty, longer than %d bytes, or holds a NUL", r->path, what,
                        LONGEST);
  *out = arena_strndup(r->gguf->arena, text.data, text.length);
  return true;
}

/* ---- metadata ---- */

/* Bytes of a number; 0: another type. */
static int size_of(GgufType type) {
  static const int sizes[] = {
      [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
      [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8};
  return type <= GGUF_F64 ? sizes[type] : 0;
}

static bool read_texts(Reader *r, GgufValue *v) {
  enum { LEAST = 8 }; /* bytes of a string */
  if (v->count > left(r) / LEAST) return cut_short(r, v->key);
  v->texts = arena_alloc(r->gguf->arena, (size_t)(v->count + 1) * sizeof *v->texts);
  for (uint64_t i = 0; i < v->count; i++)
    if (!read_text(r, &v->texts[i], v->key)) return false;
  return true;
}

static bool read_items(Reader *r, GgufValue *v) {
  const int size = size_of(v->type);
  if (v->type == GGUF_STRING) return read_texts(r, v);
  if (!size && v->type == GGUF_ARRAY)
    return fail_damaged(r->err, "%s: \"%s\" is an array of arrays, which no key of a model is", r->path,
                        v->key);
  if (!size)
    return fail_damaged(r->err, "%s: \"%s\" is of the unknown type %d", r->path, v->key, (int)v->type);
  if (v->count > left(r) / (uint64_t)size)
    return fail_damaged(r->err, "%s: \"%s\" claims %" PRIu64 " items, more than the file has bytes for",
                        r->path, v->key, v->count);
  v->at = r->at;
  r->at += v->count * (uint64_t)size;
  return true;
}

static bool read_type(Reader *r, GgufType *out, const char *key) {
  uint32_t type = 0;
  if (!read_u32(r, &type, key)) return false;
  *out = type <= GGUF_F64 ? (GgufType)type : GGUF_ARRAY;
  return type <= GGUF_F64 ||
         fail_damaged(r->err, "%s: \"%s\" is of the unknown type %" PRIu32, r->path, key, type);
}

static bool read_value(Reader *r, GgufValue *v) {
  *v = (GgufValue){.count = 1};
  if (!read_name(r, &v->key, _("the name of a key")) || !read_type(r, &v->type, v->key)) return false;
  v->array = v->type == GGUF_ARRAY;
  if (v->array && (!read_type(r, &v->type, v->key) || !read_u64(r, &v->count, v->key))) return false;
  return read_items(r, v);
}

static int by_key(const void *a, const void *b) {
  return strcmp(((const GgufValue *)a)->key, ((const GgufValue *)b)->key);
}

/* Those of the first file are kept, those of the others only walked over. */
static bool read_values(Reader *r, uint64_t count, bool keep) {
  enum { LEAST = 8 + 1 + 4 + 1 }; /* bytes of a key with a value */
  Gguf *g = r->gguf;
  if (count > left(r) / LEAST)
    return fail_damaged(r->err, "%s: claims %" PRIu64 " keys, more than the file has bytes for", r->path,
                        count);
  GgufValue *values = arena_alloc_zeroed(g->arena, (size_t)(count + 1) * sizeof *values);
  for (uint64_t i = 0; i < count; i++)
    if (!read_value(r, &values[i])) return false;
  if (count) qsort(values, (size_t)count, sizeof *values, by_key);
  for (uint64_t i = 1; i < count; i++)
    if (!strcmp(values[i].key, values[i - 1].key))
      return fail_damaged(r->err, "%s: the key \"%s\" is there twice", r->path, values[i].key);
  if (keep) g->values = values, g->count = (size_t)count;
  return true;
}

const GgufValue *gguf_find(const Gguf *g, const char *key) {
  const GgufValue wanted = {.key = key};
  return g->count ? bsearch(&wanted, g->values, g->count, sizeof wanted, by_key) : NULL;
}

bool gguf_is_int(const GgufValue *v) {
  return v->type <= GGUF_I32 || v->type == GGUF_U64 || v->type == GGUF_I64;
}

/* Beyond 63 bits: the largest. */
int64_t gguf_int_at(const GgufValue *v, uint64_t index) {
  const int size = size_of(v->type);
  const uint64_t bits = little_endian(v->at + index * (uint64_t)size, size);
  switch (v->type) {
    case GGUF_I8:
      return (int8_t)bits;
    case GGUF_I16:
      return (int16_t)bits;
    case GGUF_I32:
      return (int32_t)bits;
    case GGUF_I64:
      return (int64_t)bits;
    default:
      return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
  }
}

double gguf_real_at(const GgufValue *v, uint64_t index) {
  const char *at = v->at + index * (uint64_t)size_of(v->type);
  float single;
  double twice;
  if (v->type == GGUF_F64) return memcpy(&twice, at, sizeof twice), twice;
  if (v->type == GGUF_F32) return memcpy(&single, at, sizeof single), (double)single;
  return (double)gguf_int_at(v, index);
}

static bool fail_type(const Gguf *g, const GgufValue *v, const char *wanted, Error *err) {
  return fail_damaged(err, "%s: \"%s\" is not %s", g->path, v->key, wanted);
}

bool gguf_get_int(const Gguf *g, const char *key, int64_t *out, Error *err) {
  const GgufValue *v = gguf_find(g, key);
  if (!v) return true;
  if (v->array || !gguf_is_int(v)) return fail_type(g, v, _("a whole number"), err);
  *out = gguf_int_at(v, 0);
  return true;
}

bool gguf_get_real(const Gguf *g, const char *key, double *out, Error *err) {
  const GgufValue *v = gguf_find(g, key);
  if (!v) return true;
  if (v->array || v->type == GGUF_STRING || v->type == GGUF_BOOL) return fail_type(g, v, _("a number"), err);
  *out = gguf_real_at(v, 0);
  return isfinite(*out) || fail_type(g, v, _("a finite number"), err);
}

bool gguf_get_bool(const Gguf *g, const char *key, bool *out, Error *err) {
  const GgufValue *v = gguf_find(g, key);
  if (!v) return true;
  if (v->array || v->type != GGUF_BOOL) return fail_type(g, v, _("true or false"), err);
  *out = gguf_int_at(v, 0) != 0;
  return true;
}

bool gguf_get_text(const Gguf *g, const char *key, const char **out, Error *err) {
  const GgufValue *v = gguf_find(g, key);
  if (!v) return true;
  if (v->array || v->type != GGUF_STRING || memchr(v->texts->data, 0, v->texts->length) ||
      !json_is_utf8(v->texts->data, v->texts->length))
    return fail_type(g, v, _("a text in UTF-8 without NUL"), err);
  *out = arena_strndup(g->arena, v->texts->data, v->texts->length);
  return true;
}

/* ---- tensors ---- */

/* GGML's numbers of the types in use; those that are not read are named in the refusal. */
static const struct {
  uint32_t number;
  const char *name;
} type_names[] = {{0, "F32"},     {1, "F16"},      {2, "Q4_0"},   {3, "Q4_1"},    {6, "Q5_0"},
                  {7, "Q5_1"},    {8, "Q8_0"},     {9, "Q8_1"},   {10, "Q2_K"},   {11, "Q3_K"},
                  {12, "Q4_K"},   {13, "Q5_K"},    {14, "Q6_K"},  {15, "Q8_K"},   {16, "IQ2_XXS"},
                  {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"},
                  {22, "IQ2_S"},  {23, "IQ4_XS"},  {24, "I8"},    {25, "I16"},    {26, "I32"},
                  {27, "I64"},    {28, "F64"},     {29, "IQ1_M"}, {30, "BF16"},   {34, "TQ1_0"},
                  {35, "TQ2_0"},  {39, "MXFP4"}};

static const char *type_name(uint32_t number) {
  for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
    if (type_names[i].number == number) return type_names[i].name;
  return NULL;
}

uint32_t gguf_type_number(TensorType type) {
  size_t i = 0;
  while (strcmp(type_names[i].name, type_info(type)->gguf)) i++;
  return type_names[i].number;
}

static bool find_type(const Reader *r, const char *tensor, uint32_t number, TensorType *out) {
  const char *name = type_name(number);
  for (int i = 0; name && i <= TENSOR_I32; i++) {
    *out = (TensorType)i;
    if (type_info(*out)->gguf && !strcmp(type_info(*out)->gguf, name)) return true;
  }
  if (name) return fail(r->err, "%s: tensor \"%s\" is of type %s, which is not read", r->path, tensor, name);
  return fail_damaged(r->err, "%s: tensor \"%s\" is of the unknown type %" PRIu32, r->path, tensor, number);
}

/* Sizes as they stand there, the fastest first. */
static bool read_sizes(Reader *r, const char *name, uint64_t sizes[TENSOR_MAX_DIMS], uint32_t *dims) {
  if (!read_u32(r, dims, name)) return false;
  if (*dims < 1 || *dims > TENSOR_MAX_DIMS)
    return fail_damaged(r->err, "%s: tensor \"%s\" has %" PRIu32 " dimensions, not 1 to %d", r->path, name,
                        *dims, TENSOR_MAX_DIMS);
  for (uint32_t i = 0; i < *dims; i++)
    if (!read_u64(r, &sizes[i], name)) return false;
  return true;
}

/* Row-major, whole blocks in a row, and in bytes no more than 63 bits. */
static bool set_shape(const Reader *r, const char *name, const uint64_t *sizes, uint32_t dims, Tensor *t) {
  const TypeInfo *type = type_info(t->type);
  uint64_t count = 1, bytes;
  for (t->dims = 0; t->dims < (int)dims; t->dims++) {
    const uint64_t size = sizes[dims - 1 - (uint32_t)t->dims];
    if (!size || size > INT64_MAX || __builtin_mul_overflow(count, size, &count))
      return fail_damaged(r->err, "%s: tensor \"%s\" has an impossible shape", r->path, name);
    t->shape[t->dims] = (int64_t)size;
  }
  if (__builtin_mul_overflow(count, type->bytes, &bytes) || bytes > INT64_MAX)
    return fail_damaged(r->err, "%s: tensor \"%s\" has an impossible shape", r->path, name);
  if (sizes[0] % (uint64_t)type->block)
    return fail_damaged(r->err, "%s: tensor \"%s\" has rows of %" PRIu64 " elements, not whole blocks of %s",
                        r->path, name, sizes[0], type->gguf);
  return true;
}

/* All but the data, which begin after all descriptions: *offset from there. */
static bool read_tensor(Reader *r, NamedTensor *out, uint64_t *offset) {
  uint64_t sizes[TENSOR_MAX_DIMS];
  uint32_t dims = 0, type = 0;
  *out = (NamedTensor){.file = r->path};
  return read_name(r, &out->name, _("the name of a tensor")) && read_sizes(r, out->name, sizes, &dims) &&
         read_u32(r, &type, out->name) && find_type(r, out->name, type, &out->tensor.type) &&
         set_shape(r, out->name, sizes, dims, &out->tensor) && read_u64(r, offset, out->name);
}

static int by_data(const void *a, const void *b) {
  const char *x = ((const NamedTensor *)a)->tensor.data, *y = ((const NamedTensor *)b)->tensor.data;
  return (x > y) - (x < y);
}

static bool check_overlap(const Reader *r, NamedTensor *items, size_t count) {
  if (count) qsort(items, count, sizeof *items, by_data);
  for (size_t i = 1; i < count; i++) {
    const Tensor *before = &items[i - 1].tensor;
    if ((const char *)before->data + tensor_bytes(before) > (const char *)items[i].tensor.data)
      return fail_damaged(r->err, "%s: tensor \"%s\" overlaps \"%s\"", r->path, items[i].name,
                          items[i - 1].name);
  }
  return true;
}

static bool place_tensors(const Reader *r, NamedTensor *items, const uint64_t *offsets, size_t count,
                          uint64_t alignment) {
  const uint64_t bytes = left(r);
  for (size_t i = 0; i < count; i++) {
    const uint64_t size = tensor_bytes(&items[i].tensor);
    if (offsets[i] % alignment)
      return fail_damaged(r->err, "%s: tensor \"%s\" is not at a multiple of %" PRIu64 " bytes", r->path,
                          items[i].name, alignment);
    if (offsets[i] > bytes || size > bytes - offsets[i])
      return fail_damaged(r->err,
                          "%s: tensor \"%s\" reaches beyond the end of the file (byte %" PRIu64
                          " and %" PRIu64 " more, of %" PRIu64 "): it is cut short or damaged",
                          r->path, items[i].name, offsets[i], size, bytes);
    items[i].tensor.data = (void *)(uintptr_t)(r->at + offsets[i]);
  }
  return check_overlap(r, items, count);
}

static bool find_alignment(Reader *r, uint64_t *out) {
  enum { USUAL = 32, MOST = 1 << 20 };
  int64_t alignment = USUAL;
  if (!gguf_get_int(r->gguf, "general.alignment", &alignment, r->err)) return false;
  *out = (uint64_t)alignment;
  return (alignment > 0 && alignment <= MOST && !(alignment & (alignment - 1))) ||
         fail_damaged(r->err, "%s: \"general.alignment\" is %" PRId64 ", not a power of two up to %d",
                      r->path, alignment, MOST);
}

/* Adds the tensors of one file to those before. */
static bool read_tensors(Reader *r, uint64_t count, const char *begin) {
  enum { LEAST = 8 + 1 + 4 + 8 + 4 + 8 }; /* bytes of a description */
  Gguf *g = r->gguf;
  uint64_t alignment;
  if (count > left(r) / LEAST)
    return fail_damaged(r->err, "%s: claims %" PRIu64 " tensors, more than the file has bytes for", r->path,
                        count);
  const size_t before = g->tensors.count, all = before + (size_t)count;
  NamedTensor *items = arena_alloc_zeroed(g->arena, (all + 1) * sizeof *items);
  uint64_t *offsets = arena_alloc(g->arena, (size_t)(count + 1) * sizeof *offsets);
  if (before) memcpy(items, g->tensors.items, before * sizeof *items);
  for (uint64_t i = 0; i < count; i++)
    if (!read_tensor(r, &items[before + i], &offsets[i])) return false;
  if (!find_alignment(r, &alignment)) return false;
  const uint64_t over = (uint64_t)(r->at - begin) % alignment, padding = over ? alignment - over : 0;
  if (padding > left(r)) return count ? cut_short(r, _("the tensors")) : true;
  r->at += padding;
  g->tensors = (TensorSet){items, all, g->path};
  return place_tensors(r, items + before, offsets, (size_t)count, alignment);
}

static bool check_names(const Gguf *g, Error *err) {
  for (size_t i = 1; i < g->tensors.count; i++)
    if (!strcmp(g->tensors.items[i].name, g->tensors.items[i - 1].name))
      return fail_damaged(err, "%s: tensor \"%s\" is there twice", g->path, g->tensors.items[i].name);
  return true;
}

/* ---- stacks of experts ---- */

bool gguf_stack_name(const char *stack, int64_t expert, char buf[GGUF_NAME]) {
  static const char *const marks[] = {"_exps.", "_fused."};
  const char *at = NULL;
  size_t i = 0;
  for (; i < 2 && !(at = strstr(stack, marks[i])); i++) continue;
  const int written = at ? snprintf(buf, GGUF_NAME, "%.*s.%" PRId64 ".%s", (int)(at - stack), stack, expert,
                                    at + strlen(marks[i]))
                         : 0;
  return written > 0 && written < GGUF_NAME;
}

static bool is_stack(const NamedTensor *t) {
  enum { MOST = 4096 };
  char name[GGUF_NAME];
  return t->tensor.dims >= 3 && t->tensor.shape[0] <= MOST && gguf_stack_name(t->name, MOST, name);
}

/* Replaces "blk.0.ffn_up_exps.weight" [experts, rows, columns] by its matrices "blk.0.ffn_up.7.weight", as
 * files had them before there were stacks. */
static void split_stacks(Gguf *g) {
  size_t count = 0;
  for (size_t i = 0; i < g->tensors.count; i++)
    count += is_stack(&g->tensors.items[i]) ? (size_t)g->tensors.items[i].tensor.shape[0] : 1;
  if (count == g->tensors.count) return;
  NamedTensor *items = arena_alloc(g->arena, (count + 1) * sizeof *items), *to = items;
  for (size_t i = 0; i < g->tensors.count; i++) {
    const NamedTensor *t = &g->tensors.items[i];
    const int64_t experts = is_stack(t) ? t->tensor.shape[0] : 0, *shape = t->tensor.shape;
    if (!experts) *to++ = *t;
    for (int64_t e = 0; e < experts; e++, to++) {
      char name[GGUF_NAME];
      gguf_stack_name(t->name, e, name);
      *to = *t;
      to->name = arena_strndup(g->arena, name, strlen(name));
      to->tensor.dims = t->tensor.dims - 1;
      for (int d = 0; d < to->tensor.dims; d++) to->tensor.shape[d] = shape[d + 1];
      to->tensor.data = (char *)t->tensor.data + (size_t)e * tensor_bytes(&to->tensor);
    }
  }
  g->tensors.items = items, g->tensors.count = count;
}

/* ---- files ---- */

struct GgufFile {
  FileView view;
};

enum { MAGIC = 4 };
static const char magic[MAGIC] = {'G', 'G', 'U', 'F'};

bool gguf_claims(const char *path) {
  FileView file;
  if (!file_view_regular(path, &file, NULL)) return false;
  const bool is = file.size >= MAGIC && !memcmp(file.data, magic, MAGIC);
  file_view_close(&file);
  return is;
}

static bool check_version(Reader *r) {
  uint32_t version = 0;
  if (left(r) < MAGIC || memcmp(r->at, magic, MAGIC))
    return fail_damaged(r->err, "%s: does not begin with GGUF: not such a file", r->path);
  r->at += MAGIC;
  if (!read_u32(r, &version, _("its version"))) return false;
  if (version == 2 || version == 3) return true;
  if (!(version & 0xffff))
    return fail(r->err, "%s: a GGUF file of a big-endian machine, which is not read", r->path);
  return fail(r->err, "%s: version %" PRIu32 " of GGUF; 2 and 3 are read", r->path, version);
}

/* Metadata and tensors of one file, whose view is the last of g->files. */
static bool read_file(Gguf *g, const char *path, bool first, Error *err) {
  const FileView *view = &g->files[g->file_count - 1].view;
  Reader r = {view->data, view->data + view->size, path, g, err};
  uint64_t tensors = 0, values = 0;
  return check_version(&r) && read_u64(&r, &tensors, _("its header")) &&
         read_u64(&r, &values, _("its header")) && read_values(&r, values, first) &&
         read_tensors(&r, tensors, view->data);
}

static bool open_file(Gguf *g, const char *path, Error *err) {
  const bool first = g->file_count == 0;
  path = arena_strndup(g->arena, path, strlen(path));
  if (first) g->path = path;
  if (!file_view_regular(path, &g->files[g->file_count].view, err)) return false;
  g->file_count++;
  return read_file(g, path, first, err);
}

enum { MOST_FILES = 1000 };

/* Of NAME-00001-of-00003.gguf: where "00001" begins; NULL: the name is another. */
static const char *number_in(const char *path) {
  static const char pattern[] = "-00001-of-";
  const char *at = NULL;
  for (const char *p = path; (p = strstr(p, pattern)); p++) at = p;
  return at ? at + 1 : NULL;
}

static bool open_others(Gguf *g, int64_t count, Error *err) {
  const char *number = number_in(g->path);
  char path[PATH_CAPACITY];
  if (count > MOST_FILES || !number || strlen(g->path) >= sizeof path)
    return fail_damaged(
        err, "%s: is one of %" PRId64 " files: give the first of them, whose name has \"-00001-of-\" in it",
        g->path, count);
  for (int64_t i = 2; i <= count; i++) {
    snprintf(path, sizeof path, "%.*s%05d%s", (int)(number - g->path), g->path, (int)i, number + 5);
    if (!file_exists(path))
      return fail_as(err, INK_NOT_FOUND, "%s: is missing, one of the %" PRId64 " files of the model", path,
                     count);
    if (!open_file(g, path, err)) return false;
  }
  return true;
}

bool gguf_open(Gguf *g, const char *path, Error *err) {
  int64_t count = 1, number = 0;
  *g = (Gguf){.arena = arena_new(0)};
  g->files = arena_alloc_zeroed(g->arena, MOST_FILES * sizeof *g->files);
  if (!open_file(g, path, err) || !gguf_get_int(g, "split.count", &count, err) ||
      !gguf_get_int(g, "split.no", &number, err))
    return false;
  if (number)
    return fail_damaged(err, "%s: is file %" PRId64 " of a split model: give the first", path, number + 1);
  if (count > 1 && !open_others(g, count, err)) return false;
  split_stacks(g);
  tensors_sort(&g->tensors);
  return check_names(g, err);
}

bool gguf_open_values(Gguf *g, const char *path, const Buffer *file, TensorSet tensors, Error *err) {
  *g = (Gguf){.arena = arena_new(0), .path = path};
  g->files = arena_alloc_zeroed(g->arena, sizeof *g->files);
  g->files[g->file_count++].view = (FileView){.data = file->data, .size = file->length, .borrowed = true};
  if (!read_file(g, path, true, err)) return false;
  g->tensors = tensors;
  return true;
}

void gguf_close(Gguf *g) {
  for (size_t i = 0; i < g->file_count; i++) file_view_close(&g->files[i].view);
  if (g->arena) arena_free(g->arena);
  *g = (Gguf){.arena = NULL};
}
