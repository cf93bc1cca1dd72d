/* ink_interrupt stops what runs, and that says so; what is called afterwards does not know of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static ink_model *writer, *translator;
static ink_settings *writing, *rewriting, *evaluating;
static char text[PATH_ROOM], pairs[PATH_ROOM];

static ink_settings *set_all(ink_settings *s, const char *const *values) {
  Error err = {0};
  for (; *values; values += 2)
    if (!ink_settings_set(s, values[0], values[1], &err)) fail_msg("%s", err.text);
  return s;
}

static ink_model *model_of(const char *task, const char *arch, const char *data) {
  Error err = {0};
  char dir[PATH_ROOM];
  ink_settings *s =
      small_settings(WITH("arch", arch, "context", "32", "steps", "1", "warmup", "0", "eval-every", "1"));
  path_join(dir, scratch, task);
  ink_model *m = ink_train(task, &data, 1, dir, s, NULL, NULL, &err) ? ink_model_open(dir, &err) : NULL;
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

/* Interrupts at the n-th token. */
static bool count_down(void *user, const ink_token *token) {
  int *left = user;
  if (--*left == 0) ink_interrupt();
  return true;
}

static void writing_goes_well_after_an_interruption(void **state) {
  Error err = {0}, none = {0};
  ink_written written;
  int left = 3, never = -1;
  assert_false(ink_write(writer, "The", 3, writing, count_down, &left, &written, &err));
  assert_string_equal(err.text, "interrupted");
  assert_int_equal(written.new_tokens, 3);
  assert_true(ink_write(writer, "The", 3, writing, count_down, &never, &written, &none));
  assert_int_equal(written.new_tokens, 9);
  ink_interrupt(); /* nothing runs */
  assert_true(ink_write(writer, "The", 3, writing, count_down, &never, &written, &none));
  assert_int_equal(written.new_tokens, 9);
}

static bool take_output(void *user, const ink_output *output) {
  ++*(int *)user;
  return true;
}

static void interrupt_at_once(void *user, const ink_event *event) {
  ink_interrupt();
}

static void so_do_rewriting_and_scoring(void **state) {
  static const char *const inputs[] = {"2 moons"};
  static const size_t lengths[] = {7};
  const char *file = pairs;
  Error err = {0}, none = {0};
  ink_rewritten done = {0};
  ink_scores scores;
  int count = 0;
  ink_interrupt();
  assert_true(
      ink_rewrite(translator, "translate", inputs, lengths, 1, rewriting, take_output, &count, &done, &none));
  assert_int_equal(count, 1);
  assert_false(ink_eval(translator, &file, 1, evaluating, &scores, interrupt_at_once, NULL, &err));
  assert_string_equal(err.text, "interrupted");
  assert_true(ink_eval(translator, &file, 1, evaluating, &scores, NULL, NULL, &none));
  ink_free(scores.written);
  char *page = ink_explain(translator, "translate", inputs, lengths, 1, rewriting, &none);
  assert_non_null(page);
  ink_free(page);
}

/* Who asks between the calls that it makes, as the command line does, misses none. */
static void who_watches_sees_all(void **state) {
  Error err = {0};
  ink_written written;
  int never = -1;
  interrupt_watch();
  ink_interrupt();
  assert_false(ink_write(writer, "The", 3, writing, count_down, &never, &written, &err));
  assert_true(interrupted());
  interrupt_clear();
  assert_false(interrupted());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writing_goes_well_after_an_interruption),
      cmocka_unit_test(so_do_rewriting_and_scoring),
      cmocka_unit_test(who_watches_sees_all), /* the last: it goes on watching */
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
