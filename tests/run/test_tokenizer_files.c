/* Tokenizers in other files than tokenizer.json: SentencePiece's ids (scripts/golden_tokenizers.py),
 * tiktoken's ranks, vocab.json with merges.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/scratch.h"
#include "io/vocabulary.h"
#include "run/bundle.h"

#include <cmocka.h> /* last: it defines fail() */

#define FOLDER TESTS_DIR "/golden/tokenizer_files/"

static void put(const char *name, const char *text) {
  assert_true(file_replace(in_scratch(name), text, strlen(text), NULL));
}

static void drop(const char *name) {
  assert_int_equal(remove(in_scratch(name)), 0);
}

static void copy(const char *from, const char *name) {
  FileView file;
  assert_true(file_view(from, &file, NULL));
  assert_true(file_replace(in_scratch(name), file.data, file.size, NULL));
  file_view_close(&file);
}

/* The tokenizer.json that is saved is this tokenizer. */
static void expect_saved(const Tokenizer *t) {
  Error err = {0};
  Buffer text = {0};
  assert_true(tokenizer_text(t, &text, &err));
  Tokenizer *again = tokenizer_parse(text.data, text.length, "saved", &err);
  if (!again) fail_msg("%s", err.text);
  assert_int_equal(tokenizer_size(again), tokenizer_size(t));
  assert_true(tokenizer_fingerprint(again) == tokenizer_fingerprint(t));
  assert_int_equal(tokenizer_begin(again), tokenizer_begin(t));
  tokenizer_free(again);
  buffer_free(&text);
}

static Tokenizer *open_at(const char *path) {
  Error err = {0};
  Tokenizer *t = bundle_tokenizer_at(path, &err);
  if (!t) fail_msg("%s", err.text);
  expect_saved(t);
  return t;
}

static void expect_refused(const char *path, const char *word) {
  Error err = {0};
  assert_null(bundle_tokenizer_at(path, &err));
  if (!strstr(err.text, word)) fail_msg("\"%s\" says nothing of \"%s\"", err.text, word);
}

static void expect_ids(const Tokenizer *t, const char *text, const int32_t *wanted, size_t count) {
  Ids ids = {0};
  assert_true(tokenizer_encode(t, text, strlen(text), true, &ids, NULL));
  assert_int_equal(ids.count, count);
  assert_memory_equal(ids.data, wanted, count * sizeof *wanted);
  vec_free(&ids);
}
#define EXPECT(t, text, ...) \
  expect_ids(t, text, (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

/* ---- SentencePiece ---- */

/* The unknown token is " ⁇ " there and nothing here, and bytes that are no UTF-8 are U+FFFD. */
static bool compares(const char *text) {
  return !strstr(text, "\xe2\x81\x87") && !strstr(text, "\xef\xbf\xbd");
}

static void check(const Tokenizer *t, const json_t *sample) {
  const json_t *wanted = json_object_get(sample, "ids");
  const char *text = json_get_text(sample, "text", ""), *decoded = json_get_text(sample, "decoded", "");
  Ids ids = {0};
  Buffer out = {0};
  assert_true(tokenizer_encode(t, text, strlen(text), false, &ids, NULL));
  bool same = ids.count == json_array_size(wanted);
  for (size_t i = 0; same && i < ids.count; i++)
    same = ids.data[i] == json_integer_value(json_array_get(wanted, i));
  if (!same) fail_msg("\"%s\" has other ids", text);
  assert_true(tokenizer_decode(t, ids.data, ids.count, false, &out, NULL));
  if (compares(decoded)) assert_string_equal(out.data ? out.data : "", decoded);
  vec_free(&ids);
  buffer_free(&out);
}

static void sentencepiece_models(void **state) {
  static const char *const names[] = {"unigram",   "unigram_bytes", "bpe",
                                      "bpe_bytes", "bpe_symbols",   "unigram_symbols"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[PATH_CAPACITY];
    snprintf(path, sizeof path, FOLDER "%s.json", names[i]);
    json_t *file = json_read(path, NULL);
    const json_t *texts = json_object_get(file, "texts");
    snprintf(path, sizeof path, FOLDER "%s.model", names[i]);
    Tokenizer *t = open_at(path);
    assert_true(json_array_size(texts) > 8);
    for (size_t k = 0; k < json_array_size(texts); k++) check(t, json_array_get(texts, k));
    tokenizer_free(t);
    json_decref(file);
  }
}

static void the_configuration_frames_texts(void **state) {
  FileView file;
  assert_true(file_view(FOLDER "bpe_bytes.model", &file, NULL));
  assert_true(file_replace(in_scratch("tokenizer.model"), file.data, file.size, NULL));
  file_view_close(&file);
  put("tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizer\",\"eos_token\":\"</s>\"}");
  Tokenizer *t = open_at(scratch);
  assert_int_equal(tokenizer_begin(t), 1);
  assert_int_equal(tokenizer_end(t), 2);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":false}");
  t = open_at(scratch);
  assert_int_equal(tokenizer_begin(t), -1);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"tokenizer_class\":\"NovelTokenizer\"}");
  expect_refused(scratch, "save it with transformers");
  put("tokenizer_config.json", "{\"tokenizer_class\":\"GPTSw3Tokenizer\"}");
  expect_refused(scratch, "has no tokenizer.json for them");
  drop("tokenizer_config.json");
}

