/* reading.h - compiles a constraint of a form, and reads texts by it, byte by byte. */
#ifndef TESTS_GRAMMAR_READING_H
#define TESTS_GRAMMAR_READING_H

#include <string.h>

#include "grammar/automaton.h"
#include "grammar/forms.h"

typedef struct Reading {
  Program *program;
  Automaton *automaton; /* NULL: refused */
  Error error;
} Reading;

static inline Reading reading_open(const char *form, const char *text, size_t length) {
  Reading r = {0};
  Grammar *g = grammar_new();
  for (int i = 0; i < forms_count; i++)
    if (!strcmp(forms[i]->name, form)) g->start = forms[i]->read(g, text, length);
  CHECK(g->start >= 0);
  r.program = program_compile(g, &r.error);
  if (r.program) r.automaton = automaton_new(r.program);
  grammar_free(g);
  return r;
}

static inline void reading_close(Reading *r) {
  automaton_free(r->automaton);
  program_free(r->program);
  *r = (Reading){0};
}

static inline bool reading_matches(const Reading *r, const char *text, size_t length) {
  const int32_t state = automaton_read(r->automaton, STATE_START, text, length);
  return state >= STATE_START && automaton_accepts(r->automaton, state);
}

#endif
