/* code_set.h - sets of Unicode code points, such as a character class of a regular expression. */
#ifndef GRAMMAR_CODE_SET_H
#define GRAMMAR_CODE_SET_H

#include "text/codes.h"

enum { CODE_LAST = 0x10FFFF };

typedef VEC(CodeRange) CodeSet; /* zero-initialized: empty */

void code_set_add(CodeSet *, uint32_t first, uint32_t last);
void code_set_add_all(CodeSet *, const CodeRange *, size_t count);
/* Sorts and joins the ranges, without surrogates, which no UTF-8 has. The functions below need and keep
 * that form. */
void code_set_settle(CodeSet *);
void code_set_invert(CodeSet *);
/* Leaves what both have. */
void code_set_meet(CodeSet *, const CodeRange *, size_t count);

#endif
