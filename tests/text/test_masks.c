/* Masks: what is replaced by tokens that a model copies, and what is put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/masks.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static void masked_is(const Glossary *g, const char *text, const char *wanted, const char *put_back) {
  Error err = {0};
  Masks masks = {0};
  Buffer out = {0}, back = {0};
  SpanFinder *f = spans_open(g, &err);
  assert_true(masks_apply(f, text, strlen(text), &masks, &out, &err));
  assert_string_equal(out.data, wanted);
  masks_put_back(&masks, g, out.data, out.length, &back, NULL);
  assert_string_equal(back.data, put_back);
  buffer_free(&out);
  buffer_free(&back);
  spans_close(f);
}

static void spans_are_masked(void **state) {
  (void)state;
#define SAME(text, wanted) masked_is(NULL, text, wanted, text)
  SAME("set %s to 1250 Nm", "set <|copy0|> to <|copy1|> Nm");
  SAME("1,250.75 and 7", "1,<|copy0|>.<|copy1|> and 7");
  SAME("150万 people, 25 million", "150万 people, 25 million");
  SAME("AB-12, AB-12, <b>{user}</b>", "<|copy0|>, <|copy0|>, <|copy1|><|copy2|><|copy3|>");
  SAME("twelve two", "twelve two");
  SAME("ends with 12", "ends with <|copy0|>");
}

static void terms_are_translated(void **state) {
  (void)state;
  Glossary g = {0};
  glossary_add(&g, (Term){"feed pump", "Speisepumpe", 9, 11});
  masked_is(&g, "The feed pump has 12 V", "The <|copy0|> has <|copy1|> V", "The Speisepumpe has 12 V");
  glossary_free(&g);
}

/* What a text spells is never taken for a token that stands for something else. */
static void spelled_tokens_are_text(void **state) {
  (void)state;
  SAME("<|copy1|> and {a} <|copy0|>", "<|copy0|> and <|copy2|> <|copy1|>");
  SAME("10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 <|copy3|>",
       "<|copy1|> <|copy2|> <|copy3|> <|copy4|> <|copy5|> <|copy6|> <|copy7|> <|copy8|> <|copy9|> <|copy10|> "
       "<|copy11|> <|copy12|> <|copy13|> <|copy14|> <|copy15|> 25 26 <|copy0|>");
}

/* Also if it is in a span that found no token, or in the second of two texts. */
static void spelled_tokens_in_other_spans(void **state) {
  (void)state;
  SAME("10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 {{<|copy0|>}}",
       "<|copy1|> <|copy2|> <|copy3|> <|copy4|> <|copy5|> <|copy6|> <|copy7|> <|copy8|> <|copy9|> <|copy10|> "
       "<|copy11|> <|copy12|> <|copy13|> <|copy14|> <|copy15|> {{<|copy0|>}}");
}

static void unknown_tokens_are_left(void **state) {
  (void)state;
  Buffer out = {0};
  int64_t counts[MASKS];
  const char text[] = "<|copy0|> <|copy9|> <|copy <|copy0|>";
  const Masks masks = {.items = {{SPAN_NUMBER, "12", 2, -1}}, .count = 1};
  masks_put_back(&masks, NULL, text, strlen(text), &out, counts);
  assert_string_equal(out.data, "12 <|copy9|> <|copy 12");
  assert_int_equal(counts[0], 2);
  assert_int_equal(counts[1], 0);
  buffer_clear(&out);
  masks_put_back(&masks, NULL, "<|copy0|><|copy0|>x", 19, &out, NULL);
  assert_string_equal(out.data, "12 12x");
  buffer_free(&out);
}

/* Training masks what both sides have, by any of the tokens; of names, those that are the same word. */
static void shared_spans_are_masked(void **state) {
  (void)state;
  static const char source[] = "Smith has 1250 of AB-1 and 99", target[] = "Smith hat 1250 von AB-1 und 98";
  static const struct {
    bool names;
    const char *source, *target;
  } wanted[] = {
      {false, "Smith has <|copy15|> of <|copy0|> and 99", "Smith hat <|copy15|> von <|copy0|> und 98"},
      {true, "<|copy15|> has <|copy0|> of <|copy1|> and 99",
       "<|copy15|> hat <|copy0|> von <|copy1|> und 98"}};
  for (int i = 0; i < 2; i++) {
    Error err = {0};
    Buffer out = {0};
    Masks masks = {.first = 15};
    const MapKey texts[] = {{source, strlen(source)}, {target, strlen(target)}};
    SpanFinder *f = spans_open(NULL, &err);
    assert_true(masks_shared(f, texts, 2, wanted[i].names, &masks, &err));
    assert_true(masks_apply_shared(f, source, strlen(source), wanted[i].names, &masks, &out, &err));
    assert_string_equal(out.data, wanted[i].source);
    buffer_clear(&out);
    assert_true(masks_apply_shared(f, target, strlen(target), wanted[i].names, &masks, &out, &err));
    assert_string_equal(out.data, wanted[i].target);
    buffer_free(&out);
    spans_close(f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spans_are_masked),        cmocka_unit_test(terms_are_translated),
      cmocka_unit_test(spelled_tokens_are_text), cmocka_unit_test(spelled_tokens_in_other_spans),
      cmocka_unit_test(unknown_tokens_are_left), cmocka_unit_test(shared_spans_are_masked)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
