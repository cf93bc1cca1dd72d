/* tokenizer.json: what is understood gives Hugging Face's ids, what is not is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/scratch.h"
#include "text_source.h"

#include <cmocka.h> /* last: it defines fail() */

/* A SentencePiece-style tokenizer without byte tokens. Parts stand between, to be replaced one at a time. */
#define NORMALIZER                                                                      \
  "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"}," \
  "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]}"
#define DECODER                                                                                              \
  "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},\"content\":" \
  "\" \"},"                                                                                                  \
  "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" "                      \
  "\",\"start\":1,\"stop\":0}]}"
#define VOCABULARY "{\"<unk>\":0,\"▁\":1,\"a\":2,\"b\":3,\"▁a\":4,\"ab\":5,\"b▁\":6}"
#define MERGES     "[\"▁ a\",[\"b\",\"▁\"],\"a b\"]"
#define ADDED                                                                \
  "[{\"id\":0,\"content\":\"<unk>\",\"special\":true,\"normalized\":false}," \
  "{\"id\":7,\"content\":\"<s>\",\"special\":true,\"normalized\":true}]"
#define POST                                                                                        \
  "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}}," \
  "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]}"

typedef struct Parts {
  const char *normalizer, *pre_tokenizer, *decoder, *vocabulary, *merges, *added, *post, *more;
} Parts;

#define OR(part, otherwise) ((part) ? (part) : (otherwise))

static Tokenizer *read_parts(Parts p, Error *err) {
  Buffer b = {0};
  buffer_addf(
      &b,
      "{\"version\":\"1.0\",\"normalizer\":%s,\"pre_tokenizer\":%s,\"decoder\":%s,\"post_processor\":%s,"
      "\"added_tokens\":%s,\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,"
      "\"byte_fallback\":true,%s\"vocab\":%s,\"merges\":%s}}",
      OR(p.normalizer, NORMALIZER), OR(p.pre_tokenizer, "null"), OR(p.decoder, DECODER), OR(p.post, POST),
      OR(p.added, ADDED), OR(p.more, ""), OR(p.vocabulary, VOCABULARY), OR(p.merges, MERGES));
  Tokenizer *t = tokenizer_parse(b.data, b.length, "t.json", err);
  buffer_free(&b);
  return t;
}

static void expect_ids(const Tokenizer *t, bool specials, const char *text, size_t count,
                       const int32_t *wanted) {
  Ids ids = {0};
  assert_true(tokenizer_encode(t, text, strlen(text), specials, &ids, NULL));
  assert_int_equal(ids.count, count);
  if (count) assert_memory_equal(ids.data, wanted, count * sizeof *wanted);
  vec_free(&ids);
}
#define EXPECT(t, specials, text, ...) \
  expect_ids(t, specials, text, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t), (int32_t[]){__VA_ARGS__})

static void expect_text(const Tokenizer *t, const char *wanted, const int32_t *ids, size_t count) {
  Buffer out = {0};
  buffer_adds(&out, "");
  assert_true(tokenizer_decode(t, ids, count, false, &out, NULL));
  assert_string_equal(out.data, wanted);
  buffer_free(&out);
}

/* Ids from Hugging Face tokenizers 0.23.3. */
static void sentencepiece_style(void **state) {
  Error err = {0};
  Tokenizer *t = read_parts((Parts){0}, &err);
  assert_non_null(t);
  assert_int_equal(tokenizer_begin(t), 7);
  EXPECT(t, true, "ab", 4, 3);
  EXPECT(t, true, "ab ab", 4, 3, 4, 3);
  EXPECT(t, true, "b b", 1, 6, 3); /* a merge over the space: no cut there */
  EXPECT(t, true, "a▁a", 4, 4);    /* the mark is a space */
  EXPECT(t, true,
         "a\xe6\x9c\x88\xe6\x9c\x88"
         "b",
         4, 0, 3);                     /* unknown ones together */
  EXPECT(t, true, "a <s>b", 4, 7, 3);  /* a normalized token has the space before it */
  EXPECT(t, true, "a<unk>a", 4, 0, 4); /* the others do not, and the text after them is normalized anew */
  EXPECT(t, false, "<s>", 1, 0);       /* no token, unless asked for */
  expect_ids(t, true, "", 0, NULL);
  expect_text(t, " a b", (const int32_t[]){1, 1, 2, 1, 3}, 5);
  tokenizer_free(t);
}

static void the_longest_added_token_counts(void **state) {
  Error err = {0};
  Parts parts = {.added =
                     "[{\"id\":7,\"content\":\"<s>\",\"special\":true,\"normalized\":false},"
                     "{\"id\":8,\"content\":\"<s>>\",\"special\":true,\"normalized\":false}]"};
  Tokenizer *t = read_parts(parts, &err);
  assert_non_null(t);
  EXPECT(t, true, "<s><s>>b", 7, 8, 1, 3);
  tokenizer_free(t);
}