/* The names of a text's tokens, one after the other. */
static void expect_pieces(const Tokenizer *t, const char *text, const char *wanted) {
  Ids ids = {0};
  Buffer names = {0};
  assert_true(tokenizer_encode(t, text, strlen(text), true, &ids, NULL));
  for (size_t i = 0; i < ids.count; i++) buffer_adds(&names, tokenizer_name(t, ids.data[i]));
  assert_string_equal(names.data, wanted);
  buffer_free(&names);
  vec_free(&ids);
}

/* Around user-defined symbols, as the classes of transformers do (text_peer_files). */
static void the_class_says_where_spaces_are_added(void **state) {
  static const struct {
    const char *config, *symbols, *letters;
  } classes[] = {{"{}", "\u2581<sym>b<sym>\u2581b", "\u2581b"},
                 {"{\"tokenizer_class\":\"LlamaTokenizer\"}", "<sym>b<sym>\u2581b", "\u2581b"},
                 {"{\"tokenizer_class\":\"CodeLlamaTokenizerFast\"}", "<sym>b<sym>\u2581b", "\u2581b"},
                 {"{\"tokenizer_class\":\"LlamaTokenizer\",\"legacy\":true}",
                  "<sym>\u2581b<sym>\u2581\u2581b", "\u2581b"},
                 {"{\"tokenizer_class\":\"T5Tokenizer\"}", "<sym>\u2581b<sym>\u2581\u2581b", "\u2581b"},
                 {"{\"tokenizer_class\":\"GemmaTokenizer\"}", "<sym>b<sym>\u2581b", "b"}};
  static const char *const models[] = {FOLDER "bpe_symbols.model", FOLDER "unigram_symbols.model"};
  for (size_t i = 0; i < 2 * (sizeof classes / sizeof *classes); i++) {
    copy(models[i % 2], "tokenizer.model");
    put("tokenizer_config.json", classes[i / 2].config);
    Tokenizer *t = open_at(scratch);
    expect_pieces(t, "<sym>b<sym> b", classes[i / 2].symbols);
    expect_pieces(t, "b", classes[i / 2].letters);
    tokenizer_free(t);
  }
  drop("tokenizer_config.json");
  drop("tokenizer.model");
}

