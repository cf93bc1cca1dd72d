/* form_regex.c - a regular expression that the whole text matches. */
#include "base/language.h"
#include "grammar/forms.h"
#include "grammar/regex.h"

static Expr read(Grammar *g, const char *text, size_t length) {
  static const RegexStyle plain = {expr_set, false};
  return regex_read(g, &plain, text, length, _("the regular expression"));
}

const Form form_regex = {"regex", read};