static void expect_refused(Parts parts, const char *word) {
  Error err = {0};
  Tokenizer *t = read_parts(parts, &err);
  if (t) print_error("read, but \"%s\" is wrong\n", word);
  assert_null(t);
  if (!strstr(err.text, word)) print_error("\"%s\" says nothing of \"%s\"\n", err.text, word);
  assert_non_null(strstr(err.text, word));
  assert_non_null(strstr(err.text, "t.json"));
}

static void what_is_not_understood_is_named(void **state) {
  expect_refused((Parts){.normalizer = "{\"type\":\"Novelty\"}"}, "normalizer \"Novelty\"");
  expect_refused((Parts){.normalizer = "{\"type\":\"Lowercase\",\"locale\":\"tr\"}"}, "locale");
  expect_refused((Parts){.normalizer = "{\"type\":\"Prepend\"}"}, "prepend");
  expect_refused((Parts){.normalizer = "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}"},
                 "precompiled_charsmap");
  expect_refused((Parts){.pre_tokenizer = "{\"type\":\"UnicodeScripts\"}"},
                 "pre-tokenizer \"UnicodeScripts\"");
  expect_refused((Parts){.pre_tokenizer = "{\"type\":\"ByteLevel\",\"new_option\":1}"}, "new_option");
  expect_refused(
      (Parts){.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\"},\"behavior\":\"Eaten\"}"},
      "Eaten");
  expect_refused((Parts){.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a(\"},"
                                          "\"behavior\":\"Isolated\"}"},
                 "invalid pre-tokenizer pattern at byte");
  expect_refused((Parts){.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a&&b]\"},"
                                          "\"behavior\":\"Isolated\"}"},
                 "&& in a class");
  expect_refused((Parts){.pre_tokenizer = "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"},
                 "several characters");
  expect_refused((Parts){.decoder = "{\"type\":\"CTC\"}"}, "decoder \"CTC\"");
  expect_refused((Parts){.decoder = "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
                                    "{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}]}"},
                 "Strip");
  expect_refused((Parts){.post = "{\"type\":\"BertProcessing\"}"}, "BertProcessing");
  expect_refused((Parts){.more = "\"dropout\":0.1,"}, "dropout");
  expect_refused((Parts){.more = "\"novelty\":true,"}, "novelty");
  expect_refused((Parts){.more = "\"ignore_merges\":3,"}, "ignore_merges");
  expect_refused((Parts){.added = "[{\"id\":7,\"content\":\"<s>\",\"lstrip\":1}]"}, "lstrip");
}

/* A sequence of `count` steps of one kind, or of two in turn. */
static char *sequence_of(const char *list, int count, const char *step, const char *other) {
  Buffer b = {0};
  buffer_addf(&b, "{\"type\":\"Sequence\",\"%s\":[", list);
  for (int i = 0; i < count; i++) buffer_addf(&b, "%s%s", i ? "," : "", i % 2 && other ? other : step);
  buffer_adds(&b, "]}");
  return buffer_take(&b);
}

/* Reads the tokenizer; encoding fails, and says why, or gives that many ids. */
static void expect_growth(Parts parts, const char *text, size_t count) {
  Error err = {0};
  Ids ids = {0};
  Tokenizer *t = read_parts(parts, &err);
  if (!t) fail_msg("%s", err.text);
  assert_int_equal(tokenizer_encode(t, text, strlen(text), false, &ids, &err), count > 0);
  assert_int_equal(ids.count, count);
  if (!count) assert_non_null(strstr(err.text, "more than 64 times as long"));
  vec_free(&ids);
  tokenizer_free(t);
}

