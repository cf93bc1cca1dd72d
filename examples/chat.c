/* chat.c - a conversation with a model of `inkstone train reply`: one line in, one line out.
 *
 *   cc chat.c $(pkg-config --cflags --libs inkstone) -o chat
 *   ./chat MODEL */
#include <inkstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TURNS = 1000, LINE = 4096 };

typedef struct chat {
  ink_turn turns[MOST_TURNS];
  int count;
} chat;

static void say(chat *c, const char *role, const char *text, size_t length) {
  char *copy = malloc(length + 1);
  if (!copy || c->count == MOST_TURNS) exit(1);
  memcpy(copy, text, length);
  copy[length] = '\0';
  c->turns[c->count].role = role;
  c->turns[c->count].text = copy;
  c->turns[c->count++].length = length;
}

static bool take_reply(void *user, const ink_output *output) {
  if (output->problem)
    fprintf(stderr, "(%s)\n", output->problem);
  else
    say(user, "assistant", output->text, output->length);
  return true;
}

int main(int argc, char **argv) {
  static chat c;
  char line[LINE];
  ink_error err = {0};
  ink_settings *settings = ink_settings_rewrite();
  ink_model *model = argc == 2 ? ink_model_open(argv[1], NULL, &err) : NULL;
  bool ok = model && ink_model_defaults(model, settings, &err);
  while (ok && fgets(line, sizeof line, stdin)) {
    const int before = c.count + 1;
    line[strcspn(line, "\n")] = '\0';
    say(&c, "user", line, strlen(line));
    ok = ink_reply(model, c.turns, c.count, settings, take_reply, &c, NULL, NULL, &err);
    if (c.count > before)
      printf("%s\n", c.turns[c.count - 1].text);
    else
      c.count--; /* a turn without a reply is dropped */
    fflush(stdout);
  }
  if (!ok) fprintf(stderr, "chat: %s\n", argc == 2 ? err.text : "usage: chat MODEL");
  while (c.count) free((char *)(uintptr_t)c.turns[--c.count].text);
  ink_model_close(model);
  ink_settings_free(settings);
  return ok ? 0 : 1;
}
