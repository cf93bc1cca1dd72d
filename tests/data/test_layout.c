/* How inputs are laid out for tokenizers from elsewhere: as their tokens allow it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "data/layout.h"
#include "text/tokenizer_impl.h"

#include <cmocka.h> /* last: it defines fail() */

/* Letters, and these added tokens from id 20 on, each with ","; `post`: a post-processor. */
static Tokenizer *tokenizer_with(const char *const *added, const char *post) {
  static const char letters[] = "usertmianuy<|>";
  Buffer b = {0};
  Error err = {0};
  buffer_adds(&b, "{\"model\":{\"merges\":[],\"vocab\":{");
  for (int i = 0, n = 0; letters[i]; i++) {
    if (strchr(letters, letters[i]) != letters + i) continue;
    buffer_addf(&b, "%s\"%c\":%d", n ? "," : "", letters[i], n);
    n++;
  }
  for (int i = 13; i < 20; i++) buffer_addf(&b, ",\"filler%d\":%d", i, i);
  buffer_adds(&b, "}},\"added_tokens\":[");
  for (int i = 0; added[i]; i++)
    buffer_addf(&b, "%s{\"id\":%d,\"content\":\"%s\",\"special\":true}", i ? "," : "", 20 + i, added[i]);
  buffer_addf(&b, "],\"post_processor\":%s}", post);
  Tokenizer *t = tokenizer_parse(b.data, b.length, "t.json", &err);
  if (!t) fail_msg("%s: %s", err.text, b.data);
  buffer_free(&b);
  return t;
}

enum { U, S, E, R, T, M, I, A, N, Y, LESS, BAR, MORE };

static void expect(const Ids *ids, const int32_t *wanted, size_t count) {
  if (ids->count != count || memcmp(ids->data, wanted, count * sizeof *wanted))
    for (size_t i = 0; i < ids->count; i++) print_error("%d ", ids->data[i]);
  assert_int_equal(ids->count, count);
  assert_memory_equal(ids->data, wanted, count * sizeof *wanted);
}
#define EXPECT(ids, ...) \
  expect(ids, (int32_t[]){__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void lay(const char *const *added, const char *post, const char *task, bool encodes, PairLayout *l,
                Ids *source, Ids *prompt) {
  Tokenizer *t = tokenizer_with(added, post);
  const Turn turn = {ROLE_USER, "my", 2, NULL};
  size_t dropped;
  Error err = {0};
  if (!layout_find(l, task_find(task), t, encodes, 64, NULL, &err)) fail_msg("%s", err.text);
  source->count = prompt->count = 0;
  assert_true(layout_input(l, t, &turn, 1, source, prompt, &dropped, &err));
  tokenizer_free(t);
}

static void turns_have_the_tokens_that_there_are(void **state) {
  PairLayout l;
  Ids source = {0}, prompt = {0};
  lay((const char *const[]){"</s>", "<|im_start|>", "<|im_end|>", NULL}, "null", "reply", false, &l, &source,
      &prompt);
  /* no token for the line end in this vocabulary: it is left out */
  EXPECT(&prompt, 21, U, S, E, R, M, Y, 22, 21, A, S, S, I, S, T, A, N, T);
  assert_int_equal(layout_end(&l), 22);
  assert_int_equal(l.pad, 20);
  assert_int_equal(layout_never(&l), 20);
  lay((const char *const[]){"<s>", "</s>", NULL},
      "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{}}]}",
      "reply", false, &l, &source, &prompt);
  EXPECT(&prompt, 20, LESS, BAR, U, S, E, R, BAR, MORE, M, Y, 21, LESS, BAR, A, S, S, I, S, T, A, N, T, BAR,
         MORE);
  assert_int_equal(layout_end(&l), 21);
  assert_true(l.pad == 21 && layout_never(&l) == -1); /* it ends texts, so models must write it */
  lay((const char *const[]){"<|endoftext|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>",
                            NULL},
      "null", "reply", false, &l, &source, &prompt);
  EXPECT(&prompt, 23, M, Y, 25, 24);
  assert_int_equal(l.pad, 21);
  vec_free(&source);
  vec_free(&prompt);
}

/* [ROLE text <|end|>]... <|assistant|>, of a model that reads `time` tokens. */
static void the_system_turn_is_left_out_last(void **state) {
  static const char *const added[] = {"<|endoftext|>", "<|pad|>", "<|system|>", "<|user|>",
                                      "<|assistant|>", "<|end|>", NULL};
  static const Turn turns[] = {{ROLE_SYSTEM, "a", 1, NULL},
                               {ROLE_USER, "m", 1, NULL},
                               {ROLE_ASSISTANT, "y", 1, NULL},
                               {ROLE_USER, "my", 2, NULL}};
  Tokenizer *t = tokenizer_with(added, "null");
  PairLayout l;
  Ids source = {0}, prompt = {0};
  size_t dropped;
  Error err = {0};
  static const struct {
    int64_t time;
    size_t dropped;
  } cases[] = {{26, 0}, {24, 1}, {20, 1}, {18, 2}, {14, 2}, {12, 3}, {6, 3}};
  if (!layout_find(&l, task_find("reply"), t, false, 64, NULL, &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    l.time = cases[i].time;
    prompt.count = 0;
    assert_true(layout_input(&l, t, turns, 4, &source, &prompt, &dropped, &err));
    assert_int_equal(dropped, cases[i].dropped);
    assert_int_equal(prompt.data[0], dropped < 3 ? 22 : 23);
    assert_int_equal(prompt.count, (dropped < 3 ? 8 : 5) + 3 * (dropped < 2) + 3 * (dropped < 1));
  }
  tokenizer_free(t);
  vec_free(&source);
  vec_free(&prompt);
}

static void sources_stand_in_their_frame(void **state) {
  static const char bart[] = "{\"type\":\"RobertaProcessing\",\"cls\":[\"<s>\",20],\"sep\":[\"</s>\",21]}";
  PairLayout l;
  Ids source = {0}, prompt = {0};
  lay((const char *const[]){"<s>", "</s>", NULL}, bart, "translate", true, &l, &source, &prompt);
  EXPECT(&source, 20, M, Y, 21);
  assert_int_equal(layout_source_capacity(&l), 62);
  EXPECT(&prompt, 21); /* padding, for which it has no name */
  layout_keep(&l, 20, 5);
  assert_true(l.start == 20 && l.pad == 5);
  lay((const char *const[]){"<s>", "</s>", NULL}, "null", "translate", true, &l, &source, &prompt);
  EXPECT(&source, M, Y, 21);
  vec_free(&source);
  vec_free(&prompt);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(turns_have_the_tokens_that_there_are),
      cmocka_unit_test(the_system_turn_is_left_out_last),
      cmocka_unit_test(sources_stand_in_their_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
