/* trace_page.h - a trace for programs (JSON) and for people (a page that needs no network). */
#ifndef RUN_TRACE_PAGE_H
#define RUN_TRACE_PAGE_H

#include "base/json.h"
#include "run/trace.h"
#include "text/tokenizer.h"

/* `compact`: attention is a text of bytes, else numbers. The caller decrefs. */
json_t *trace_json(const Trace *, const Tokenizer *, bool compact);
/* Appends the page; `model`: its name in the title. */
void trace_page(const Trace *, const Tokenizer *, const char *model, Buffer *html);

#endif
