/* form_choices.c - a list of texts, separated by commas; "\," is a comma in a text, and "\\" a backslash. */
#include <string.h>

#include "base/language.h"
#include "grammar/forms.h"
#include "text/utf8.h"

/* The end of the text that begins at `at`, which is written to `to` without its backslashes. */
static size_t read_choice(const char *text, size_t at, size_t length, Buffer *to) {
  for (; at < length && text[at] != ','; at++) {
    if (text[at] == '\\' && at + 1 < length && (text[at + 1] == ',' || text[at + 1] == '\\')) at++;
    buffer_add(to, &text[at], 1);
  }
  return at;
}

static Expr read(Grammar *g, const char *text, size_t length) {
  Buffer bytes = {0};
  VEC(size_t) ends = {0};
  VEC(MapKey) words = {0};
  const size_t valid = utf8_valid_prefix(text, length);
  if (valid < length) grammar_fail(g, N_("%s, byte %zu: %s"), "--choices", valid + 1, _("not UTF-8"));
  for (size_t at = 0; at <= length; at++) {
    const size_t before = bytes.length;
    at = read_choice(text, at, length, &bytes);
    if (bytes.length == before) grammar_fail(g, N_("an empty choice: the list has a comma too many"));
    vec_push(&ends, bytes.length);
  }
  for (size_t i = 0, begin = 0; i < ends.count && !grammar_full(g); begin = ends.data[i++])
    vec_push(&words, ((MapKey){bytes.data + begin, ends.data[i] - begin}));
  const Expr e = grammar_full(g) ? expr_never(g) : expr_words(g, words.data, words.count);
  vec_free(&words);
  vec_free(&ends);
  buffer_free(&bytes);
  return e;
}

const Form form_choices = {"choices", read};
