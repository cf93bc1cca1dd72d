#include "serve/texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/threads.h"

/* A text. */
typedef struct Choice {
  Buffer text;    /* unless it is sent in pieces */
  json_t *tokens; /* NULL: not wanted, or sent */
  ink_end end;
  bool begun; /* a piece was sent */
} Choice;

/* An input: one request of the queue, for `n` texts. */
typedef struct Part {
  Texts *texts;
  int index;
  int64_t number; /* of the request; 0: it has ended, or was not submitted */
} Part;

struct Texts {
  Job *job;
  const TextForm *form;
  const ServedModel *model;
  ink_tokenizer *tokenizer;
  bool streams, usage, wants_tokens;
  int inputs, each, unfinished;
  Part *parts;     /* [inputs] */
  Choice *choices; /* [inputs * each] */
  int64_t prompt_tokens, new_tokens, seed, created;
  char id[64];
  Problem problem;
};

const Job *texts_job(const Texts *t) {
  return t->job;
}

ink_queue *texts_queue(const Texts *t) {
  return t->model->queue;
}

char *texts_spelling(ink_tokenizer *tokenizer, int32_t id, size_t *length) {
  Error err = {0};
  char *text = NULL;
  *length = 0;
  return ink_tokenizer_decode(tokenizer, &id, 1, true, &text, length, &err) ? text : NULL;
}

/* ---- responses ---- */

static json_t *finish_reason(ink_end end) {
  if (end == INK_END_NONE) return json_null();
  return json_string(end == INK_END_LENGTH ? "length" : "stop");
}

static json_t *usage_of(const Texts *t) {
  return json_build("{s:I, s:I, s:I}", "prompt_tokens", (json_int_t)t->prompt_tokens, "completion_tokens",
                    (json_int_t)t->new_tokens, "total_tokens",
                    (json_int_t)(t->prompt_tokens + t->new_tokens));
}

static json_t *envelope(const Texts *t, const char *object, json_t *choices) {
  return json_build("{s:s, s:s, s:I, s:s, s:s, s:I, s:o}", "id", t->id, "object", object, "created",
                    (json_int_t)t->created, "model", t->model->name, "system_fingerprint",
                    "inkstone-" INK_VERSION, "seed", (json_int_t)t->seed, "choices", choices);
}

static json_t *choice_json(Texts *t, int index, const char *text, size_t length, json_t *tokens, bool piece,
                           ink_end end) {
  Choice *c = &t->choices[index];
  json_t *json = t->form->choice(text, length, tokens, piece, !c->begun);
  c->begun = true;
  json_put(json, "index", json_integer(index));
  json_put(json, "finish_reason", finish_reason(end));
  return json;
}

static void send_event(const Texts *t, json_t *json) {
  Buffer event = {0};
  char *text = json_text(json, JSON_COMPACT);
  buffer_addf(&event, "data: %s\n\n", text);
  exchange_send(t->job->exchange, event.data, event.length);
  buffer_free(&event);
  mem_free(text);
  json_decref(json);
}

static void send_piece(Texts *t, int index, const ink_token *token, json_t *tokens) {
  if (!token->length && !tokens && !token->end) return;
  json_t *choices = json_array();
  json_push(choices, choice_json(t, index, token->text, token->length, tokens, true, token->end));
  send_event(t, envelope(t, t->form->chunk, choices));
}

static void respond_whole(Texts *t) {
  json_t *choices = json_array();
  for (int i = 0; i < t->inputs * t->each; i++) {
    Choice *c = &t->choices[i];
    json_push(choices,
              choice_json(t, i, c->text.data ? c->text.data : "", c->text.length, c->tokens, false, c->end));
    c->tokens = NULL;
  }
  json_t *json = envelope(t, t->form->object, choices);
  json_put(json, "usage", usage_of(t));
  job_json(t->job, json);
}

static void end_stream(Texts *t) {
  static const char last[] = "data: [DONE]\n\n";
  if (t->usage) {
    json_t *json = envelope(t, t->form->chunk, json_array());
    json_put(json, "usage", usage_of(t));
    send_event(t, json);
  }
  exchange_send(t->job->exchange, last, strlen(last));
  exchange_end(t->job->exchange);
  job_end(t->job);
}

/* ---- while they are written ---- */

static bool take_token(void *user, const ink_token *token) {
  const Part *part = user;
  Texts *t = part->texts;
  const int index = part->index * t->each + token->sample;
  Choice *c = &t->choices[index];
  json_t *entry = t->wants_tokens && token->id >= 0 ? t->form->token(t->tokenizer, token) : NULL;
  if (token->end) c->end = token->end;
  if (t->streams) {
    json_t *tokens = entry ? json_array() : NULL;
    if (entry) json_push(tokens, entry);
    send_piece(t, index, token, tokens);
  } else {
    buffer_add(&c->text, token->text, token->length);
    if (entry) json_push(c->tokens, entry);
  }
  return !t->problem.status;
}

static void free_texts(Texts *t) {
  for (int i = 0; i < t->inputs * t->each; i++) {
    buffer_free(&t->choices[i].text);
    json_decref(t->choices[i].tokens);
  }
  mem_free(t->choices);
  mem_free(t->parts);
  mem_free(t);
}

/* Once nothing runs any more. */
static void finish(Texts *t) {
  Counts *counts = scheduler_counts(t->job->scheduler);
  counts->prompt_tokens += t->prompt_tokens;
  counts->new_tokens += t->new_tokens;
  if (t->problem.status)
    job_fail(t->job, &t->problem);
  else if (t->streams)
    end_stream(t);
  else
    respond_whole(t);
  t->job->state = NULL;
  free_texts(t);
}

