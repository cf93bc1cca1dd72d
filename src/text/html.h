/* html.h - what the pages that we write share. Pages are made by html_addf, which escapes every %s, and
 * html_text; buffer_adds adds what is written in the source alone (lint.py refuses buffer_addf in their
 * files). */
#ifndef TEXT_HTML_H
#define TEXT_HTML_H

#include "base/buffer.h"

/* Colours for light and dark, the body and its headings: goes first into a page's <style>. */
extern const char html_style[];

/* Escaped; bytes that are no UTF-8 and control characters become U+FFFD. */
void html_text(Buffer *out, const char *text, size_t length);

/* As buffer_addf, of %s, %d, %u, %f, %g, %e with width, precision, l and z; what %s stands for is escaped. */
void html_addf(Buffer *out, const char *format, ...) PRINTF(2, 3);

#endif
