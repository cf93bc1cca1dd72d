/* constraint_form.h - any bytes as a constraint of a form: refused with a sentence, or an automaton that
 * reads any bytes, each in a bounded number of steps, and only the beginnings of valid UTF-8. */
#ifndef TESTS_FUZZ_CONSTRAINT_FORM_H
#define TESTS_FUZZ_CONSTRAINT_FORM_H

#include "grammar/automaton.h"
#include "grammar/forms.h"
#include "text/utf8.h"

/* A text of bytes that can follow, chosen by those given. */
static inline void read_on(const Program *p, const uint8_t *data, size_t size) {
  Automaton *a = automaton_new(p);
  char text[256];
  size_t length = 0;
  int32_t state = STATE_START;
  /* who reads on is to watch the memory, as constraint.c does */
  for (size_t i = 0; i < size && length < sizeof text && automaton_bytes(a) < 64 << 20; i++)
    for (int off = 0; off < 256; off++) {
      int64_t steps = 0;
      const unsigned char byte = (unsigned char)(data[i] + off);
      const int32_t next = automaton_step(a, state, byte, &steps);
      CHECK(steps <= AUTOMATON_MOST_STEPS + 2);
      if (next < STATE_START) continue;
      state = next;
      text[length++] = (char)byte;
      break;
    }
  const size_t valid = utf8_valid_prefix(text, length);
  CHECK(length - valid < 4 && valid == utf8_whole_prefix(text, length));
  if (automaton_accepts(a, state)) CHECK(valid == length);
  automaton_free(a);
}

static inline void fuzz_form(FormRead *read, const uint8_t *data, size_t size) {
  Error err = {0};
  Grammar *g = grammar_new();
  g->start = read(g, (const char *)data, size);
  Program *p = program_compile(g, &err);
  CHECK((p != NULL) == !err.code && (p != NULL) == !*err.text);
  if (p) read_on(p, data, size);
  program_free(p);
  grammar_free(g);
}

#endif
