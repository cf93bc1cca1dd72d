/* ink_queue: each text is the one that ink_write gives alone, whatever else is in the queue, comes or goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { REQUESTS = 9, SAMPLES = 3 };

static const char *const archs[] = {"llama", "gpt2", "lstm"};
static const char *const prompts[REQUESTS] = {"The moon", "The old river", "sings",   "o", "The moon of 3",
                                              "stones",   "The moon",      "over 17", "T"};

typedef struct Text {
  Buffer texts[SAMPLES];
  ink_queue *queue; /* to submit another at the end; NULL: none */
  struct Text *next;
  const ink_settings *settings;
  int64_t written, request;
  int ends, stop_after; /* tokens; 0: goes on */
  ink_error why;
} Text;

static bool take(void *user, const ink_token *token) {
  Text *t = user;
  buffer_add(&t->texts[token->sample], token->text, token->length);
  return !t->stop_after || --t->stop_after > 0;
}

static void end(void *user, const ink_written *written, const ink_error *why) {
  Text *t = user;
  Error err = {0};
  t->ends++;
  t->written = written->new_tokens;
  if (why) t->why = *why;
  if (!t->next) return;
  t->next->request =
      ink_queue_write(t->queue, prompts[1], strlen(prompts[1]), t->settings, take, end, t->next, &err);
  if (!t->next->request) fail_msg("%s", err.text);
}

static void text_free(Text *t) {
  for (int i = 0; i < SAMPLES; i++) buffer_free(&t->texts[i]);
}

static ink_model *network(const char *arch) {
  Error err = {0};
  if (!train(in_scratch(arch), some_text(),
             WITH("arch", arch, "steps", "4", "context", "48", "overwrite", "true"), NULL, &err))
    fail_msg("%s", err.text);
  ink_model *m = ink_model_open(in_scratch(arch), NULL, &err);
  if (!m) fail_msg("%s", err.text);
  return m;
}

/* No two requests alike: greedy ones, drawn ones, several texts of one prompt, longer than the context. */
static ink_settings *settings_of(int i) {
  Error err = {0};
  ink_settings *s = ink_settings_write();
  CHECK(ink_settings_set_int(s, "seed", 3 + i, &err) &&
        ink_settings_set_int(s, "max-tokens", 5 + 9 * i, &err) &&
        ink_settings_set_bool(s, "ignore-end", true, &err) &&
        ink_settings_set_int(s, "samples", 1 + i % SAMPLES, &err));
  if (i % 4 == 1)
    CHECK(ink_settings_set_bool(s, "greedy", true, &err) && ink_settings_set_int(s, "samples", 1, &err));
  if (i % 4 == 2) CHECK(ink_settings_set_real(s, "repetition-penalty", 1.2, &err));
  return s;
}

static void write_alone(ink_model *m, int i, Text *t) {
  Error err = {0};
  ink_written written = INK_WRITTEN_INIT;
  ink_settings *s = settings_of(i);
  if (!ink_write(m, prompts[i], strlen(prompts[i]), s, take, t, &written, NULL, &err))
    fail_msg("%s", err.text);
  t->written = written.new_tokens;
  ink_settings_free(s);
}

static void submit(ink_queue *q, int i, Text *t) {
  Error err = {0};
  ink_settings *s = settings_of(i);
  t->request = ink_queue_write(q, prompts[i], strlen(prompts[i]), s, take, end, t, &err);
  if (!t->request) fail_msg("%s", err.text);
  ink_settings_free(s); /* they were copied */
}

static void step(ink_queue *q) {
  Error err = {0};
  if (!ink_queue_step(q, NULL, &err)) fail_msg("%s", err.text);
}

static void expect_same_texts(const char *arch, int i, const Text *a, const Text *b) {
  for (int k = 0; k < SAMPLES; k++)
    if (a->texts[k].length != b->texts[k].length ||
        (a->texts[k].length && memcmp(a->texts[k].data, b->texts[k].data, a->texts[k].length)))
      fail_msg("%s, request %d, text %d: \"%.*s\" and \"%.*s\"", arch, i, k, (int)a->texts[k].length,
               a->texts[k].data, (int)b->texts[k].length, b->texts[k].data);
  assert_int_equal(a->written, b->written);
}

