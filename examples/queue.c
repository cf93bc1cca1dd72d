/* queue.c - many concurrent requests, as in a server: submits each line of standard input, advances all texts
 * together, and prints each text when it ends, so shorter ones come first.
 *
 *   cc queue.c $(pkg-config --cflags --libs inkstone) -o queue
 *   ./queue MODEL < prompts.txt */
#include <inkstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
  int line;
  char text[4096];
  size_t length;
} request;

static bool take_token(void *user, const ink_token *token) {
  request *r = user;
  if (r->length + token->length >= sizeof r->text) return false; /* long enough */
  for (size_t i = 0; i < token->length; i++)
    r->text[r->length++] = token->text[i] == '\n' ? ' ' : token->text[i];
  return true;
}

static void show(void *user, const ink_written *written, const ink_error *why) {
  request *r = user;
  printf("%d: %.*s%s (%d tokens)\n", r->line, (int)r->length, r->text, why ? why->text : "",
         (int)written->new_tokens);
  free(r);
}

static bool submit(ink_queue *queue, const char *prompt, int line, ink_settings *settings, ink_error *err) {
  request *r = calloc(1, sizeof *r);
  if (!r) return false;
  r->line = line;
  r->length = strlen(prompt);
  memcpy(r->text, prompt, r->length);
  return ink_settings_set_int(settings, "seed", line, err) &&
         ink_queue_write(queue, prompt, r->length, settings, take_token, show, r, err) != 0;
}

/* Between two steps a server would accept new requests and cancel those of disconnected clients. */
static bool serve(ink_queue *queue, ink_settings *settings, ink_error *err) {
  char prompt[1024];
  bool ok = ink_settings_set_int(settings, "max-tokens", 30, err);
  for (int line = 1; ok && fgets(prompt, sizeof prompt, stdin); line++) {
    prompt[strcspn(prompt, "\n")] = '\0';
    ok = submit(queue, prompt, line, settings, err) && ink_queue_step(queue, NULL, err);
  }
  while (ok && ink_queue_unfinished(queue)) ok = ink_queue_step(queue, NULL, err);
  return ok;
}

int main(int argc, char **argv) {
  ink_error err = {0};
  if (argc != 2) return 2;
  ink_settings *settings = ink_settings_write();
  ink_model *model = ink_model_open(argv[1], NULL, &err);
  ink_queue *queue = model ? ink_queue_open(model, NULL, &err) : NULL;
  const bool ok = queue && serve(queue, settings, &err);
  if (!ok) fprintf(stderr, "queue: %s\n", err.text);
  ink_queue_close(queue);
  ink_model_close(model);
  ink_settings_free(settings);
  return ok ? 0 : 1;
}
