/* codes.h - text as code points, with the character classes of Python's str: the reference implementations of
 * the metrics are written in Python, and their scores depend on these. */
#ifndef TEXT_CODES_H
#define TEXT_CODES_H

#include "base/memory.h"

typedef VEC(uint32_t) Codes;

/* Replaces the contents by the text's code points; each invalid byte gives U+FFFD. */
void codes_decode(Codes *, const char *text, size_t length);
void codes_lower(const Codes *from, Codes *to); /* str.lower() */
void codes_trim_end(Codes *);                   /* str.rstrip() */
void codes_trim_start(Codes *);                 /* str.lstrip() */
bool code_is_space(uint32_t);                   /* str.isspace() */

/* By Unicode general category: P*, S*, N*, and L* or M*. */
bool code_is_punctuation(uint32_t);
bool code_is_symbol(uint32_t);
bool code_is_number(uint32_t);
bool code_is_letter(uint32_t);
bool code_is_han(uint32_t); /* an ideograph */

typedef struct CodeRange {
  uint32_t first, last;
} CodeRange;
bool code_in_ranges(uint32_t code, const CodeRange *, size_t count);
#define CODE_IN(code, ranges) code_in_ranges((code), (ranges), sizeof(ranges) / sizeof *(ranges))

#endif
