/* The log of a run on a disk that runs full and has room again. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/scratch.h"
#include "train/log.h"

#include <cmocka.h> /* last: it defines fail() */

static void limit_files(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int64_t lines_of_log(const char *path) {
  FileView view;
  int64_t lines = 0;
  assert_true(file_view(path, &view, NULL));
  for (size_t at = 0; at < view.size; lines++) {
    const char *line = view.data + at, *end = memchr(line, '\n', view.size - at);
    assert_non_null(end);
    json_t *json = json_parse(line, (size_t)(end - line), "log.jsonl", NULL);
    assert_non_null(json);
    json_decref(json);
    at += (size_t)(end - line) + 1;
  }
  file_view_close(&view);
  return lines;
}

/* What was written of a line before the disk was full is taken back, so that all lines stay whole. */
static void a_line_is_there_whole_or_not_at_all(void **state) {
  TrainLog log;
  Error err = {0}, full = {0};
  char path[PATH_CAPACITY];
  path_join(path, in_scratch("."), "log.jsonl");
  signal(SIGXFSZ, SIG_IGN);
  assert_true(log_open(&log, in_scratch("."), 0, &err));
  assert_true(log_remark(&log, 1, "first", &err));
  limit_files(50);
  assert_false(log_remark(&log, 2, "a line that is longer than what the disk has left", &full));
  assert_non_null(strstr(full.text, "log.jsonl: cannot be written"));
  limit_files(RLIM_INFINITY);
  assert_true(log_remark(&log, 3, "third", &err));
  log_close(&log);
  assert_int_equal(lines_of_log(path), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_line_is_there_whole_or_not_at_all, scratch_open, scratch_close)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
