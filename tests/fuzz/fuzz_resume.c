/* Any bytes as the state, the recipe, the card and the log of a run: it is continued or refused with a
 * sentence. */
#include "base/threads.h"
#include "fuzz/pieces.h"
#include "train/trainer.h"

static const char *const names[] = {"checkpoint/trainer_state.json", "recipe.yaml", "inkstone.json",
                                    "log.jsonl"};
enum { PIECES = sizeof names / sizeof *names };
static char text[PATH_CAPACITY], run[PATH_CAPACITY], origin[PATH_CAPACITY];
static ink_settings *given;

static void expect(bool ok, const Error *err) {
  CHECK(ok == !err->code && ok == !*err->text);
}

/* 200 lines, of which no two are alike. */
static void write_lines(const char *path) {
  FILE *f = fopen(path, "w");
  CHECK(f);
  for (int i = 0; i < 200; i++) fprintf(f, "%d moons, %d rivers, \xe6\x9c\x88.\n", i, 7 * i);
  CHECK(fclose(f) == 0);
}

/* Every file of a directory, one level deep. */
static void copy(const char *from, const char *to) {
  Names list;
  CHECK(dir_make(to, NULL) && dir_list(from, &list, NULL));
  for (size_t i = 0; i < list.count; i++) {
    char source[PATH_CAPACITY], target[PATH_CAPACITY];
    FileView file;
    path_join(source, from, list.items[i]);
    path_join(target, to, list.items[i]);
    if (dir_exists(source)) {
      copy(source, target);
      continue;
    }
    CHECK(file_view(source, &file, NULL) && file_replace(target, file.data, file.size, NULL));
    file_view_close(&file);
  }
  names_free(&list);
}

/* A run of two steps, which each input continues with one more. */
static void open_all(void) {
  Error err = {0};
  const char *file = text;
  open_pieces();
  path_join(text, scratch, "text");
  path_join(run, scratch, "run");
  path_join(origin, scratch, "origin");
  write_lines(text);
  ink_settings *s = settings_with(
      ink_settings_train(), WITH("layers", "1", "width", "8", "heads", "1", "context", "8", "batch", "2",
                                 "tokenizer", "byte", "steps", "2", "warmup", "0", "eval-every", "1",
                                 "eval-tokens", "64", "sample-tokens", "2", "threads", "1"));
  expect(ink_train("write", &file, 1, origin, s, NULL, &err), &err);
  ink_settings_free(s);
  given = settings_with(ink_settings_train(),
                        WITH("resume", "true", "steps", "3", "sample-tokens", "2", "threads", "1"));
}

/* Those that take long may do so. */
static bool is_quick(const char *recipe) {
  Settings *s = ink_settings_train();
  const bool ok = ink_settings_load(s, recipe, NULL);
  const TrainSettings *t = settings_part(s, &train_settings_table);
  const bool quick = !ok || (t->batch <= 16 && t->batch_tokens <= 256 && t->mix <= 4 &&
                             t->eval_tokens <= 1000 && !t->from && !t->tokenizer_from);
  ink_settings_free(s);
  return quick;
}

static const char *checkpoint_name(void) {
  static char name[64];
  Names list;
  CHECK(dir_list(origin, &list, NULL));
  for (size_t i = 0; i < list.count; i++)
    if (!strncmp(list.items[i], "checkpoint-", 11)) snprintf(name, sizeof name, "%s", list.items[i]);
  names_free(&list);
  return name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char paths[PIECES][PATH_CAPACITY];
  const char *pieces[PIECES], *file = text;
  Error err = {0};
  if (!given) open_all();
  CHECK(dir_remove(run, NULL));
  copy(origin, run);
  for (int i = 0; i < PIECES; i++) pieces[i] = path_join(paths[i], run, names[i]);
  snprintf(paths[0], PATH_CAPACITY, "%.200s/%s/trainer_state.json", run, checkpoint_name());
  write_pieces(data, size, pieces, PIECES);
  if (is_quick(paths[1])) expect(ink_train("write", &file, 1, run, given, NULL, &err), &err);
  return 0;
}
