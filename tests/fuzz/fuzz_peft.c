/* Any bytes as the files of an adapter beside a model, or as a GGUF file with one: refused with a sentence,
 * or added to the model, which then reads tokens. */
#include "fuzz/pieces.h"
#include "io/peft.h"
#include "run/bundle.h"

static const char *const names[] = {PEFT_CONFIG, "inkstone.json", PEFT_WEIGHTS};
enum { PIECES = sizeof names / sizeof *names };
static char paths[PIECES][PATH_CAPACITY], base[PATH_CAPACITY], file[PATH_CAPACITY];

/* Trains a network of one layer of width 8. */
static void make_base(void) {
  const char *text = "text";
  const ink_text texts[] = {{text, "abcdefgh abcdefgh abcdefgh abcdefgh\n", 36}};
  ink_settings *s = settings_with(
      ink_settings_train(),
      WITH("layers", "1", "width", "8", "heads", "2", "ffn", "12", "context", "8", "steps", "1", "warmup",
           "0", "tokenizer", "byte", "holdout", "0", "sample-tokens", "0", "threads", "1", "batch", "1"));
  ink_call call = INK_CALL_INIT;
  Error err = {0};
  call.texts = texts;
  call.text_count = 1;
  path_join(base, scratch, "base");
  CHECK(ink_train("write", &text, 1, base, s, &call, &err));
  ink_settings_free(s);
}

static void open_all(void) {
  open_pieces();
  make_base();
  for (int i = 0; i < PIECES; i++) path_join(paths[i], scratch, names[i]);
  path_join(file, scratch, "adapter.gguf");
}

/* Where the adapter is. */
static const char *write_adapter(const uint8_t *data, size_t size) {
  static const char *pieces[PIECES];
  if (size >= 4 && !memcmp(data, "GGUF", 4)) {
    CHECK(file_replace(file, (const char *)data, size, NULL));
    return file;
  }
  for (int i = 0; i < PIECES; i++) {
    remove(paths[i]);
    pieces[i] = paths[i];
  }
  write_pieces(data, size, pieces, PIECES);
  return scratch;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Error err = {0};
  if (!*base) open_all();
  const char *adapter = write_adapter(data, size);
  ink_model *m = ink_model_open_adapted(base, &adapter, 1, NULL, &err);
  CHECK((m != NULL) == !err.code && (m != NULL) == !*err.text);
  if (!m) return 0;
  ink_session *s = ink_session_open(m, NULL, &err);
  CHECK(s);
  ink_session_feed(s, (const int32_t[]){97, 98}, 2, NULL, &err); /* large values may give none */
  ink_session_close(s);
  ink_model_close(m);
  return 0;
}
