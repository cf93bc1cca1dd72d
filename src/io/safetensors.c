#include "io/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/kinds.h"
#include "base/language.h"
#include "io/little_endian.h"

/* The limit of the reference implementation. */
static const uint64_t largest_header = 100 << 20;

/* ---- reading ---- */

static bool fail_dtype(const char *path, const char *name, const char *dtype, Error *err) {
  Buffer known = {0};
  for (int i = 0; i <= TENSOR_I32; i++)
    if (type_info((TensorType)i)->safetensors)
      buffer_addf(&known, "%s%s", i ? ", " : "", type_info((TensorType)i)->safetensors);
  fail(err, "%s: tensor \"%s\" has type \"%s\", which is not supported (%s)", path, name, dtype, known.data);
  buffer_free(&known);
  return false;
}

static bool read_dtype(const json_t *entry, Tensor *t, const char *path, const char *name, Error *err) {
  const char *dtype = json_get_text(entry, "dtype", "");
  for (int i = 0; i <= TENSOR_I32; i++) {
    const char *known = type_info((TensorType)i)->safetensors;
    if (!known || strcmp(dtype, known)) continue;
    t->type = (TensorType)i;
    return true;
  }
  return fail_dtype(path, name, dtype, err);
}

/* Reads the dimensions; *bytes: their product times the element size, in checked arithmetic. */
static bool read_shape(const json_t *entry, Tensor *t, uint64_t *bytes, const char *path, const char *name,
                       Error *err) {
  const json_t *shape = json_object_get(entry, "shape");
  if (!json_is_array(shape)) return fail(err, "%s: tensor \"%s\" has no shape", path, name);
  if (json_array_size(shape) > TENSOR_MAX_DIMS)
    return fail(err, "%s: tensor \"%s\" has %zu dimensions, but at most %d are supported", path, name,
                json_array_size(shape), TENSOR_MAX_DIMS);
  *bytes = type_bytes(t->type, 1); /* no type of this format has blocks */
  for (t->dims = 0; t->dims < (int)json_array_size(shape); t->dims++) {
    const json_t *size = json_array_get(shape, (size_t)t->dims);
    const int64_t n = json_integer_value(size);
    if (!json_is_integer(size) || n < 0 || __builtin_mul_overflow(*bytes, (uint64_t)n, bytes) ||
        *bytes > INT64_MAX)
      return fail(err, "%s: tensor \"%s\" has an invalid shape", path, name);
    t->shape[t->dims] = n;
  }
  return true;
}

/* "data_offsets": [begin, end] must be within the data and have the size of the shape. */
static bool read_range(const json_t *entry, uint64_t bytes, uint64_t bytes_of_data, uint64_t *begin,
                       const char *path, const char *name, Error *err) {
  const json_t *offsets = json_object_get(entry, "data_offsets");
  const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
    return fail(err, "%s: tensor \"%s\" has no data_offsets", path, name);
  const int64_t first = json_integer_value(from), last = json_integer_value(to);
  if (first < 0 || last < first || (uint64_t)last > bytes_of_data)
    return fail(err,
                "%s: tensor \"%s\" is outside of the file (bytes %" PRId64 " to %" PRId64 " of %" PRIu64
                "): the file is truncated or altered",
                path, name, first, last, bytes_of_data);
  if ((uint64_t)(last - first) != bytes)
    return fail(err, "%s: tensor \"%s\" needs %" PRIu64 " bytes but has %" PRId64, path, name, bytes,
                last - first);
  *begin = (uint64_t)first;
  return true;
}

static bool read_entry(Safetensors *s, const char *name, const json_t *entry, const char *data,
                       uint64_t bytes_of_data, const char *path, Error *err) {
  NamedTensor *item = &s->tensors.items[s->tensors.count];
  uint64_t bytes = 0, begin = 0;
  if (!json_is_object(entry)) return fail(err, "%s: the description of \"%s\" is not an object", path, name);
  if (!read_dtype(entry, &item->tensor, path, name, err) ||
      !read_shape(entry, &item->tensor, &bytes, path, name, err) ||
      !read_range(entry, bytes, bytes_of_data, &begin, path, name, err))
    return false;
  item->name = arena_strndup(s->arena, name, strlen(name));
  item->tensor.data = (void *)(uintptr_t)(data + begin);
  item->file = s->tensors.path;
  s->tensors.count++;
  return true;
}

static int by_offset(const void *a, const void *b) {
  const NamedTensor *x = a, *y = b;
  if (x->tensor.data != y->tensor.data) return x->tensor.data < y->tensor.data ? -1 : 1;
  return tensor_bytes(&x->tensor) < tensor_bytes(&y->tensor)
             ? -1
             : tensor_bytes(&x->tensor) > tensor_bytes(&y->tensor);
}

