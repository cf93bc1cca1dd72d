#include "io/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "io/little_endian.h"
#include "io/zip.h"

/* Every value is of a byte of data.pkl, whose size so bounds all memory. Picklers set 1000 items at a time.
 */
enum { BYTES_MOST = 16 << 20, STACK_MOST = 1 << 16, MEMO_MOST = 1 << 22 };

typedef enum Kind { NOTHING, NUMBER, TEXT, GLOBAL, TUPLE, DICT, STORAGE, REBUILT } Kind;

typedef struct Value {
  Kind kind;
  int64_t number;   /* also: of the global, dict or tensor; first of the parts; of the storage's type */
  const char *text; /* also: the bytes of a storage */
  uint64_t count;   /* of bytes, parts, elements */
} Value;

/* What a state dict refers to. */
enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER };
static const struct {
  const char *name;
  TensorType type;
  size_t bytes; /* of an element of a storage; 0: a function */
} globals[] = {
    {"collections\nOrderedDict\n", TENSOR_F32, 0},
    {"torch._utils\n_rebuild_tensor_v2\n", TENSOR_F32, 0},
    {"torch._utils\n_rebuild_parameter\n", TENSOR_F32, 0},
    {"torch\nFloatStorage\n", TENSOR_F32, 4},
    {"torch\nHalfStorage\n", TENSOR_F16, 2},
    {"torch\nBFloat16Storage\n", TENSOR_BF16, 2},
    {"torch\nIntStorage\n", TENSOR_I32, 4},
    {"torch\nLongStorage\n", TENSOR_I32, 8},
    {"torch\nByteStorage\n", TENSOR_I32, 1},
    {"torch\nBoolStorage\n", TENSOR_I32, 1},
};
enum { GLOBALS = sizeof globals / sizeof *globals };

typedef struct Rebuilt {
  Tensor tensor;
  const char *flaw; /* why it is refused if it is in the dict; NULL: none */
} Rebuilt;

typedef struct Item {
  int64_t dict;
  Value key, value;
} Item;

typedef struct Unpickler {
  const char *at, *end, *path;
  Zip zip;
  VEC(Value) stack, memo, parts;
  VEC(size_t) marks; /* heights of the stack */
  VEC(Rebuilt) rebuilt;
  VEC(Item) items;
  int64_t dicts;
  Error *err;
} Unpickler;

/* ---- the stack ---- */

static bool damaged(Unpickler *u) {
  return fail(u->err, "%s: data.pkl is not a pickle of tensors: the file is truncated or altered", u->path);
}

static const char *take(Unpickler *u, uint64_t count) {
  if (count > (uint64_t)(u->end - u->at)) return damaged(u), NULL;
  return (u->at += count) - count;
}

static bool take_number(Unpickler *u, int bytes, uint64_t *out) {
  const char *p = take(u, (uint64_t)bytes);
  if (p) *out = little_endian(p, bytes);
  return p != NULL;
}

static bool push(Unpickler *u, Value v) {
  if (u->stack.count >= STACK_MOST) return damaged(u);
  vec_push(&u->stack, v);
  return true;
}

/* The `count` values on top, above the last mark, removed but readable until the next push; NULL: fewer. */
static const Value *pop(Unpickler *u, size_t count) {
  const size_t floor = u->marks.count ? u->marks.data[u->marks.count - 1] : 0;
  if (u->stack.count - floor < count) return damaged(u), NULL;
  return u->stack.data + (u->stack.count -= count);
}

/* All values above the last mark, likewise. */
static const Value *pop_mark(Unpickler *u, size_t *count) {
  if (!u->marks.count) return damaged(u), NULL;
  const size_t floor = u->marks.data[--u->marks.count];
  *count = u->stack.count - floor;
  u->stack.count = floor;
  return u->stack.data + floor;
}

static bool push_tuple(Unpickler *u, const Value *first, size_t count) {
  const Value tuple = {.kind = TUPLE, .number = (int64_t)u->parts.count, .count = count};
  for (size_t i = 0; first && i < count; i++) vec_push(&u->parts, first[i]);
  return first && push(u, tuple);
}

/* NULL if it is not a tuple of so many. */
static const Value *parts_of(const Unpickler *u, const Value *v, size_t count) {
  return v->kind == TUPLE && v->count == count && count ? u->parts.data + v->number : NULL;
}

