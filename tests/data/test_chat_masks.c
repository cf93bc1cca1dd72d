/* Conversations are laid out by chat templates as transformers does, and the tokens whose loss counts are
 * those that it counts as the assistant's (tests/golden/chat_masks.jsonl, by scripts/golden_chat_masks.py).
 * INKSTONE_CHAT_MASKS: another file of such cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/chat_template.h"
#include "data/pair_texts.h"
#include "data/template_rows.h"

#include <cmocka.h> /* last: it defines fail() */

typedef struct Family {
  const char *name;
  Tokenizer *tokenizer;
  ChatTemplate *template;
} Family;

static Tokenizer *tokenizer_with(const json_t *core, const json_t *specials) {
  Error err = {0};
  json_t *whole = json_deep_copy(core), *added = json_array();
  const int64_t first = (int64_t)json_object_size(json_object_get(json_object_get(core, "model"), "vocab"));
  for (size_t i = 0; i < json_array_size(specials); i++)
    json_push(added, json_build("{s:I, s:O, s:b}", "id", (json_int_t)(first + (int64_t)i), "content",
                                json_array_get(specials, i), "special", 1));
  json_put(whole, "added_tokens", added);
  char *text = json_text(whole, 0);
  Tokenizer *t = tokenizer_parse(text, strlen(text), "tokenizer.json", &err);
  if (!t) fail_msg("%s", err.text);
  mem_free(text);
  json_decref(whole);
  return t;
}

static void open_family(Family *f, const json_t *core, const json_t *of) {
  chat_template_close(f->template);
  tokenizer_free(f->tokenizer);
  json_t *config = json_build("{s:O, s:s, s:O}", "chat_template", json_object_get(of, "template"),
                              "bos_token", "<s>", "eos_token", json_object_get(of, "end"));
  f->name = json_get_text(of, "family", "");
  f->tokenizer = tokenizer_with(core, json_object_get(of, "specials"));
  f->template = chat_template_open(config, f->tokenizer);
  json_decref(config);
}

static bool same_row(const PairRow *row, const json_t *wanted) {
  const json_t *ids = json_object_get(wanted, "ids"), *mask = json_object_get(wanted, "mask");
  bool same = row->ids.count == json_array_size(ids);
  for (size_t i = 0; i < row->ids.count && same; i++)
    same = row->ids.data[i] == json_integer_value(json_array_get(ids, i)) &&
           row->scored.data[i] == (json_integer_value(json_array_get(mask, i)) != 0);
  return same;
}

/* NULL, or what differs. */
static const char *compare(const Family *f, const Pairs *pairs, const json_t *wanted, Error *err) {
  PairLayout layout;
  TemplateRows rows;
  PairRow row = {0};
  const char *problem = NULL;
  if (!layout_by_template(&layout, f->template, f->tokenizer, 1 << 14, err) ||
      !template_rows(&rows, pairs, &layout, &(News){0}, err))
    return err->text;
  if (rows.rows.count != json_array_size(wanted)) problem = "another number of sequences";
  for (size_t i = 0; i < rows.rows.count && !problem; i++) {
    template_row(&row, &rows, i);
    if (!same_row(&row, json_array_get(wanted, i))) problem = "other tokens, or others are scored";
  }
  pair_row_free(&row);
  template_rows_free(&rows);
  return problem;
}

static int check_case(const Family *f, const json_t *c, int line) {
  char *text = json_text(c, 0);
  Error err = {0};
  Pairs *pairs = try_texts((const char *const[]){text}, 1, true, NULL, &err);
  const char *problem = pairs ? compare(f, pairs, json_object_get(c, "rows"), &err) : err.text;
  if (problem) print_error("line %d, %s: %s\n  %.300s\n", line, f->name, problem, text);
  pairs_free(pairs);
  mem_free(text);
  return problem != NULL;
}

static void loss_counts_where_transformers_masks_the_assistant(void **state) {
  (void)state;
  const char *path = getenv("INKSTONE_CHAT_MASKS");
  FileView file;
  Error err = {0};
  json_t *core = NULL, *all = json_array();
  Family family = {0};
  int wrong = 0, line = 0, families = 0;
  if (!file_view_regular(path ? path : TESTS_DIR "/golden/chat_masks.jsonl", &file, &err))
    fail_msg("%s", err.text);
  for (const char *at = file.data, *end = at + file.size, *next; at < end; at = next + 1, line++) {
    next = memchr(at, '\n', (size_t)(end - at));
    json_t *c = json_parse(at, (size_t)(next - at), "chat_masks.jsonl", &err);
    if (!c) fail_msg("%s", err.text);
    json_push(all, c);
    if (json_object_get(c, "tokenizer"))
      core = json_object_get(c, "tokenizer");
    else if (json_object_get(c, "family"))
      open_family(&family, core, c), families++;
    else
      wrong += check_case(&family, c, line + 1);
  }
  print_message("%d conversations by %d templates\n", line - 1 - families, families);
  assert_true(families >= 8);
  assert_int_equal(wrong, 0);
  chat_template_close(family.template);
  tokenizer_free(family.tokenizer);
  json_decref(all);
  file_view_close(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(loss_counts_where_transformers_masks_the_assistant)};
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
