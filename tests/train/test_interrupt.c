/* An ink_stop ends the calls that were given it, and they say so; others, at the same time and afterwards, do
 * not know of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <pthread.h>

#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static ink_model *writer, *translator;
static ink_settings *writing, *rewriting, *evaluating;
static char text[PATH_CAPACITY], pairs[PATH_CAPACITY];

static ink_settings *set_all(ink_settings *s, const char *const *values) {
  Error err = {0};
  for (; *values; values += 2)
    if (!ink_settings_set(s, values[0], values[1], &err)) fail_msg("%s", err.text);
  return s;
}

static ink_model *model_of(const char *task, const char *arch, const char *data) {
  Error err = {0};
  char dir[PATH_CAPACITY];
  ink_settings *s =
      small_settings(WITH("arch", arch, "context", "32", "steps", "1", "warmup", "0", "eval-every", "1"));
  path_join(dir, scratch, task);
  ink_model *m = ink_train(task, &data, 1, dir, s, NULL, &err) ? ink_model_open(dir, NULL, &err) : NULL;
  if (!m) fail_msg("%s", err.text);
  ink_settings_free(s);
  return m;
}

static int open_all(void **state) {
  Buffer lines = {0};
  if (scratch_open(state)) return -1;
  some_text();
  path_join(text, scratch, "text");
  path_join(pairs, scratch, "pairs.tsv");
  for (int i = 0; i < 40; i++) buffer_addf(&lines, "%d moons sing\tmany sing: %d\n", i, i);
  if (!file_replace(pairs, lines.data, lines.length, NULL)) return -1;
  buffer_free(&lines);
  writer = model_of("write", "llama", text);
  translator = model_of("translate", "marian", pairs);
  writing = set_all(ink_settings_write(), WITH("max-tokens", "9", "ignore-end", "true"));
  rewriting = set_all(ink_settings_rewrite(), WITH("max-tokens", "9"));
  evaluating = set_all(ink_settings_eval(), WITH("max-tokens", "4"));
  return 0;
}

static int close_all(void **state) {
  ink_model_close(writer);
  ink_model_close(translator);
  ink_settings_free(writing);
  ink_settings_free(rewriting);
  ink_settings_free(evaluating);
  return scratch_close(state);
}

static ink_stop stop;

static ink_call stoppable(void) {
  ink_call call = INK_CALL_INIT;
  call.stop = &stop;
  return call;
}

/* Stops at the n-th token. */
static bool count_down(void *user, const ink_token *token) {
  int *left = user;
  if (--*left == 0) ink_stop_request(&stop);
  return true;
}

static void writing_goes_well_after_an_interruption(void **state) {
  Error err = {0}, none = {0};
  ink_written written = INK_WRITTEN_INIT;
  int left = 3, never = -1;
  const ink_call call = stoppable();
  assert_false(ink_write(writer, "The", 3, writing, count_down, &left, &written, &call, &err));
  assert_string_equal(err.text, "interrupted");
  assert_int_equal(err.code, INK_INTERRUPTED);
  assert_int_equal(written.new_tokens, 3);
  assert_true(
      ink_write(writer, "The", 3, writing, count_down, &never, &written, NULL, &none)); /* another call */
  assert_int_equal(written.new_tokens, 9);
  ink_stop_clear(&stop);
  assert_true(ink_write(writer, "The", 3, writing, count_down, &never, &written, &call, &none));
  assert_int_equal(written.new_tokens, 9);
}

static void a_stop_that_came_before_is_not_lost(void **state) {
  Error err = {0}, none = {0};
  ink_written written = INK_WRITTEN_INIT;
  int never = -1;
  const ink_call call = stoppable();
  ink_stop_request(&stop);
  assert_false(ink_write(writer, "The", 3, writing, count_down, &never, &written, &call, &err));
  assert_int_equal(err.code, INK_INTERRUPTED);
  assert_null(ink_model_open(in_scratch("write"), &call, &none));
  assert_int_equal(none.code, INK_INTERRUPTED);
  ink_stop_clear(&stop);
}

static bool take_output(void *user, const ink_output *output) {
  ++*(int *)user;
  return true;
}

