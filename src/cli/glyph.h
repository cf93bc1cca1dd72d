/* glyph.h - characters as a terminal shows them, and text as JSON can hold it. */
#ifndef CLI_GLYPH_H
#define CLI_GLYPH_H

#include <stdio.h>

#include "base/buffer.h"
#include "base/json.h"

/* The length of the UTF-8 character at `text`, 1 to 4, and its code point; 0 where there is no valid one. */
size_t glyph_next(const char *text, size_t length, uint32_t *code);

/* Columns a text takes on a terminal: Chinese characters take two. */
int glyph_columns(const char *text, size_t length);

/* The longest beginning of a text that fits in so many columns, in bytes. */
size_t glyph_fit(const char *text, size_t length, int columns);

/* Adds the text as a terminal may get it: what would control it, but for line ends and tabs, as "^[" or "?",
 * and what is no character as "?". */
void glyph_visible(Buffer *out, const char *text, size_t length);
bool glyph_put(FILE *, const char *text, size_t length); /* the same; false where it cannot be written */

/* Adds the text; bytes that are no UTF-8 become U+FFFD. */
void glyph_repair(Buffer *out, const char *text, size_t length);

/* A JSON string; bytes that are no UTF-8 become U+FFFD. */
json_t *glyph_json(const char *text, size_t length);
bool glyph_valid(const char *text, size_t length);

/* The terminal's width at `descriptor`; 80 if unknown. */
int glyph_terminal_width(int descriptor);

/* Makes widths of characters known and says whether the terminal shows UTF-8. Called once. */
bool glyph_set_locale(void);

#endif