/* A special token that is allowed ends a text: the next begins with a space of its own. */
static void texts_between_special_tokens_begin_with_a_space(void **state) {
  Tokenizer *t = open_at(FOLDER "bpe_symbols.model");
  expect_pieces(t, "b</s>b</s><sym>", "\u2581b</s>\u2581b</s>\u2581<sym>");
  tokenizer_free(t);
}

/* Cut anywhere, and with other kinds of models and tokens. */
static void damaged_models_are_refused(void **state) {
  FileView file;
  assert_true(file_view(FOLDER "unigram.model", &file, NULL));
  size_t refused = 0;
  for (size_t n = 0; n < file.size; n += 7) {
    Error err = {0};
    assert_true(file_replace(in_scratch("tokenizer.model"), file.data, n, NULL));
    Tokenizer *t = bundle_tokenizer_at(scratch, &err);
    assert_true(!t == (err.code != 0));
    refused += !t;
    tokenizer_free(t);
  }
  assert_true(refused > file.size / 8);
  file_view_close(&file);
  put("tokenizer.model",
      "\x0a\x03\x0a\x01"
      "a\x12\x02\x18\x04");
  expect_refused(scratch, "models of words and of characters");
  put("tokenizer.model",
      "\x0a\x03\x0a\x01"
      "a\x12\x03\x18\x02\x4b");
  expect_refused(scratch, "damaged");
  put("tokenizer.model",
      "\x0a\x05\x0a\x01"
      "a\x18\x05\x12\x02\x18\x02");
  expect_refused(scratch, "special token is not in the vocabulary");
  drop("tokenizer.model");
}

/* ---- Marian ---- */

/* vocab.json has four of five pieces, in the opposite order. */
static int32_t put_mapped(const char *model, const Tokenizer *pieces, int32_t *renamed) {
  Buffer b = {0};
  int32_t next = 3;
  buffer_adds(&b, "{\"</s>\":0,\"<unk>\":1,\">>fra<<\":2");
  for (int32_t i = (int32_t)tokenizer_size(pieces) - 1; i >= 0; i--) {
    renamed[i] = 1;
    if (tokenizer_is_special(pieces, i) || i % 5 == 4) continue;
    buffer_adds(&b, ",");
    vocabulary_add_text(&b, tokenizer_name(pieces, i), strlen(tokenizer_name(pieces, i)));
    buffer_addf(&b, ":%d", renamed[i] = next++);
  }
  buffer_adds(&b, "}");
  put("vocab.json", b.data);
  buffer_free(&b);
  copy(FOLDER "unigram.model", model);
  return next;
}

/* SentencePiece's ids, renamed; models_opus_mt and models_languages compare with transformers. */
static Tokenizer *expect_renamed(const char *name, int32_t *tokens) {
  json_t *file = json_read(FOLDER "unigram.json", NULL);
  const json_t *texts = json_object_get(file, "texts");
  Tokenizer *pieces = open_at(FOLDER "unigram.model");
  int32_t *renamed = mem_alloc_zeroed((size_t)tokenizer_size(pieces), sizeof *renamed);
  *tokens = put_mapped(name, pieces, renamed);
  Tokenizer *t = open_at(in_scratch(name));
  size_t unknown = 0;
  for (size_t i = 0; i < json_array_size(texts); i++) {
    const json_t *sample = json_array_get(texts, i), *ids = json_object_get(sample, "ids");
    Ids wanted = {0};
    for (size_t k = 0; k < json_array_size(ids); k++)
      vec_push(&wanted, renamed[json_integer_value(json_array_get(ids, k))]);
    for (size_t k = 0; k < wanted.count; k++) unknown += wanted.data[k] == 1;
    const char *text = json_get_text(sample, "text", "");
    Ids got = {0};
    assert_true(tokenizer_encode(t, text, strlen(text), false, &got, NULL));
    if (got.count != wanted.count ||
        (got.count && memcmp(got.data, wanted.data, got.count * sizeof *got.data)))
      fail_msg("\"%s\" has other ids", text);
    vec_free(&got);
    vec_free(&wanted);
  }
  assert_true(unknown > 8);
  assert_int_equal(tokenizer_behind(t)->data[0], 0);
  tokenizer_free(pieces);
  mem_free(renamed);
  json_decref(file);
  return t;
}