/* Picklers number what they keep from 0 on. */
static bool keep(Unpickler *u, uint64_t at) {
  if (!u->stack.count || at > u->memo.count || at >= MEMO_MOST) return damaged(u);
  if (at == u->memo.count) vec_push(&u->memo, (Value){.kind = NOTHING});
  u->memo.data[at] = u->stack.data[u->stack.count - 1];
  return true;
}

static bool push_kept(Unpickler *u, int bytes) {
  uint64_t at;
  return take_number(u, bytes, &at) && (at < u->memo.count ? push(u, u->memo.data[at]) : damaged(u));
}

static bool push_number(Unpickler *u, uint64_t bytes, bool is_signed) {
  uint64_t n = 0;
  if (bytes > 8) return damaged(u);
  if (!take_number(u, (int)bytes, &n)) return false;
  const int shift = bytes && is_signed ? 64 - 8 * (int)bytes : 0;
  return push(u, (Value){.kind = NUMBER, .number = (int64_t)(n << shift) >> shift});
}

static bool push_text(Unpickler *u) {
  uint64_t length;
  const char *text = take_number(u, 4, &length) ? take(u, length) : NULL;
  return text && push(u, (Value){.kind = TEXT, .text = text, .count = length});
}

static bool set_items(Unpickler *u, const Value *pairs, size_t count) {
  const Value *dict = pairs ? pop(u, 1) : NULL;
  if (!dict) return false;
  if (dict->kind != DICT || count % 2) return damaged(u);
  for (size_t i = 0; i < count; i += 2) vec_push(&u->items, ((Item){dict->number, pairs[i], pairs[i + 1]}));
  return push(u, *dict);
}

/* Attributes of a dict, such as the versions of its modules, are left out. */
static bool set_attributes(Unpickler *u) {
  const Value *p = pop(u, 2);
  return p && (p->kind == DICT ? push(u, *p) : damaged(u));
}

/* ---- what is carried out ---- */

/* Two lines: module and name. */
static bool push_global(Unpickler *u) {
  const char *p = u->at, *first = memchr(p, '\n', (size_t)(u->end - p));
  const char *second = first ? memchr(first + 1, '\n', (size_t)(u->end - first - 1)) : NULL;
  char text[128];
  if (!second) return damaged(u);
  const size_t length = (size_t)(second + 1 - p);
  u->at = second + 1;
  for (int i = 0; i < GLOBALS; i++)
    if (strlen(globals[i].name) == length && !memcmp(globals[i].name, p, length))
      return push(u, (Value){.kind = GLOBAL, .number = i});
  snprintf(text, sizeof text, "%.*s", (int)(length < 120 ? length - 1 : 120), p);
  for (char *c = text; *c; c++) *c = *c == '\n' ? '.' : *c < ' ' || *c > '~' ? '?' : *c;
  return !strncmp(text, "torch.", 6) && strstr(text, "Storage")
             ? fail(u->err, "%s: tensors of %s are not supported: " AS_SAFETENSORS, u->path, text)
             : fail(u->err, "%s: the file calls %s, which is not a tensor; nothing was carried out", u->path,
                    text);
}

/* An entry of the archive's directory, which has the name of the file when it was written. */
static const ZipEntry *find_entry(const Unpickler *u, const char *name, size_t length) {
  char full[512];
  const ZipEntry *first = u->zip.entries.data;
  const char *slash = memchr(first->name, '/', first->length);
  const size_t prefix = slash ? (size_t)(slash + 1 - first->name) : 0;
  if (prefix + length > sizeof full) return NULL;
  memcpy(full, first->name, prefix);
  memcpy(full + prefix, name, length);
  return zip_find(&u->zip, full, prefix + length);
}

/* The persistent id ("storage", type, key, location, count) is the entry data/<key>. */
static bool push_storage(Unpickler *u) {
  char name[80];
  const Value *id = pop(u, 1), *p = id ? parts_of(u, id, 5) : NULL;
  if (!p || p[0].kind != TEXT || p[0].count != 7 || memcmp(p[0].text, "storage", 7) || p[1].kind != GLOBAL ||
      !globals[p[1].number].bytes || p[2].kind != TEXT || p[2].count > 64 || p[4].kind != NUMBER)
    return damaged(u);
  memcpy(name, "data/", 5);
  memcpy(name + 5, p[2].text, p[2].count);
  const ZipEntry *e = find_entry(u, name, 5 + p[2].count);
  const size_t bytes = globals[p[1].number].bytes;
  if (!e || e->size % bytes || (int64_t)(e->size / bytes) != p[4].number)
    return fail(u->err, "%s: a storage is %s: the file is truncated or altered", u->path,
                e ? _("of another size") : _("missing"));
  return push(u, (Value){.kind = STORAGE, .number = p[1].number, .text = e->data, .count = e->size / bytes});
}

