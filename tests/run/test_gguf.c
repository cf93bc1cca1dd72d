/* GGUF files: what is right is read as it stands there; what is wrong is refused, each time with a sentence
 * that says what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/scratch.h"
#include "gguf_bytes.h"
#include "io/gguf_model.h"
#include "io/source.h"
#include "text/tokenizer.h"

#include <cmocka.h> /* last: it defines fail() */

static const char *written(const GgufParts *p) {
  Buffer b = {0};
  Error err = {0};
  const char *path = in_scratch("model.gguf");
  put_gguf(&b, p);
  assert_true(file_replace(path, b.data, b.length, &err));
  buffer_free(&b);
  return path;
}

/* Opens as a model, tokenizer included. */
static bool opens(const char *path, Error *err) {
  ModelSource s;
  SourceTokenizer t;
  bool ok = source_open(&s, path, err) && source_open_tensors(&s, err) && source_find_tokenizer(&s, &t, err);
  if (ok) {
    Tokenizer *tokenizer = tokenizer_parse(t.text, t.length, path, err);
    ok = tokenizer != NULL;
    tokenizer_free(tokenizer);
    mem_free(t.text);
  }
  source_close(&s);
  return ok;
}

static void refuse(const GgufParts *p, const char *because) {
  Error err = {0};
  if (opens(written(p), &err)) fail_msg("opened, but: %s", because);
  if (!strstr(err.text, because)) fail_msg("%s\n  and not: %s", err.text, because);
}

static int64_t count_of(const json_t *config, const char *key) {
  return json_integer_value(json_object_get(config, key));
}

static void a_file_is_a_model(void **state) {
  (void)state;
  ModelSource s;
  Error err = {0};
  assert_true(source_open(&s, written(&(GgufParts){0}), &err) && source_open_tensors(&s, &err));
  assert_string_equal(json_string_value(json_object_get(s.configuration, "model_type")), "llama");
  assert_int_equal(count_of(s.configuration, "hidden_size"), GGUF_WIDTH);
  assert_int_equal(count_of(s.configuration, "num_key_value_heads"), 2);
  assert_int_equal(count_of(s.configuration, "vocab_size"), GGUF_VOCABULARY);
  assert_true(json_is_true(json_object_get(s.configuration, "tie_word_embeddings")));
  assert_float_equal(json_real_value(json_object_get(s.configuration, "rms_norm_eps")), 1e-5, 1e-11);
  assert_int_equal(s.tensors.count, GGUF_TENSORS);
  const NamedTensor *t = tensors_find(&s.tensors, "blk.0.attn_k.weight");
  assert_int_equal(t->tensor.shape[0], GGUF_WIDTH / 2); /* rows first */
  assert_int_equal(t->tensor.shape[1], GGUF_WIDTH);
  assert_true(((const float *)t->tensor.data)[1] == 11.0f / 64); /* (7 + 4) % 16 */
  source_close(&s);
}

static void check_ids(const GgufParts *p, const char *text, size_t count, const int32_t *wanted) {
  ModelSource s;
  SourceTokenizer found;
  Error err = {0};
  Ids ids = {0};
  const char *path = written(p);
  assert_true(source_open(&s, path, &err));
  if (!source_find_tokenizer(&s, &found, &err)) fail_msg("%s", err.text);
  Tokenizer *t = tokenizer_parse(found.text, found.length, path, &err);
  if (!t) fail_msg("%s", err.text);
  assert_int_equal(tokenizer_begin(t), p->pre ? -1 : 1);
  assert_true(tokenizer_encode(t, text, strlen(text), false, &ids, &err));
  for (size_t i = 0; i < ids.count && ids.count != count; i++) print_error("%d ", ids.data[i]);
  assert_int_equal(ids.count, count);
  assert_memory_equal(ids.data, wanted, count * sizeof *wanted);
  vec_free(&ids);
  tokenizer_free(t);
  mem_free(found.text);
  source_close(&s);
}

/* Pieces join as their scores say; what has no piece is bytes. */
static void vocabularies_become_tokenizers(void **state) {
  (void)state;
  check_ids(&(GgufParts){0}, "abc", 3, (const int32_t[]){259, 262, 3 + 'c'});
}

/* Every length but the whole one. */
static void a_file_cut_short_is_refused(void **state) {
  (void)state;
  Buffer b = {0};
  const char *path = in_scratch("model.gguf");
  put_gguf(&b, &(GgufParts){0});
  for (size_t length = 0; length < b.length; length += length < 9000 ? 1 : 997) {
    Error err = {0};
    assert_true(file_replace(path, b.data, length, &err));
    Gguf g;
    assert_false(gguf_open(&g, path, &err));
    assert_true(*err.text);
    gguf_close(&g);
  }
  buffer_free(&b);
}

/* ---- keys ---- */

