/* sentences.h - where sentences end, in Chinese and in European scripts: to cut what is too long for a model.
 */
#ifndef TEXT_SENTENCES_H
#define TEXT_SENTENCES_H

#include <stddef.h>

/* Bytes of the first sentence, the white space after it included; `length` where there is but one; 0 for no
 * text. Ends: a line end; 。！？…； and their half-width forms, with the closing quotes and brackets that
 * follow; . ! ? before white space, unless after an initial ("J. Smith"), one of a few abbreviations ("Dr.
 * No") or before a small letter ("approx. five"). Invalid UTF-8 passes as other text. Linear in the length.
 */
size_t sentence_length(const char *text, size_t length);

#endif
