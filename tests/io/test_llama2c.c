/* Files of llama2.c: each array is found where the exporters write it, and a header or tokenizer that
 * contradicts its file is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "io/llama2c_files.h"
#include "io/source.h"
#include "text/tokenizer.h"

#include <cmocka.h> /* last: it defines fail() */

/* ---- models ---- */

/* Elements that tell array, layer and place. */
static void numbered(void *user, const char *name, int32_t layer, float *out, int64_t rows, int64_t columns) {
  const uint64_t hash = hash_bytes(name, strlen(name), (uint64_t)layer) % 1000;
  for (int64_t i = 0; i < rows * columns; i++) out[i] = (float)(hash * 1000 + (uint64_t)i);
}

static Buffer exported(const Exported *of) {
  Buffer b = {0};
  export_model(&(Exporter){of, numbered, NULL, &b});
  return b;
}

/* Thousands of files, so none waits for the disk, as a file that is written over may. */
static void write_file(const char *name, const Buffer *b) {
  remove(in_scratch(name));
  FILE *f = fopen(in_scratch(name), "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(b->data, 1, b->length, f), b->length);
  assert_int_equal(fclose(f), 0);
}

static void write_model(const Exported *of) {
  Buffer b = exported(of);
  write_file("m.bin", &b);
  buffer_free(&b);
}

static ModelSource open_model(void) {
  ModelSource s;
  Error err = {0};
  if (!source_open(&s, in_scratch("m.bin"), &err) || !source_open_tensors(&s, &err)) fail_msg("%s", err.text);
  assert_string_equal(s.format->name, "llama2c");
  return s;
}

/* rows 0: a vector. */
static void expect_tensor(const ModelSource *s, const char *stored, const char *name, int32_t layer,
                          int64_t rows, int64_t columns) {
  const NamedTensor *found = tensors_find(&s->tensors, stored);
  float *wanted = mem_alloc((size_t)((rows ? rows : 1) * columns) * sizeof *wanted);
  assert_non_null(found);
  assert_int_equal(found->tensor.dims, rows ? 2 : 1);
  assert_int_equal(found->tensor.shape[0], rows ? rows : columns);
  assert_int_equal(found->tensor.shape[found->tensor.dims - 1], columns);
  numbered(NULL, name, layer, wanted, rows ? rows : 1, columns);
  if (memcmp(found->tensor.data, wanted, tensor_bytes(&found->tensor))) fail_msg("%s differs", stored);
  mem_free(wanted);
}

static void expect_layer(const ModelSource *s, const Exported *of, int32_t layer) {
  const int64_t d = of->width, f = of->ffn, kv = d / of->heads * of->kv_heads;
  const struct {
    const char *stored, *name;
    int64_t rows, columns;
  } arrays[] = {{"attn_norm", "attention_norm", 0, d},
                {"ffn_norm", "ffn_norm", 0, d},
                {"attn_q", "wq", d, d},
                {"attn_k", "wk", kv, d},
                {"attn_v", "wv", kv, d},
                {"attn_output", "wo", d, d},
                {"ffn_gate", "w1", f, d},
                {"ffn_down", "w2", d, f},
                {"ffn_up", "w3", f, d}};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    char stored[64];
    snprintf(stored, sizeof stored, "blk.%d.%s.weight", layer, arrays[i].stored);
    expect_tensor(s, stored, arrays[i].name, layer, arrays[i].rows, arrays[i].columns);
  }
}

static void expect_configuration(const ModelSource *s, const Exported *of) {
  const struct {
    const char *key;
    int64_t value;
  } keys[] = {{"hidden_size", of->width},
              {"intermediate_size", of->ffn},
              {"num_hidden_layers", of->layers},
              {"num_attention_heads", of->heads},
              {"num_key_value_heads", of->kv_heads},
              {"vocab_size", of->vocabulary},
              {"max_position_embeddings", of->context}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    assert_int_equal(json_integer_value(json_object_get(s->configuration, keys[i].key)), keys[i].value);
  assert_int_equal(json_is_true(json_object_get(s->configuration, "tie_word_embeddings")), of->tied);
  assert_true(json_real_value(json_object_get(s->configuration, "rms_norm_eps")) == 1e-5);
}

static void arrays_are_found(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    Exported of = small;
    of.version = i / 2;
    of.tied = i % 2;
    write_model(&of);
    ModelSource s = open_model();
    expect_configuration(&s, &of);
    for (int32_t k = 0; k < of.layers; k++) expect_layer(&s, &of, k);
    expect_tensor(&s, "token_embd.weight", "tok_embeddings", 0, of.vocabulary, of.width);
    expect_tensor(&s, "output_norm.weight", "norm", 0, 0, of.width);
    if (!of.tied) expect_tensor(&s, "output.weight", "output", 0, of.vocabulary, of.width);
    assert_int_equal(s.tensors.count, 9 * of.layers + 2 + !of.tied);
    source_close(&s);
  }
}

