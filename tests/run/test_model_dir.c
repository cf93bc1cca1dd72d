/* A model that takes another one's place: wherever that is cut off, the old or the new one is there, whole,
 * and the next run completes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "run/model_dir.h"

#include <cmocka.h> /* last: it defines fail() */

static void put(const char *name, const char *text) {
  char path[PATH_CAPACITY];
  snprintf(path, sizeof path, "%s", in_scratch(name));
  char *slash = strrchr(path, '/');
  *slash = '\0';
  assert_true(dir_make(path, NULL));
  *slash = '/';
  assert_true(file_replace(path, text, strlen(text), NULL));
}

static bool holds(const char *dir, const char *name, const char *text) {
  char path[PATH_CAPACITY];
  FileView view;
  if (!file_view(path_join(path, dir, name), &view, NULL)) return false;
  const bool same = view.size == strlen(text) && !memcmp(view.data, text, view.size);
  file_view_close(&view);
  return same;
}

static void put_both(const char *next) {
  char path[256];
  put("m/inkstone.json", "old \"inkstone_version\"");
  put("m/config.json", "old");
  put("m/model.safetensors", "old");
  put("m/source_tokenizer.json", "old");
  put("m/model.safetensors.index.json", "old");
  put("m/model-a-00001-of-00002.safetensors", "old");
  put("m/checkpoint-0000000008/trainer_state.json", "old");
  put("m/snapshot-0000000008.safetensors", "old");
  put("m/checkpoint-500/optimizer.pt", "another program's");
  put("m/notes.txt", "mine");
  static const char *const names[] = {"inkstone.json", "config.json", "model.safetensors",
                                      "checkpoint-0000000004/trainer_state.json"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "m/%s/%s", next, names[i]);
    put(path, "new");
  }
}

static void expect_new(void) {
  const char *m = in_scratch("m");
  assert_true(holds(m, "inkstone.json", "new") && holds(m, "config.json", "new"));
  assert_true(holds(m, "model.safetensors", "new"));
  assert_true(holds(m, "checkpoint-0000000004/trainer_state.json", "new"));
  assert_true(holds(m, "notes.txt", "mine"));
  assert_false(file_exists(in_scratch("m/source_tokenizer.json")));
  assert_false(dir_exists(in_scratch("m/checkpoint-0000000008")));
  Names names;
  assert_true(dir_list(m, &names, NULL));
  assert_int_equal(names.count, 6); /* without the old run's snapshot */
  assert_true(dir_exists(in_scratch("m/checkpoint-500")));
  names_free(&names);
}

static void the_new_one_takes_all_of_its_place(void **state) {
  put_both("inkstone-next");
  assert_true(model_dir_replace(in_scratch("m"), NULL));
  expect_new();
}

/* Cut off after `placed` of the new files, in the order of their names. */
static void cut_off(int placed) {
  static const char *const names[] = {"config.json", "inkstone.json", "model.safetensors"};
  char buf[PATH_CAPACITY], old[PATH_CAPACITY], new[PATH_CAPACITY];
  put_both("inkstone-next.ready");
  assert_true(dir_remove(in_scratch("m/checkpoint-0000000008"), NULL) &&
              dir_remove(in_scratch("m/snapshot-0000000008.safetensors"), NULL));
  for (int i = 0; i < placed; i++) {
    path_join(new, in_scratch("m/inkstone-next.ready"), names[i]);
    assert_true(file_link_over(new, path_join(old, in_scratch("m"), names[i]), NULL));
  }
  const char *read = dir_current(buf, in_scratch("m"));
  assert_true(holds(read, "config.json", "new") && holds(read, "inkstone.json", "new") &&
              holds(read, "model.safetensors", "new"));
  assert_true(model_dir_finish(in_scratch("m"), NULL));
  expect_new();
  assert_true(dir_remove(in_scratch("m"), NULL));
}

static void wherever_it_is_cut_off(void **state) {
  for (int placed = 0; placed <= 3; placed++) cut_off(placed);
}

static void until_it_is_ready_the_old_one_is_read(void **state) {
  char buf[PATH_CAPACITY];
  put_both("inkstone-next");
  assert_true(holds(dir_current(buf, in_scratch("m")), "model.safetensors", "old"));
  assert_true(model_dir_finish(in_scratch("m"), NULL)); /* nothing was cut off */
  assert_true(holds(in_scratch("m"), "model.safetensors", "old"));
}

static void what_is_removed_in_the_end_is_no_model(void **state) {
  char buf[PATH_CAPACITY];
  put_both("inkstone-next.done");
  assert_true(holds(dir_current(buf, in_scratch("m")), "model.safetensors", "old"));
  assert_true(model_dir_finish(in_scratch("m"), NULL));
  assert_false(dir_exists(in_scratch("m/inkstone-next.done")));
  assert_true(holds(in_scratch("m"), "model.safetensors", "old"));
}

/* A converted model of another program has no card: its configuration marks it. */
static void a_model_without_card_is_marked(void **state) {
  (void)state;
  put("m/config.json", "old");
  const ModelDirMark before = model_dir_mark(in_scratch("m"));
  assert_true(model_dir_same(before, model_dir_mark(in_scratch("m"))));
  put("m/inkstone-next/config.json", "new");
  assert_true(model_dir_replace(in_scratch("m"), NULL));
  assert_false(model_dir_same(before, model_dir_mark(in_scratch("m"))));
}

static void strangers_are_found(void **state) {
  (void)state;
  char buf[PATH_CAPACITY];
  put_both("inkstone-next");
  put("m/lock", "1");
  assert_true(dir_remove(in_scratch("m/checkpoint-0000000008"), NULL) &&
              dir_remove(in_scratch("m/checkpoint-500"), NULL) &&
              dir_remove(in_scratch("m/snapshot-0000000008.safetensors"), NULL));
  assert_string_equal(model_dir_stranger(in_scratch("m"), buf), "notes.txt");
  assert_true(dir_remove(in_scratch("m/notes.txt"), NULL));
  assert_null(model_dir_stranger(in_scratch("m"), buf));
}

int main(void) {
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(the_new_one_takes_all_of_its_place),    IN_SCRATCH(wherever_it_is_cut_off),
      IN_SCRATCH(until_it_is_ready_the_old_one_is_read), IN_SCRATCH(what_is_removed_in_the_end_is_no_model),
      IN_SCRATCH(a_model_without_card_is_marked),        IN_SCRATCH(strangers_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