/* The format allows no gaps or overlaps: every byte of the data belongs to exactly one tensor. */
static bool check_cover(Safetensors *s, const char *data, uint64_t bytes_of_data, const char *path,
                        Error *err) {
  const char *expected = data;
  if (s->tensors.count) qsort(s->tensors.items, s->tensors.count, sizeof *s->tensors.items, by_offset);
  for (size_t i = 0; i < s->tensors.count; i++) {
    if ((const char *)s->tensors.items[i].tensor.data != expected)
      return fail(err, "%s: tensor \"%s\" %s", path, s->tensors.items[i].name,
                  (const char *)s->tensors.items[i].tensor.data < expected ? _("overlaps another")
                                                                           : _("leaves a gap before it"));
    expected += tensor_bytes(&s->tensors.items[i].tensor);
  }
  if (expected != data + bytes_of_data)
    return fail(err, "%s: %" PRIu64 " bytes at the end belong to no tensor: the file was altered", path,
                (uint64_t)(data + bytes_of_data - expected));
  tensors_sort(&s->tensors);
  return true;
}

static bool read_header(Safetensors *s, const json_t *header, const char *data, uint64_t bytes_of_data,
                        const char *path, Error *err) {
  const char *name;
  json_t *entry;
  if (!json_is_object(header)) return fail(err, "%s: the header is not a JSON object", path);
  s->tensors.items = arena_alloc_zeroed(s->arena, (json_object_size(header) + 1) * sizeof *s->tensors.items);
  json_object_foreach((json_t *)(uintptr_t)header, name, entry) {
    if (!strcmp(name, "__metadata__") && !json_is_object(entry))
      return fail(err, "%s: \"__metadata__\" is not an object", path);
    else if (!strcmp(name, "__metadata__"))
      s->metadata = json_incref(entry);
    else if (!read_entry(s, name, entry, data, bytes_of_data, path, err))
      return false;
  }
  return check_cover(s, data, bytes_of_data, path, err);
}

static bool parse(Safetensors *s, const char *path, Error *err) {
  if (s->file.size < 8)
    return fail(err, "%s: the file has %zu bytes, which is too short for a safetensors file", path,
                s->file.size);
  const uint64_t length = little_endian(s->file.data, 8), rest = s->file.size - 8;
  if (length > rest || length > largest_header)
    return !kind_refuse(path, s->file.data, s->file.size, err) &&
           fail(err,
                "%s: the header should have %" PRIu64 " bytes, but the file has %" PRIu64
                ": it is truncated or not a safetensors file",
                path, length, rest);
  json_t *header = json_parse(s->file.data + 8, length, path, err);
  if (!header) return false;
  const bool ok = read_header(s, header, s->file.data + 8 + length, rest - length, path, err);
  json_decref(header);
  return ok;
}

bool safetensors_open_as(Safetensors *s, const char *path,
                         bool (*read)(Safetensors *, const char *path, Error *), Error *err) {
  *s = (Safetensors){0};
  if (!file_view_regular(path, &s->file, err)) return false;
  s->arena = arena_new(0);
  s->tensors.path = arena_strndup(s->arena, path, strlen(path));
  if (read(s, path, err)) return true;
  safetensors_close(s);
  return false;
}

bool safetensors_open(Safetensors *s, const char *path, Error *err) {
  return safetensors_open_as(s, path, parse, err);
}

void safetensors_close(Safetensors *s) {
  json_decref(s->metadata);
  arena_free(s->arena);
  file_view_close(&s->file);
  *s = (Safetensors){0};
}

/* ---- writing ---- */

static json_t *describe(const Tensor *t, uint64_t begin) {
  json_t *shape = json_array();
  for (int i = 0; i < t->dims; i++) json_push(shape, json_integer(t->shape[i]));
  return json_build("{s:s, s:o, s:[I, I]}", "dtype", type_info(t->type)->safetensors, "shape", shape,
                    "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor_bytes(t)));
}

static char *make_header(const NamedTensor *items, size_t count, const json_t *metadata) {
  json_t *header = json_object();
  uint64_t begin = 0;
  json_share(header, "__metadata__", metadata);
  for (size_t i = 0; i < count; i++) {
    json_put(header, items[i].name, describe(&items[i].tensor, begin));
    begin += tensor_bytes(&items[i].tensor);
  }
  char *text = json_text(header, JSON_COMPACT);
  json_decref(header);
  return text;
}

/* The header is padded with spaces so that the data begins at a multiple of 8. */
static bool put_header(FileWriter *w, const char *text, Error *err) {
  const size_t length = strlen(text), padding = (8 - length % 8) % 8;
  unsigned char size[8];
  for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)(length + padding) >> 8 * i);
  return file_writer_put(w, size, 8, err) && file_writer_put(w, text, length, err) &&
         file_writer_put(w, "        ", padding, err);
}

bool safetensors_write(const char *path, const NamedTensor *items, size_t count, const json_t *metadata,
                       Error *err) {
  FileWriter w;
  /* Allocated before the file is opened, so that running out of memory leaves no partial file. */
  char *header = make_header(items, count, metadata);
  char *buffer = tensors_buffer(items, count);
  bool ok = file_writer_open(&w, path, err) && put_header(&w, header, err);
  for (size_t i = 0; ok && i < count; i++) ok = tensor_put(&w, &items[i], buffer, err);
  mem_free(header);
  mem_free(buffer);
  if (ok) return file_writer_commit(&w, err);
  file_writer_abandon(&w);
  return false;
}
