/* docs/operators.md is made from the operators' own formulas. This test fails where the page is out of date;
 * run it with UPDATE=1 in the environment to write the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "ops/sample.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static const char PAGE[] = TESTS_DIR "/../docs/operators.md";

static void describe(Buffer *page, const Op *op) {
  OpSampler s = {.tape = tape_new(true), .frozen = -1, .moved = -1};
  sample_run(&s, op);
  buffer_addf(page, "\n## %s\n\n```\n%s\n```\n\n", op->name, op->formula);
  buffer_addf(page, "[src/ops/%s.c](../src/ops/%s.c).\nGradients of ", op->name, op->name);
  for (int i = 0; i < s.inputs; i++) buffer_addf(page, "%s`%s`", i % 6 ? ", " : i ? ",\n" : "", s.names[i]);
  buffer_addf(page, "; %d case%s tested.\n", s.cases, s.cases == 1 ? "" : "s");
  tape_free(s.tape);
}

static void make_page(Buffer *page) {
  buffer_adds(
      page,
      "# Operators\n\n"
      "Written by `tests/ops/test_reference.c` from the operators' own texts: do not edit.\n\n"
      "Each is a function `op_<name>` of [src/ops/ops.h](../src/ops/ops.h). All arrays are f32 and\n"
      "contiguous, unless said; `...` stands for any leading dimensions. B: sequences, T: tokens of each,\n"
      "D: columns, V: vocabulary, H: query heads, G: key/value heads, d: values of a head, N: rows.\n"
      "Every formula is tested against PyTorch, and every gradient against finite differences.\n");
  for (int i = 0; i < op_count; i++) describe(page, op_table[i]);
}

static char *read_page(void) {
  Buffer text = {0};
  char piece[4096];
  size_t n;
  FILE *file = fopen(PAGE, "r");
  while (file && (n = fread(piece, 1, sizeof piece, file)) > 0) buffer_add(&text, piece, n);
  if (file) fclose(file);
  return buffer_take(&text);
}

static void write_page(const Buffer *page) {
  FILE *file = fopen(PAGE, "w");
  assert_non_null(file);
  fwrite(page->data, 1, page->length, file);
  fclose(file);
}

static void page_is_up_to_date(void **state) {
  (void)state;
  Buffer page = {0};
  make_page(&page);
  if (getenv("UPDATE")) write_page(&page);
  char *there = read_page();
  if (strcmp(there, page.data))
    fail_msg("docs/operators.md is out of date: UPDATE=1 ops_reference writes it");
  mem_free(there);
  buffer_free(&page);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_up_to_date)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
