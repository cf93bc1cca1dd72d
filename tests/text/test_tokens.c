/* Tokens that are looked for in texts, bytes with and without tokens, and the files beside tokenizer.json.
 * Ids are those of Hugging Face tokenizers 0.23.3; test_hf_parts.py compares many more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../base/scratch.h"
#include "base/file.h"
#include "text/tokenizer_impl.h"

#include <cmocka.h> /* last: it defines fail() */

#define BYTE_LEVEL \
  "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}"

/* Bytes in their order, without those of `lacking`, then "aa", "ab" and `more` ("," and members). */
static void add_bytes_model(Buffer *b, const char *lacking, const char *more) {
  int id = 0;
  buffer_adds(b, "\"model\":{\"type\":\"BPE\",\"vocab\":{");
  for (int i = 0; i < 256; i++) {
    const char byte = (char)i;
    if (i && strchr(lacking, i)) continue;
    buffer_adds(b, id ? ",\"" : "\"");
    if (i == '"' || i == '\\') buffer_adds(b, "\\");
    alphabet_spell(&byte, 1, b);
    buffer_addf(b, "\":%d", id++);
  }
  buffer_addf(b, ",\"aa\":%d,\"ab\":%d%s,\"merges\":[\"a a\",\"a b\"]}", id, id + 1, more);
}

static void add_file(Buffer *b, const char *lacking, const char *more, const char *members) {
  buffer_adds(b, "{\"pre_tokenizer\":" BYTE_LEVEL ",\"decoder\":" BYTE_LEVEL ",");
  buffer_adds(b, members);
  add_bytes_model(b, lacking, more);
  buffer_adds(b, "}");
}

/* `members` end with ",". */
static Tokenizer *byte_level(const char *lacking, const char *more, const char *members, Error *err) {
  Buffer b = {0};
  add_file(&b, lacking, more, members);
  Tokenizer *t = tokenizer_parse(b.data, b.length, "t.json", err);
  if (!t) print_error("%s\n", err->text);
  buffer_free(&b);
  return t;
}

static void expect_ids(const Tokenizer *t, bool specials, const char *text, size_t count,
                       const int32_t *wanted) {
  Ids ids = {0};
  assert_true(tokenizer_encode(t, text, strlen(text), specials, &ids, NULL));
  if (ids.count != count || (count && memcmp(ids.data, wanted, count * sizeof *wanted)))
    for (size_t i = 0; i < ids.count; i++) print_error("%d ", ids.data[i]);
  assert_int_equal(ids.count, count);
  if (count) assert_memory_equal(ids.data, wanted, count * sizeof *wanted);
  vec_free(&ids);
}
#define EXPECT(t, specials, text, ...) \
  expect_ids(t, specials, text, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (int32_t[]){__VA_ARGS__})

#define TOKEN(id, content, more) "{\"id\":" #id ",\"content\":\"" content "\",\"normalized\":false" more "}"
#define SPECIAL                  ",\"special\":true"

static void tokens_that_are_not_special_are_always_found(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level(
      "", "}",
      "\"added_tokens\":[" TOKEN(258, "<s>", SPECIAL) "," TOKEN(259, "moon", "") "," TOKEN(
          260, "<s>>",
          "") "," TOKEN(261, "<mask>",
                        SPECIAL
                        ",\"lstrip\":true") "," TOKEN(262, "<r>",
                                                      SPECIAL
                                                      ",\"rstrip\":true") "," TOKEN(263, "明",
                                                                                    ",\"single_word\":"
                                                                                    "true") "],",
      &err);
  assert_non_null(t);
  EXPECT(t, true, "<s>moon<s>>aab", 258, 259, 260, 256, 98);
  EXPECT(t, false, "<s>moon<s>>aab", 60, 115, 62, 259, 260, 256, 98);
  EXPECT(t, true, "a  <mask> b", 97, 261, 32, 98);
  EXPECT(t, false, "a  <mask> b", 97, 32, 32, 60, 109, 97, 115, 107, 62, 32, 98);
  EXPECT(t, true,
         "<r> \xe3\x80\x80"
         "a 明 明月",
         262, 97, 32, 263, 32, 230, 152, 142, 230, 156, 136);
  assert_string_equal(tokenizer_special_in(t, "moon <mask> <s>", 15), "<mask>");
  assert_null(tokenizer_special_in(t, "moon <s>> < s>", 14));
  Ids ids = {0}; /* in training, too */
  assert_true(tokenizer_encode_dropping(t, "amoon<s>", 8, 0.5, 1, 1, &ids, &err));
  assert_int_equal(ids.count, 5);
  assert_int_equal(ids.data[1], 259);
  vec_free(&ids);
  tokenizer_free(t);
}

