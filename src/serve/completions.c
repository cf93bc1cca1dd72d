/* completions.c - POST /v1/completions: continues texts, as OpenAI's interface of that name. */
#include <string.h>

#include "serve/endpoints.h"
#include "serve/texts.h"

static json_t *top_json(ink_tokenizer *tokenizer, const ink_token *token) {
  json_t *top = json_object();
  for (int i = 0; i < token->alternative_count; i++) {
    size_t length;
    char *text = texts_spelling(tokenizer, token->alternatives[i].id, &length);
    json_t *key = json_bytes(text ? text : "", length);
    if (!json_object_get(top, json_string_value(key))) /* two tokens may be parts of unreadable characters */
      json_put(top, json_string_value(key), json_number(token->alternatives[i].logprob));
    json_decref(key);
    ink_free(text);
  }
  return top;
}

static json_t *token_json(ink_tokenizer *tokenizer, const ink_token *token) {
  size_t length;
  char *text = texts_spelling(tokenizer, token->id, &length);
  json_t *json = json_build("{s:o, s:o, s:I, s:o}", "token", json_bytes(text ? text : "", length), "logprob",
                            json_number(token->logprob), "length", (json_int_t)length, "top",
                            top_json(tokenizer, token));
  ink_free(text);
  return json;
}

/* Lists in parallel, one item per token. */
static json_t *logprobs_json(json_t *tokens) {
  json_t *words = json_array(), *logprobs = json_array(), *tops = json_array(), *offsets = json_array();
  json_int_t offset = 0;
  for (size_t i = 0; i < json_array_size(tokens); i++) {
    const json_t *token = json_array_get(tokens, i);
    json_push(words, json_incref(json_object_get(token, "token")));
    json_push(logprobs, json_incref(json_object_get(token, "logprob")));
    json_push(tops, json_incref(json_object_get(token, "top")));
    json_push(offsets, json_integer(offset));
    offset += json_integer_value(json_object_get(token, "length"));
  }
  json_decref(tokens);
  return json_build("{s:o, s:o, s:o, s:o}", "tokens", words, "token_logprobs", logprobs, "top_logprobs", tops,
                    "text_offset", offsets);
}

static json_t *choice_json(const char *text, size_t length, json_t *tokens, bool piece, bool first) {
  (void)piece, (void)first;
  return json_build("{s:o, s:o}", "text", json_bytes(text, length), "logprobs",
                    tokens ? logprobs_json(tokens) : json_null());
}

static int64_t submit(Texts *t, int index, const ink_settings *s, ink_token_listener *take,
                      ink_end_listener *end, void *user, Error *err) {
  const json_t *prompt = param_text(texts_job(t)->values, "prompt", (size_t)index);
  return ink_queue_write(texts_queue(t), json_string_value(prompt), json_string_length(prompt), s, take, end,
                         user, err);
}

void serve_completions(Job *job) {
  static const TextForm form = {"cmpl", "text_completion", "text_completion", choice_json, token_json};
  int count = 0;
  while (param_text(job->values, "prompt", (size_t)count)) count++;
  texts_answer(job, &form, count, json_object_get(job->values, "logprobs") != NULL, submit);
}
