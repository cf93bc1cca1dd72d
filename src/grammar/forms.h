/* forms.h - the forms of constraints, each a front end that makes a grammar of a text. */
#ifndef GRAMMAR_FORMS_H
#define GRAMMAR_FORMS_H

#include "grammar/grammar.h"

/* Errors are kept by the grammar. */
typedef Expr FormRead(Grammar *, const char *text, size_t length);
typedef struct Form {
  const char *name; /* that of the setting */
  FormRead *read;
} Form;
extern const Form *const forms[];
extern const int forms_count;

#define FORM(name) extern const Form form_##name;
#include "grammar/forms.def"
#undef FORM

#endif
