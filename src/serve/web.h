/* web.h - HTTP/1.1 on a socket: requests with their bodies, responses at once or in pieces. It knows neither
 * models nor the meaning of paths.
 *
 * All requests arrive on one thread, which must not wait: a handler passes the exchange on, and any other
 * thread may respond later. What a client may make the server hold is limited: size and time of a request,
 * number of connections, bytes that it does not read. A request is refused before it reaches the handler if
 * it is too large, if its Host is a name that is not allowed (DNS rebinding), or its Origin another site. */
#ifndef SERVE_WEB_H
#define SERVE_WEB_H

#include "base/buffer.h"
#include "base/settings.h"
#include "serve/problem.h"

#include "serve/web.def" /* WebSettings, web_settings_table */

typedef struct Web Web;
/* A request and its response. Whoever keeps it holds a reference. */
typedef struct Exchange Exchange;

/* Called on the HTTP thread with the whole request. */
typedef void WebHandler(void *user, Exchange *);
/* Listens. The settings must stay valid. NULL on failure. */
Web *web_open(const WebSettings *, WebHandler *, void *user, Error *);
int web_port(const Web *);
bool web_is_local(const Web *);  /* other machines cannot reach it */
int web_unfinished(const Web *); /* exchanges whose response the client does not have yet */
/* Drops connections whose request takes too long to arrive; to be called about every second. */
void web_tick(Web *);
void web_stop_listening(Web *);
/* After every exchange has its response. */
void web_close(Web *);

Exchange *exchange_keep(Exchange *);
void exchange_release(Exchange *);

/* Of the request; valid as long as the exchange. */
const char *exchange_method(const Exchange *);
const char *exchange_path(const Exchange *);
const char *exchange_body(const Exchange *, size_t *length);
/* What follows "Authorization: Bearer "; "": nothing. */
const char *exchange_key(const Exchange *);

/* The whole response. Only the first response counts. */
void exchange_respond(Exchange *, int status, const char *type, const char *body, size_t length);
/* An error of an exchange whose response has not begun, else of its last piece. */
void exchange_fail(Exchange *, const Problem *);
/* A response in pieces (server-sent events); end it. */
void exchange_begin(Exchange *, const char *type);
void exchange_send(Exchange *, const char *bytes, size_t length);
void exchange_end(Exchange *);
/* Whether the client has left, or reads too slowly, so that nobody waits for the response. */
bool exchange_is_gone(Exchange *);

#endif