static void stop_at_once(void *user, const ink_event *event) {
  ink_stop_request(&stop);
}

static void so_do_rewriting_and_scoring(void **state) {
  static const char *const inputs[] = {"2 moons"};
  static const size_t lengths[] = {7};
  const char *file = pairs;
  Error err = {0}, none = {0}, again = {0};
  ink_rewritten done = INK_REWRITTEN_INIT;
  ink_scores scores = INK_SCORES_INIT;
  int count = 0;
  ink_call call = stoppable();
  call.listener = stop_at_once;
  assert_false(ink_eval(translator, &file, 1, evaluating, &scores, &call, &err));
  assert_string_equal(err.text, "interrupted");
  assert_false(ink_rewrite(translator, "translate", inputs, lengths, 1, rewriting, take_output, &count, &done,
                           &call, &again));
  assert_int_equal(again.code, INK_INTERRUPTED);
  assert_int_equal(count, 0);
  assert_true(ink_rewrite(translator, "translate", inputs, lengths, 1, rewriting, take_output, &count, &done,
                          NULL, &none));
  assert_int_equal(count, 1);
  assert_true(ink_eval(translator, &file, 1, evaluating, &scores, NULL, &none));
  ink_free(scores.written);
  char *page = ink_explain(translator, "translate", inputs, lengths, 1, rewriting, NULL, &none);
  assert_non_null(page);
  ink_free(page);
  ink_stop_clear(&stop);
}

/* A call from a listener belongs to the call that it was heard in. */
static bool write_within(void *user, const ink_token *token) {
  Error *err = user;
  ink_written written = INK_WRITTEN_INIT;
  int never = -1;
  ink_stop_request(&stop);
  ink_model *other = ink_model_open(in_scratch("write"), NULL, err);
  if (other) ink_write(other, "The", 3, writing, count_down, &never, &written, NULL, err);
  ink_model_close(other);
  return true;
}

static void a_call_within_a_call_is_stopped_with_it(void **state) {
  Error err = {0}, within = {0};
  ink_written written = INK_WRITTEN_INIT;
  const ink_call call = stoppable();
  assert_false(ink_write(writer, "The", 3, writing, write_within, &within, &written, &call, &err));
  assert_int_equal(within.code, INK_INTERRUPTED);
  ink_stop_clear(&stop);
}

/* Two users at once: one is stopped by a third thread, the other one comes to its end. */
static bool raise_flag(void *user, const ink_token *token) {
  __atomic_store_n((int *)user, 1, __ATOMIC_RELEASE);
  return true;
}

static void *write_without_end(void *flag) {
  Error *err = calloc(1, sizeof *err);
  ink_written written = INK_WRITTEN_INIT;
  const ink_call call = stoppable();
  ink_model *m = ink_model_open(in_scratch("write"), NULL, err);
  ink_settings *s = set_all(ink_settings_write(), WITH("max-tokens", "100000000", "ignore-end", "true"));
  if (m) ink_write(m, "The", 3, s, raise_flag, flag, &written, &call, err);
  ink_settings_free(s);
  ink_model_close(m);
  return err;
}

static void another_thread_stops_one_of_two(void **state) {
  Error err = {0}, *of_endless;
  ink_written written = INK_WRITTEN_INIT;
  int flag = 0, never = -1;
  pthread_t endless;
  assert_int_equal(pthread_create(&endless, NULL, write_without_end, &flag), 0);
  while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE)) sched_yield();
  ink_stop_request(&stop);
  assert_true(ink_write(writer, "The", 3, writing, count_down, &never, &written, NULL, &err));
  assert_int_equal(written.new_tokens, 9);
  pthread_join(endless, (void **)&of_endless);
  assert_int_equal(of_endless->code, INK_INTERRUPTED);
  free(of_endless);
  ink_stop_clear(&stop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writing_goes_well_after_an_interruption),
      cmocka_unit_test(so_do_rewriting_and_scoring),
      cmocka_unit_test(a_stop_that_came_before_is_not_lost),
      cmocka_unit_test(a_call_within_a_call_is_stopped_with_it),
      cmocka_unit_test(another_thread_stops_one_of_two),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
