/* narrow.h - full-width characters, as Chinese and Japanese keyboards write them, where ASCII is meant. */
#ifndef BASE_NARROW_H
#define BASE_NARROW_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the text with ASCII for full-width letters, digits and punctuation, long dashes and the ideographic
 * space; *full_width is the first of these in the text, *full_width_length its bytes. False: it has none, or
 * does not fit. */
bool narrow_text(const char *text, char *out, size_t capacity, const char **full_width,
                 int *full_width_length);

#endif
