/* PyTorch weights: the values that torch.save wrote (scripts/fuzz_pickle.py); what is cut short, altered or
 * made up is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "fuzz/memory_file.h"
#include "io/pickle.h"

#include <cmocka.h> /* last: it defines fail() */

#define SEEDS TESTS_DIR "/fuzz/seeds/pickle/"

static void is_there(const Safetensors *s, const char *name, TensorType type, int dims, int64_t rows,
                     int64_t columns, const void *bytes) {
  const NamedTensor *t = tensors_find(&s->tensors, name);
  if (!t) fail_msg("no tensor %s", name);
  assert_int_equal(t->tensor.type, type);
  assert_int_equal(t->tensor.dims, dims);
  if (dims) assert_int_equal(t->tensor.shape[0], rows);
  if (dims > 1) assert_int_equal(t->tensor.shape[1], columns);
  if (bytes) assert_memory_equal(t->tensor.data, bytes, tensor_bytes(&t->tensor));
}

static void what_torch_wrote(void **state) {
  (void)state;
  static const float matrix[] = {1, -2, 3.5f, 0, 0.25f, -1e30f}, scalar[] = {2.5f};
  static const uint16_t brains[] = {0x3f80, 0xc000}, halves[] = {0x3c00, 0xc000, 0x3800};
  static const int32_t whole[] = {7, -9}, ids[] = {0, 0, 1, 0, 2, 0};
  static const unsigned char mask[] = {1, 0, 1, 1};
  Safetensors s;
  Error err = {0};
  if (!pickle_open(&s, SEEDS "types", &err)) fail_msg("%s", err.text);
  assert_int_equal(s.tensors.count, 10);
  is_there(&s, "a", TENSOR_F32, 2, 2, 3, matrix);
  is_there(&s, "p", TENSOR_F32, 2, 2, 3, matrix);
  assert_ptr_equal(tensors_find(&s.tensors, "a")->tensor.data, tensors_find(&s.tensors, "p")->tensor.data);
  is_there(&s, "row", TENSOR_F32, 1, 3, 0, matrix + 3);
  is_there(&s, "b", TENSOR_BF16, 1, 2, 0, brains);
  is_there(&s, "c", TENSOR_F16, 1, 3, 0, halves);
  is_there(&s, "i", TENSOR_I32, 1, 2, 0, whole);
  is_there(&s, "scalar", TENSOR_F32, 0, 0, 0, scalar);
  is_there(&s, "empty", TENSOR_F32, 2, 0, 4, NULL);
  is_there(&s, "mask", TENSOR_I32, 1, 1, 0, mask);
  is_there(&s, "ids", TENSOR_I32, 1, 6, 0, ids);
  /* mapped, and aligned as torch aligns it */
  assert_int_equal(((const char *)tensors_find(&s.tensors, "a")->tensor.data - s.file.data) % 64, 0);
  safetensors_close(&s);
}

/* Reads the bytes as a file. "": accepted, with tensors inside of the file. */
static const char *verdict(const char *bytes, size_t size) {
  static Error err;
  Safetensors s;
  err = (Error){0};
  char path[64];
  if (!pickle_open(&s, as_file((const uint8_t *)bytes, size, path), &err)) {
    assert_non_null(strstr(err.text, path));
    return err.text;
  }
  assert_int_equal(err.code, 0);
  for (size_t i = 0; i < s.tensors.count; i++) {
    const Tensor *tensor = &s.tensors.items[i].tensor;
    const char *data = tensor->data;
    assert_true(data >= s.file.data && tensor_bytes(tensor) <= (size_t)(s.file.data + s.file.size - data));
  }
  safetensors_close(&s);
  return "";
}

