/* Two runs at once, each on a thread of its own and with a number of threads of its own, as inkstone.h
 * allows: each leaves what it leaves alone. Built with the thread sanitizer this finds what they share. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

typedef struct Job {
  const char *task, *out, *threads;
  char data[PATH_CAPACITY], dir[PATH_CAPACITY];
  bool ok;
  Error err;
  char *written;
} Job;

static bool collect(void *user, const ink_token *token) {
  buffer_add(user, token->text, token->length);
  return true;
}

static bool collect_output(void *user, const ink_output *output) {
  buffer_add(user, output->text, output->length);
  return true;
}

static bool use(Job *j, ink_model *m, Buffer *text) {
  static const char *const inputs[] = {"2 moons", "stones", "4 moons sing"};
  static const size_t lengths[] = {7, 6, 12};
  const bool writes = !strcmp(j->task, "write");
  ink_settings *s = writes ? ink_settings_write() : ink_settings_rewrite();
  ink_written written = INK_WRITTEN_INIT;
  ink_rewritten done = INK_REWRITTEN_INIT;
  bool ok =
      ink_settings_set(s, "threads", j->threads, &j->err) && ink_settings_set(s, "max-tokens", "12", &j->err);
  ok = ok &&
       (writes ? ink_write(m, "The", 3, s, collect, text, &written, NULL, &j->err)
               : ink_rewrite(m, j->task, inputs, lengths, 3, s, collect_output, text, &done, NULL, &j->err));
  ink_settings_free(s);
  return ok;
}

static void *run(void *arg) {
  Job *j = arg;
  Buffer text = {0};
  const char *data = j->data;
  path_join(j->dir, scratch, j->out);
  ink_settings *s =
      small_settings(WITH("threads", j->threads, "context", "32", "steps", "6", "eval-every", "2"));
  if (strcmp(j->task, "write")) ink_settings_set(s, "arch", "marian", &j->err);
  j->ok = ink_train(j->task, &data, 1, j->dir, s, NULL, &j->err);
  ink_settings_free(s);
  ink_model *m = j->ok ? ink_model_open(j->dir, NULL, &j->err) : NULL;
  j->ok = m && use(j, m, &text);
  ink_model_close(m);
  buffer_adds(&text, "");
  j->written = buffer_take(&text);
  return NULL;
}

static void expect_same(const Job *a, const Job *b) {
  char path[PATH_CAPACITY];
  FileView x, y;
  if (!a->ok || !b->ok) fail_msg("%s%s", a->err.text, b->err.text);
  assert_true(file_view(path_join(path, a->dir, "model.safetensors"), &x, NULL));
  assert_true(file_view(path_join(path, b->dir, "model.safetensors"), &y, NULL));
  assert_int_equal(x.size, y.size);
  assert_memory_equal(x.data, y.data, x.size);
  file_view_close(&x);
  file_view_close(&y);
  assert_string_equal(a->written, b->written);
}

static void two_runs_at_once(void **state) {
  Job jobs[] = {{.task = "write", .out = "a", .threads = "1"},
                {.task = "translate", .out = "b", .threads = "3"},
                {.task = "write", .out = "c", .threads = "1"},
                {.task = "translate", .out = "d", .threads = "3"}};
  pthread_t threads[2];
  Buffer pairs = {0};
  char path[PATH_CAPACITY];
  some_text();
  for (int i = 0; i < 40; i++) buffer_addf(&pairs, "%d moons sing\tmany sing: %d\n", i, i);
  assert_true(file_replace(path_join(path, scratch, "pairs.tsv"), pairs.data, pairs.length, NULL));
  buffer_free(&pairs);
  for (int i = 0; i < 4; i++) path_join(jobs[i].data, scratch, i % 2 ? "pairs.tsv" : "text");
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, run, &jobs[i]), 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (int i = 2; i < 4; i++) run(&jobs[i]);
  expect_same(&jobs[0], &jobs[2]);
  expect_same(&jobs[1], &jobs[3]);
  for (int i = 0; i < 4; i++) ink_free(jobs[i].written);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(two_runs_at_once, scratch_open, scratch_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
