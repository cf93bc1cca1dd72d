/* spans.h - parts of a text that a translation, a summary or a reply must not change: numbers, placeholders
 * of programs, tags, addresses, part numbers (spans.def), and the terms of a glossary. */
#ifndef TEXT_SPANS_H
#define TEXT_SPANS_H

#include "text/glossary.h"

typedef enum SpanKind {
  SPAN_TERM,
#define SPAN(symbol, name, pattern) SPAN_##symbol,
#include "text/spans.def"
#undef SPAN
  SPAN_KINDS
} SpanKind;
const char *span_name(SpanKind); /* "number", in English */

typedef struct Span {
  SpanKind kind;
  size_t begin, length;
  int32_t term; /* SPAN_TERM: its index in the glossary */
} Span;
typedef VEC(Span) Spans;

/* The compiled patterns, and the glossary to look up; used by one thread at a time. */
typedef struct SpanFinder SpanFinder;
SpanFinder *spans_open(const Glossary *, Error *); /* NULL: no glossary; else it must outlive the finder */
void spans_close(SpanFinder *);
const Glossary *spans_glossary(const SpanFinder *);

/* Replaces the contents by the spans of the text, which is valid UTF-8, in their order; they do not overlap.
 * `translated`: terms are looked for by their targets. */
bool spans_find(SpanFinder *, const char *text, size_t length, bool translated, Spans *, Error *);

#endif