static void cut_or_altered_anywhere(void **state) {
  (void)state;
  static const char *const seeds[] = {SEEDS "types", SEEDS "small", SEEDS "call"};
  for (int i = 0; i < 3; i++) {
    FileView f;
    assert_true(file_view(seeds[i], &f, NULL));
    char *copy = mem_alloc(f.size);
    memcpy(copy, f.data, f.size);
    for (size_t n = 0; n < f.size; n++)
      if (!*verdict(copy, n)) fail_msg("%s: accepted with %zu of %zu bytes", seeds[i], n, f.size);
    for (size_t n = 0; n < f.size; n++)
      for (int bits = 1; bits < 256; bits += i == 1 ? bits : 127) {
        copy[n] = (char)(f.data[n] ^ bits);
        verdict(copy, f.size); /* either is right, a crash is not */
        copy[n] = f.data[n];
      }
    mem_free(copy);
    file_view_close(&f);
  }
}

/* ---- archives made here ---- */

static Buffer archive, directory;

static void number(Buffer *b, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) buffer_add(b, &(char){(char)(i < 8 ? value >> 8 * i : 0)}, 1);
}

typedef struct Change {
  int method, flags;
  bool big, twice; /* sizes in 64 bits; the data's entry again */
  int64_t size;    /* of the data, in the directory; 0: as it is */
  const char *order;
} Change;

static void entry(const char *name, const char *bytes, size_t length, const Change *c, int64_t said) {
  const uint64_t at = archive.length, size = said ? (uint64_t)said : length;
  number(&archive, 0x04034b50, 4);
  for (int i = 0; i < 11; i++) number(&archive, 0, 2);
  number(&archive, strlen(name), 2), number(&archive, 5, 2);
  buffer_adds(&archive, name), buffer_adds(&archive, "extra"), buffer_add(&archive, bytes, length);
  number(&directory, 0x02014b50, 4), number(&directory, 0, 4);
  number(&directory, (uint64_t)c->flags, 2), number(&directory, (uint64_t)c->method, 2);
  number(&directory, 0, 8);
  for (int i = 0; i < 2; i++) number(&directory, c->big ? UINT32_MAX : size, 4);
  number(&directory, strlen(name), 2), number(&directory, c->big ? 34 : 0, 2);
  number(&directory, 0, 10), number(&directory, c->big ? UINT32_MAX : at, 4);
  buffer_adds(&directory, name);
  if (!c->big) return;
  number(&directory, 7, 2), number(&directory, 2, 2), number(&directory, 0, 2); /* of another kind */
  number(&directory, 1, 2), number(&directory, 24, 2);
  number(&directory, size, 8), number(&directory, size, 8), number(&directory, at, 8);
}

/* The verdict on an archive of a pickle and a storage "0" of 4 floats. */
static const char *archived(const char *pickle, size_t length, const Change *c) {
  static const float data[] = {1, 2, 3, 4};
  buffer_clear(&archive), buffer_clear(&directory);
  entry("m/data.pkl", pickle, length, c, 0);
  for (int i = 0; i <= c->twice; i++) entry("m/data/0", (const char *)data, sizeof data, c, c->size);
  if (c->order) entry("m/byteorder", c->order, strlen(c->order), c, 0);
  const uint64_t at = archive.length, count = 2u + c->twice + (c->order != NULL);
  buffer_add(&archive, directory.data, directory.length);
  number(&archive, 0x06054b50, 4), number(&archive, 0, 4);
  number(&archive, count, 2), number(&archive, count, 2);
  number(&archive, directory.length, 4), number(&archive, at, 4), number(&archive, 0, 2);
  return verdict(archive.data, archive.length);
}

#define STORAGE(type, key, n) "(X\7\0\0\0storagectorch\n" type "\nX\1\0\0\0" key "X\3\0\0\0cpuK" n "tQ"
#define TENSOR(storage, offset, shape, strides) \
  "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset shape strides "\x89" OD "tR"
#define OD      "ccollections\nOrderedDict\n)R"
#define KEY     "X\1\0\0\0a"
#define FOUR    STORAGE("FloatStorage", "0", "\4")
#define T22     TENSOR(FOUR, "K\0", "K\2K\2\x86", "K\2K\1\x86")
#define P(text) text, sizeof text - 1

