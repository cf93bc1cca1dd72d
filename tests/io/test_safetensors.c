/* safetensors: what is written comes back, here and in Python; what is cut short, altered or made up is
 * refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/scratch.h"
#include "io/safetensors.h"

#include <cmocka.h> /* last but one: it defines fail() */

#include "io/python.h"

static const float matrix[] = {1, -2, 3.5f, 0, 1e-40f, -1e30f};
static const uint16_t brains[] = {0x3f80, 0xc000}, halves[] = {0x3c00, 0xc000, 0x0001};
static const int32_t whole[] = {7, -9};

static const NamedTensor some[] = {
    {.name = "a.weight",
     .tensor = {.type = TENSOR_F32, .dims = 2, .shape = {2, 3}, .data = (void *)(uintptr_t)matrix}},
    {.name = "b",
     .tensor = {.type = TENSOR_BF16, .dims = 1, .shape = {2}, .data = (void *)(uintptr_t)brains}},
    {.name = "c", .tensor = {.type = TENSOR_F16, .dims = 1, .shape = {3}, .data = (void *)(uintptr_t)halves}},
    {.name = "d",
     .tensor = {.type = TENSOR_I32, .dims = 2, .shape = {1, 2}, .data = (void *)(uintptr_t)whole}},
    {.name = "empty", .tensor = {.type = TENSOR_F32, .dims = 2, .shape = {0, 4}, .data = NULL}},
    {.name = "scalar", .tensor = {.type = TENSOR_F32, .dims = 0, .data = (void *)(uintptr_t)matrix}},
};
enum { SOME = sizeof some / sizeof *some };

static const char *write_some(const char *name) {
  json_t *metadata = json_build("{s:s}", "format", "pt");
  Error err = {0};
  if (!safetensors_write(in_scratch(name), some, SOME, metadata, &err)) fail_msg("%s", err.text);
  json_decref(metadata);
  return in_scratch(name);
}

/* More values than are converted at once: the nearest of each type, wherever they are. */
static void values_are_written_in_another_type(void **state) {
  (void)state;
  enum { COUNT = (1 << 20) + 1029 };
  static float values[COUNT];
  for (int i = 0; i < COUNT; i++) values[i] = (float)(i % 4099) * 0x1.00002p-14f - 0.1f;
  values[3] = 65519, values[COUNT - 1] = -65519;
  Tensor from = {.type = TENSOR_F32, .dims = 1, .shape = {COUNT}, .data = values};
  for (int type = TENSOR_F32; type <= TENSOR_F16; type++) {
    NamedTensor item = {.name = "t", .tensor = from, .from = &from};
    static unsigned char expected[COUNT * 4];
    Safetensors s;
    Error err = {0};
    item.tensor.type = (TensorType)type;
    assert_true(type_narrow((TensorType)type, expected, values, COUNT));
    if (!safetensors_write(in_scratch("converted"), &item, 1, NULL, &err) ||
        !safetensors_open(&s, in_scratch("converted"), &err))
      fail_msg("%s", err.text);
    assert_int_equal(s.tensors.items[0].tensor.type, type);
    assert_memory_equal(s.tensors.items[0].tensor.data, expected, tensor_bytes(&item.tensor));
    safetensors_close(&s);
  }
}

