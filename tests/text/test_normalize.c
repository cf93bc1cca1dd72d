/* Normal forms of text, and tokenizers that declare theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/scratch.h"
#include "text/pipeline.h"
#include "text/text_source.h"

#include <cmocka.h> /* last: it defines fail() */

/* `second` NULL: one step. */
static void expect(const char *first, const char *second, const char *text, const char *wanted) {
  Buffer out = {0};
  Steps steps = {0};
  steps_add_normalizer(&steps, first);
  if (second) steps_add_normalizer(&steps, second);
  assert_true(steps_normalize(&steps, text, strlen(text), &out, NULL));
  assert_string_equal(out.data ? out.data : "", wanted);
  buffer_free(&out);
  steps_free(&steps);
}

static void lower_case(void **state) {
  expect("Lowercase", NULL, "", "");
  expect("Lowercase", NULL, "A Word, \xc3\x84\xc3\x96\xc3\x9c\xc3\x9f 12",
         "a word, \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f 12");
  expect("Lowercase", NULL, "\xce\xa3\xce\x91\xce\xa3 \xe6\x9c\x88",
         "\xcf\x83\xce\xb1\xcf\x83 \xe6\x9c\x88"); /* sigma: no final form */
  expect("Lowercase", NULL, "\xc4\xb0", "i\xcc\x87");
  expect("Lowercase", NULL,
         "A\xff"
         "B\xe6\x9c",
         "a\xff"
         "b\xe6\x9c"); /* no UTF-8: stays */
}

static void compatible_form(void **state) {
  expect("NFKC", NULL, "\xef\xbc\xa1\xef\xbc\x92 \xef\xac\x81t \xe2\x91\xa0\xc2\xbd",
         "A2 fit 1"
         "1\xe2\x81\x84"
         "2");
  expect("NFKC", NULL, "\xe3\x80\x80\xe6\x9c\x88\xe3\x80\x82\xef\xbc\x8c", " \xe6\x9c\x88\xe3\x80\x82,");
  expect("NFKC", NULL, "e\xcc\x81 \xc2\xa0", "\xc3\xa9  ");
  expect("NFKC", "Lowercase", "\xef\xbc\xa1\xe2\x84\xab", "a\xc3\xa5");
  expect("NFC", NULL, "\xef\xbc\xa1 e\xcc\x81", "\xef\xbc\xa1 \xc3\xa9"); /* NFC is not NFKC */
}

static Tokenizer *reopened(Tokenizer *t) {
  Error err = {0};
  assert_true(tokenizer_save(t, in_scratch("tokenizer.json"), false, &err));
  Tokenizer *again = tokenizer_open(in_scratch("tokenizer.json"), &err);
  if (!again) fail_msg("%s", err.text);
  return again;
}

static void expect_same_ids(const Tokenizer *t, const char *a, const char *b) {
  Ids x = {0}, y = {0};
  assert_true(tokenizer_encode(t, a, strlen(a), false, &x, NULL));
  assert_true(tokenizer_encode(t, b, strlen(b), false, &y, NULL));
  assert_int_equal(x.count, y.count);
  assert_memory_equal(x.data, y.data, x.count * sizeof *x.data);
  vec_free(&x);
  vec_free(&y);
}

/* Learnt from normal text, and whoever uses it normalizes too: also after saving. */
static void tokenizers_normalize(void **state) {
  const char *text = "THE THE THE \xef\xbc\xb4\xef\xbc\xa8\xef\xbc\xa5 the cat Cat caT cAT";
  Texts texts = {.texts = (const char *const[]){text, NULL}};
  TextSource source = {&texts, texts_rewind, texts_next, 0};
  const TokenizerSettings s = {
      .tokenizer = "bpe", .vocab = 262, .memory = 1 << 20, .lowercase = true, .normalize = "nfkc"};
  Tokenizer *t = tokenizer_train(&source, &s, NULL, &(News){0}, NULL);
  assert_non_null(t);
  for (int32_t id = 256; id < tokenizer_size(t) - 1; id++) {
    size_t length;
    const char *piece = tokenizer_piece(t, id, &length);
    for (size_t i = 0; i < length; i++) assert_false(piece[i] >= 'A' && piece[i] <= 'Z');
  }
  Tokenizer *again = reopened(t);
  expect_same_ids(t, "The CAT", "the cat");
  expect_same_ids(again, "The CAT \xef\xbc\xb4", "the cat t");
  assert_int_equal(tokenizer_fingerprint(t), tokenizer_fingerprint(again));
  tokenizer_free(t);
  tokenizer_free(again);
}

/* Several documents: each is normalized into the memory of the one before, which training must not read
 * again. */
static void many_texts_are_normalized_one_by_one(void **state) {
  (void)state;
  static const char *const upper[] = {"THE CAT SAT ON THE MAT AND THE RAT", "A CAT, A RAT", "THE MAT", NULL};
  static const char *const lower[] = {"the cat sat on the mat and the rat", "a cat, a rat", "the mat", NULL};
  for (int bpe = 0; bpe < 2; bpe++) {
    Texts texts = {.texts = upper};
    TextSource source = {&texts, texts_rewind, texts_next, 0};
    const TokenizerSettings s = {
        .tokenizer = bpe ? "bpe" : "char", .vocab = 280, .memory = 1 << 20, .lowercase = true};
    Tokenizer *t = tokenizer_train(&source, &s, NULL, &(News){0}, NULL);
    Tokenizer *plain = learn(s.tokenizer, s.vocab, lower, 0, &(News){0}, NULL);
    assert_int_equal(tokenizer_size(t), tokenizer_size(plain));
    for (int32_t id = 256; id < tokenizer_size(t); id++) {
      size_t length, other;
      const char *a = tokenizer_piece(t, id, &length), *b = tokenizer_piece(plain, id, &other);
      assert_int_equal(length, other);
      assert_memory_equal(a, b, length);
    }
    tokenizer_free(t);
    tokenizer_free(plain);
  }
}

static void plain_tokenizers_do_not(void **state) {
  Tokenizer *t = learn("byte", 0, (const char *const[]){"A", NULL}, 0, &(News){0}, NULL);
  assert_int_equal(t->normalizers.count, 0);
  tokenizer_free(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lower_case),
      cmocka_unit_test(compatible_form),
      cmocka_unit_test(tokenizers_normalize),
      cmocka_unit_test(many_texts_are_normalized_one_by_one),
      cmocka_unit_test(plain_tokenizers_do_not),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