/* A special token that is letters is letters as a whole. */
static void what_is_passed_over_is_not_looked_into(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level(
      "", "}", "\"added_tokens\":[" TOKEN(258, "moon", "") "," TOKEN(259, "<moon>", SPECIAL) "],", &err);
  assert_non_null(t);
  EXPECT(t, true, "<moon>moon", 259, 258);
  EXPECT(t, false, "<moon>moon", 60, 109, 111, 111, 110, 62, 258);
  tokenizer_free(t);
}

static void bytes_without_a_token_are_left_out(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level("!\xc3\xe6", "}", "", &err);
  assert_non_null(t);
  EXPECT(t, true, "a!a", 96, 96); /* two words of the pattern */
  EXPECT(t, true, "aéb", 96, 168, 97);
  EXPECT(t, true, "月a!!ab", 155, 135, 96, 254);
  assert_non_null(strstr(tokenizer_remark(t), "3 of the 256 bytes have no token (the first is 0x21)"));
  assert_non_null(strstr(tokenizer_remark(t), "dropped"));
  tokenizer_free(t);
  t = byte_level("!\xc3\xe6", ",\"<unk>\":255},\"unk_token\":\"<unk>\"", "", &err);
  assert_non_null(t);
  EXPECT(t, true, "aéb", 96, 255, 168, 97);
  EXPECT(t, true, "月a!!ab", 255, 155, 135, 96, 255, 255, 254);
  assert_non_null(strstr(tokenizer_remark(t), "unknown"));
  tokenizer_free(t);
}

/* What a pattern does not part stands side by side when what was between is left out. */
static void neighbours_of_what_is_left_out_merge(void **state) {
  static const char text[] =
      "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}";
  Error err = {0};
  Tokenizer *t = tokenizer_parse(text, sizeof text - 1, "t.json", &err);
  assert_non_null(t);
  EXPECT(t, true, "axb月ba松b", 2, 1, 2);
  tokenizer_free(t);
}

/* A model finds the tokens of its vocabulary, not those that are added to it. */
static void models_do_not_find_added_tokens(void **state) {
  static const char text[] =
      "{\"decoder\":{\"type\":\"WordPiece\"},\"added_tokens\":[{\"id\":2,\"content\":\"##b\"}],"
      "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1}}}";
  Error err = {0};
  Tokenizer *t = tokenizer_parse(text, sizeof text - 1, "t.json", &err);
  if (!t) fail_msg("%s", err.text);
  EXPECT(t, true, "a", 1);
  EXPECT(t, true, "ab", 0);
  EXPECT(t, true, "##b", 2);
  tokenizer_free(t);
}

