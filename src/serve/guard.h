/* guard.h - whom a server answers: the checks of a request's headers, before anything reads it. */
#ifndef SERVE_GUARD_H
#define SERVE_GUARD_H

#include "base/settings.h"
#include "serve/problem.h"

/* A browser sends a page's requests to whatever address its name leads to, and the page chooses that address
 * (DNS rebinding): so Host must be an address, localhost, or an allowed name. Origin must be the server's own
 * or an allowed one. NULL: there is no such header. */
bool guard_host(const char *host, const TextList *allowed, Problem *);
bool guard_origin(const char *origin, const char *host, const TextList *allowed, Problem *);

/* The keys, as digests, so that a comparison takes the same time whatever they have in common. */
typedef struct Keys {
  VEC(struct KeyDigest { char hex[65]; }) digests;
} Keys;
/* Of the settings and, one per line, of the file, which may be NULL. */
bool keys_open(Keys *, const TextList *given, const char *file, Error *);
void keys_close(Keys *);
/* Always true if there are no keys. */
bool keys_accept(const Keys *, const char *key);

#endif
