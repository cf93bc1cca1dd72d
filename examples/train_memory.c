/* train_memory.c - trains on a text in memory and prints the held-out loss.
 *
 *   cc train_memory.c $(pkg-config --cflags --libs inkstone) -lm -o train_memory
 *   ./train_memory MODEL */
#include <inkstone.h>
#include <stdio.h>
#include <string.h>

/* Pairs of source and target, separated by a tab: sums in words. */
static size_t make_pairs(char *text, size_t capacity) {
  static const char *const words[] = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  size_t length = 0;
  for (int i = 0; i < 81; i++)
    length += (size_t)snprintf(text + length, capacity - length, "%s and %s\t%d\n", words[i / 9],
                               words[i % 9], i / 9 + i % 9 + 2);
  return length;
}

static void show(void *user, const ink_event *event) {
  (void)user;
  if (event->kind == INK_EVENT_EVAL)
    printf("step %d: held-out loss %.2f\n", (int)event->done, event->valid_loss);
}

static bool set_all(ink_settings *settings, ink_error *err) {
  return ink_settings_set(settings, "arch", "marian", err) &&
         ink_settings_set(settings, "size", "nano", err) &&
         ink_settings_set(settings, "tokenizer", "byte", err) &&
         ink_settings_set_int(settings, "steps", 20, err) &&
         ink_settings_set_int(settings, "eval-every", 10, err) &&
         ink_settings_set_real(settings, "lr", 3e-3, err);
}

int main(int argc, char **argv) {
  static char pairs[1 << 14];
  if (argc != 2) return 2;
  const ink_text text = {"sums.tsv", pairs, make_pairs(pairs, sizeof pairs)};
  ink_error err = {0};
  ink_call call = INK_CALL_INIT;
  ink_settings *settings = ink_settings_train();
  call.texts = &text;
  call.text_count = 1;
  call.listener = show;
  const bool ok =
      set_all(settings, &err) && ink_train("translate", &text.name, 1, argv[1], settings, &call, &err);
  if (!ok) fprintf(stderr, "train_memory: %s\n", err.text);
  ink_settings_free(settings);
  return ok ? 0 : 1;
}
