/* span_check.h - compares the protected spans of an output with those of its source. */
#ifndef TEXT_SPAN_CHECK_H
#define TEXT_SPAN_CHECK_H

#include "text/spans.h"

/* A span of the source without its equal in the output, or the other way round. Numbers are equal if their
 * values are, in any notation (numeral.h), written in digits or as a word; all others if their bytes are, but
 * full-width letters count as ordinary ones. A term needs its translation. */
typedef struct SpanMismatch {
  SpanKind kind;
  const char *source; /* in the source; NULL: the output invented it */
  size_t source_length;
  const char *output; /* in the output, what stands in its place; NULL: it is missing */
  size_t output_length;
  int32_t term; /* SPAN_TERM: its index in the glossary */
} SpanMismatch;
typedef VEC(SpanMismatch) SpanMismatches;

typedef struct SpanChecker SpanChecker; /* used by one thread at a time */
SpanChecker *span_checker_open(const Glossary *, Error *);
void span_checker_close(SpanChecker *);

/* Fills `out`, whose texts point into source and output. `complete`: the output says all that the source
 * says, as a translation; else only what is invented counts. *spans: how many there were to compare. */
bool span_check(SpanChecker *, const char *source, size_t source_length, const char *output,
                size_t output_length, bool complete, SpanMismatches *out, size_t *spans, Error *);

#endif