/* Steps that each make a text longer: their number is the exponent. */
static void growth_has_limits(void **state) {
  static const char string[] =
      "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaa\"}";
  static const char pattern[] =
      "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"},\"content\":\"aaaaaaaaaa\"}";
  static const char bytes[] = "{\"type\":\"ByteLevel\"}",
                    spelled[] = "{\"type\":\"ByteLevel\",\"use_regex\":false,\"add_prefix_space\":false}",
                    spaced[] = "{\"type\":\"ByteLevel\",\"use_regex\":false,\"add_prefix_space\":true}",
                    each[] = "{\"type\":\"Split\",\"pattern\":{\"Regex\":\".\"},\"behavior\":\"Isolated\"}";
  const struct {
    const char *list, *step, *other;
    int count;
    bool cuts, fits;
  } cases[] = {
      {"normalizers", string, NULL, 1, false, true},    {"normalizers", string, NULL, 9, false, false},
      {"normalizers", pattern, NULL, 1, false, true},   {"normalizers", pattern, NULL, 9, false, false},
      {"normalizers", bytes, NULL, 200, false, false},  {"pretokenizers", spelled, each, 100, true, false},
      {"pretokenizers", spaced, each, 100, true, false}};
  const char *text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9";
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *steps = sequence_of(cases[i].list, cases[i].count, cases[i].step, cases[i].other);
    const Parts parts =
        cases[i].cuts ? (Parts){.normalizer = "null", .pre_tokenizer = steps, .added = "[]", .post = "null"}
                      : (Parts){.normalizer = steps, .added = "[]", .post = "null"};
    expect_growth(parts, text, cases[i].fits ? (size_t)591 : 0);
    mem_free(steps);
  }
  char *decoder = sequence_of("decoders", 9, string, NULL),
       *regex = sequence_of("decoders", 9, pattern, NULL),
       *many = sequence_of("pretokenizers", 257, each, NULL);
  expect_refused((Parts){.decoder = decoder}, "more than 64 times");
  expect_refused((Parts){.decoder = regex}, "more than 64 times");
  expect_refused((Parts){.pre_tokenizer = many}, "more than 256 steps");
  mem_free(decoder);
  mem_free(regex);
  mem_free(many);
}

static void ids_and_merges_are_checked(void **state) {
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":1,\"b\":1}", .merges = "[]"}, "id 1");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":2}", .merges = "[]"}, "id 1");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":-1}", .merges = "[]"}, "\"a\"");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":2000000000}", .merges = "[]"}, "\"a\"");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":\"1\"}", .merges = "[]"}, "\"a\"");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":1.5}", .merges = "[]"}, "\"a\"");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"\":1}", .merges = "[]"}, "empty");
  expect_refused((Parts){.vocabulary = "[]"}, "vocab");
  expect_refused((Parts){.vocabulary = "{\"a\":0}", .merges = "[]", .added = "[]"}, "<unk>");
  expect_refused((Parts){.merges = "[\"a c\"]"}, "merge 0");
  expect_refused((Parts){.merges = "[\"a b\",\"b b\"]"}, "merge 1");
  expect_refused((Parts){.merges = "[\"ab\"]"}, "merge 0");
  expect_refused((Parts){.merges = "[[\"a\"]]"}, "merge 0");
  expect_refused((Parts){.merges = "{}"}, "merges");
  expect_refused((Parts){.added = "[{\"id\":2,\"content\":\"<s>\"}]"}, "id 2");
  expect_refused((Parts){.added = "[{\"id\":7,\"content\":\"a\"}]"}, "id 7");
  expect_refused((Parts){.added = "[{\"id\":7,\"content\":\"<s>\"},{\"id\":8,\"content\":\"<s>\"}]"},
                 "twice");
  expect_refused((Parts){.added = "[{\"id\":9,\"content\":\"<s>\"}]"}, "id 7");
  expect_refused((Parts){.added = "[{\"id\":70000000,\"content\":\"<s>\"}]"}, "<s>");
  expect_refused((Parts){.added = "[{\"id\":7}]"}, "id 7 has no content");
  expect_refused((Parts){.added = "[{\"content\":\"<s>\"}]"}, "added token 0");
  expect_refused((Parts){.added = "[]"}, "<s>"); /* of the post-processor */
}

/* Whatever else is wrong with it: the place, and what jansson says of it. */
static void what_is_no_json_is_refused_for_that(void **state) {
  expect_refused(
      (Parts){.vocabulary = "{\"<unk>\":0,\"a\":1,\"a\":2,\"b\":3,\"c\":4,\"d\":5,\"e\":6}", .merges = "[]"},
      "not valid JSON: duplicate object key");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":1,}"}, "not valid JSON");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"\xff\":1}"}, "decode byte 0xff");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":01}"}, "not valid JSON");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0,\"a\":[1}"}, "not valid JSON");
  expect_refused((Parts){.vocabulary = "{\"<unk>\":0} 1"}, "not valid JSON");
  expect_refused((Parts){.merges = "[\"a b\",]"}, "not valid JSON");
  expect_refused((Parts){.merges = "[\"a b\" \"b a\"]"}, "not valid JSON");
  expect_refused((Parts){.merges = "[\"a c\"}"}, "not valid JSON");
  expect_refused((Parts){.merges = "[\"a c\"], \"merges\":[]"}, "duplicate object key");
  expect_refused((Parts){.more = "\"unk_token\":\"\\x\","}, "not valid JSON");
  expect_refused((Parts){.more = "\"vocab\":{},"}, "duplicate object key");
  expect_refused((Parts){.added = "[\n01]"}, "t.json:2:");
}