/* What rounds to infinity is named, and the file that was there stays. */
static void values_out_of_range_are_refused(void **state) {
  (void)state;
  static const struct {
    TensorType type;
    float value;
    bool fits;
  } cases[] = {{TENSOR_F16, 65519.99f, true},
               {TENSOR_F16, -65520, false},
               {TENSOR_BF16, 0x1.fefffep127f, true},
               {TENSOR_BF16, 0x1.ffp127f, false},
               {TENSOR_F32, -0x1.fffffep127f, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float values[40000] = {[39999] = cases[i].value};
    Tensor from = {.type = TENSOR_F32, .dims = 1, .shape = {40000}, .data = values};
    NamedTensor item = {.name = "t.weight", .tensor = from, .from = &from};
    Error err = {0};
    FileView view;
    item.tensor.type = cases[i].type;
    assert_true(file_replace(in_scratch("there"), "old", 3, &err));
    assert_int_equal(safetensors_write(in_scratch("there"), &item, 1, NULL, &err), cases[i].fits);
    if (!cases[i].fits) assert_non_null(strstr(err.text, "\"t.weight\""));
    assert_true(file_view(in_scratch("there"), &view, &err));
    assert_int_equal(view.size == 3, !cases[i].fits);
    file_view_close(&view);
  }
}

static void what_was_written(void **state) {
  Safetensors s;
  Error err = {0};
  if (!safetensors_open(&s, write_some("some"), &err)) fail_msg("%s", err.text);
  assert_int_equal(s.tensors.count, SOME);
  assert_string_equal(json_get_text(s.metadata, "format", ""), "pt");
  for (size_t i = 0; i < SOME; i++) {
    const NamedTensor *t = tensors_find(&s.tensors, some[i].name);
    assert_non_null(t);
    assert_int_equal(t->tensor.type, some[i].tensor.type);
    assert_true(tensor_same_shape(&t->tensor, &some[i].tensor));
    if (tensor_bytes(&t->tensor))
      assert_memory_equal(t->tensor.data, some[i].tensor.data, tensor_bytes(&t->tensor));
  }
  assert_null(tensors_find(&s.tensors, "absent"));
  uint64_t header;
  memcpy(&header, s.file.data, sizeof header);
  assert_int_equal(header % 8, 0); /* the data is aligned, as the reference implementation does it */
  safetensors_close(&s);
}

static void written_again_the_same_bytes(void **state) {
  FileView a, b;
  assert_true(file_view(write_some("one"), &a, NULL));
  assert_true(file_view(write_some("two"), &b, NULL));
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.data, b.data, a.size);
  file_view_close(&a);
  file_view_close(&b);
}

static void to_f32(void **state) {
  uint16_t all[65536];
  static float out[65536];
  for (int i = 0; i < 65536; i++) all[i] = (uint16_t)i;
  tensor_to_f32(out, &(Tensor){.type = TENSOR_F16, .dims = 1, .shape = {65536}, .data = all});
  for (int i = 0; i < 65536; i++) { /* by the definition: sign, exponent, fraction */
    const int exponent = i >> 10 & 31, fraction = i & 1023;
    const double sign = i & 0x8000 ? -1 : 1;
    if (exponent == 31) {
      assert_true(fraction ? isnan(out[i]) : isinf(out[i]) && !signbit(out[i]) == (sign > 0));
      continue;
    }
    const double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    assert_true((double)out[i] == sign * value && !signbit(out[i]) == (sign > 0));
  }
  tensor_to_f32(out, &(Tensor){.type = TENSOR_BF16, .dims = 1, .shape = {65536}, .data = all});
  for (int i = 0; i < 65536; i++) {
    uint32_t bits;
    memcpy(&bits, &out[i], sizeof bits);
    assert_int_equal(bits, (uint32_t)i << 16);
  }
  char unaligned[sizeof matrix + 1];
  memcpy(unaligned + 1, matrix, sizeof matrix);
  tensor_to_f32(out, &(Tensor){.type = TENSOR_F32, .dims = 1, .shape = {6}, .data = unaligned + 1});
  assert_memory_equal(out, matrix, sizeof matrix);
}

/* ---- hostile files ---- */

static bool opens(const void *bytes, size_t length, Error *err) {
  Safetensors s;
  *err = (Error){0};
  assert_true(file_replace(in_scratch("bad"), bytes, length, NULL));
  if (!safetensors_open(&s, in_scratch("bad"), err)) {
    assert_non_null(strstr(err->text, "bad"));
    return false;
  }
  safetensors_close(&s);
  return true;
}

