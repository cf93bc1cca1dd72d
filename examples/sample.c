/* sample.c - custom sampling: the program feeds tokens to a session and receives the logits of the next
 * token. It reads a prompt, saves the session, and continues it twice: greedily, and starting with the
 * second choice.
 *
 *   cc sample.c $(pkg-config --cflags --libs inkstone) -o sample
 *   ./sample MODEL "The moon" */
#include <inkstone.h>
#include <stdio.h>
#include <string.h>

/* The most likely token, or the second most likely. */
static int32_t choose(const float *logits, int64_t count, bool second) {
  int32_t best = 0, next = -1;
  for (int32_t i = 1; i < count; i++)
    if (logits[i] > logits[best]) {
      next = best;
      best = i;
    } else if (next < 0 || logits[i] > logits[next])
      next = i;
  return second && next >= 0 ? next : best;
}

static bool continue_text(ink_session *session, ink_tokenizer *tokenizer, const float *logits, bool second,
                          ink_error *err) {
  int32_t ids[20];
  char *text;
  size_t length, count = 0;
  for (; logits && count < 20 && ink_session_position(session) < ink_session_positions(session); count++) {
    ids[count] = choose(logits, ink_session_vocabulary(session), second && count == 0);
    logits = ink_session_feed(session, ids + count, 1, NULL, err);
  }
  if (!logits || !ink_tokenizer_decode(tokenizer, ids, count, false, &text, &length, err)) return false;
  fwrite(text, 1, length, stdout);
  putchar('\n');
  ink_free(text);
  return true;
}

static bool write_twice(ink_model *model, ink_session *session, const char *prompt, ink_error *err) {
  ink_tokenizer *tokenizer = ink_model_tokenizer(model, false);
  int32_t *ids;
  size_t count, length;
  if (!ink_tokenizer_encode(tokenizer, prompt, strlen(prompt), false, &ids, &count, err)) return false;
  const float *logits = ink_session_feed(session, ids, count, NULL, err);
  void *saved = logits ? ink_session_save(session, &length, err) : NULL;
  ink_free(ids);
  const bool ok = saved && continue_text(session, tokenizer, logits, false, err) &&
                  ink_session_restore(session, saved, length, &logits, NULL, err) &&
                  continue_text(session, tokenizer, logits, true, err);
  ink_free(saved);
  return ok;
}

int main(int argc, char **argv) {
  ink_error err = {0};
  if (argc != 3) return 2;
  ink_model *model = ink_model_open(argv[1], NULL, &err);
  ink_session *session = model ? ink_session_open(model, NULL, &err) : NULL;
  const bool ok = session && write_twice(model, session, argv[2], &err);
  if (!ok) fprintf(stderr, "sample: %s\n", err.text);
  ink_session_close(session);
  ink_model_close(model);
  return ok ? 0 : 1;
}