static const struct {
  const char *pickle;
  size_t length;
  const char *says; /* "": accepted */
} pickles[] = {
    {P("\x80\2}" KEY T22 "s."), ""},
    {P(OD "(" KEY T22 "u}X\1\0\0\0mK\1sb."), ""}, /* attributes */
    {P("}(u."), ""},
    {P("}" KEY "ctorch._utils\n_rebuild_parameter\n" T22 "\x88" OD "\x87Rs."), ""},
    {P("}" KEY TENSOR(FOUR, "K\2", "K\2\x85", "K\1\x85") "s."), ""},
    {P("}" KEY TENSOR(FOUR, "K\0", "K\1K\4\x86", "K\7K\1\x86") "s."), ""}, /* the stride of one row */
    {P("}" KEY TENSOR(FOUR, "K\0", "K\2K\2\x86", "K\1K\2\x86") "s."), "\"a\" is a transposed"},
    {P("}" KEY TENSOR(FOUR, "K\3", "K\2\x85", "K\1\x85") "s."), "\"a\" reaches beyond"},
    {P("}" KEY TENSOR(FOUR, "K\5", "K\0\x85", "K\1\x85") "s."), "\"a\" reaches beyond"},
    {P("}" KEY TENSOR(FOUR, "K\0", "K\5\x85", "K\0\x85") "s."), "\"a\" reaches beyond"},
    {P("}" KEY TENSOR(FOUR, "K\0", "J\377\377\377\377\x85", "K\1\x85") "s."), "\"a\" has an invalid shape"},
    {P("}" KEY TENSOR(FOUR, "J\377\377\377\377", "K\1\x85", "K\1\x85") "s."), "\"a\" has an invalid shape"},
    {P("}" KEY TENSOR(FOUR, "K\0", "K\1\x85", "K\1K\1\x86") "s."), "\"a\" has an invalid shape"},
    {P("}" KEY TENSOR(FOUR, "K\0", "N\x85", "K\1\x85") "s."), "\"a\" has an invalid shape"},
    {P("}" KEY TENSOR(FOUR, "K\0", "\x8a\7\0\0\0\0\0\0\1\x8a\7\0\0\0\0\0\0\1\x86", "K\1K\1\x86") "s."),
     "\"a\" has an invalid shape"},
    {P("}" KEY TENSOR(STORAGE("FloatStorage", "0", "\5"), "K\0", "K\1\x85", "K\1\x85") "s."), "another size"},
    {P("}" KEY TENSOR(STORAGE("HalfStorage", "0", "\4"), "K\0", "K\1\x85", "K\1\x85") "s."), "another size"},
    {P("}" KEY TENSOR(STORAGE("FloatStorage", "1", "\4"), "K\0", "K\1\x85", "K\1\x85") "s."), "is missing"},
    {P("}" KEY TENSOR(STORAGE("DoubleStorage", "0", "\2"), "K\0", "K\1\x85", "K\1\x85") "s."),
     "torch.DoubleStorage are not supported: save them as safetensors"},
    {P("}" KEY T22 "s" KEY T22 "s."), "\"a\" is stored twice"},
    {P("}K\1" T22 "s."), "the name of a tensor"},
    {P("}X\1\0\0\0\0" T22 "s."), "the name of a tensor"},
    {P("}X\1\0\0\0\377" T22 "s."), "the name of a tensor"},
    {P("}" KEY "K\1s."), "\"a\" is not a tensor"},
    {P("}" KEY "}s."), "\"a\" is not a tensor"},
    {P(T22 "."), "not a dict of tensors"},
    {P("}}."), "not a dict of tensors"},
    {P("."), "not a pickle of tensors"},
    {P(""), "not a pickle of tensors"},
    {P("cos\nsystem\nX\2\0\0\0ls\x85R."), "calls os.system, which is not a tensor"},
    {P("c__builtin__\neval\n)R."), "calls __builtin__.eval, which is not a tensor"},
    {P("c\33[2J\nx\n)R."), "calls ?[2J.x,"},
    {P("ccollections.OrderedDict\n\n)R."), "calls collections.OrderedDict."},
    {P("ctorch._utils\n_rebuild_tensor_v3\n)R."), "calls torch._utils._rebuild_tensor_v3"},
    {P("(ios\nsystem\n."), "operation 0x69"},
    {P("}\x81."), "operation 0x81"},
    {P("ccollections\nOrderedDict"), "not a pickle"},
    {P("ccollections\nOrderedDict\n" KEY "R."), "not a pickle"},
    {P("ccollections\nOrderedDict\nK\1\x85R."), "not a pickle"},
    {P("ctorch._utils\n_rebuild_tensor_v2\n)R."), "not a pickle"},
    {P("ctorch\nFloatStorage\n)R."), "not a pickle"},
    {P("K\1)R."), "not a pickle"},
    {P("(X\7\0\0\0storageccollections\nOrderedDict\nX\1\0\0\0"
       "0X\1\0\0\0cK\4tQ."),
     "not a pickle"},
    {P("K\1Q."), "not a pickle"},
    {P("(tQ."), "not a pickle"},
    {P("t."), "not a pickle"},
    {P("K\1(K\1\x86."), "not a pickle"}, /* reaches below the mark */
    {P("K\1" KEY T22 "s."), "not a pickle"},
    {P("}(" KEY "u."), "not a pickle"},
    {P("K\1K\1b."), "not a pickle"},
    {P("q\0."), "not a pickle"},
    {P("}q\1."), "not a pickle"},
    {P("h\0."), "not a pickle"},
    {P("}r\0\0\0\0j\1\0\0\0."), "not a pickle"},
    {P("\x8a\11\0\0\0\0\0\0\0\0\0."), "not a pickle"},
    {P("X\377\377\377\377a."), "not a pickle"},
};