static void marian_renames_pieces(void **state) {
  int32_t tokens;
  Tokenizer *t = expect_renamed("source.spm", &tokens);
  EXPECT(t, ">>fra<<", 2);
  assert_int_equal(tokenizer_begin(t), -1);
  assert_int_equal(tokenizer_size(t), tokens);
  tokenizer_free(t);
}

/* Languages are behind the vocabulary in the class's order, the source's before a text. */
static void languages_of_m2m100(void **state) {
  int32_t tokens;
  Tokenizer *t = expect_renamed("sentencepiece.bpe.model", &tokens);
  enum { LANGUAGES = 100, EN = 18, ZU = 99 };
  assert_int_equal(tokenizer_size(t), tokens + LANGUAGES);
  assert_int_equal(tokenizer_begin(t), tokens + EN);
  EXPECT(t, "__zu____en__", tokens + ZU, tokens + EN);
  assert_true(tokenizer_is_special(t, tokens + ZU));
  Ids ids = {0};
  assert_true(tokenizer_encode(t, ">>fra<<", 7, true, &ids, NULL)); /* in vocab.json, and no piece */
  for (size_t i = 0; i < ids.count; i++) assert_int_not_equal(ids.data[i], 2);
  vec_free(&ids);
  tokenizer_free(t);
  put("tokenizer_config.json",
      "{\"tokenizer_class\":\"M2M100Tokenizer\",\"language_codes\":\"wmt21\",\"src_lang\":\"de\"}");
  t = open_at(scratch);
  assert_int_equal(tokenizer_size(t), tokens + 8);
  assert_int_equal(tokenizer_begin(t), tokens + 7);
  tokenizer_free(t);
}

static void other_models_of_m2m100_are_refused(void **state) {
  put("tokenizer_config.json", "{\"language_codes\":\"martian\"}");
  expect_refused(scratch, "m2m100 and wmt21");
  put("tokenizer_config.json", "{\"src_lang\":\"enx\"}");
  expect_refused(scratch, "\"src_lang\"");
  put("tokenizer_config.json", "{\"tokenizer_class\":\"Speech2TextTokenizer\"}");
  expect_refused(scratch, "Speech2TextTokenizer");
  drop("tokenizer_config.json");
  copy(FOLDER "bpe_bytes.model", "sentencepiece.bpe.model");
  expect_refused(scratch, "is a byte");
  drop("vocab.json"); /* then it is a model of its own, as mBART's */
  tokenizer_free(open_at(scratch));
  drop("sentencepiece.bpe.model");
}

static void other_models_of_marian_are_refused(void **state) {
  put("tokenizer_config.json", "{\"separate_vocabs\":true}");
  expect_refused(in_scratch("source.spm"), "separate_vocabs");
  drop("tokenizer_config.json");
  put("vocab.json", "{\"a\":0,\"b\":1}");
  expect_refused(in_scratch("source.spm"), "no end or unknown");
  drop("vocab.json");
  expect_refused(in_scratch("source.spm"), "vocab.json");
  copy(FOLDER "bpe.model", "source.spm");
  expect_refused(in_scratch("source.spm"), "defined by the user");
  copy(FOLDER "unigram_bytes.model", "source.spm");
  expect_refused(in_scratch("source.spm"), "is a byte");
  drop("source.spm");
}

/* ---- others ---- */

