/* explain.h - how a model came to what it wrote, as a picture for people: where it looked, and what else it
 * weighed. */
#ifndef RUN_EXPLAIN_H
#define RUN_EXPLAIN_H

#include "run/bundle.h"
#include "run/rewriter.h"

/* Adds a section of HTML for each text: a table of source words by written words, shaded by attention (the
 * mean over layers and heads; none where the network has no attention), and for each token the likeliest
 * alternatives. The request's listener is not called. Long texts are explained in their parts. */
bool explain_run(const RewriteRequest *, const RewriteInput *, int64_t count, Buffer *html, Error *);
/* A page of such sections. */
void explain_page(const char *title, const char *sections, Buffer *html);

#endif
