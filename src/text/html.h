/* html.h - what the pages that we write share. Whatever comes from outside goes through html_text. */
#ifndef TEXT_HTML_H
#define TEXT_HTML_H

#include "base/buffer.h"

/* Colours for light and dark, the body and its headings: goes first into a page's <style>. */
extern const char html_style[];

/* Escaped; bytes that are no UTF-8 and control characters become U+FFFD. */
void html_text(Buffer *out, const char *text, size_t length);

#endif
