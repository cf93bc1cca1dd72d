/* narrow.h - full-width characters, typed with Chinese and Japanese keyboards where ASCII is meant. */
#ifndef BASE_NARROW_H
#define BASE_NARROW_H

#include <stdbool.h>
#include <stddef.h>

/* Copies the text with full-width letters, digits and punctuation, long dashes and the ideographic space
 * replaced by ASCII; *full_width is the first of these in the text, *full_width_length its bytes. False if
 * there is none, or `out` is too small. */
bool narrow_text(const char *text, char *out, size_t capacity, const char **full_width,
                 int *full_width_length);

#endif
