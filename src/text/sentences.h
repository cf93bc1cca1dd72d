/* sentences.h - sentence boundaries in Chinese and European scripts, to split texts longer than a model's
 * context. */
#ifndef TEXT_SENTENCES_H
#define TEXT_SENTENCES_H

#include <stddef.h>

/* Bytes of the first sentence, including the white space after it; 0 for empty text. A sentence ends at a
 * line end; at 。！？…； and ｡, with the closing quotes and brackets that follow; at . ! ? before white
 * space, except that a full stop after an initial ("J. Smith") or a common abbreviation ("Dr. No"), or before
 * a lower-case letter ("approx. five"), ends nothing. Invalid UTF-8 is treated as other text. Linear time. */
size_t sentence_length(const char *text, size_t length);

#endif
