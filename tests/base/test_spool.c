/* Bytes in memory and on disk: the same bytes, and nothing left behind. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/scratch.h"

#include <cmocka.h> /* last: it defines fail() */

static int close_all(void **state) {
  spool_set_in_memory(0);
  unsetenv("TMPDIR");
  return scratch_close(state);
}

/* The n-th byte of what is spooled. */
static char byte_at(size_t n) {
  return (char)(n * n % 251);
}

static void fill(Spool *s, size_t bytes) {
  char piece[1000];
  Error err = {0};
  while (s->length < bytes) {
    const size_t n = bytes - s->length < sizeof piece ? bytes - s->length : sizeof piece;
    for (size_t i = 0; i < n; i++) piece[i] = byte_at(s->length + i);
    if (!spool_add(s, piece, n, &err)) fail_msg("%s", err.text);
  }
}

static void expect_filled(const char *data, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (data[i] != byte_at(i)) fail_msg("byte %zu", i);
}

static void all_sizes(void **state) {
  static const size_t sizes[] = {0, 1, 65536, 65537, 300000, 1000000};
  spool_set_in_memory(100000);
  for (int i = 0; i < 6; i++) {
    Spool s = {0};
    fill(&s, sizes[i]);
    assert_int_equal(s.length, sizes[i]);
    assert_int_equal(s.on_disk, sizes[i] > 98304); /* 65536 and half of it */
    expect_filled(s.data, sizes[i]);
    spool_finish(&s);
    expect_filled(s.data, sizes[i]);
    spool_free(&s);
    assert_null(s.data);
  }
}

static void a_view_takes_it(void **state) {
  spool_set_in_memory(100000);
  for (size_t bytes = 0; bytes <= 400000; bytes += 200000) {
    Spool s = {0};
    FileView view;
    fill(&s, bytes);
    file_view_take(&view, &s);
    assert_null(s.data);
    assert_int_equal(view.size, bytes);
    assert_non_null(view.data);
    expect_filled(view.data, bytes);
    file_view_close(&view);
  }
}

static void its_file_has_no_name(void **state) {
  Names names;
  Spool s = {0};
  setenv("TMPDIR", in_scratch(""), 1);
  spool_set_in_memory(100000);
  fill(&s, 200000);
  assert_true(s.on_disk);
  assert_true(dir_list(in_scratch(""), &names, NULL));
  assert_int_equal(names.count, 0);
  names_free(&names);
  spool_free(&s);
}

static void a_full_disk_is_said(void **state) {
  Spool s = {0};
  Error err = {0};
  setenv("TMPDIR", "/nowhere/at/all", 1);
  spool_set_in_memory(100000);
  fill(&s, 60000);
  static const char more[100000];
  assert_false(spool_add(&s, more, sizeof more, &err));
  assert_non_null(strstr(err.text, "/nowhere/at/all: no disk space"));
  expect_filled(s.data, 60000); /* what was there is there */
  spool_free(&s);

  struct rlimit limit, small;
  setenv("TMPDIR", in_scratch(""), 1);
  fill(&s, 200000);
  getrlimit(RLIMIT_FSIZE, &limit);
  small = limit;
  small.rlim_cur = s.capacity;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  bool ok = true;
  while (ok && s.length < 10000000) ok = spool_add(&s, more, sizeof more, &err);
  setrlimit(RLIMIT_FSIZE, &limit);
  assert_false(ok);
  assert_non_null(strstr(err.text, "TMPDIR"));
  expect_filled(s.data, 200000);
  spool_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_sizes, scratch_open, close_all),
      cmocka_unit_test_setup_teardown(a_view_takes_it, scratch_open, close_all),
      cmocka_unit_test_setup_teardown(its_file_has_no_name, scratch_open, close_all),
      cmocka_unit_test_setup_teardown(a_full_disk_is_said, scratch_open, close_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