static void ranks_of_tiktoken(void **state) {
  Buffer b = {0};
  static const char *const more[] = {"he", "ll", "hell", "hello", "o!"};
  for (int i = 0; i < 256; i++) {
    base64_write(&(char){(char)i}, 1, &b);
    buffer_addf(&b, " %d\n", i);
  }
  for (int i = 0; i < 5; i++) {
    base64_write(more[i], strlen(more[i]), &b);
    buffer_addf(&b, " %d\n", 256 + i);
  }
  put("cl100k_base.tiktoken", b.data);
  Tokenizer *t = open_at(in_scratch("cl100k_base.tiktoken"));
  assert_int_equal(tokenizer_size(t), 100277);
  EXPECT(t, "hello!", 259, '!'); /* words first: "o!" is of two */
  EXPECT(t, "hellhe\xff", 258, 256, 0xff);
  EXPECT(t, "ll<|endoftext|>", 257, 100257);
  assert_int_equal(tokenizer_end(t), 100257);
  tokenizer_free(t);
  put("novel.tiktoken", b.data);
  expect_refused(in_scratch("novel.tiktoken"), "not known");
  drop("novel.tiktoken");
  static const char *const wrong[] = {"aGU= 7", "aGU=",   "aGU 100300", "a!U= 300",
                                      " 300",   "aGU= x", "aGU= -1"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    Buffer worse = {0};
    buffer_add(&worse, b.data, b.length);
    buffer_adds(&worse, wrong[i]);
    put("cl100k_base.tiktoken", worse.data);
    expect_refused(in_scratch("cl100k_base.tiktoken"), "line 262 is not");
    buffer_free(&worse);
  }
  drop("cl100k_base.tiktoken");
  buffer_free(&b);
}

/* Each byte, and `more` from id 257 on. */
static void put_rwkv(const char *more) {
  Buffer b = {0};
  for (int i = 0; i < 256; i++) buffer_addf(&b, "%d b'\\x%02x' 1\r\n", i + 1, i);
  buffer_adds(&b, more);
  put("rwkv_vocab_x.txt", b.data);
  buffer_free(&b);
}

static void lines_of_rwkv(void **state) {
  (void)state;
  put_rwkv("257 'ab' 2\n258 'abc' 3\n259 \"'\\n\" 2\n260 '\\u6708' 3\n261 b'\\xe6\\x9c' 2\n262 '\\x80' 2\n");
  Tokenizer *t = open_at(in_scratch("rwkv_vocab_x.txt"));
  assert_int_equal(tokenizer_size(t), 263);
  EXPECT(t, "abcab", 258, 257); /* the longest first, across words */
  EXPECT(t, "ac'\n", 'a' + 1, 'c' + 1, 259);
  EXPECT(t, "\xe6\x9c\x88\xe6\x9c\x89\xc2\x80\xff", 260, 261, 0x89 + 1, 262, 256); /* within characters */
  assert_int_equal(tokenizer_id(t, "<|rwkv_tokenizer_end_of_text|>"),
                   0); /* config.json says that it is the end */
  tokenizer_free(t);
  static const char *const wrong[] = {"257 'ab' 3",       "258 'ab' 2",    "257 ab 2",    "257 'ab 2",
                                      "257 'a'b' 3",      "257 '\\xg0' 1", "257 '\\q' 1", "257 '\\ud800' 3",
                                      "257 b'\\u6708' 3", "257 '' 0",      "257 'ab'",    "257 'ab' 2 x"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    put_rwkv(wrong[i]);
    expect_refused(in_scratch("rwkv_vocab_x.txt"), "line 257 is not");
  }
  put_rwkv("257 'a' 1\n");
  expect_refused(in_scratch("rwkv_vocab_x.txt"), "");
  put("rwkv_vocab_x.txt", "1 'a' 1\n");
  expect_refused(in_scratch("rwkv_vocab_x.txt"), "the byte 0x00 is no token");
  drop("rwkv_vocab_x.txt");
}

