/* two_models.c - two models running concurrently, each in its own engine: neither waits for the other's
 * threads.
 *
 *   cc two_models.c $(pkg-config --cflags --libs inkstone) -pthread -o two_models
 *   ./two_models POEMS LETTERS "The moon" */
#include <inkstone.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
  const char *directory, *prompt;
  char text[4096];
  size_t length;
  ink_error err;
} writer;

static bool keep_token(void *user, const ink_token *token) {
  writer *w = user;
  if (w->length + token->length >= sizeof w->text) return false; /* ends the text */
  memcpy(w->text + w->length, token->text, token->length);
  w->length += token->length;
  return true;
}

static void *write_text(void *user) {
  writer *w = user;
  ink_engine_options options = INK_ENGINE_OPTIONS_INIT;
  ink_call call = INK_CALL_INIT;
  ink_settings *settings = ink_settings_write();
  options.threads = 2;
  call.engine = ink_engine_open(&options, &w->err);
  /* calls with the model use the engine it was opened in */
  ink_model *model = call.engine ? ink_model_open(w->directory, &call, &w->err) : NULL;
  if (model && ink_settings_set_int(settings, "max-tokens", 40, &w->err))
    ink_write(model, w->prompt, strlen(w->prompt), settings, keep_token, w, NULL, NULL, &w->err);
  ink_model_close(model);
  ink_engine_close(call.engine);
  ink_settings_free(settings);
  return NULL;
}

int main(int argc, char **argv) {
  static writer writers[2];
  pthread_t threads[2];
  if (argc != 4) {
    fprintf(stderr, "usage: two_models MODEL MODEL PROMPT\n");
    return 2;
  }
  for (int i = 0; i < 2; i++) {
    writers[i].directory = argv[1 + i];
    writers[i].prompt = argv[3];
    if (pthread_create(&threads[i], NULL, write_text, &writers[i])) abort();
  }
  int status = 0;
  for (int i = 0; i < 2; i++) {
    pthread_join(threads[i], NULL);
    if (writers[i].err.code) status = 1;
    printf("%s: %s%s%s\n", argv[1 + i], argv[3], writers[i].text, writers[i].err.text);
  }
  return status;
}