static void expect_refused(const Buffer *b, const char *says) {
  ModelSource s;
  Error err = {0};
  write_file("m.bin", b);
  if (source_open(&s, in_scratch("m.bin"), &err) && source_open_tensors(&s, &err))
    fail_msg("not refused: %s", says);
  if (!strstr(err.text, says)) fail_msg("%s, not: %s", err.text, says);
  source_close(&s);
}

/* A legacy file has no magic number: without a whole header it is any file. */
static void any_other_length_is_refused(void **state) {
  (void)state;
  for (int version = 0; version < 2; version++) {
    Exported of = {2, 1, 1, 1, 1, 3, 1, version, false, 10000};
    Buffer b = exported(&of);
    const size_t whole = b.length, header = version ? 256 : 28, magic = version ? 4 : 28;
    buffer_adds(&b, "x");
    for (size_t n = 0; n <= whole + 1; n++) {
      const Buffer cut = {.data = b.data, .length = n};
      if (n != whole)
        expect_refused(&cut, n < magic    ? "perhaps of weights"
                             : n < header ? "ends within its header"
                                          : "its header requires");
    }
    buffer_free(&b);
  }
}

static void numbers_of_headers(void **state) {
  (void)state;
  static const struct {
    int32_t numbers[7];
    const char *says;
  } cases[] = {{{0, 6, 2, 2, 1, 265, 5}, "a width of 0"},
               {{-8, 6, 2, 2, 1, 265, 5}, "a width of -8"},
               {{8, 0, 2, 2, 1, 265, 5}, "a feed-forward width of 0"},
               {{8, 6, INT32_MIN, 2, 1, 265, 5}, "a number of layers of -2147483648"},
               {{8, 6, 2, 0, 1, 265, 5}, "a number of heads of 0"},
               {{8, 6, 2, 2, 0, 265, 5}, "a number of key/value heads of 0"},
               {{8, 6, 2, 2, 1, 0, 5}, "a vocabulary of 0"},
               {{8, 6, 2, 2, 1, -265, 5}, "a vocabulary of -265"},
               {{8, 6, 2, 2, 1, 265, 0}, "a context of 0"},
               {{8, 6, 2, 3, 1, 265, 5}, "a width of 8 is not 3 heads"},
               {{8, 6, 2, 8, 1, 265, 5}, "8 heads of an even size"},
               {{8, 6, 2, 2, 3, 265, 5}, "cannot share 3 key/value heads"},
               {{8, 6, 2, 2, 4, 265, 5}, "cannot share 4 key/value heads"},
               {{8, 6, 3, 2, 1, 265, 5}, "its header requires"},
               {{8, 6, 2, 2, 1, 266, 5}, "its header requires"},
               {{8, 6, 2, 2, 2, 265, 5}, "its header requires"},
               {{1 << 30, INT32_MAX, INT32_MAX, 1, 1, INT32_MAX, INT32_MAX}, "more bytes than any file"},
               {{1 << 30, 1, 16, 1, 1, 1, 1}, "more bytes than any file"},
               {{8, 6, INT32_MAX, 2, 1, 265, 5}, "its header requires"}};
  Exported of = small;
  of.version = 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer b = exported(&of);
    memcpy(b.data + 8, cases[i].numbers, sizeof cases[i].numbers);
    expect_refused(&b, cases[i].says);
    buffer_free(&b);
  }
}

