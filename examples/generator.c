/* generator.c - a small text generator: trains a network on a text file, and continues a prompt with a
 * sampler of its own. If the directory MODEL exists, it only writes.
 *
 *   cc generator.c $(pkg-config --cflags --libs inkstone) -lm -o generator
 *   ./generator poems.txt MODEL "The moon" [recipe.yaml] */
#include <inkstone.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- training ---- */

static void show_losses(void *user, const ink_event *event) {
  (void)user;
  if (event->kind == INK_EVENT_EVAL)
    fprintf(stderr, "step %lld: loss %.2f, held-out %.2f\n", (long long)event->done, event->loss,
            event->valid_loss);
}

static bool train(const char *file, const char *directory, const char *recipe, ink_error *err) {
  ink_settings *settings = ink_settings_train();
  ink_call call = INK_CALL_INIT;
  call.listener = show_losses;
  const bool ok = (!recipe || ink_settings_load(settings, recipe, err)) &&
                  ink_train("write", &file, 1, directory, settings, &call, err);
  ink_settings_free(settings);
  return ok;
}

/* ---- sampling ---- */

static const double temperature = 0.8, min_p = 0.05;

/* exp(logit / temperature), in proportion to that of the likeliest token; 0 below min_p. */
static double weight(float logit, float highest) {
  const double share = exp((logit - highest) / temperature);
  return share < min_p ? 0 : share;
}

/* From 0 to below 1 (xorshift64*, Vigna 2016). */
static double random_number(void) {
  static uint64_t state = 0x9e3779b97f4a7c15;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (double)((state * 2685821657736338717u) >> 11) / 9007199254740992.0; /* 2^53 */
}

static int32_t draw(const float *logits, int64_t count) {
  int32_t likeliest = 0;
  double sum = 0;
  for (int32_t id = 1; id < count; id++)
    if (logits[id] > logits[likeliest]) likeliest = id;
  for (int32_t id = 0; id < count; id++) sum += weight(logits[id], logits[likeliest]);
  double left = sum * random_number();
  for (int32_t id = 0; id < count; id++)
    if ((left -= weight(logits[id], logits[likeliest])) < 0) return id;
  return likeliest; /* rounding */
}

/* ---- writing ---- */

/* Reads the token that texts begin with, then the prompt; returns the logits of the next token. */
static const float *read_prompt(ink_model *model, ink_session *session, const char *prompt, ink_error *err) {
  int32_t *ids;
  size_t count;
  const int32_t begin = ink_model_begin(model);
  const float *logits = begin >= 0 ? ink_session_feed(session, &begin, 1, NULL, err) : NULL;
  if ((begin >= 0 && !logits) || !ink_tokenizer_encode(ink_model_tokenizer(model, false), prompt,
                                                       strlen(prompt), false, &ids, &count, err))
    return NULL;
  if (count || begin < 0) logits = ink_session_feed(session, ids, count, NULL, err);
  ink_free(ids);
  return logits;
}

/* Models trained here have tokens that are bytes: they can be printed one by one, also parts of characters.
 */
static bool print_token(ink_model *model, int32_t id, ink_error *err) {
  char *text;
  size_t length;
  if (!ink_tokenizer_decode(ink_model_tokenizer(model, false), &id, 1, false, &text, &length, err))
    return false;
  fwrite(text, 1, length, stdout);
  fflush(stdout);
  ink_free(text);
  return true;
}

/* Up to the end of the text, of the context, or MOST_TOKENS. */
static bool write_text(ink_model *model, ink_session *session, const char *prompt, ink_error *err) {
  enum { MOST_TOKENS = 500 };
  const float *logits = read_prompt(model, session, prompt, err);
  const int64_t room = ink_session_positions(session) - ink_session_position(session);
  if (logits) fputs(prompt, stdout);
  for (int64_t i = 0; logits && i < room && i < MOST_TOKENS; i++) {
    const int32_t id = draw(logits, ink_session_vocabulary(session));
    if (ink_model_ends(model, id)) break;
    logits = print_token(model, id, err) ? ink_session_feed(session, &id, 1, NULL, err) : NULL;
  }
  putchar('\n');
  return logits != NULL;
}

/* ---- the program ---- */

static ink_model *open_or_train(const char *file, const char *directory, const char *recipe, ink_error *err) {
  ink_error why = {0};
  ink_model *model = ink_model_open(directory, NULL, &why);
  if (model) return model;
  if (why.code == INK_NOT_FOUND)
    return train(file, directory, recipe, err) ? ink_model_open(directory, NULL, err) : NULL;
  *err = why;
  return NULL;
}

int main(int argc, char **argv) {
  ink_error err = {0};
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: generator TEXT MODEL PROMPT [RECIPE]\n");
    return 2;
  }
  ink_model *model = open_or_train(argv[1], argv[2], argv[4], &err);
  ink_session *session = model ? ink_session_open(model, NULL, &err) : NULL;
  const bool ok = session && write_text(model, session, argv[3], &err);
  if (!ok) fprintf(stderr, "generator: %s\n", err.text);
  ink_session_close(session);
  ink_model_close(model);
  return ok ? 0 : 1;
}