static void a_request_is_as_if_alone(void **state) {
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    Error err = {0};
    Text alone[REQUESTS] = {0}, together[REQUESTS] = {0};
    ink_model *m = network(archs[a]);
    for (int i = 0; i < REQUESTS; i++) write_alone(m, i, &alone[i]);
    ink_queue *q = ink_queue_open(m, NULL, &err);
    for (int i = 0; i < REQUESTS; i++) {
      submit(q, i, &together[i]);
      if (i % 3 == 2) step(q); /* some come later */
    }
    while (ink_queue_unfinished(q)) step(q);
    step(q); /* nothing is left: fine */
    for (int i = 0; i < REQUESTS; i++) {
      expect_same_texts(archs[a], i, &alone[i], &together[i]);
      assert_int_equal(together[i].ends, 1);
      assert_int_equal(together[i].why.code, INK_OK);
      text_free(&alone[i]);
      text_free(&together[i]);
    }
    ink_queue_close(q);
    ink_model_close(m);
  }
}

static void cancelled_and_stopped(void **state) {
  Error err = {0}, stopped = {0};
  Text alone = {0}, kept = {0}, gone = {0}, ended = {.stop_after = 2}, unheard = {0};
  ink_stop stop = {1};
  ink_call call = INK_CALL_INIT;
  call.stop = &stop;
  ink_model *m = network("llama");
  write_alone(m, 5, &alone);
  ink_queue *q = ink_queue_open(m, NULL, &err);
  submit(q, 8, &gone);
  submit(q, 5, &kept);
  submit(q, 7, &ended);
  for (int i = 0; i < 3; i++) step(q);
  ink_queue_cancel(q, gone.request);
  ink_queue_cancel(q, gone.request); /* nothing more */
  ink_queue_cancel(q, 1000);
  assert_int_equal(gone.ends, 1);
  assert_int_equal(gone.why.code, INK_INTERRUPTED);
  assert_int_equal(ended.ends, 1); /* by its listener's word */
  assert_int_equal(ended.why.code, INK_OK);
  assert_int_equal(ink_queue_unfinished(q), 1);
  assert_false(ink_queue_step(q, &call, &stopped));
  assert_int_equal(stopped.code, INK_INTERRUPTED);
  while (ink_queue_unfinished(q)) step(q);
  expect_same_texts("llama", 5, &alone, &kept);
  submit(q, 8, &unheard);
  step(q);
  ink_queue_close(q); /* without a word */
  assert_int_equal(unheard.ends, 0);
  text_free(&alone);
  text_free(&kept);
  text_free(&gone);
  text_free(&ended);
  text_free(&unheard);
  ink_model_close(m);
}

static void one_that_ends_submits_another(void **state) {
  Error err = {0};
  Text alone = {0}, second = {0}, first = {.next = &second};
  ink_model *m = network("llama");
  write_alone(m, 1, &alone);
  ink_queue *q = ink_queue_open(m, NULL, &err);
  ink_settings *s = settings_of(1);
  first.queue = q;
  first.settings = s;
  submit(q, 0, &first);
  while (ink_queue_unfinished(q)) step(q);
  assert_int_equal(second.ends, 1);
  assert_int_not_equal(second.request, first.request);
  expect_same_texts("llama", 1, &alone, &second);
  ink_queue_close(q);
  ink_settings_free(s);
  text_free(&alone);
  text_free(&first);
  text_free(&second);
  ink_model_close(m);
}

static void what_is_refused_leaves_nothing_behind(void **state) {
  Error err = {0}, contrary = {0};
  ink_model *m = network("llama");
  ink_queue *q = ink_queue_open(m, NULL, &err);
  ink_settings *s = settings_of(1); /* greedy, */
  Text t = {0};
  assert_true(ink_settings_set(s, "temperature", "0.5", &err)); /* and drawn */
  const int64_t number = ink_queue_write(q, "The", 3, s, take, end, &t, &contrary);
  assert_true((number == 0) == (contrary.code != INK_OK));
  assert_int_equal(ink_queue_unfinished(q), number != 0);
  ink_queue_close(q);
  ink_settings_free(s);
  text_free(&t);
  ink_model_close(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_is_as_if_alone),
      cmocka_unit_test(cancelled_and_stopped),
      cmocka_unit_test(one_that_ends_submits_another),
      cmocka_unit_test(what_is_refused_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
