/* models.c - GET /v1/models. */
#include <string.h>

#include "serve/endpoints.h"

static json_t *described(const ServedModel *m) {
  Error err = {0};
  char *text = ink_model_describe(m->model, &err);
  json_t *json = text ? json_parse(text, strlen(text), m->name, &err) : NULL;
  ink_free(text);
  return json ? json : json_null();
}

void serve_models(Job *job) {
  int count;
  const ServedModel *models = scheduler_models(job->scheduler, &count);
  json_t *data = json_array();
  for (int i = 0; i < count; i++)
    json_push(data, json_build("{s:s, s:s, s:i, s:s, s:o}", "id", models[i].name, "object", "model",
                               "created", 0, "owned_by", "inkstone", "inkstone", described(&models[i])));
  job_json(job, json_build("{s:s, s:o}", "object", "list", "data", data));
}
