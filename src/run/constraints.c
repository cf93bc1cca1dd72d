#include "run/constraints.h"

#include <string.h>

#include "data/text_file.h"
#include "grammar/forms.h"

#include "base/settings_table.h"

#include "run/constraint.def"

struct ConstraintUse {
  char *key; /* its form and text */
  Constraint *constraint;
  int users; /* takers, and the list */
};

enum { KEPT = 8 };

struct Constraints {
  const Tokenizer *tokenizer;
  TokenTrees *trees;         /* NULL: not needed yet */
  ConstraintUse *kept[KEPT]; /* used last first; NULL: none */
};

Constraints *constraints_new(const Tokenizer *tokenizer) {
  Constraints *c = mem_alloc_zeroed(1, sizeof *c);
  c->tokenizer = tokenizer;
  return c;
}

void constraints_give_back(ConstraintUse *u) {
  if (!u || --u->users) return;
  constraint_free(u->constraint);
  mem_free(u->key);
  mem_free(u);
}

void constraints_free(Constraints *c) {
  if (!c) return;
  for (int i = 0; i < KEPT; i++) constraints_give_back(c->kept[i]);
  token_trees_free(c->trees);
  mem_free(c);
}

Constraint *constraint_of(const ConstraintUse *u) {
  return u ? u->constraint : NULL;
}

/* ---- the settings ---- */

/* The form that was given, and its value; NULL: none. */
static const Form *form_given(const Settings *s, const char **value, Error *err) {
  const Form *given = NULL;
  for (int i = 0; i < forms_count; i++) {
    const void *at;
    if (!settings_knows(s, forms[i]->name) || !settings_find(s, forms[i]->name, &at, NULL)) continue;
    const char *text = *(char *const *)at;
    if (!text || !*text) continue;
    if (given) {
      fail_usage(err, "--%s and --%s both say what the text must be: leave one of them out",
                 settings_flag(s, given->name), settings_flag(s, forms[i]->name));
      return NULL;
    }
    given = forms[i];
    *value = text;
  }
  return given;
}

/* Schemas and grammars are files unless they look like themselves. */
static bool is_file(const Form *form, const char *value) {
  const char *text = value + strspn(value, " \t\r\n");
  if (!strcmp(form->name, "json_schema"))
    return *text != '{' && strcmp(text, "true") && strcmp(text, "false");
  return !strcmp(form->name, "grammar") && !strstr(value, "::=");
}

/* Appends the text of the constraint. */
static bool read_text(const Settings *s, const Form *form, const char *value, Buffer *text, Error *err) {
  TextFile f;
  const News silent = {0};
  if (!is_file(form, value)) {
    buffer_adds(text, value);
    return true;
  }
  const bool ok = text_file_open(&f, value, settings_part(s, &text_settings_table), &silent, err);
  if (ok) buffer_add(text, f.text, f.length);
  text_file_close(&f);
  return ok;
}

/* ---- those kept ---- */

static ConstraintUse *compile(Constraints *c, const Form *form, const Buffer *key, const Buffer *text,
                              Error *err) {
  Grammar *g = grammar_new();
  g->start = form->read(g, text->data ? text->data : "", text->length);
  if (!c->trees) c->trees = token_trees_new(c->tokenizer, err);
  Constraint *made = c->trees ? constraint_new(g, c->trees, err) : NULL;
  grammar_free(g);
  if (!made) return NULL;
  ConstraintUse *u = mem_alloc_zeroed(1, sizeof *u);
  *u = (ConstraintUse){mem_strdup(key->data), made, 1};
  return u;
}

/* Puts it first; the last one goes. */
static void keep(Constraints *c, ConstraintUse *u) {
  int at = 0;
  while (at < KEPT - 1 && c->kept[at] && c->kept[at] != u) at++;
  if (c->kept[at] != u) constraints_give_back(c->kept[at]);
  for (; at > 0; at--) c->kept[at] = c->kept[at - 1];
  c->kept[0] = u;
}

static ConstraintUse *find(Constraints *c, const Form *form, const Buffer *text, Error *err) {
  Buffer key = {0};
  ConstraintUse *u = NULL;
  buffer_addf(&key, "%s ", form->name);
  buffer_add(&key, text->data, text->length);
  for (int i = 0; i < KEPT && c->kept[i] && !u; i++)
    if (!strcmp(c->kept[i]->key, key.data)) u = c->kept[i];
  if (!u) u = compile(c, form, &key, text, err);
  buffer_free(&key);
  if (!u) return NULL;
  keep(c, u);
  u->users++;
  return u;
}

static bool ignores_end(const Settings *s) {
  const void *at;
  return settings_knows(s, "ignore_end") && settings_find(s, "ignore_end", &at, NULL) && *(const bool *)at;
}

bool constraints_take(Constraints *c, const Settings *s, ConstraintUse **use, Error *err) {
  const char *value = NULL;
  Error problem = {0};
  Buffer text = {0};
  const Form *form = form_given(s, &value, &problem);
  *use = NULL;
  if (!form) return !problem.code || fail_from(err, &problem);
  if (ignores_end(s))
    return fail_usage(
        err, "--ignore-end has no effect with a constraint, which says where the text ends: leave it out");
  const bool ok = read_text(s, form, value, &text, err);
  if (ok) *use = find(c, form, &text, err);
  buffer_free(&text);
  return *use != NULL;
}
