/* GGUF files: what is right is read as it stands there; what is wrong is refused, each time with a sentence
 * that says what. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
  SourceTokenizer t = {0};
  bool ok = source_open(&s, path, err) && source_open_tensors(&s, err) && source_find_tokenizer(&s, &t, err);
  if (ok) {
    Tokenizer *tokenizer = tokenizer_build(&t.stored, path, err);
    ok = tokenizer != NULL;
    tokenizer_free(tokenizer);
  }
  stored_free(&t.stored);
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
  Tokenizer *t = tokenizer_build(&found.stored, path, &err);
  if (!t) fail_msg("%s", err.text);
  assert_int_equal(tokenizer_begin(t), p->pre ? -1 : 1);
  assert_true(tokenizer_encode(t, text, strlen(text), false, &ids, &err));
  for (size_t i = 0; i < ids.count && ids.count != count; i++) print_error("%d ", ids.data[i]);
  assert_int_equal(ids.count, count);
  assert_memory_equal(ids.data, wanted, count * sizeof *wanted);
  vec_free(&ids);
  tokenizer_free(t);
  source_close(&s);
}

/* A name that is nearly a byte's is a token like others. */
static void only_bytes_are_byte_tokens(void **state) {
  (void)state;
  static const char *const names[] = {"<0x-1>", "<0x 1>", "<0x+1>", "<0x0g>", "<0x>", "<0x100>", "<0x0a>"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    check_ids(&(GgufParts){.token = names[i]}, "ab", 3, (const int32_t[]){259, 260, 261});
    check_ids(&(GgufParts){.token = names[i]}, "\xff", 2, (const int32_t[]){259, 3 + 0xff});
  }
}

/* Pieces join as their scores say; what has no piece is bytes. */
static void vocabularies_become_tokenizers(void **state) {
  (void)state;
  check_ids(&(GgufParts){0}, "abc", 3, (const int32_t[]){259, 262, 3 + 'c'});
}

static size_t occurrences(const char *text, const char *what) {
  size_t count = 0;
  for (const char *at = text; (at = strstr(at, what)); at += strlen(what)) count++;
  return count;
}

/* Every name, with as many cuts as it has patterns, of which all compile, and which name it again. */
static void every_pattern_is_read_by_its_names(void **state) {
  (void)state;
  const GgufPattern *p;
  for (int i = 0; (p = gguf_pattern(i)); i++) {
    char names[512], *rest = NULL;
    size_t patterns = 0;
    const GgufPattern *again = gguf_pattern_of(p->patterns, p->whole);
    for (; p->patterns[patterns]; patterns++)
      assert_string_equal(again->patterns[patterns], p->patterns[patterns]);
    assert_null(again->patterns[patterns]);
    snprintf(names, sizeof names, "%s", p->names);
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
      ModelSource s;
      SourceTokenizer found;
      Error err = {0};
      if (!source_open(&s, written(&(GgufParts){.pre = name}), &err) ||
          !source_find_tokenizer(&s, &found, &err))
        fail_msg("%s: %s", name, err.text);
      const size_t splits = occurrences(found.stored.steps.data, "\"Split\"");
      Tokenizer *t = tokenizer_build(&found.stored, name, &err);
      if (!t) fail_msg("%s: %s", name, err.text);
      assert_int_equal(tokenizer_begin(t), p->begins ? 1 : -1);
      assert_int_equal(splits, patterns);
      tokenizer_free(t);
      source_close(&s);
    }
  }
}

static void a_file_without_tensors_is_a_tokenizer(void **state) {
  (void)state;
  const GgufParts p = {.tensors = -(uint64_t)GGUF_TENSORS};
  ModelSource s;
  Error err = {0};
  assert_true(source_claim(&s, written(&p)) && source_open_claimed(&s, &err));
  assert_null(s.configuration);
  source_close(&s);
  assert_false(source_open(&s, written(&p), &err));
  assert_non_null(strstr(err.text, "has only a tokenizer, no model"));
  source_close(&s);
}

/* Every length but the whole one. */
static void a_file_cut_short_is_refused(void **state) {
  (void)state;
  const char *path = written(&(GgufParts){0});
  struct stat file;
  assert_int_equal(stat(path, &file), 0);
  for (off_t length = file.st_size - 1; length >= 0; length -= length <= 9000 ? 1 : 997) {
    Error err = {0};
    Gguf g;
    assert_int_equal(truncate(path, length), 0);
    assert_false(gguf_open(&g, path, &err));
    assert_true(*err.text);
    gguf_close(&g);
  }
}

/* ---- keys ---- */

