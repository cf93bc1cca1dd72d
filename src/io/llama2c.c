#include "io/llama2c.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/language.h"

/* ---- header ---- */

enum { NUMBERS = 7, LEGACY_HEADER = 4 * NUMBERS, HEADER = 256 };
enum { MAGIC = 0x616b3432, VERSION_AT = 4, NUMBERS_AT = 8, TIED_AT = NUMBERS_AT + 4 * NUMBERS };

/* The caller checked that the bytes are there. */
static int32_t number_at(const FileView *f, size_t at) {
  int32_t value;
  memcpy(&value, f->data + at, sizeof value);
  return value;
}

static bool has_magic(const FileView *f) {
  return f->size >= sizeof(int32_t) && number_at(f, 0) == MAGIC;
}

/* Numbers that a legacy header can begin with: archives, pickles and tokenizers have others. */
static bool is_legacy(const FileView *f) {
  enum { MOST = 1 << 24 };
  if (f->size < LEGACY_HEADER) return false;
  for (size_t i = 0; i < NUMBERS; i++) {
    const int64_t n = number_at(f, 4 * i), size = i == 5 && n < 0 ? -n : n;
    if (size < 1 || size > MOST) return false;
  }
  return true;
}

bool llama2c_claims(const char *path) {
  static const char end[] = ".bin";
  const size_t length = strlen(path), tail = sizeof end - 1;
  FileView file;
  if (!file_view_regular(path, &file, NULL)) return false;
  const bool named = length >= tail && !strcmp(path + length - tail, end);
  const bool is = has_magic(&file) || (named && is_legacy(&file));
  file_view_close(&file);
  return is;
}

static void read_numbers(Llama2c *m, size_t at) {
  int64_t *const numbers[NUMBERS] = {&m->width,    &m->ffn,        &m->layers, &m->heads,
                                     &m->kv_heads, &m->vocabulary, &m->context};
  for (size_t i = 0; i < NUMBERS; i++) *numbers[i] = number_at(&m->file, at + 4 * i);
}

static bool check_version(const Llama2c *m, Error *err) {
  const int32_t version = number_at(&m->file, VERSION_AT);
  if (version == 1) return true;
  if (version == 2)
    return fail(err,
                "%s: version 2 of llama2.c (groups of 8-bit integers with f32 scales) is not supported: "
                "export the model with --version 1",
                m->path);
  return fail(err, "%s: version %" PRId32 " of llama2.c is unknown: export the model with --version 1",
              m->path, version);
}

/* What follows the numbers: a flag, and zeros, which may mean something in other programs' files. */
static bool read_flags(Llama2c *m, Error *err) {
  const unsigned char *bytes = (const unsigned char *)m->file.data;
  if (bytes[TIED_AT] > 1)
    return fail_damaged(err, "%s: byte %d, whether the output matrix is shared, is %d, not 0 or 1", m->path,
                        TIED_AT, bytes[TIED_AT]);
  m->tied = bytes[TIED_AT] == 1;
  for (int i = TIED_AT + 1; i < HEADER; i++)
    if (bytes[i])
      return fail_damaged(err, "%s: byte %d of the header is %d: version 1 has only zeros there", m->path, i,
                          bytes[i]);
  return true;
}

static bool read_versioned(Llama2c *m, Error *err) {
  if (m->file.size < NUMBERS_AT) return fail_damaged(err, "%s: the file ends within its header", m->path);
  if (!check_version(m, err)) return false;
  if (m->file.size < HEADER) return fail_damaged(err, "%s: the file ends within its header", m->path);
  read_numbers(m, NUMBERS_AT);
  return read_flags(m, err);
}

static bool read_legacy(Llama2c *m, Error *err) {
  if (m->file.size < LEGACY_HEADER) return fail_damaged(err, "%s: the file ends within its header", m->path);
  read_numbers(m, 0);
  m->tied = m->vocabulary > 0;
  if (m->vocabulary < 0) m->vocabulary = -m->vocabulary;
  return true;
}

static bool check_numbers(const Llama2c *m, Error *err) {
  const struct {
    const char *name;
    int64_t value;
  } numbers[] = {{_("width"), m->width},
                 {_("feed-forward width"), m->ffn},
                 {_("number of layers"), m->layers},
                 {_("number of heads"), m->heads},
                 {_("number of key/value heads"), m->kv_heads},
                 {_("vocabulary"), m->vocabulary},
                 {_("context"), m->context}};
  for (size_t i = 0; i < NUMBERS; i++)
    if (numbers[i].value < 1 || numbers[i].value > INT32_MAX)
      return fail_damaged(err, "%s: the header gives a %s of %" PRId64, m->path, numbers[i].name,
                          numbers[i].value);
  if (m->width % m->heads || m->width / m->heads % 2)
    return fail_damaged(err, "%s: a width of %" PRId64 " is not %" PRId64 " heads of an even size", m->path,
                        m->width, m->heads);
  return m->heads % m->kv_heads == 0 ||
         fail_damaged(err, "%s: %" PRId64 " heads cannot share %" PRId64 " key/value heads", m->path,
                      m->heads, m->kv_heads);
}