/* In a file without a magic number, numbers out of any range say that it is another file. */
static void numbers_of_legacy_headers(void **state) {
  (void)state;
  static const struct {
    size_t at;
    int32_t number;
    const char *says;
  } cases[] = {{0, 0, "perhaps of weights"},          {0, 0x04034b50, "is a zip archive"},
               {2, -1, "perhaps of weights"},         {5, INT32_MIN, "perhaps of weights"},
               {3, 3, "a width of 8 is not 3 heads"}, {4, 3, "cannot share 3 key/value heads"},
               {5, -265, "its header requires"},      {6, 6, "its header requires"},
               {2, 1 << 24, "its header requires"},   {3, 1 << 24, "is not 16777216 heads"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer b = exported(&small);
    memcpy(b.data + 4 * cases[i].at, &cases[i].number, 4);
    expect_refused(&b, cases[i].says);
    buffer_free(&b);
  }
}

static void flags_of_headers(void **state) {
  (void)state;
  static const struct {
    size_t at;
    char value;
    const char *says;
  } cases[] = {{4, 2, "version 2 of llama2.c (groups of 8-bit integers with f32 scales) is not supported"},
               {4, 3, "version 3 of llama2.c is unknown"},
               {4, 0, "version 0 of llama2.c is unknown"},
               {36, 2, "byte 36, whether the output matrix is shared, is 2"},
               {36, 0, "its header requires"},
               {37, 1, "byte 37 of the header is 1"},
               {255, 7, "byte 255 of the header is 7"}};
  Exported of = small;
  of.version = 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer b = exported(&of);
    b.data[cases[i].at] = cases[i].value;
    expect_refused(&b, cases[i].says);
    buffer_free(&b);
  }
}

static void other_rotations_are_refused(void **state) {
  (void)state;
  Exported of = small;
  of.base = 500000;
  Buffer b = exported(&of);
  expect_refused(&b, "rotation at position 1");
  buffer_free(&b);
  of = small;
  b = exported(&of);
  const float nan = NAN;
  memcpy(b.data + b.length - sizeof nan, &nan, sizeof nan);
  expect_refused(&b, "rotation at position 4");
  buffer_free(&b);
}

static void names_decide_without_magic(void **state) {
  (void)state;
  Exported of = small;
  for (of.version = 0; of.version < 2; of.version++) {
    ModelSource s;
    Buffer b = exported(&of);
    write_file("model", &b);
    assert_int_equal(source_open(&s, in_scratch("model"), NULL), of.version);
    source_close(&s);
    buffer_free(&b);
  }
}

/* ---- tokenizers ---- */

static void write_tokenizer(const char *name, bool characters) {
  Buffer b = {0};
  export_tokenizer(&b, characters);
  write_file(name, &b);
  buffer_free(&b);
}

/* As tokenizer.json, in which it would be saved. */
static json_t *read_tokenizer(const char *from) {
  SourceTokenizer found;
  Error err = {0};
  Buffer text = {0};
  ModelSource s = open_model();
  if (!source_find_tokenizer(&s, &found, &err)) fail_msg("%s", err.text);
  assert_string_equal(strrchr(found.path, '/') + 1, from);
  Tokenizer *t = tokenizer_build(&found.stored, found.path, &err);
  if (!t || !tokenizer_text(t, &text, &err)) fail_msg("%s", err.text);
  json_t *json = json_parse(text.data, text.length, found.path, &err);
  if (!json) fail_msg("%s", err.text);
  tokenizer_free(t);
  buffer_free(&text);
  source_close(&s);
  return json;
}

static void expect_merges(const json_t *json) {
  static const char *const wanted[][2] = {{"\xe2\x96\x81", "a"},
                                          {"a", "b"},
                                          {"\xe2\x96\x81", "ab"},
                                          {"\xe2\x96\x81"
                                           "a",
                                           "b"}};
  const json_t *merges = json_object_get(json_object_get(json, "model"), "merges");
  assert_int_equal(json_array_size(merges), 4);
  /* " ab" is made from " a" and "b" (ids 259, 264) before " " and "ab" (262, 260) */
  static const size_t order[] = {0, 1, 3, 2};
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < 2; k++)
      assert_string_equal(json_string_value(json_array_get(json_array_get(merges, i), k)),
                          wanted[order[i]][k]);
}

static void expect_ids(const json_t *json) {
  static const struct {
    const char *text;
    int id;
  } tokens[] = {{"<unk>", 0},
                {"<s>", 1},
                {"</s>", 2},
                {"<0x00>", 3},
                {"<0x41>", 68},
                {"<0xFF>", 258},
                {"\xe2\x96\x81"
                 "a",
                 259},
                {"b", 264}};
  const json_t *model = json_object_get(json, "model"), *ids = json_object_get(model, "vocab");
  assert_int_equal(json_object_size(ids), EXPORTED_VOCABULARY);
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
    assert_int_equal(json_integer_value(json_object_get(ids, tokens[i].text)), tokens[i].id);
  assert_true(json_is_true(json_object_get(model, "byte_fallback")));
  assert_int_equal(json_array_size(json_object_get(json, "added_tokens")), 3);
}