static void cut_at_every_byte(void **state) {
  FileView view;
  Error err;
  assert_true(file_view(write_some("some"), &view, NULL));
  for (size_t n = 0; n < view.size; n++) assert_false(opens(view.data, n, &err));
  assert_true(opens(view.data, view.size, &err));
  char *longer = mem_alloc_zeroed(1, view.size + 1);
  memcpy(longer, view.data, view.size);
  assert_false(opens(longer, view.size + 1, &err));
  assert_non_null(strstr(err.text, "belong to no tensor"));
  mem_free(longer);
  file_view_close(&view);
}

/* Any single altered byte of the header: refused, or a file whose tensors still lie inside of it. */
static void every_byte_altered(void **state) {
  FileView view;
  Error err;
  uint64_t header;
  assert_true(file_view(write_some("some"), &view, NULL));
  memcpy(&header, view.data, sizeof header);
  char *bytes = mem_alloc(view.size);
  for (size_t i = 0; i < 8 + header; i++)
    for (int bit = 0; bit < 8; bit += 3) {
      memcpy(bytes, view.data, view.size);
      bytes[i] = (char)(bytes[i] ^ 1 << bit);
      opens(bytes, view.size, &err);
    }
  mem_free(bytes);
  file_view_close(&view);
}

static bool header_opens(const char *json, size_t data, Error *err) {
  Buffer file = {0};
  const uint64_t length = strlen(json);
  buffer_add(&file, &length, sizeof length); /* the tests run on little-endian machines */
  buffer_adds(&file, json);
  for (size_t i = 0; i < data; i++) buffer_add(&file, "", 1);
  const bool ok = opens(file.data, file.length, err);
  buffer_free(&file);
  return ok;
}

static void made_up_headers(void **state) {
#define F32(name, shape, offsets) \
  "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
  static const struct {
    const char *json, *says;
  } cases[] = {
      {"[]", "not a JSON object"},
      {"{\"a\":3}", "description of"},
      {"{" F32("a", "[2]", "[0,8]") "," F32("a", "[2]", "[0,8]") "}", "uplicate"},
      {"{" F32("a", "[2]", "[0,8]"), "bad"},
      {"{" F32("a", "[2]", "[0,4]") "}", "needs 8 bytes but has 4"},
      {"{" F32("a", "[3]", "[0,12]") "}", "outside of the file"},
      {"{" F32("a", "[1]", "[-4,0]") "}", "outside of the file"},
      {"{" F32("a", "[1]", "[8,4]") "}", "outside of the file"},
      {"{" F32("a", "[1]", "[4,9223372036854775807]") "}", "outside of the file"},
      {"{" F32("a", "[1]", "[0,18446744073709551620]") "}", "bad"},
      {"{" F32("a", "[1]", "[0]") "}", "no data_offsets"},
      {"{" F32("a", "[1]", "[0,4,8]") "}", "no data_offsets"},
      {"{" F32("a", "[1]", "[0,\"4\"]") "}", "no data_offsets"},
      {"{" F32("a", "2", "[0,8]") "}", "no shape"},
      {"{" F32("a", "[-1]", "[0,8]") "}", "invalid shape"},
      {"{" F32("a", "[2.0]", "[0,8]") "}", "invalid shape"},
      {"{" F32("a", "[4611686018427387904,4]", "[0,0]") "}", "invalid shape"},
      {"{" F32("a", "[2147483648,2147483648,2]", "[0,8]") "}", "invalid shape"},
      {"{" F32("a", "[1,1,1,1,2]", "[0,8]") "}", "5 dimensions"},
      {"{" F32("a", "[1]", "[0,4]") "}", "4 bytes at the end belong to no tensor"},
      {"{" F32("a", "[1]", "[4,8]") "}", "gap"},
      {"{" F32("a", "[2]", "[0,8]") "," F32("b", "[1]", "[4,8]") "}", "overlaps"},
      {"{" F32("a", "[2]", "[0,8]") "," F32("b", "[2]", "[0,8]") "}", "overlaps"},
      {"{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", "\"I64\""},
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,8]}}", "type \"\""},
      {"{\"__metadata__\":[]," F32("a", "[2]", "[0,8]") "}", "__metadata__"},
  };
  Error err;
  assert_true(header_opens("{" F32("a", "[2]", "[0,8]") "}", 8, &err));
  assert_true(header_opens("{" F32("b", "[1]", "[0,4]") "," F32("a", "[1]", "[4,8]") "}", 8, &err));
  assert_true(header_opens("{}", 0, &err));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (header_opens(cases[i].json, 8, &err)) fail_msg("%s was taken", cases[i].json);
    if (!strstr(err.text, cases[i].says)) fail_msg("%s: \"%s\"", cases[i].json, err.text);
  }
}