static void vocabulary_and_merges(void **state) {
  static const char vocabulary[] =
      "{\"a\":0,\"b\":1,\"\xc4\xa0\":2,\"ab\":3,\"<s>\":4,\"</s>\":5,\"\xc4\xa0"
      "ab\":6}";
  put("vocab.json", vocabulary);
  put("merges.txt", "#version: 0.2\na b\r\n\xc4\xa0 ab\n");
  put("tokenizer_config.json",
      "{\"tokenizer_class\":\"RobertaTokenizer\",\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</"
      "s>\"}}");
  Tokenizer *t = open_at(scratch);
  EXPECT(t, "ab ab a</s>", 3, 6, 2, 0, 5);
  assert_int_equal(tokenizer_begin(t), 4);
  assert_int_equal(tokenizer_behind(t)->data[0], 5);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":true}");
  t = open_at(scratch);
  EXPECT(t, "ab", 6);
  assert_int_equal(tokenizer_begin(t), -1);
  tokenizer_free(t);
  put("added_tokens.json", "{\"<x>\":7}");
  expect_refused(scratch, "added_tokens.json");
  drop("added_tokens.json");
  put("vocab.json", "{\"a\":0,\"b\":2}");
  expect_refused(scratch, "ids of its tokens");
  put("vocab.json", "{\"a\":0,\"b\":0}");
  expect_refused(scratch, "ids of its tokens");
  put("vocab.json", vocabulary);
  put("merges.txt", "a c\n");
  expect_refused(scratch, "merge 0");
  drop("vocab.json");
  expect_refused(scratch, "vocab.json");
}

/* 256 bytes and "he", "ll", "hell", behind 22 special tokens. */
static void put_tekken(const char *config, const char *specials, const char *last) {
  Buffer b = {0};
  static const char *const more[] = {"he", "ll", "hell"};
  buffer_addf(&b, "{\"config\": {%s}, %s\"vocab\": [", config, specials);
  for (int i = 0; i < 259; i++) {
    buffer_adds(&b, "{\"token_bytes\": \"");
    base64_write(i < 256 ? &(char){(char)i} : more[i - 256], i < 256 ? 1 : strlen(more[i - 256]), &b);
    buffer_addf(&b, "\", \"rank\": %d}, ", i);
  }
  buffer_addf(&b, "%s]}", last);
  put("tekken.json", b.data);
  buffer_free(&b);
}

#define TEKKEN(specials, size)                                              \
  "\"pattern\": \" ?\\\\p{L}+\", \"default_num_special_tokens\": " specials \
  ", "                                                                      \
  "\"default_vocab_size\": " size

