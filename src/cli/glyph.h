/* glyph.h - text for terminals (width, control characters) and for JSON (valid UTF-8). */
#ifndef CLI_GLYPH_H
#define CLI_GLYPH_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/json.h"

/* The length of the UTF-8 character at `text`, 1 to 4, and its code point; 0 if it is invalid. */
size_t glyph_next(const char *text, size_t length, uint32_t *code);

/* Terminal columns of a text; Chinese characters take two. */
int glyph_columns(const char *text, size_t length);

/* The length in bytes of the longest prefix that fits in `columns`. */
size_t glyph_fit(const char *text, size_t length, int columns);

/* Appends the text, safe for a terminal: control characters except line ends and tabs become "^[" or "?",
 * invalid UTF-8 becomes "?". */
void glyph_visible(Buffer *out, const char *text, size_t length);
bool glyph_put(FILE *, const char *text, size_t length); /* the same to a file; false on a write error */

/* Appends the text; invalid UTF-8 becomes U+FFFD. */
void glyph_repair(Buffer *out, const char *text, size_t length);

/* A JSON string; invalid UTF-8 becomes U+FFFD. */
json_t *glyph_json(const char *text, size_t length);
bool glyph_valid(const char *text, size_t length);

/* Width of the terminal at `descriptor`; 80 if unknown. */
int glyph_terminal_width(int descriptor);

/* Sets the locale that character widths need; returns whether the terminal shows UTF-8. */
bool glyph_set_locale(void);

#endif
