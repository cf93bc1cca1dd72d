/* html.h - shared by all HTML output. Pages are written with html_addf, which escapes every %s, and
 * html_text; buffer_adds is for literals only (lint.py refuses buffer_addf in these files). */
#ifndef TEXT_HTML_H
#define TEXT_HTML_H

#include "base/buffer.h"

/* Styles of the body and its headings, for light and dark mode; comes first in a page's <style>. */
extern const char html_style[];

/* Appends escaped text; invalid UTF-8 and control characters become U+FFFD. */
void html_text(Buffer *out, const char *text, size_t length);

/* As buffer_addf for %s, %d, %u, %i, %f, %g, %e with width, precision, l and z; the text of %s is escaped. */
void html_addf(Buffer *out, const char *format, ...) PRINTF(2, 3);

#endif