static void made_up_pickles(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
    const char *says = archived(pickles[i].pickle, pickles[i].length, &(Change){0});
    if (*pickles[i].says ? !strstr(says, pickles[i].says) : *says) fail_msg("case %zu: %s", i, says);
  }
}

static void stacks_are_bounded(void **state) {
  (void)state;
  enum { DEEP = 1 << 17 };
  char *pickle = mem_alloc(DEEP);
  for (int i = 0; i < 3; i++) {
    memset(pickle, "N(\x85"[i], DEEP);
    *pickle = 'N';
    assert_non_null(strstr(archived(pickle, DEEP, &(Change){0}), "not a pickle"));
  }
  mem_free(pickle);
}

static void made_up_archives(void **state) {
  (void)state;
  static const struct {
    Change change;
    const char *says;
  } cases[] = {
      {{.big = true}, ""},
      {{.order = "little"}, ""},
      {{.order = "big"}, "big-endian"},
      {{.method = 8}, "compressed"},
      {{.flags = 1}, "encrypted"},
      {{.twice = true}, "twice"},
      {{.size = 17}, "another size"},
      {{.size = 1 << 20}, "not a whole zip archive"},
      {{.big = true, .size = INT64_MAX}, "not a whole zip archive"},
      {{.big = true, .size = -1}, "not a whole zip archive"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *says = archived(P("}" KEY T22 "s."), &cases[i].change);
    if (*cases[i].says ? !strstr(says, cases[i].says) : *says) fail_msg("case %zu: %s", i, says);
  }
}

static void other_files(void **state) {
  (void)state;
  static const struct {
    const char *file, *says;
  } cases[] = {{"transposed", "\"t\" is a transposed"},
               {"call", "calls posix.system, which is not a tensor"},
               {"legacy", "before 1.6 is not supported: save them as safetensors"},
               {"protocol_4", "operation 0x95"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char path[PATH_CAPACITY];
    Safetensors s;
    Error err = {0};
    assert_false(pickle_open(&s, path_join(path, SEEDS, cases[i].file), &err));
    if (!strstr(err.text, cases[i].says)) fail_msg("%s", err.text);
  }
  assert_non_null(strstr(verdict("", 0), "not a whole zip archive"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_torch_wrote), cmocka_unit_test(cut_or_altered_anywhere),
      cmocka_unit_test(made_up_pickles),  cmocka_unit_test(stacks_are_bounded),
      cmocka_unit_test(made_up_archives), cmocka_unit_test(other_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