/* Listed as special or not, they spell what has no token of its own. */
static void byte_tokens_stay_bytes(void **state) {
  Error err = {0};
  Buffer b = {0};
  buffer_adds(
      &b,
      "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
      "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]},\"decoder\":{\"type\":"
      "\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},\"content\":\" \"},"
      "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,"
      "\"stop\":0}]},\"added_tokens\":[" TOKEN(0, "<unk>", SPECIAL));
  for (int i = 0; i < 256; i++)
    buffer_addf(&b, ",{\"id\":%d,\"content\":\"<0x%02X>\",\"special\":true,\"normalized\":false}", i + 1, i);
  buffer_adds(&b,
              "],\"model\":{\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,\"merges\":[],"
              "\"vocab\":{\"<unk>\":0");
  for (int i = 0; i < 256; i++) buffer_addf(&b, ",\"<0x%02X>\":%d", i, i + 1);
  buffer_adds(&b, ",\"▁\":257,\"a\":258,\"b\":259}}}");
  Tokenizer *t = tokenizer_parse(b.data, b.length, "t.json", &err);
  assert_non_null(t);
  EXPECT(t, true, "aéb", 257, 258, 196, 170, 259);
  EXPECT(t, true, "<0x41>月", 66, 257, 231, 157, 137);
  EXPECT(t, false, "<0x41>月", 257, 61, 49, 121, 53, 50, 63, 231, 157, 137);
  Buffer out = {0};
  assert_true(tokenizer_decode(t, (const int32_t[]){257, 258, 196, 170, 0, 259}, 6, false, &out, &err));
  assert_string_equal(out.data, "aéb");
  buffer_clear(&out);
  assert_true(tokenizer_decode(t, (const int32_t[]){257, 258, 196, 170, 0, 259}, 6, true, &out, &err));
  assert_string_equal(out.data, "aé<unk>b");
  assert_true(tokenizer_is_special(t, 0) && !tokenizer_is_special(t, 196));
  buffer_free(&out);
  buffer_free(&b);
  tokenizer_free(t);
}

static void truncation_and_padding_are_passed_over_and_said(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level("", "}",
                            "\"truncation\":{\"max_length\":2,\"strategy\":\"LongestFirst\",\"stride\":0},"
                            "\"padding\":{\"strategy\":{\"Fixed\":8},\"pad_id\":0},",
                            &err);
  assert_non_null(t);
  EXPECT(t, true, "aab b", 256, 98, 32, 98);
  assert_string_equal(tokenizer_remark(t),
                      "its \"truncation\" is not applied; its \"padding\" is not applied");
  tokenizer_free(t);
  assert_null(tokenizer_remark(t = byte_level("", "}", "\"truncation\":null,", &err)));
  tokenizer_free(t);
}

static void expect_around(const char *post, int32_t begin, size_t count, const int32_t *behind) {
  Error err = {0};
  Buffer members = {0};
  buffer_addf(&members, "\"added_tokens\":[" TOKEN(258, "<s>", SPECIAL) "," TOKEN(259, "</s>", SPECIAL) "],"
              "\"post_processor\":%s,", post);
  Tokenizer *t = byte_level("", "}", members.data, &err);
  assert_non_null(t);
  assert_int_equal(tokenizer_begin(t), begin);
  assert_int_equal(tokenizer_behind(t)->count, count);
  if (count) assert_memory_equal(tokenizer_behind(t)->data, behind, count * sizeof *behind);
  buffer_free(&members);
  tokenizer_free(t);
}

static void the_post_processor_says_what_stands_around_texts(void **state) {
  expect_around("{\"type\":\"RobertaProcessing\",\"sep\":[\"</s>\",259],\"cls\":[\"<s>\",258]}", 258, 1,
                (const int32_t[]){259});
  expect_around(
      "{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":"
      "\"</s>\"}},{\"SpecialToken\":{\"id\":\"en\"}}],\"special_tokens\":{\"en\":{\"ids\":[7]}}}",
      -1, 2, (const int32_t[]){259, 7});
  expect_around("null", -1, 0, NULL);
}

/* As tokenizer.json, read again; NULL where it has no post-processor that puts tokens. */
static Tokenizer *written(const Tokenizer *t, bool template) {
  Buffer text = {0};
  Error err = {0};
  assert_true(tokenizer_text(t, &text, &err));
  assert_int_equal(strstr(text.data, "\"TemplateProcessing\"") != NULL, template);
  Tokenizer *again = tokenizer_parse(text.data, text.length, "t.json", &err);
  assert_non_null(again);
  buffer_free(&text);
  return again;
}

