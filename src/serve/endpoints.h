/* endpoints.h - the functions that answer requests, each in a file of its own, and their parameters: made
 * from routes.def. */
#ifndef SERVE_ENDPOINTS_H
#define SERVE_ENDPOINTS_H

#include "serve/scheduler.h"

#define ROUTE(method, path, function, parameters, when, help) void function(Job *);
#include "serve/routes.def"
#undef ROUTE

#endif