static void header_lengths(void **state) {
  static const uint64_t lengths[] = {0, 3, 1000, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
  char file[16] = "........{}      ";
  Error err;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    memcpy(file, &lengths[i], sizeof lengths[i]);
    assert_false(opens(file, sizeof file, &err));
  }
}

/* ---- others ---- */

static void python_reads_it(void **state) {
  PYTHON("torch, safetensors",
         "import sys, torch, safetensors\n"
         "from safetensors.torch import load_file\n"
         "t = load_file(sys.argv[1])\n"
         "assert list(sorted(t)) == ['a.weight', 'b', 'c', 'd', 'empty', 'scalar'], list(t)\n"
         "assert t['a.weight'].tolist()[0] == [1, -2, 3.5] and t['a.weight'].shape == (2, 3)\n"
         "assert t['b'].dtype == torch.bfloat16 and t['b'].tolist() == [1, -2]\n"
         "assert t['c'].dtype == torch.float16 and t['c'].tolist() == [1, -2, 2.0 ** -24]\n"
         "assert t['d'].tolist() == [[7, -9]] and t['empty'].shape == (0, 4)\n"
         "assert t['scalar'].shape == () and t['scalar'].item() == 1\n"
         "assert safetensors.safe_open(sys.argv[1], 'pt').metadata() == {'format': 'pt'}\n",
         write_some("some"));
}

static void what_python_wrote(void **state) {
  Safetensors s;
  Error err = {0};
  const char *path = in_scratch("python");
  PYTHON("torch, safetensors",
         "import sys, torch\n"
         "from safetensors.torch import save_file\n"
         "save_file({'z': torch.arange(6.).reshape(2, 3), 'h': torch.tensor([1, 2]).half(),\n"
         "           'i': torch.tensor([[5]], dtype=torch.int32)}, sys.argv[1], {'by': 'python'})\n",
         path);
  if (!safetensors_open(&s, path, &err)) fail_msg("%s", err.text);
  assert_int_equal(s.tensors.count, 3);
  float out[6];
  tensor_to_f32(out, &tensors_find(&s.tensors, "z")->tensor);
  for (int i = 0; i < 6; i++) assert_true(out[i] == (float)i);
  tensor_to_f32(out, &tensors_find(&s.tensors, "h")->tensor);
  assert_true(out[0] == 1 && out[1] == 2);
  assert_int_equal(*tensor_i32(&tensors_find(&s.tensors, "i")->tensor), 5);
  safetensors_close(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_written),
      cmocka_unit_test(values_are_written_in_another_type),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(written_again_the_same_bytes),
      cmocka_unit_test(to_f32),
      cmocka_unit_test(cut_at_every_byte),
      cmocka_unit_test(every_byte_altered),
      cmocka_unit_test(made_up_headers),
      cmocka_unit_test(header_lengths),
      cmocka_unit_test(python_reads_it),
      cmocka_unit_test(what_python_wrote),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
