/* docs/api.md is made from the lists of endpoints and parameters. This test fails where the page is out of
 * date; run it with UPDATE=1 in the environment to write the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "serve/scheduler.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static const char PAGE[] = TESTS_DIR "/../docs/api.md";

static void add_range(Buffer *page, const Param *p) {
  switch (p->kind) {
    case PARAM_INT:
      buffer_addf(page, "whole number, %.10g to %.10g", p->min, p->max);
      return;
    case PARAM_REAL:
      buffer_addf(page, "number, %.10g to %.10g", p->min, p->max);
      return;
    case PARAM_TEXT:
      buffer_adds(page, "text");
      return;
    case PARAM_SWITCH:
      buffer_adds(page, "true or false");
      return;
    case PARAM_CHOICE:
      buffer_addf(page, "one of `%s`", p->detail);
      return;
    case PARAM_TEXTS:
      buffer_addf(page, "text, or list of %.0f to %.0f", p->min, p->max);
      return;
    case PARAM_IDS:
      buffer_adds(page, "list of token ids");
      return;
    case PARAM_BIAS:
      buffer_addf(page, "object of token ids, with numbers from %.0f to %.0f", p->min, p->max);
      return;
    case PARAM_MESSAGES:
      buffer_adds(page, "list of `{\"role\", \"content\"}`");
      return;
    case PARAM_OBJECT:
      buffer_addf(page, "object with the switch `%s`", p->detail);
      return;
    case PARAM_ONLY:
      buffer_addf(page, "only `%s`", p->detail);
      return;
    case PARAM_HARMLESS:
      buffer_adds(page, "anything");
  }
}

static void describe(Buffer *page, const Route *r) {
  buffer_addf(page, "\n## %s %s\n\n", r->method, r->path);
  buffer_addf(page, "%c%s.%s\n", r->help[0] - ('a' - 'A'), r->help + 1, r->now ? " Needs no key." : "");
  if (!r->params) return;
  buffer_adds(page, "\n| parameter | value | default | |\n|---|---|---|---|\n");
  for (const Param *p = r->params; p->name; p++) {
    buffer_addf(page, "| `%s` | ", p->name);
    add_range(page, p);
    buffer_addf(page, " | %s | %s |\n", p->required ? "required" : p->otherwise, p->help);
  }
}

static void make_page(Buffer *page) {
  buffer_adds(
      page,
      "# Interface of `inkstone serve`\n\n"
      "Written by `tests/serve/test_reference.c` from the lists of the server: do not edit.\n"
      "`/openapi.json` of a server is the same for programs; [serving.md](serving.md) is about running\n"
      "one. A body is a JSON object. A parameter that is not listed is refused by name, `null` is the\n"
      "same as leaving it out, and errors are `{\"error\": {\"message\", \"type\", \"param\", "
      "\"code\"}}`.\n");
  for (const Route *r = routes; r->path; r++) describe(page, r);
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
  char *text = read_page();
  if (strcmp(text, page.data))
    fail_msg("%s", "docs/api.md is out of date: run UPDATE=1 tests/serve_reference");
  mem_free(text);
  buffer_free(&page);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_up_to_date)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