static void add_experts(Buffer *b, uint64_t *count) {
  put_count(b, "llama.expert_count", 8);
  ++*count;
}
static void add_no_experts(Buffer *b, uint64_t *count) {
  put_count(b, "llama.expert_count", 0);
  ++*count;
}
static void add_twice(Buffer *b, uint64_t *count) {
  put_count(b, "llama.block_count", 1);
  ++*count;
}
static void add_nested(Buffer *b, uint64_t *count) {
  put_array(b, "x", GGUF_ARRAY, 1);
  ++*count;
}
static void add_long_array(Buffer *b, uint64_t *count) {
  put_array(b, "x", GGUF_U64, UINT64_MAX / 8 + 2); /* whose bytes wrap to 8 */
  ++*count;
}
static void add_many_texts(Buffer *b, uint64_t *count) {
  put_array(b, "x", GGUF_STRING, 2000000000);
  ++*count;
}
static void add_long_text(Buffer *b, uint64_t *count) {
  put_key(b, "x", GGUF_STRING);
  put_number(b, UINT64_MAX - 3, 8);
  ++*count;
}
static void add_unknown(Buffer *b, uint64_t *count) {
  put_key(b, "x", (GgufType)77);
  ++*count;
}
static void add_alignment(Buffer *b, uint64_t *count) {
  put_count(b, "general.alignment", 0);
  ++*count;
}
static void add_huge_alignment(Buffer *b, uint64_t *count) {
  put_count(b, "general.alignment", 1u << 31);
  ++*count;
}
static void add_wrong_type(Buffer *b, uint64_t *count) {
  put_name(b, "general.alignment", "32");
  ++*count;
}
static void add_part(Buffer *b, uint64_t *count) {
  put_count(b, "rope.share", 1); /* of no architecture: harmless */
  put_count(b, "llama.rope.dimension_count", 4);
  *count += 2;
}
static void add_split(Buffer *b, uint64_t *count) {
  put_count(b, "split.count", 3);
  ++*count;
}

static void keys_that_are_wrong_are_refused(void **state) {
  (void)state;
  Error err = {0};
  refuse(&(GgufParts){.version = 1}, "version 1 of GGUF");
  refuse(&(GgufParts){.version = 3u << 24}, "big-endian");
  refuse(&(GgufParts){.keys = 1ull << 60}, "keys, more than the file has bytes for");
  refuse(&(GgufParts){.architecture = "bert"}, "the architecture \"bert\" is not read");
  refuse(&(GgufParts){.more_keys = add_experts}, "\"llama.expert_count\" is not understood");
  assert_true(opens(written(&(GgufParts){.more_keys = add_no_experts}), &err));
  refuse(&(GgufParts){.more_keys = add_twice}, "the key \"llama.block_count\" is there twice");
  refuse(&(GgufParts){.more_keys = add_nested}, "an array of arrays");
  refuse(&(GgufParts){.more_keys = add_long_array}, "more than the file has bytes for");
  refuse(&(GgufParts){.more_keys = add_many_texts}, "ends within x");
  refuse(&(GgufParts){.more_keys = add_long_text}, "claims 18446744073709551612 bytes");
  refuse(&(GgufParts){.more_keys = add_unknown}, "of the unknown type 77");
  refuse(&(GgufParts){.more_keys = add_alignment}, "not a power of two");
  refuse(&(GgufParts){.more_keys = add_huge_alignment}, "not a power of two");
  refuse(&(GgufParts){.more_keys = add_wrong_type}, "is not a whole number");
  refuse(&(GgufParts){.more_keys = add_part}, "4 of the 8 values of a head rotate");
  refuse(&(GgufParts){.more_keys = add_split}, "is one of 3 files");
}

static void vocabularies_that_are_wrong_are_refused(void **state) {
  (void)state;
  refuse(&(GgufParts){.pre = "no-such"}, "\"tokenizer.ggml.pre\" is \"no-such\"");
  refuse(&(GgufParts){.end_token = GGUF_VOCABULARY},
         "\"tokenizer.ggml.eos_token_id\" is 263, not in the vocabulary");
  refuse(&(GgufParts){.no_scores = true}, "\"tokenizer.ggml.scores\" is missing");
}

/* ---- tensors ---- */

static TensorBytes wrong; /* the description in place of that of attn_q; a NULL name: as it is */

static void put_wrong(TensorBytes *t, int index) {
  if (index == 3) *t = wrong;
}

static void refuse_tensor(TensorBytes t, const char *because) {
  wrong = t;
  refuse(&(GgufParts){.change = put_wrong}, because);
}

static void tensors_that_are_wrong_are_refused(void **state) {
  (void)state;
  TensorBytes right[GGUF_TENSORS], t;
  describe_tensors(right);
  refuse(&(GgufParts){.tensors = 1ull << 60}, "tensors, more than the file has bytes for");
  t = right[3], t.dims = 0, refuse_tensor(t, "0 dimensions");
  t = right[3], t.sizes[1] = 0, refuse_tensor(t, "an impossible shape");
  t = right[3], t.sizes[1] = 1ull << 59, refuse_tensor(t, "an impossible shape");
  t = right[3], t.sizes[1] = 1ull << 50, refuse_tensor(t, "reaches beyond the end");
  t = right[3], t.type = 99, refuse_tensor(t, "of the unknown type 99");
  t = right[3], t.type = 16, refuse_tensor(t, "of type IQ2_XXS, which is not read");
  t = right[3], t.type = 12, refuse_tensor(t, "not whole blocks of Q4_K");
  t = right[3], t.offset += 4, refuse_tensor(t, "not at a multiple of 32 bytes");
  t = right[3], t.offset -= 32, refuse_tensor(t, "overlaps");
  t = right[3], t.offset = UINT64_MAX - 31, refuse_tensor(t, "reaches beyond the end");
  t = right[3], t.name = right[0].name, refuse_tensor(t, "is there twice");
  t = right[3], t.name = "", refuse_tensor(t, "the name of a tensor is empty");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)
  const struct CMUnitTest tests[] = {
      TEST(a_file_is_a_model),
      TEST(vocabularies_become_tokenizers),
      TEST(a_file_cut_short_is_refused),
      TEST(keys_that_are_wrong_are_refused),
      TEST(vocabularies_that_are_wrong_are_refused),
      TEST(tensors_that_are_wrong_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