static void tokenizers_are_read(void **state) {
  (void)state;
  static const char *const names[] = {"tokenizer.bin",
                                      "tok265.bin"}; /* the latter first, if there are both */
  write_model(&small);
  for (int i = 0; i < 4; i++) {
    write_tokenizer(names[i / 2], i % 2);
    json_t *json = read_tokenizer(names[i / 2]);
    expect_merges(json);
    expect_ids(json);
    /* the begin token stands before every text */
    const json_t *single = json_object_get(json_object_get(json, "post_processor"), "single"),
                 *first = json_object_get(json_array_get(single, 0), "SpecialToken");
    assert_int_equal(json_array_size(single), 2);
    assert_string_equal(json_string_value(json_object_get(first, "id")), "<s>");
    json_decref(json);
  }
}

static void expect_no_tokenizer(const Buffer *b, const char *says) {
  ModelSource s = open_model();
  SourceTokenizer t;
  Error err = {0};
  write_file("tokenizer.bin", b);
  if (source_find_tokenizer(&s, &t, &err)) fail_msg("not refused: %s", says);
  stored_free(&t.stored);
  if (!strstr(err.text, says)) fail_msg("%s, not: %s", err.text, says);
  source_close(&s);
}

static void missing_tokenizers(void **state) {
  (void)state;
  SourceTokenizer t;
  Error err = {0};
  write_model(&small);
  ModelSource s = open_model();
  assert_false(source_find_tokenizer(&s, &t, &err));
  assert_int_equal(err.code, INK_NOT_FOUND);
  assert_non_null(strstr(err.text, "tok265.bin"));
  source_close(&s);
  Exported of = small;
  of.vocabulary = 258;
  write_model(&of);
  expect_no_tokenizer(&(Buffer){.data = "x", .length = 1}, "a vocabulary of 258");
}

static void lengths_of_tokenizers(void **state) {
  (void)state;
  Buffer b = {0};
  export_tokenizer(&b, false);
  const size_t whole = b.length;
  buffer_adds(&b, "x");
  write_model(&small);
  for (size_t n = 0; n <= whole + 1; n++) {
    const Buffer cut = {.data = b.data, .length = n};
    if (n != whole) expect_no_tokenizer(&cut, n < whole ? "tokenizer.bin: " : "has more tokens");
  }
  buffer_free(&b);
}

/* Numbers and texts of the first tokens, which begin at byte 4, 17 and 30. */
static void damaged_tokenizers(void **state) {
  (void)state;
  static const uint32_t nan = 0x7fc00000, infinite = 0x7f800000, none = 0, much = UINT32_MAX, seven = 7;
  const struct {
    size_t at;
    const void *bytes;
    size_t length;
    const char *says;
  } cases[] = {{0, &none, 4, "token 0 claims 5 bytes"},    {4, &nan, 4, "score of token 0 is not finite"},
               {17, &infinite, 4, "score of token 1"},     {8, &none, 4, "token 0 claims 0 bytes"},
               {8, &much, 4, "token 0 claims 4294967295"}, {8, &seven, 4, "token 0 claims 7 bytes"},
               {12, "<unx>", 5, "token 0 is not <unk>"},   {25, "\n<x>\n", 5, "token 1 is not <s>"},
               {52, "<0x01>", 6, "token 3 is not <0x00>"}};
  write_model(&small);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Buffer b = {0};
    export_tokenizer(&b, false);
    memcpy(b.data + cases[i].at, cases[i].bytes, cases[i].length);
    expect_no_tokenizer(&b, cases[i].says);
    buffer_free(&b);
  }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(arrays_are_found),           IN_SCRATCH(any_other_length_is_refused),
      IN_SCRATCH(numbers_of_headers),         IN_SCRATCH(numbers_of_legacy_headers),
      IN_SCRATCH(flags_of_headers),           IN_SCRATCH(other_rotations_are_refused),
      IN_SCRATCH(names_decide_without_magic), IN_SCRATCH(tokenizers_are_read),
      IN_SCRATCH(missing_tokenizers),         IN_SCRATCH(lengths_of_tokenizers),
      IN_SCRATCH(damaged_tokenizers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
