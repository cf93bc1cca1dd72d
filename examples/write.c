/* write.c - opens a model and continues a prompt.
 *
 *   cc write.c $(pkg-config --cflags --libs inkstone) -o write
 *   ./write MODEL "The moon" 2>/dev/null */
#include <inkstone.h>
#include <stdio.h>
#include <string.h>

static bool print_token(void *user, const ink_token *token) {
  fwrite(token->text, 1, token->length, stdout);
  return fflush(stdout) == 0; /* false would end the text here */
}

static bool write_text(ink_model *model, const char *prompt, ink_settings *settings, ink_error *err) {
  ink_written written = INK_WRITTEN_INIT;
  if (!ink_settings_set(settings, "max-tokens", "60", err)) return false;
  if (!ink_settings_set(settings, "temperature", "0.7", err)) return false;
  fputs(prompt, stdout);
  if (!ink_write(model, prompt, strlen(prompt), settings, print_token, NULL, &written, NULL, err))
    return false;
  fprintf(stderr, "\n%lld tokens in %.2f s\n", (long long)written.new_tokens, written.new_seconds);
  return true;
}

int main(int argc, char **argv) {
  ink_error err = {0};
  if (argc != 3) {
    fprintf(stderr, "usage: write MODEL PROMPT\n");
    return 2;
  }
  ink_settings *settings = ink_settings_write();
  ink_model *model = ink_model_open(argv[1], NULL, &err);
  const bool ok = model && write_text(model, argv[2], settings, &err);
  if (!ok) fprintf(stderr, "write: %s\n", err.text);
  ink_model_close(model);
  ink_settings_free(settings);
  return ok ? 0 : 1;
}
