/* chat.c - POST /v1/chat/completions: the assistant's next turn, as OpenAI's interface of that name. */
#include <string.h>

#include "serve/endpoints.h"
#include "serve/texts.h"

/* ---- responses ---- */

static json_t *bytes_json(const char *bytes, size_t length) {
  json_t *list = json_array();
  for (size_t i = 0; i < length; i++) json_push(list, json_integer((unsigned char)bytes[i]));
  return list;
}

static json_t *spelled(ink_tokenizer *tokenizer, int32_t id, double logprob) {
  size_t length;
  char *text = texts_spelling(tokenizer, id, &length);
  json_t *json = json_build("{s:o, s:o, s:o}", "token", json_bytes(text ? text : "", length), "logprob",
                            json_number(logprob), "bytes", bytes_json(text, length));
  ink_free(text);
  return json;
}

static json_t *token_json(ink_tokenizer *tokenizer, const ink_token *token) {
  json_t *json = spelled(tokenizer, token->id, token->logprob), *top = json_array();
  for (int i = 0; i < token->alternative_count; i++)
    json_push(top, spelled(tokenizer, token->alternatives[i].id, token->alternatives[i].logprob));
  json_put(json, "top_logprobs", top);
  return json;
}

static json_t *choice_json(const char *text, size_t length, json_t *tokens, bool piece, bool first) {
  json_t *message = json_build("{s:o}", "content", json_bytes(text, length));
  if (!piece || first) json_put(message, "role", json_string("assistant"));
  if (!piece) json_put(message, "refusal", json_null());
  return json_build("{s:o, s:o}", piece ? "delta" : "message", message, "logprobs",
                    tokens ? json_build("{s:o}", "content", tokens) : json_null());
}

/* ---- requests ---- */

/* The texts of a content in parts follow each other. */
static void add_content(const json_t *content, Buffer *text) {
  if (json_is_string(content)) buffer_add(text, json_string_value(content), json_string_length(content));
  for (size_t i = 0; i < json_array_size(content); i++) {
    const json_t *part = json_object_get(json_array_get(content, i), "text");
    buffer_add(text, json_string_value(part), json_string_length(part));
  }
}

static const char *role_of(const json_t *message) {
  const char *role = json_string_value(json_object_get(message, "role"));
  return strcmp(role, "developer") ? role : "system";
}

static int64_t submit(Texts *t, int index, const ink_settings *s, ink_token_listener *take,
                      ink_end_listener *end, void *user, Error *err) {
  const json_t *messages = json_object_get(texts_job(t)->values, "messages");
  const size_t count = json_array_size(messages);
  ink_turn *turns = mem_alloc_zeroed(count, sizeof *turns);
  Buffer *texts = mem_alloc_zeroed(count, sizeof *texts);
  (void)index;
  for (size_t i = 0; i < count; i++) {
    const json_t *message = json_array_get(messages, i);
    add_content(json_object_get(message, "content"), &texts[i]);
    turns[i] = (ink_turn){role_of(message), texts[i].data ? texts[i].data : "", texts[i].length};
  }
  const int64_t number = ink_queue_reply(texts_queue(t), turns, (int)count, s, take, end, user, err);
  for (size_t i = 0; i < count; i++) buffer_free(&texts[i]);
  mem_free(texts);
  mem_free(turns);
  return number;
}

static bool check(const json_t *values, Problem *p) {
  const bool tokens = param_switch(values, "logprobs");
  if (param_int(values, "top_logprobs", 0) && !tokens)
    return problem_set(p, HTTP_BAD, "top_logprobs", "invalid_value",
                       "\"top_logprobs\" needs \"logprobs\": true");
  return !json_object_get(values, "max_tokens") || !json_object_get(values, "max_completion_tokens") ||
         problem_set(p, HTTP_BAD, "max_tokens", "invalid_value",
                     "\"max_tokens\" and \"max_completion_tokens\" are the same: leave one of them out");
}

void serve_chat(Job *job) {
  static const TextForm form = {"chatcmpl", "chat.completion", "chat.completion.chunk", choice_json,
                                token_json};
  Problem p = {0};
  if (check(job->values, &p))
    texts_answer(job, &form, 1, param_switch(job->values, "logprobs"), submit);
  else
    job_fail(job, &p);
}
