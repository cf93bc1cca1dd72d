/* tokenize.c - POST /v1/tokenize and /v1/detokenize. */
#include "serve/endpoints.h"

void serve_tokenize(Job *job) {
  Problem p = {0};
  Error err = {0};
  int32_t *ids = NULL;
  size_t count = 0;
  const ServedModel *m = job_model(job, &p);
  const json_t *text = json_object_get(job->values, "text");
  if (m && !ink_tokenizer_encode(ink_model_tokenizer(m->model, true), json_string_value(text),
                                 json_string_length(text), param_switch(job->values, "special_tokens"), &ids,
                                 &count, &err))
    problem_from(&p, "text", &err);
  if (p.status) {
    job_fail(job, &p);
    return;
  }
  json_t *tokens = json_array();
  for (size_t i = 0; i < count; i++) json_push(tokens, json_integer(ids[i]));
  ink_free(ids);
  job_json(job, json_build("{s:o, s:I}", "tokens", tokens, "count", (json_int_t)count));
}

void serve_detokenize(Job *job) {
  Problem p = {0};
  Error err = {0};
  char *text = NULL;
  size_t length = 0;
  const ServedModel *m = job_model(job, &p);
  const json_t *tokens = json_object_get(job->values, "tokens");
  const size_t count = json_array_size(tokens);
  int32_t *ids = mem_alloc_zeroed(count + 1, sizeof *ids);
  for (size_t i = 0; i < count; i++) ids[i] = (int32_t)json_integer_value(json_array_get(tokens, i));
  if (m && !ink_tokenizer_decode(ink_model_tokenizer(m->model, false), ids, count,
                                 param_switch(job->values, "special_tokens"), &text, &length, &err))
    problem_set(&p, HTTP_BAD, "tokens", "invalid_value", "%s", err.text);
  mem_free(ids);
  if (p.status)
    job_fail(job, &p);
  else
    job_json(job, json_build("{s:o}", "text", json_bytes(text, length)));
  ink_free(text);
}