/* Names may be spelt otherwise, members stand in any order, and with the same names elsewhere. */
static void parts_are_found_by_their_names(void **state) {
  static const char text[] =
      "{\"vocab\":1}"
      "{\"model\":{\"merges\":[[\"a\",\"b\"]],\"unk_token\":\"<unk>\",\"v\\u006fcab\":"
      "{\"<unk>\":0,\"a\":1,\"b\":2,\"ab\":3}},\"decoder\":{\"type\":\"Fuse\"},\"padding\":{\"vocab\":{}}}";
  Error err = {0};
  assert_null(tokenizer_parse(text, sizeof text - 1, "t.json", &err));
  assert_non_null(strstr(err.text, "end of file expected"));
  Tokenizer *t = tokenizer_parse(text + 11, sizeof text - 12, "t.json", &err);
  assert_non_null(t);
  EXPECT(t, true, "abba", 3, 2, 1);
  tokenizer_free(t);
}

/* A model that looks words up would find special tokens in letters. */
static void letters_are_no_special_tokens(void **state) {
  static const char *const models[] = {
      "\"WordLevel\",\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0,\"a\":1,\"<s>\":2}",
      "\"WordPiece\",\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0,\"a\":1,\"<s>\":2}",
      "\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],[\"a\",-1],[\"<s>\",-2.5e0]]"};
  for (int i = 0; i < 3; i++) {
    Buffer b = {0};
    Error err = {0};
    buffer_addf(
        &b,
        "{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"added_tokens\":[{\"id\":2,\"content\":\"<s>\","
        "\"special\":true}],\"model\":{\"type\":%s}}",
        models[i]);
    Tokenizer *t = tokenizer_parse(b.data, b.length, "t.json", &err);
    if (!t) fail_msg("%s", err.text);
    EXPECT(t, true, "a <s>", 1, 2);
    EXPECT(t, false, "a <s>", 1, 0);
    tokenizer_free(t);
    buffer_free(&b);
  }
}

static void what_we_write_we_read(void **state) {
  static const char *const texts[] = {"the cat and the hat; 明月明月 the end.", NULL};
  static const char text[] = "the 明月 hat<|endoftext|>\xff\n";
  static const char *const kinds[] = {"byte", "char", "bpe"};
  for (int k = 0; k < 3; k++) {
    Error err = {0};
    Tokenizer *a = learn(kinds[k], 280, texts, 0, NULL, &err);
    const char *path = in_scratch("tokenizer.json");
    assert_true(tokenizer_save(a, path, false, &err));
    Tokenizer *b = tokenizer_open(path, &err);
    if (!b) print_error("%s\n", err.text);
    assert_non_null(b);
    assert_true(tokenizer_fingerprint(a) == tokenizer_fingerprint(b));
    assert_int_equal(tokenizer_end(a), tokenizer_end(b));
    Ids from_a = {0}, from_b = {0};
    assert_true(tokenizer_encode(a, text, sizeof text, true, &from_a, NULL));
    assert_true(tokenizer_encode(b, text, sizeof text, true, &from_b, NULL));
    assert_int_equal(from_a.count, from_b.count);
    assert_memory_equal(from_a.data, from_b.data, from_a.count * sizeof(int32_t));
    vec_free(&from_a);
    vec_free(&from_b);
    tokenizer_free(a);
    tokenizer_free(b);
  }
}

/* What Hugging Face tokenizers 0.23.3 makes of the files that we write. */
static void ours_are_read_by_others(void **state) {
  static const char *const texts[] = {"the cat and the hat; 明月明月 the end.", NULL};
  static const char text[] = "the 明月 hat<|endoftext|>\n";
  Tokenizer *t = learn("byte", 280, texts, 0, NULL, NULL);
  EXPECT(t, true, text, 83, 71, 68, 220, 162, 246, 236, 162, 250, 230, 220, 71, 64, 83, 256, 198);
  tokenizer_free(t);
  t = learn("char", 280, texts, 0, NULL, NULL);
  EXPECT(t, true, text, 83, 71, 68, 220, 257, 259, 220, 71, 64, 83, 260, 198);
  tokenizer_free(t);
  t = learn("bpe", 280, texts, 0, NULL, NULL);
  EXPECT(t, true, text, 257, 220, 265, 220, 71, 258, 266, 198);
  tokenizer_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sentencepiece_style),
      cmocka_unit_test(the_longest_added_token_counts),
      cmocka_unit_test(what_is_not_understood_is_named),
      cmocka_unit_test(growth_has_limits),
      cmocka_unit_test(ids_and_merges_are_checked),
      cmocka_unit_test(what_is_no_json_is_refused_for_that),
      cmocka_unit_test(parts_are_found_by_their_names),
      cmocka_unit_test(letters_are_no_special_tokens),
      cmocka_unit_test_setup_teardown(what_we_write_we_read, scratch_open, scratch_close),
      cmocka_unit_test(ours_are_read_by_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
