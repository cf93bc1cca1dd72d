/* Files in memory: pages are released, contents stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/mapping.h"
#include "base/memory.h"
#include "base/scratch.h"

#include <cmocka.h> /* last: it defines fail() */

enum { BYTES = 64 << 20 };

static void write_file(void) {
  char *bytes = mem_alloc(BYTES);
  for (size_t i = 0; i < BYTES; i++) bytes[i] = (char)(i * 2654435761u >> 24);
  assert_true(file_replace(in_scratch("large"), bytes, BYTES, NULL));
  mem_free(bytes);
}

static void expect_contents(const char *data) {
  for (size_t i = 0; i < BYTES; i++)
    if (data[i] != (char)(i * 2654435761u >> 24)) fail_msg("byte %zu is another", i);
}

static void released_pages_come_again(void **state) {
  FileView file;
  (void)state;
  write_file();
  assert_true(file_view_regular(in_scratch("large"), &file, NULL));
  expect_contents(file.data);
  const int64_t before = mem_resident();
  mapping_release(file.data + 1000, BYTES - 2000);
  assert_true(before - mem_resident() > BYTES / 4 * 3);
  expect_contents(file.data);
  file_view_close(&file);
}

/* Its contents would be lost. */
static void other_memory_is_left_alone(void **state) {
  enum { AROUND = 1 << 20 };
  FileView file;
  (void)state;
  assert_true(file_view_regular(in_scratch("large"), &file, NULL));
  char *at = mem_alloc(BYTES);
  memset(at, 7, BYTES);
  mapping_release(at, BYTES);
  for (size_t i = 0; i < BYTES; i++) assert_int_equal(at[i], 7);
  mem_free(at);
  /* what begins in a file and ends in other memory */
  const void *place = file.data;
  file_view_close(&file);
  at = mmap((void *)(uintptr_t)place, BYTES + AROUND, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (at == MAP_FAILED) {
    print_message("SKIP: another mapping has that place\n");
    skip();
  }
  memset(at, 8, BYTES + AROUND);
  mapping_release(at, BYTES); /* the file is not there any more */
  for (size_t i = 0; i < BYTES; i++) assert_int_equal(at[i], 8);
  munmap(at, BYTES + AROUND);
}

static void a_range_that_ends_beyond_the_file_is_left_alone(void **state) {
  FileView file;
  (void)state;
  assert_true(file_view_regular(in_scratch("large"), &file, NULL));
  expect_contents(file.data);
  const int64_t before = mem_resident();
  mapping_release(file.data, 2 * (size_t)BYTES);
  assert_true(before - mem_resident() < BYTES / 4);
  file_view_close(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(released_pages_come_again),
      cmocka_unit_test(other_memory_is_left_alone),
      cmocka_unit_test(a_range_that_ends_beyond_the_file_is_left_alone),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