/* transformers then gives an encoder the ids that ours reads. */
static void the_end_behind_sources_is_written(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level("", "}", "\"added_tokens\":[" TOKEN(258, "</s>", SPECIAL) "],", &err);
  tokenizer_offer_end(t, 258);
  tokenizer_frame(t, false, -1);
  tokenizer_free(written(t, false));
  tokenizer_frame(t, true, -1);
  Tokenizer *again = written(t, true);
  assert_int_equal(tokenizer_begin(again), -1);
  assert_int_equal(tokenizer_behind(again)->count, 1);
  assert_int_equal(tokenizer_behind(again)->data[0], 258);
  tokenizer_frame(again, false, -1); /* of a model that continues texts */
  Tokenizer *third = written(again, false);
  assert_int_equal(tokenizer_behind(third)->count, 0);
  tokenizer_free(third);
  tokenizer_free(again);
  tokenizer_free(t);
}

static void what_stands_before_texts_stays(void **state) {
  Error err = {0};
  Tokenizer *t = byte_level("", "}",
                            "\"added_tokens\":[" TOKEN(258, "<s>", SPECIAL) "," TOKEN(259, "</s>", SPECIAL) "],"
                            "\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"</s>\",259],"
                            "\"cls\":[\"<s>\",258]},", &err);
  tokenizer_frame(t, true, -1);
  tokenizer_free(written(t, false)); /* as it was read */
  tokenizer_frame(t, false, 258);
  Tokenizer *again = written(t, true);
  assert_int_equal(tokenizer_begin(again), 258);
  assert_int_equal(tokenizer_behind(again)->count, 0);
  tokenizer_free(again);
  tokenizer_free(t);
}

/* ---- beside tokenizer.json ---- */

static void put_file(const char *name, const char *text) {
  Error err = {0};
  assert_true(file_replace(in_scratch(name), text, strlen(text), &err));
}

static Tokenizer *open_scratch(void) {
  Error err = {0};
  Tokenizer *t = tokenizer_open(in_scratch("tokenizer.json"), &err);
  if (!t) print_error("%s\n", err.text);
  assert_non_null(t);
  return t;
}

static void the_files_beside_name_the_end(void **state) {
  Buffer b = {0};
  add_file(&b, "", "}",
           "\"added_tokens\":[" TOKEN(258, "<|endoftext|>", SPECIAL) "," TOKEN(259, "<eos>", SPECIAL) "],");
  put_file("tokenizer.json", b.data);
  Tokenizer *t = open_scratch();
  assert_int_equal(tokenizer_end(t), 258); /* by its spelling */
  tokenizer_offer_end(t, 259);
  assert_int_equal(tokenizer_end(t), 259);
  tokenizer_free(t);
  put_file("special_tokens_map.json",
           "{\"eos_token\":{\"content\":\"<eos>\",\"lstrip\":false},\"pad_token\":\"[PAD]\"}");
  t = open_scratch();
  assert_int_equal(tokenizer_end(t), 259);
  assert_int_equal(tokenizer_pad(t), -1);
  assert_non_null(strstr(tokenizer_remark(t), "the pad_token \"[PAD]\", which is not in the vocabulary"));
  tokenizer_offer_end(t, 258);
  assert_int_equal(tokenizer_end(t), 259);
  tokenizer_free(t);
  put_file("tokenizer_config.json",
           "{\"eos_token\":\"ab\",\"pad_token\":\"<eos>\","
           "\"model_max_length\":1000000000000000019884624838656}");
  t = open_scratch();
  assert_int_equal(tokenizer_end(t), 257); /* of the vocabulary: special now */
  assert_int_equal(tokenizer_pad(t), 259);
  EXPECT(t, true, "aab", 97, 257);
  EXPECT(t, false, "aab", 256, 98);
  assert_null(tokenizer_remark(t));
  tokenizer_free(t);
  buffer_free(&b);
}