static void ranks_of_mistral(void **state) {
  static const char last[] = "{\"rank\": 259, \"token_bytes\": \"QUI=\"}";
  const char *path = in_scratch("tekken.json");
  put_tekken(TEKKEN("22", "281"), "", last);
  Tokenizer *t = open_at(path);
  assert_int_equal(tokenizer_size(t), 281); /* the last is beyond that */
  EXPECT(t, "hell AB\xff", 280, 22 + ' ', 22 + 'A', 22 + 'B', 22 + 0xff);
  EXPECT(t, "[INST]<SPECIAL_21>", 3, 21);
  assert_int_equal(tokenizer_begin(t), 1);
  assert_int_equal(tokenizer_end(t), 2);
  tokenizer_free(t);
  put_tekken(TEKKEN("4", "264"), "\"special_tokens\": [{\"rank\": 3, \"token_str\": \"<x>\"}], ", last);
  t = open_at(path);
  EXPECT(t, "AB<x><SPECIAL_0>", 263, 3, 0);
  tokenizer_free(t);
  static const struct {
    const char *config, *specials, *last, *says;
  } wrong[] = {{TEKKEN("22", "300"), "", last, "has 260 ranks, of which the vocabulary needs 278"},
               {TEKKEN("22", "282"), "", "{\"rank\": 258, \"token_bytes\": \"QUI=\"}", "entry 259 of"},
               {TEKKEN("22", "282"), "", "{\"rank\": 259, \"token_bytes\": \"Q!\"}", "entry 259 of"},
               {TEKKEN("22", "282"), "", "{\"rank\": 259, \"token_bytes\": \"aGU=\"}", "is the same text as"},
               {TEKKEN("22", "282"), "", "7", "entry 259 of"},
               {TEKKEN("2", "261"), "", last, "is not possible"},
               {TEKKEN("22", "2000000000"), "", last, "is not possible"},
               {TEKKEN("22", "22"), "", last, "is not possible"},
               {"", "", last, "is not possible"},
               {TEKKEN("4", "264"), "\"special_tokens\": [{\"rank\": 4, \"token_str\": \"<x>\"}], ", last,
                "special token 4"},
               {TEKKEN("4", "264"),
                "\"special_tokens\": [{\"rank\": 3, \"token_str\": \"<x>\"}, {\"rank\": 3, \"token_str\": "
                "\"<y>\"}], ",
                last, "special token 3"},
               {TEKKEN("4", "264"), "\"special_tokens\": [{\"rank\": 3}], ", last, "special token 3"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    put_tekken(wrong[i].config, wrong[i].specials, wrong[i].last);
    expect_refused(path, wrong[i].says);
  }
  drop("tekken.json");
}

/* BertTokenizer of transformers. */
static void lines_of_bert(void **state) {
  static const char lines[] = "[PAD]\n[UNK]\n[CLS]\r\n[SEP]\nmoon\n##s\nMoon\ne\n";
  drop("tokenizer_config.json");
  drop("merges.txt");
  put("vocab.txt", lines);
  expect_refused(in_scratch("vocab.txt"), "add a tokenizer_config.json");
  put("tokenizer_config.json", "{\"do_lower_case\": true}");
  Tokenizer *t = open_at(in_scratch("vocab.txt"));
  EXPECT(t, "Moons MOON moonx \xc3\xa9[SEP]", 4, 5, 4, 1, 7, 3);
  assert_int_equal(tokenizer_begin(t), 2);
  assert_int_equal(tokenizer_behind(t)->data[0], 3);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"tokenizer_class\": \"BertTokenizer\", \"do_lower_case\": false}");
  t = open_at(scratch);
  EXPECT(t, "Moons moons \xc3\xa9", 6, 5, 4, 5, 1);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"do_lower_case\": false, \"strip_accents\": true}");
  t = open_at(scratch);
  EXPECT(t, "\xc3\xa9", 7);
  tokenizer_free(t);
  put("tokenizer_config.json", "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}");
  expect_refused(scratch, "\"BertJapaneseTokenizer\"");
  put("tokenizer_config.json", "{\"do_lower_case\": 1}");
  expect_refused(scratch, "do_lower_case");
  put("tokenizer_config.json", "{\"cls_token\": \"<s>\"}");
  expect_refused(scratch, "the cls_token \"<s>\" is not in it");
  put("vocab.txt", "[UNK]\n\n[CLS]\n");
  expect_refused(scratch, "line 2 is empty");
  put("vocab.txt", "[UNK]\n[CLS]\n[UNK]\n");
  expect_refused(scratch, "line 2 is the same text as 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sentencepiece_models),
      cmocka_unit_test(the_configuration_frames_texts),
      cmocka_unit_test(the_class_says_where_spaces_are_added),
      cmocka_unit_test(texts_between_special_tokens_begin_with_a_space),
      cmocka_unit_test(damaged_models_are_refused),
      cmocka_unit_test(ranks_of_tiktoken),
      cmocka_unit_test(lines_of_rwkv),
      cmocka_unit_test(marian_renames_pieces),
      cmocka_unit_test(other_models_of_marian_are_refused),
      cmocka_unit_test(languages_of_m2m100),
      cmocka_unit_test(other_models_of_m2m100_are_refused),
      cmocka_unit_test(vocabulary_and_merges),
      cmocka_unit_test(ranks_of_mistral),
      cmocka_unit_test(lines_of_bert),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