static void end_part(void *user, const ink_written *written, const ink_error *why) {
  Part *part = user;
  Texts *t = part->texts;
  part->number = 0;
  t->prompt_tokens += written->prompt_tokens;
  t->new_tokens += written->new_tokens;
  if (why) problem_from(&t->problem, NULL, why);
  if (!--t->unfinished) finish(t);
}

/* Calls end_part for each. */
static void cancel(Job *job, const Problem *why) {
  Texts *t = job->state;
  if (!t) return;
  if (!t->problem.status) t->problem = *why;
  t->unfinished++; /* the last one does not free t */
  for (int i = 0; i < t->inputs; i++)
    if (t->parts[i].number) ink_queue_cancel(t->model->queue, t->parts[i].number);
  if (!--t->unfinished) finish(t);
}

/* ---- submitting ---- */

/* What texts end with is the likeliest token at temperature 0, whatever is left of the others. */
static void drop_filters(json_t *values) {
  static const char *const filters[] = {"top_p", "top_k", "min_p"};
  const json_t *temperature = json_object_get(values, "temperature");
  for (size_t i = 0; temperature && json_number_value(temperature) == 0 && i < 3; i++)
    json_object_del(values, filters[i]);
}

static bool check_length(const Job *job, ink_settings *s, Problem *p) {
  Error err = {0};
  int64_t wanted = 0;
  const int64_t most = scheduler_settings(job->scheduler)->max_tokens;
  const bool given =
      json_object_get(job->values, "max_tokens") || json_object_get(job->values, "max_completion_tokens");
  if (!given && !ink_settings_set_int(
                    s, "max_tokens",
                    job->route->params && !strcmp(job->route->path, "/v1/completions") ? 16 : most, &err))
    return problem_from(p, NULL, &err);
  return ink_settings_get_int(s, "max_tokens", &wanted, &err) &&
         (wanted <= most ||
          problem_set(p, HTTP_BAD, "max_tokens", "invalid_value",
                      "this server writes at most %lld tokens (--max-tokens)", (long long)most));
}

static int64_t seed_of(const json_t *values) {
  uint64_t random = 1;
  if (json_object_get(values, "seed")) return param_int(values, "seed", 0);
  if (getrandom(&random, sizeof random, 0) != sizeof random) random = (uint64_t)(clock_unix() * 1e6);
  return (int64_t)(random >> 11); /* exact in every reader of JSON */
}

static bool prepare(Texts *t, ink_settings *s, Problem *p) {
  Error err = {0};
  Job *job = t->job;
  drop_filters(job->values);
  t->seed = seed_of(job->values);
  return params_apply(job->route->params, job->values, s, p) && check_length(job, s, p) &&
         ((ink_settings_set(s, "overflow", "end", &err) && ink_settings_set_int(s, "seed", t->seed, &err)) ||
          problem_from(p, NULL, &err));
}

/* Whatever was submitted before a failure is cancelled. */
static void submit_all(Texts *t, const ink_settings *s, TextSubmit *submit) {
  for (int i = 0; i < t->inputs && !t->problem.status; i++) {
    Error err = {0};
    Part *part = &t->parts[i];
    t->unfinished++;
    part->number = submit(t, i, s, take_token, end_part, part, &err);
    if (part->number) continue;
    t->unfinished--;
    problem_from(&t->problem, NULL, &err);
  }
  if (t->problem.status)
    cancel(t->job, &t->problem);
  else if (t->streams)
    exchange_begin(t->job->exchange, "text/event-stream");
}

static Texts *new_texts(Job *job, const TextForm *form, const ServedModel *model, int inputs, bool tokens) {
  static int64_t last;
  Texts *t = mem_alloc_zeroed(1, sizeof *t);
  *t = (Texts){.job = job,
               .form = form,
               .model = model,
               .tokenizer = ink_model_tokenizer(model->model, false),
               .streams = param_switch(job->values, "stream"),
               .usage = param_switch(json_object_get(job->values, "stream_options"), "include_usage"),
               .wants_tokens = tokens,
               .inputs = inputs,
               .each = (int)param_int(job->values, "n", 1),
               .created = (int64_t)clock_unix()};
  snprintf(t->id, sizeof t->id, "%s-%" PRIx64 "-%" PRIx64, form->prefix, (uint64_t)t->created,
           (uint64_t)++last);
  t->parts = mem_alloc_zeroed((size_t)inputs, sizeof *t->parts);
  t->choices = mem_alloc_zeroed((size_t)(inputs * t->each), sizeof *t->choices);
  for (int i = 0; i < inputs; i++) t->parts[i] = (Part){.texts = t, .index = i};
  for (int i = 0; i < inputs * t->each && tokens; i++) t->choices[i].tokens = json_array();
  return t;
}

void texts_answer(Job *job, const TextForm *form, int inputs, bool tokens, TextSubmit *submit) {
  Problem p = {0};
  const ServedModel *model = job_model(job, &p);
  if (model && !model->queue) problem_set(&p, HTTP_FAILED, NULL, NULL, "the model has failed");
  if (p.status) {
    job_fail(job, &p);
    return;
  }
  Texts *t = new_texts(job, form, model, inputs, tokens);
  ink_settings *s = ink_settings_write();
  job->state = t;
  if (s && prepare(t, s, &p)) {
    job->cancel = cancel;
    submit_all(t, s, submit);
  } else {
    free_texts(t);
    job_fail(job, &p);
  }
  ink_settings_free(s);
}