static void tokens_of_tokenizer_config_are_added(void **state) {
  Buffer b = {0};
  add_file(&b, "", "}", "\"added_tokens\":[" TOKEN(258, "<s>", SPECIAL) "],");
  put_file("tokenizer.json", b.data);
  put_file("tokenizer_config.json",
           "{\"added_tokens_decoder\":{\"260\":{\"content\":\"<a>\",\"special\":true},\"258\":"
           "{\"content\":\"<s>\"},\"259\":{\"content\":\"moon\",\"normalized\":true}}}");
  Tokenizer *t = open_scratch();
  assert_int_equal(tokenizer_size(t), 261);
  EXPECT(t, true, "a<a>moon", 97, 260, 259);
  Error err = {0};
  const uint64_t fingerprint = tokenizer_fingerprint(t);
  assert_true(tokenizer_save(t, in_scratch("tokenizer.json"), false, &err));
  tokenizer_free(t);
  put_file("tokenizer_config.json", "{}"); /* what was written is whole by itself */
  t = open_scratch();
  assert_true(tokenizer_fingerprint(t) == fingerprint);
  EXPECT(t, false, "<a>moon", 60, 97, 62, 259);
  tokenizer_free(t);
  put_file("tokenizer_config.json", "{\"added_tokens_decoder\":{\"270\":{\"content\":\"<b>\"}}}");
  assert_null(tokenizer_open(in_scratch("tokenizer.json"), &err));
  assert_non_null(strstr(err.text, "no token has id 261"));
  buffer_free(&b);
}

/* ---- time ---- */

/* These took minutes: added tokens were compared one by one at every byte; pairs collided by design. */
static void time_is_near_linear(void **state) {
  enum { TOKENS = 60000, TEXT = 20000, PAIRS = 100000 };
  const clock_t start = clock();
  AddedTokens added = {0};
  char content[900];
  Buffer text = {0};
  memset(content, 'a', sizeof content);
  Arena *arena = arena_new(0);
  for (int i = 0; i < TOKENS; i++) {
    const size_t n = (size_t)snprintf(content + 880, 20, "b%d", i);
    added_put(&added,
              (AddedToken){.content = arena_strndup(arena, content + i % 800, 880 - (size_t)i % 800 + n),
                           .length = 880 - (size_t)i % 800 + n,
                           .id = i});
    memset(content + 880, 'a', 20);
  }
  for (int i = 0; i < TEXT; i++) buffer_adds(&text, "a");
  AddedMatch m;
  assert_false(added_find(&added, text.data, text.length, 0, true, &m));
  added_free(&added);
  Merges merges = {0};
  for (uint64_t left = 0, found = 0; found < PAIRS; left++)
    for (uint64_t right = 0; right < 30000 && found < PAIRS; right++) {
      const uint64_t h = (left << 32 | right) * 0x9e3779b97f4a7c15u;
      if (((h ^ h >> 29) & 262143) > 3000) continue;
      merges_add(&merges, (Merge){(int32_t)left, (int32_t)right, 0});
      found++;
    }
  merges_free(&merges);
  buffer_free(&text);
  arena_free(arena);
  assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_that_are_not_special_are_always_found),
      cmocka_unit_test(what_is_passed_over_is_not_looked_into),
      cmocka_unit_test(models_do_not_find_added_tokens),
      cmocka_unit_test(bytes_without_a_token_are_left_out),
      cmocka_unit_test(neighbours_of_what_is_left_out_merge),
      cmocka_unit_test(byte_tokens_stay_bytes),
      cmocka_unit_test(truncation_and_padding_are_passed_over_and_said),
      cmocka_unit_test(the_post_processor_says_what_stands_around_texts),
      cmocka_unit_test(the_end_behind_sources_is_written),
      cmocka_unit_test(what_stands_before_texts_stays),
      cmocka_unit_test_setup_teardown(the_files_beside_name_the_end, scratch_open, scratch_close),
      cmocka_unit_test_setup_teardown(tokens_of_tokenizer_config_are_added, scratch_open, scratch_close),
      cmocka_unit_test(time_is_near_linear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