static void add_experts(Buffer *b, uint64_t *count) {
  put_count(b, "llama.expert_shared_count", 8);
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
  refuse(&(GgufParts){.more_keys = add_experts}, "\"llama.expert_shared_count\" is not understood");
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

/* One more key, of the type of its value. */
static struct {
  const char *key, *text;
  GgufType type;
  double number;
} more;

static void add_more(Buffer *b, uint64_t *count) {
  ++*count;
  if (more.type == GGUF_STRING) put_name(b, more.key, more.text);
  if (more.type == GGUF_BOOL) put_bool(b, more.key, more.number != 0);
  if (more.type == GGUF_F32) put_real(b, more.key, (float)more.number);
}

static GgufParts with_text(const char *key, const char *text) {
  more.key = key, more.text = text, more.type = GGUF_STRING;
  return (GgufParts){.more_keys = add_more};
}
static GgufParts with_real(const char *key, double number) {
  more.key = key, more.number = number, more.type = GGUF_F32;
  return (GgufParts){.more_keys = add_more};
}
static GgufParts with_bool(const char *key, bool value) {
  more.key = key, more.number = value, more.type = GGUF_BOOL;
  return (GgufParts){.more_keys = add_more};
}

/* None of these can become JSON. */
static void values_that_are_no_json_are_refused(void **state) {
  (void)state;
  static const char *const reals[] = {"llama.rope.freq_base", "llama.rope.scaling.factor"};
  char because[128];
  GgufParts p;
  for (int i = 0; i < 2; i++) {
    snprintf(because, sizeof because, "\"%s\" is not a finite number", reals[i]);
    p = with_real(reals[i], (double)NAN), refuse(&p, because);
    p = with_real(reals[i], (double)INFINITY), refuse(&p, because);
  }
  p = with_text("llama.rope.scaling.type", "\xff\xff"),
  refuse(&p, "\"llama.rope.scaling.type\" is not a text in UTF-8");
  refuse(&(GgufParts){.architecture = "\xff"}, "\"general.architecture\" is not a text in UTF-8");
  refuse(&(GgufParts){.pre = "\xed\xa0\x80"}, "\"tokenizer.ggml.pre\" is not a text in UTF-8");
  refuse(&(GgufParts){.token = "\xff"}, "\"tokenizer.ggml.tokens\": token 262 is not UTF-8");
  refuse(&(GgufParts){.token = "a"}, "\"tokenizer.ggml.tokens\": token 262 is the same text as 260");
  refuse(&(GgufParts){.pre = "gpt-2", .merge = "a \xff"}, "\"tokenizer.ggml.merges\": merge 0 is not UTF-8");
}

static json_t *configuration_of(GgufParts p) {
  ModelSource s;
  Error err = {0};
  if (!source_open(&s, written(&p), &err)) fail_msg("%s", err.text);
  json_t *config = json_incref(s.configuration);
  source_close(&s);
  return config;
}

static double number_of(GgufParts p, const char *object, const char *key) {
  json_t *config = configuration_of(p);
  const double value =
      json_number_value(json_object_get(object ? json_object_get(config, object) : config, key));
  json_decref(config);
  return value;
}

/* Each key is read, or has one value that changes nothing: not always the one that is "nothing". */
static void both_values_of_a_switch_count(void **state) {
  (void)state;
  static const char *const harmless[] = {"llama.attention.causal", "llama.rope.scaling.finetuned"};
  static const char *const off[] = {"llama.use_parallel_residual", "llama.rope.scaling.finetuned",
                                    "llama.expert_weights_norm", "llama.swin_norm"};
  Error err = {0};
  GgufParts p;
  for (int i = 0; i < 2; i++) p = with_bool(harmless[i], true), assert_true(opens(written(&p), &err));
  for (int i = 0; i < 4; i++) p = with_bool(off[i], false), assert_true(opens(written(&p), &err));
  p = with_bool("llama.attention.causal", false);
  refuse(&p, "\"llama.attention.causal\" is supported only with the value 1");
  p = with_bool("llama.use_parallel_residual", true);
  refuse(&p, "\"llama.use_parallel_residual\" is not understood");
  p = with_real("llama.rope.scaling.attn_factor", 1), assert_true(opens(written(&p), &err));
  p = with_real("llama.rope.scaling.attn_factor", 0);
  refuse(&p, "\"llama.rope.scaling.attn_factor\" is supported only with yarn and longrope");
  p = with_real("llama.rope.scaling.yarn_ext_factor", 0);
  refuse(&p, "\"llama.rope.scaling.yarn_ext_factor\" is supported only with the value -1");
  p = with_text("llama.rope.scaling.type", "longrope");
  refuse(&p, "tensor \"rope_factors_short.weight\" is missing");
}

/* Where llama.cpp's defaults are not transformers': a factor alone is linear; as many key/value heads as
 * heads, and heads that share the width. Everything else it requires. */
static void absent_keys_have_the_defaults_of_llama_cpp(void **state) {
  (void)state;
  static const char *const needed[] = {"block_count", "context_length", "embedding_length",
                                       "feed_forward_length", "attention.head_count"};
  char because[64];
  const GgufParts no_kv = {.architecture = "qwen3", .left_out = "attention.head_count_kv"};
  assert_float_equal(number_of(no_kv, NULL, "num_key_value_heads"), 4, 0);
  assert_float_equal(number_of(no_kv, NULL, "head_dim"), 8, 0);
  assert_float_equal(number_of((GgufParts){.architecture = "gemma3"}, NULL, "rope_theta"), 10000, 0);
  assert_float_equal(number_of(with_real("llama.rope.scaling.factor", 4), "rope_scaling", "factor"), 4, 0);
  json_t *config = configuration_of(with_real("llama.rope.scaling.factor", 4));
  assert_string_equal(json_get_text(json_object_get(config, "rope_scaling"), "rope_type", ""), "linear");
  json_decref(config);
  assert_float_equal(number_of(with_real("llama.rope.scaling.factor", 0), "rope_scaling", "factor"), 0, 0);
  GgufParts p = with_text("llama.rope.scaling.type", "none");
  assert_float_equal(number_of(p, "rope_scaling", "factor"), 0, 0);
  p = with_text("llama.rope.scaling.type", "dynamic");
  refuse(&p, "\"llama.rope.scaling.type\" is \"dynamic\"");
  for (int i = 0; i < 5; i++) {
    snprintf(because, sizeof because, "\"llama.%s\" is missing", needed[i]);
    refuse(&(GgufParts){.left_out = needed[i]}, because);
  }
}

/* What a family's files must have, and what they may not have. */
static void families_are_told_apart(void **state) {
  (void)state;
  GgufParts p = {.architecture = "mpt"};
  refuse(&p, "\"mpt.attention.max_alibi_bias\" is supported only with the value 8");
  p = with_real("mpt.attention.max_alibi_bias", 4), p.architecture = "mpt";
  refuse(&p, "\"mpt.attention.max_alibi_bias\" is supported only with the value 8");
  p = with_real("mpt.attention.max_alibi_bias", 8), p.architecture = "mpt";
  refuse(&p, "\"mpt.attention.head_count_kv\" is supported only with the number of heads");
  refuse(&(GgufParts){.architecture = "qwen3moe"}, "\"qwen3moe.expert_count\" is no positive number");
  refuse(&(GgufParts){.architecture = "mamba"}, "\"mamba\" is not read");
  p = with_real("olmo2.rope.freq_base_swa", 10), p.architecture = "olmo2";
  refuse(&p, "\"olmo2.rope.freq_base_swa\" is not understood");
  p = with_text("olmo2.attention.sliding_window", "wide"), p.architecture = "olmo2";
  refuse(&p, "\"olmo2.attention.sliding_window\" is not understood");
  json_t *config = configuration_of((GgufParts){.architecture = "falcon"});
  assert_true(json_is_true(json_object_get(config, "new_decoder_architecture")));
  assert_int_equal(count_of(config, "num_kv_heads"), 2);
  assert_int_equal(count_of(config, "num_ln_in_parallel_attn"), 1);
  json_decref(config);
  assert_float_equal(number_of((GgufParts){.architecture = "chatglm"}, NULL, "partial_rotary_factor"), 1, 0);
}

/* Of SentencePiece's vocabularies 1 and 2, of others 11, if these are control tokens. */
static void absent_ids_are_those_of_llama_cpp(void **state) {
  (void)state;
  const GgufParts pieces = {.no_ids = true}, letters = {.no_ids = true, .pre = "gpt-2"};
  check_ids(&pieces, "abc", 3, (const int32_t[]){259, 262, 3 + 'c'});
  json_t *config = configuration_of(pieces);
  assert_int_equal(count_of(config, "bos_token_id"), 1);
  assert_int_equal(json_integer_value(json_array_get(json_object_get(config, "eos_token_id"), 0)), 2);
  json_decref(config);
  config = configuration_of(letters);
  assert_true(json_is_null(json_object_get(config, "bos_token_id")));
  assert_true(json_is_null(json_object_get(config, "eos_token_id")));
  json_decref(config);
}

static void vocabularies_that_are_wrong_are_refused(void **state) {
  (void)state;
  static const char *const unknown[] = {"no-such", "gpt", "gpt-2 phi-2", "", " "};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    refuse(&(GgufParts){.pre = unknown[i]}, "how it cuts words is not known");
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
      TEST(only_bytes_are_byte_tokens),
      TEST(every_pattern_is_read_by_its_names),
      TEST(a_file_without_tensors_is_a_tokenizer),
      TEST(a_file_cut_short_is_refused),
      TEST(keys_that_are_wrong_are_refused),
      TEST(values_that_are_no_json_are_refused),
      TEST(both_values_of_a_switch_count),
      TEST(absent_keys_have_the_defaults_of_llama_cpp),
      TEST(families_are_told_apart),
      TEST(absent_ids_are_those_of_llama_cpp),
      TEST(vocabularies_that_are_wrong_are_refused),
      TEST(tensors_that_are_wrong_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
