/* openapi.c - GET /openapi.json: the description of all endpoints, made from the lists. */
#include <ctype.h>
#include <string.h>

#include "serve/endpoints.h"

static json_t *operation(const Route *r) {
  json_t *json =
      json_build("{s:s, s:{s:{s:s}, s:{s:s}}}", "summary", r->help, "responses", "200", "description",
                 "the answer", "default", "description", "{\"error\": {message, type, param, code}}");
  if (r->params)
    json_put(json, "requestBody",
             json_build("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json", "schema",
                        params_schema(r->params)));
  json_put(json, "security", r->now ? json_array() : json_build("[{s:[]}]", "key"));
  return json;
}

json_t *openapi_json(void) {
  json_t *paths = json_object();
  for (const Route *r = routes; r->path; r++) {
    char method[8] = "";
    for (size_t i = 0; r->method[i] && i + 1 < sizeof method; i++)
      method[i] = (char)tolower((unsigned char)r->method[i]);
    json_put(paths, r->path, json_build("{s:o}", method, operation(r)));
  }
  return json_build("{s:s, s:{s:s, s:s}, s:{s:{s:{s:s, s:s}}}, s:o}", "openapi", "3.1.0", "info", "title",
                    "Inkstone", "version", INK_VERSION, "components", "securitySchemes", "key", "type",
                    "http", "scheme", "bearer", "paths", paths);
}

void serve_openapi(Job *job) {
  json_t *json = openapi_json();
  char *text = json_text(json, JSON_COMPACT);
  json_decref(json);
  exchange_respond(job->exchange, HTTP_OK, "application/json", text, strlen(text));
  mem_free(text);
}
