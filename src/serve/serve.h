/* serve.h - an HTTP server for models: OpenAI's interface, and our own for what it lacks.
 *
 * Two threads: one reads and writes sockets (web.h) and knows no models; the other, the caller's, steps the
 * models' queues (scheduler.h). They exchange jobs. All that is known of models is inkstone.h. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "base/json.h"
#include "base/settings.h"

#include "serve/serve.def" /* ServeSettings, serve_settings_table */

/* A model under the name that requests give. */
typedef struct ServedModel {
  const char *name;
  ink_model *model;
  ink_queue *queue; /* the server's */
} ServedModel;

/* The settings of a server; free with ink_settings_free. */
ink_settings *serve_settings(void);

/* Serves until the stop of the call is requested, then lets running requests end. `ready` is called with the
 * address once it listens. */
bool serve_run(ServedModel *, int count, const ink_settings *, const ink_call *,
               void (*ready)(const char *address, bool open), Error *);

/* The description of all endpoints (OpenAPI 3.1); the caller decrefs it. */
json_t *openapi_json(void);

#endif
