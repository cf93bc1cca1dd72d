/* cancel.c - cancels a long call from another thread; the model remains usable. Ctrl-C works, too: a stop
 * may be requested in a signal handler.
 *
 *   cc cancel.c $(pkg-config --cflags --libs inkstone) -pthread -o cancel
 *   ./cancel MODEL "The moon" */
#define _POSIX_C_SOURCE 200809L
#include <inkstone.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static ink_stop stop;

static void on_signal(int number) {
  (void)number;
  ink_stop_request(&stop);
}

static void *cancel_later(void *user) {
  const struct timespec pause = {0, 200000000};
  (void)user;
  nanosleep(&pause, NULL);
  ink_stop_request(&stop);
  return NULL;
}

static bool count_token(void *user, const ink_token *token) {
  *(int *)user += token->id >= 0;
  return true;
}

static bool write_text(ink_model *model, const char *prompt, int64_t tokens, ink_error *err) {
  int count = 0;
  ink_call call = INK_CALL_INIT;
  ink_settings *settings = ink_settings_write();
  call.stop = &stop;
  const bool ok = ink_settings_set_int(settings, "max-tokens", tokens, err) &&
                  ink_settings_set_bool(settings, "ignore-end", true, err) &&
                  ink_write(model, prompt, strlen(prompt), settings, count_token, &count, NULL, &call, err);
  ink_settings_free(settings);
  printf("%d tokens: %s\n", count, ok ? "done" : err->text);
  return ok;
}

int main(int argc, char **argv) {
  ink_error err = {0}, again = {0};
  pthread_t thread;
  if (argc != 3) return 2;
  signal(SIGINT, on_signal);
  ink_model *model = ink_model_open(argv[1], NULL, &err);
  if (!model || pthread_create(&thread, NULL, cancel_later, NULL)) {
    fprintf(stderr, "cancel: %s\n", err.text);
    return 1;
  }
  write_text(model, argv[2], 1000000000, &err);
  pthread_join(thread, NULL);
  ink_stop_clear(&stop); /* otherwise the next call would stop at once */
  const bool ok = write_text(model, argv[2], 10, &again);
  ink_model_close(model);
  return ok && err.code == INK_INTERRUPTED ? 0 : 1;
}
