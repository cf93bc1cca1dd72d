/* jinja.h - the template language of chat templates: Jinja as transformers sets it up (a sandbox in which
 * nothing can be changed, trim_blocks, lstrip_blocks, break and continue, generation).
 *
 * Templates are foreign programs: their size, nesting, steps, memory and output are bounded. What is not
 * supported is refused by name when it is reached, with its line; everything else prints what Python prints.
 * One known difference: a variable that is set only after a loop or macro has its outer value in there, where
 * jinja2 hides it. */
#ifndef TEXT_JINJA_H
#define TEXT_JINJA_H

#include "base/buffer.h"
#include "base/json.h"

typedef struct Jinja Jinja;

/* NULL on failure. */
Jinja *jinja_parse(const char *text, size_t length, Error *);
void jinja_free(Jinja *);

/* A part of the output, in bytes. */
typedef struct JinjaSpan {
  size_t begin, end;
} JinjaSpan;
typedef VEC(JinjaSpan) JinjaSpans;

/* Appends the output. `variables`: an object. generated: NULL, or receives the parts inside {% generation %}.
 * What raise_exception says becomes the error. May be called by several threads. */
bool jinja_render(const Jinja *, const json_t *variables, Buffer *out, JinjaSpans *generated, Error *);

#endif