/* Shape and data of args (storage, offset, shape, strides, ...), in elements. Returns what is wrong. */
static const char *view(const Unpickler *u, const Value *args, Tensor *t) {
  const int64_t offset = args[1].number;
  const size_t dims = args[2].count, bytes = globals[args[0].number].bytes;
  const Value *shape = parts_of(u, &args[2], dims), *strides = parts_of(u, &args[3], dims);
  int64_t count = 1;
  bool contiguous = true;
  if (dims > TENSOR_MAX_DIMS) return _("has more dimensions than are supported");
  if (args[1].kind != NUMBER || offset < 0 || args[2].kind != TUPLE || args[3].kind != TUPLE ||
      args[3].count != dims)
    return _("has an invalid shape");
  t->dims = (int)dims;
  for (size_t i = dims; i-- > 0;) {
    const int64_t n = t->shape[i] = shape[i].number;
    if (n != 1 && strides[i].number != count) contiguous = false;
    if (shape[i].kind != NUMBER || strides[i].kind != NUMBER || n < 0 ||
        __builtin_mul_overflow(count, n, &count))
      return _("has an invalid shape");
  }
  if ((uint64_t)offset > args[0].count || (uint64_t)count > args[0].count - (uint64_t)offset)
    return _("reaches beyond its storage: the file is truncated or altered");
  t->data = (void *)(uintptr_t)(args[0].text + (size_t)offset * bytes);
  /* masks and positions, which no parameter is compared with: their bytes in one dimension */
  if (t->type == TENSOR_I32 && bytes != sizeof(int32_t))
    t->dims = 1, t->shape[0] = (int64_t)((size_t)count * bytes / sizeof(int32_t));
  return contiguous || !count ? NULL : _("is a transposed or partial view: " AS_SAFETENSORS);
}

static bool reduce(Unpickler *u) {
  const Value *p = pop(u, 2), *args;
  if (!p || p[0].kind != GLOBAL || p[1].kind != TUPLE) return damaged(u);
  if (p[0].number == ORDERED_DICT && !p[1].count) return push(u, (Value){.kind = DICT, .number = u->dicts++});
  if (p[0].number == REBUILD_PARAMETER && (args = parts_of(u, &p[1], 3)) && args->kind == REBUILT)
    return push(u, *args);
  if (p[0].number != REBUILD_TENSOR || !(args = parts_of(u, &p[1], 6)) || args->kind != STORAGE)
    return damaged(u);
  Rebuilt r = {.tensor.type = globals[args->number].type};
  r.flaw = view(u, args, &r.tensor);
  vec_push(&u->rebuilt, r);
  return push(u, (Value){.kind = REBUILT, .number = (int64_t)u->rebuilt.count - 1});
}

/* One operation (Python's pickletools explains them), except the end. */
static bool step(Unpickler *u, unsigned char op) {
  size_t n = 0;
  uint64_t x;
  const Value *p;
  switch (op) {
    case 0x80:
      return take(u, 1) != NULL; /* the protocol */
    case 'N':
    case 0x88:
    case 0x89:
      return push(u, (Value){.kind = NOTHING}); /* true, false: not used */
    case 'K':
      return push_number(u, 1, false);
    case 'M':
      return push_number(u, 2, false);
    case 'J':
      return push_number(u, 4, true);
    case 0x8a:
      return take_number(u, 1, &x) && push_number(u, x, true);
    case 'X':
      return push_text(u);
    case 'c':
      return push_global(u);
    case '(':
      vec_push(&u->marks, u->stack.count);
      return true;
    case ')':
      return push(u, (Value){.kind = TUPLE});
    case 't':
      return (p = pop_mark(u, &n)) && push_tuple(u, p, n);
    case 0x85:
    case 0x86:
    case 0x87:
      return push_tuple(u, pop(u, op - 0x84u), op - 0x84u);
    case '}':
      return push(u, (Value){.kind = DICT, .number = u->dicts++});
    case 's':
      return set_items(u, pop(u, 2), 2);
    case 'u':
      p = pop_mark(u, &n);
      return set_items(u, p, n);
    case 'q':
      return take_number(u, 1, &x) && keep(u, x);
    case 'r':
      return take_number(u, 4, &x) && keep(u, x);
    case 'h':
      return push_kept(u, 1);
    case 'j':
      return push_kept(u, 4);
    case 'Q':
      return push_storage(u);
    case 'R':
      return reduce(u);
    case 'b':
      return set_attributes(u);
    default:
      return fail(u->err, "%s: data.pkl has operation 0x%02x, which tensors do not need: " AS_SAFETENSORS,
                  u->path, op);
  }
}