/* ---- arrays ---- */

typedef enum Use { ONCE, EACH_LAYER, UNTIED, COSINE, SINE } Use;

/* Sizes of a model. */
typedef enum Size { ONE, WIDTH, KV_WIDTH, FFN, VOCABULARY, CONTEXT, HALF_HEAD } Size;

/* name: '#' is the number of the layer. One row: a vector. */
typedef struct Array {
  Use use;
  Size rows, columns;
  const char *name;
} Array;

/* All layers' arrays of one name follow each other. In the files' order: */
static const Array legacy[] = {{ONCE, VOCABULARY, WIDTH, "token_embd.weight"},
                               {EACH_LAYER, ONE, WIDTH, "attn_norm.weight"},
                               {EACH_LAYER, WIDTH, WIDTH, "attn_q.weight"},
                               {EACH_LAYER, KV_WIDTH, WIDTH, "attn_k.weight"},
                               {EACH_LAYER, KV_WIDTH, WIDTH, "attn_v.weight"},
                               {EACH_LAYER, WIDTH, WIDTH, "attn_output.weight"},
                               {EACH_LAYER, ONE, WIDTH, "ffn_norm.weight"},
                               {EACH_LAYER, FFN, WIDTH, "ffn_gate.weight"},
                               {EACH_LAYER, WIDTH, FFN, "ffn_down.weight"},
                               {EACH_LAYER, FFN, WIDTH, "ffn_up.weight"},
                               {ONCE, ONE, WIDTH, "output_norm.weight"},
                               {COSINE, CONTEXT, HALF_HEAD, NULL},
                               {SINE, CONTEXT, HALF_HEAD, NULL},
                               {UNTIED, VOCABULARY, WIDTH, "output.weight"}};
static const Array version_1[] = {
    {EACH_LAYER, ONE, WIDTH, "attn_norm.weight"},   {EACH_LAYER, ONE, WIDTH, "ffn_norm.weight"},
    {ONCE, ONE, WIDTH, "output_norm.weight"},       {ONCE, VOCABULARY, WIDTH, "token_embd.weight"},
    {EACH_LAYER, WIDTH, WIDTH, "attn_q.weight"},    {EACH_LAYER, KV_WIDTH, WIDTH, "attn_k.weight"},
    {EACH_LAYER, KV_WIDTH, WIDTH, "attn_v.weight"}, {EACH_LAYER, WIDTH, WIDTH, "attn_output.weight"},
    {EACH_LAYER, FFN, WIDTH, "ffn_gate.weight"},    {EACH_LAYER, WIDTH, FFN, "ffn_down.weight"},
    {EACH_LAYER, FFN, WIDTH, "ffn_up.weight"},      {UNTIED, VOCABULARY, WIDTH, "output.weight"}};

typedef struct Layout {
  size_t header; /* bytes */
  const Array *arrays;
  size_t count;
} Layout;

#define COUNT(list) (sizeof(list) / sizeof *(list))
static const Layout legacy_layout = {LEGACY_HEADER, legacy, COUNT(legacy)},
                    version_1_layout = {HEADER, version_1, COUNT(version_1)};

static int64_t size_of(const Llama2c *m, Size size) {
  const int64_t sizes[] = {[ONE] = 1,
                           [WIDTH] = m->width,
                           [KV_WIDTH] = m->width / m->heads * m->kv_heads,
                           [FFN] = m->ffn,
                           [VOCABULARY] = m->vocabulary,
                           [CONTEXT] = m->context,
                           [HALF_HEAD] = m->width / m->heads / 2};
  return sizes[size];
}

static int64_t copies_of(const Llama2c *m, const Array *a) {
  return a->use == EACH_LAYER ? m->layers : a->use == UNTIED && m->tied ? 0 : 1;
}

/* Fails if the file does not have exactly the bytes that the header's numbers require, of which there may be
 * more than 64 bits count. */
