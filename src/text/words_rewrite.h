/* words_rewrite.h - patterns of Oniguruma, which tokenizer.json has, for PCRE2. */
#ifndef TEXT_WORDS_REWRITE_H
#define TEXT_WORDS_REWRITE_H

#include "base/buffer.h"

/* The caller frees it. NULL: it has what cannot be rewritten, or would mean something else. */
char *words_rewrite(const char *pattern, const char *where, Error *);

#endif