/* ---- the result ---- */

static bool add_tensor(Unpickler *u, Safetensors *s, const Item *item) {
  const char *name = item->key.text;
  if (item->key.kind != TEXT || memchr(name, '\0', item->key.count) || !json_is_utf8(name, item->key.count))
    return fail(u->err, "%s: the name of a tensor is not a text", u->path);
  name = arena_strndup(s->arena, name, item->key.count);
  if (item->value.kind != REBUILT)
    return fail(u->err, "%s: \"%.200s\" is not a tensor: only dicts of tensors are read", u->path, name);
  const Rebuilt *r = &u->rebuilt.data[item->value.number];
  if (r->flaw) return fail(u->err, "%s: tensor \"%.200s\" %s", u->path, name, r->flaw);
  s->tensors.items[s->tensors.count++] = (NamedTensor){name, r->tensor, s->tensors.path, NULL};
  return true;
}

static bool finish(Unpickler *u, Safetensors *s) {
  const Value *dict = pop(u, 1);
  if (!dict || dict->kind != DICT || u->stack.count)
    return fail(u->err, "%s: not a dict of tensors, as model.state_dict() is", u->path);
  s->tensors.items = arena_alloc_zeroed(s->arena, (u->items.count + 1) * sizeof *s->tensors.items);
  for (size_t i = 0; i < u->items.count; i++)
    if (u->items.data[i].dict == dict->number && !add_tensor(u, s, &u->items.data[i])) return false;
  tensors_sort(&s->tensors);
  for (size_t i = 1; i < s->tensors.count; i++)
    if (!strcmp(s->tensors.items[i].name, s->tensors.items[i - 1].name))
      return fail(u->err, "%s: tensor \"%.200s\" is stored twice", u->path, s->tensors.items[i].name);
  return true;
}

static bool unpickle(Unpickler *u, Safetensors *s) {
  if (!zip_open(&u->zip, &s->file, u->path, u->err)) return false;
  const ZipEntry *pickle = find_entry(u, "data.pkl", 8), *order = find_entry(u, "byteorder", 9);
  if (!pickle || pickle->size > BYTES_MOST)
    return fail(u->err, "%s: a zip archive %s data.pkl: these are no weights of torch.save", u->path,
                pickle ? _("with too large a") : _("without"));
  if (order && (order->size != 6 || memcmp(order->data, "little", 6)))
    return fail(u->err, "%s: written on a big-endian machine: " AS_SAFETENSORS, u->path);
  u->at = pickle->data;
  u->end = pickle->data + pickle->size;
  vec_reserve(&u->stack, 64); /* so that no address in it is NULL */
  for (const char *op; (op = take(u, 1));)
    if (*op == '.' || !step(u, (unsigned char)*op)) return *op == '.' && finish(u, s);
  return false;
}

static bool read_file(Safetensors *s, const char *path, Error *err) {
  Unpickler u = {.path = path, .err = err};
  if (s->file.size && *s->file.data == '\x80')
    return fail(err, "%s: PyTorch's format before 1.6 is not supported: " AS_SAFETENSORS, path);
  const bool ok = unpickle(&u, s);
  zip_close(&u.zip);
  vec_free(&u.stack);
  vec_free(&u.memo);
  vec_free(&u.parts);
  vec_free(&u.marks);
  vec_free(&u.rebuilt);
  vec_free(&u.items);
  return ok;
}

bool pickle_open(Safetensors *s, const char *path, Error *err) {
  return safetensors_open_as(s, path, read_file, err);
}
