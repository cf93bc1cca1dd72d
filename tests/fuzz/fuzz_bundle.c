/* Any bytes as the files of a model directory: refused with a sentence, or a model that describes itself,
 * writes or rewrites, and scores a text. Weights are made to fit config.json. */
#include "base/threads.h"
#include "fuzz/pieces.h"
#include "fuzz/small_config.h"
#include "run/bundle.h"

static const char *const names[] = {"config.json",    "generation_config.json", "inkstone.json",
                                    "tokenizer.json", "tokenizer_config.json",  "text"};
enum { PIECES = sizeof names / sizeof *names };
static char paths[PIECES][PATH_CAPACITY], weights[PATH_CAPACITY];
static ink_settings *writing, *rewriting, *evaluating;

static void expect(bool ok, const Error *err) {
  CHECK(ok == !err->code && ok == !*err->text);
}

static bool ignore_token(void *user, const ink_token *token) {
  return true;
}

static bool ignore_output(void *user, const ink_output *output) {
  return true;
}

static void open_all(void) {
  open_pieces();
  for (int i = 0; i < PIECES; i++) path_join(paths[i], scratch, names[i]);
  path_join(weights, scratch, "model.safetensors");
  writing = settings_with(ink_settings_write(), WITH("max-tokens", "6", "samples", "2", "threads", "1"));
  rewriting = settings_with(ink_settings_rewrite(), WITH("max-tokens", "6", "threads", "1"));
  evaluating = settings_with(ink_settings_eval(), WITH("max-tokens", "6", "threads", "1"));
}

static bool write_weights(void) {
  Config c;
  if (!config_read(&c, paths[0], NULL) || !is_small(&c)) return false;
  Model *m = model_new(&c, false);
  params_initialize(m->params, 1);
  CHECK(weights_write(weights, m->params, params_values(m->params), NULL));
  model_free(m);
  return true;
}

static void generate(ink_model *m, const char *task, const char *text, size_t length) {
  Error err = {0};
  ink_written written = INK_WRITTEN_INIT;
  ink_rewritten done = INK_REWRITTEN_INIT;
  if (!strcmp(task, "write"))
    expect(ink_write(m, text, length, writing, ignore_token, NULL, &written, NULL, &err), &err);
  else if (!strcmp(task, "reply"))
    expect(ink_reply(m, (ink_turn[]){{"user", text, length}}, 1, rewriting, ignore_output, NULL, &done, NULL,
                     &err),
           &err);
  else
    expect(ink_rewrite(m, task, &text, &length, 1, rewriting, ignore_output, NULL, &done, NULL, &err), &err);
}

/* The text as a session that was saved; a true head in front of it leads further in. */
static void restore(ink_model *m, const FileView *text) {
  Error err = {0}, none = {0};
  size_t length;
  ink_session *s = ink_session_open(m, NULL, &err);
  expect(s != NULL, &err);
  if (!s) return;
  expect(ink_session_restore(s, text->data, text->size, NULL, NULL, &err), &err);
  char *saved = ink_session_save(s, &length, &none);
  Buffer bytes = {0};
  buffer_add(&bytes, saved, length);
  buffer_add(&bytes, text->data, text->size);
  for (size_t i = 0; i < text->size && i < 8; i++) bytes.data[length - 1 - i] ^= text->data[i];
  Error again = {0};
  expect(ink_session_restore(s, bytes.data, bytes.length, NULL, NULL, &again), &again);
  buffer_free(&bytes);
  ink_free(saved);
  ink_session_close(s);
}

static void use(ink_model *m, const FileView *text) {
  static const char *const tasks[] = {"write", "translate", "summarize", "reply"};
  const char *file = paths[PIECES - 1];
  Error err = {0};
  ink_scores scores = INK_SCORES_INIT;
  char *description = ink_model_describe(m, &err);
  expect(description != NULL, &err);
  ink_free(description);
  for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) generate(m, tasks[i], text->data, text->size);
  restore(m, text);
  expect(ink_eval(m, &file, 1, evaluating, &scores, NULL, &err), &err);
  ink_free(scores.written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *pieces[PIECES];
  Error err = {0};
  FileView text;
  if (!writing) open_all();
  for (int i = 0; i < PIECES; i++) {
    remove(paths[i]);
    pieces[i] = paths[i];
  }
  CHECK(file_replace(paths[PIECES - 1], "a b c\n", 6, NULL));
  write_pieces(data, size, pieces, PIECES);
  if (!write_weights()) return 0;
  ink_model *m = ink_model_open(scratch, NULL, &err);
  expect(m != NULL, &err);
  CHECK(file_view(paths[PIECES - 1], &text, NULL));
  if (m) use(m, &text);
  file_view_close(&text);
  ink_model_close(m);
  return 0;
}
