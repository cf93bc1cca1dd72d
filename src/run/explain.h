/* explain.h - visualizes generation as HTML: attention weights and the likeliest alternatives. */
#ifndef RUN_EXPLAIN_H
#define RUN_EXPLAIN_H

#include "run/bundle.h"
#include "run/rewriter.h"

/* Appends an HTML section for each text: a table of source words by output words, shaded by attention (the
 * mean over layers and heads; omitted if the network has no attention), and for each token the likeliest
 * alternatives. Does not call the request's listener. A text split into parts gets a section per part. */
bool explain_run(const RewriteRequest *, const RewriteInput *, int64_t count, Buffer *html, Error *);
/* A complete page from such sections. */
void explain_page(const char *title, const char *sections, Buffer *html);

#endif