static bool check_length(const Llama2c *m, const Layout *l, Error *err) {
  uint64_t total = l->header;
  for (size_t i = 0; i < l->count; i++) {
    const Array *a = &l->arrays[i];
    uint64_t bytes = sizeof(float);
    if (__builtin_mul_overflow(bytes, (uint64_t)size_of(m, a->rows), &bytes) ||
        __builtin_mul_overflow(bytes, (uint64_t)size_of(m, a->columns), &bytes) ||
        __builtin_mul_overflow(bytes, (uint64_t)copies_of(m, a), &bytes) ||
        __builtin_add_overflow(total, bytes, &total))
      return fail_damaged(err, "%s: the header requires more bytes than any file has", m->path);
  }
  return total == m->file.size || fail_damaged(err,
                                               "%s: has %zu bytes, but its header requires %" PRIu64
                                               ": it is cut short, damaged, or no model of llama2.c",
                                               m->path, m->file.size, total);
}

static void add_tensor(Llama2c *m, const Array *a, int64_t layer, const char *data) {
  char name[64];
  const int length = a->use == EACH_LAYER ? snprintf(name, sizeof name, "blk.%" PRId64 ".%s", layer, a->name)
                                          : snprintf(name, sizeof name, "%s", a->name);
  Tensor t = {.type = TENSOR_F32, .data = (void *)(uintptr_t)data};
  if (a->rows != ONE) t.shape[t.dims++] = size_of(m, a->rows);
  t.shape[t.dims++] = size_of(m, a->columns);
  m->tensors.items[m->tensors.count++] =
      (NamedTensor){arena_strndup(m->arena, name, (size_t)length), t, m->path, NULL};
}

/* Each has bytes in the file, so that their number is bounded by its length. */
static size_t count_tensors(const Llama2c *m, const Layout *l) {
  size_t count = 0;
  for (size_t i = 0; i < l->count; i++)
    if (l->arrays[i].name) count += (size_t)copies_of(m, &l->arrays[i]);
  return count;
}

static void place_arrays(Llama2c *m, const Layout *l) {
  const char *at = m->file.data + l->header;
  NamedTensor *items = arena_alloc_zeroed(m->arena, count_tensors(m, l) * sizeof *items);
  m->tensors = (TensorSet){items, 0, m->path};
  for (size_t i = 0; i < l->count; i++) {
    const Array *a = &l->arrays[i];
    const size_t bytes = (size_t)(size_of(m, a->rows) * size_of(m, a->columns)) * sizeof(float);
    if (a->use == COSINE) m->cosine = (const float *)(uintptr_t)at;
    if (a->use == SINE) m->sine = (const float *)(uintptr_t)at;
    for (int64_t k = 0; k < copies_of(m, a); k++, at += bytes)
      if (a->name) add_tensor(m, a, k, at);
  }
  tensors_sort(&m->tensors);
}

bool llama2c_open(Llama2c *m, const char *path, Error *err) {
  *m = (Llama2c){.arena = arena_new(0)};
  m->path = arena_strndup(m->arena, path, strlen(path));
  if (!file_view_regular(path, &m->file, err)) return false;
  const bool versioned = has_magic(&m->file);
  const Layout *layout = versioned ? &version_1_layout : &legacy_layout;
  if (!(versioned ? read_versioned(m, err) : read_legacy(m, err)) || !check_numbers(m, err) ||
      !check_length(m, layout, err))
    return false;
  place_arrays(m, layout);
  return true;
}

void llama2c_close(Llama2c *m) {
  if (m->path) file_view_close(&m->file);
  if (m->arena) arena_free(m->arena);
  *m = (Llama2c){.arena = NULL};
}

/* ---- rotation ---- */

/* An f32 angle p * f, which the files were made with, is off by a few roundings of it. */
static bool is_near(float stored, double wanted, int64_t position) {
  return fabs((double)stored - wanted) <= 1e-4 + 5e-7 * (double)position;
}

/* Pair i of a head at position p turns by p / 10000^(2 i / head size). */
bool llama2c_check_rotation(const Llama2c *m, Error *err) {
  const int64_t half = m->width / m->heads / 2;
  if (!m->cosine) return true;
  for (int64_t i = 0; i < half; i++) {
    const double step = pow(10000, -(double)i / (double)half);
    for (int64_t p = 0; p < m->context; p++)
      if (!is_near(m->cosine[p * half + i], cos((double)p * step), p) ||
          !is_near(m->sine[p * half + i], sin((double)p * step), p))
        return fail(err,
                    "%s: the stored rotation at position %" PRId64
                    " is not that of the base 10000, the only one of llama2.c",
                    m->path, p);
  }
  return true;
}
