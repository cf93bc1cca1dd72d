#include "data/chat_template.h"

#include <string.h>

#include "text/jinja.h"
#include "text/utf8.h"

struct ChatTemplate {
  const Tokenizer *tokenizer;
  Jinja *program;
  json_t *variables; /* special tokens */
  const char *source;
  json_t *kept; /* has the source */
  json_t *names;
  int32_t end;
  int64_t frame;
  Error problem; /* why it cannot be used */
};

/* The template called "default" of a list. */
static const json_t *chosen(const json_t *templates, Error *err) {
  if (json_is_string(templates)) return templates;
  for (size_t i = 0; i < json_array_size(templates); i++) {
    const json_t *item = json_array_get(templates, i), *text = json_object_get(item, "template");
    if (!strcmp(json_get_text(item, "name", ""), "default") && json_is_string(text)) return text;
  }
  fail(err, "it is neither a text nor a list with one of the name \"default\"");
  return NULL;
}

/* bos_token and the like: a text, or an object with its "content". */
static void add_tokens(json_t *variables, const json_t *config) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)config, key, value) {
    const size_t length = strlen(key);
    const json_t *text = json_is_object(value) ? json_object_get(value, "content") : value;
    if (length > 6 && !strcmp(key + length - 6, "_token") && json_is_string(text))
      json_share(variables, key, text);
  }
}

/* ---- rendering ---- */

/* Fails if there is no usable template. A noncharacter that occurs neither in the turns nor in the template.
 */
static bool find_mark(const ChatTemplate *c, const Turn *turns, size_t count, char mark[5], Error *err) {
  if (c->problem.code) return fail_from(err, &c->problem);
  for (uint32_t code = 0xfdd0; code <= 0xfdef; code++) {
    mark[utf8_encode(code, mark)] = 0;
    bool used = strstr(c->source, mark) != NULL;
    for (size_t i = 0; i < count; i++)
      used |= turns[i].length && memmem(turns[i].text, turns[i].length, mark, strlen(mark));
    if (!used) return true;
  }
  return fail(err, "the conversation has all noncharacters from U+FDD0 to U+FDEF");
}

static bool add_messages(json_t *messages, const Tokenizer *t, const Turn *turns, size_t count,
                         const char *mark, Error *err) {
  static const char *const roles[ROLES] = {
      [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
  for (size_t i = 0; i < count; i++) {
    Buffer text = {0};
    tokenizer_break_specials(t, turns[i].text, turns[i].length, mark, &text);
    const char *left = text.length ? tokenizer_special_in(t, text.data, text.length) : NULL; /* normalized */
    json_t *content = left ? NULL : json_stringn(text.data ? text.data : "", text.length);
    buffer_free(&text);
    if (left)
      return fail(err, "turn %zu has another spelling of the special token %s: leave it out", i + 1, left);
    if (!content) return fail(err, "turn %zu is not UTF-8", i + 1);
    json_push(messages, json_build("{s:s, s:o}", "role", roles[turns[i].role], "content", content));
  }
  return true;
}

/* The text has the mark within special tokens that turns spell out. */
static bool render(const ChatTemplate *c, const Turn *turns, size_t count, bool prompt, const char *mark,
                   Buffer *out, Error *err) {
  json_t *messages = json_array(),
         *variables = json_build("{s:o, s:b, s:n, s:n}", "messages", messages, "add_generation_prompt",
                                 prompt, "tools", "documents");
  json_t *token;
  const char *name;
  json_object_foreach(c->variables, name, token) json_share(variables, name, token);
  const bool ok =
      !c->problem.code && add_messages(messages, c->tokenizer, turns, count, mark, err) &&
      (jinja_render(c->program, variables, out, NULL, err) || fail_prefix(err, "the model's chat template"));
  json_decref(variables);
  return ok;
}

bool chat_template_text(const ChatTemplate *c, const Turn *turns, size_t count, bool prompt, Buffer *out,
                        Error *err) {
  char mark[5];
  Buffer text = {0};
  const bool ok = find_mark(c, turns, count, mark, err) && render(c, turns, count, prompt, mark, &text, err);
  for (const char *at = text.data, *next; ok && at; at = next) {
    next = strstr(at, mark);
    buffer_add(out, at, next ? (size_t)(next - at) : strlen(at));
    if (next) next += strlen(mark);
  }
  buffer_free(&text);
  return ok;
}

/* The parts between marks are encoded one by one: no special token is spelled across them. */
static bool encode(const Tokenizer *t, const Buffer *text, const char *mark, Ids *ids, Error *err) {
  const char *at = text->data, *end = text->data + text->length;
  bool ok = true;
  while (ok && at < end) {
    const char *next = memmem(at, (size_t)(end - at), mark, strlen(mark));
    ok = tokenizer_encode(t, at, (size_t)((next ? next : end) - at), true, ids, err);
    at = next ? next + strlen(mark) : end;
  }
  return ok;
}

static bool add_prompt(const ChatTemplate *c, const Turn *turns, size_t count, Ids *ids, Error *err) {
  char mark[5];
  Buffer text = {0};
  const bool ok = find_mark(c, turns, count, mark, err) && render(c, turns, count, true, mark, &text, err) &&
                  encode(c->tokenizer, &text, mark, ids, err);
  buffer_free(&text);
  return ok;
}

bool chat_template_shorten(Turn *turns, size_t *count, size_t last) {
  const size_t kept = *count && turns[0].role == ROLE_SYSTEM;
  if (*count < kept + 2 + last) return false;
  memmove(turns + kept, turns + kept + 2, (*count - kept - 2) * sizeof *turns);
  *count -= 2;
  return true;
}

bool chat_template_fit(const ChatTemplate *c, const Turn *turns, size_t count, int64_t most, Ids *ids,
                       size_t *dropped, Error *err) {
  const size_t before = ids->count;
  size_t left = count;
  Turn *some = mem_alloc((count + 1) * sizeof *some);
  bool ok = true;
  if (count) memcpy(some, turns, count * sizeof *some);
  do {
    ids->count = before;
    ok = add_prompt(c, some, left, ids, err);
    *dropped = count - left;
  } while (ok && (int64_t)(ids->count - before) > most && chat_template_shorten(some, &left, 1));
  mem_free(some);
  return ok && (ids->count > before ||
                fail(err,
                     "the model's chat template writes nothing for this conversation, so there is "
                     "nothing to reply to"));
}

/* ---- replies ---- */

typedef struct Rendered {
  Buffer text; /* with marks */
  Ids ids;
} Rendered;

static bool render_ids(const ChatTemplate *c, const Turn *turns, size_t count, bool prompt, const char *mark,
                       Rendered *r, Error *err) {
  return render(c, turns, count, prompt, mark, &r->text, err) &&
         encode(c->tokenizer, &r->text, mark, &r->ids, err);
}

/* The ids of a conversation are those of the prompt and then others, unless a token reaches across the
 * prompt's end: then the reply is encoded by itself, as a model that continues the prompt would write it. */
static bool join(const ChatTemplate *c, const Rendered *prompt, const Rendered *whole, const char *mark,
                 Ids *ids, Error *err) {
  const size_t length = prompt->text.length;
  if (ids_begin_with(&whole->ids, &prompt->ids)) {
    for (size_t i = 0; i < whole->ids.count; i++) vec_push(ids, whole->ids.data[i]);
    return true;
  }
  if (length > whole->text.length || memcmp(prompt->text.data, whole->text.data, length))
    return fail(err,
                "the model's chat template begins a reply in another way than the prompt for it ends: it "
                "cannot be trained on");
  const Buffer rest = {.data = whole->text.data + length, .length = whole->text.length - length};
  for (size_t i = 0; i < prompt->ids.count; i++) vec_push(ids, prompt->ids.data[i]);
  return encode(c->tokenizer, &rest, mark, ids, err);
}

bool chat_template_reply(const ChatTemplate *c, const Turn *turns, size_t count, Ids *ids, ReplySpan *span,
                         Error *err) {
  char mark[5];
  Rendered prompt = {0}, whole = {0};
  ids->count = 0;
  const bool ok =
      find_mark(c, turns, count, mark, err) && render_ids(c, turns, count - 1, true, mark, &prompt, err) &&
      render_ids(c, turns, count, false, mark, &whole, err) && join(c, &prompt, &whole, mark, ids, err);
  *span = (ReplySpan){.first = prompt.ids.count, .stop = ids->count};
  for (size_t i = span->first; ok && c->end >= 0 && i < ids->count && !span->ended; i++)
    if (ids->data[i] == c->end) *span = (ReplySpan){span->first, i + 1, true};
  buffer_free(&prompt.text);
  buffer_free(&whole.text);
  vec_free(&prompt.ids);
  vec_free(&whole.ids);
  return ok;
}

int32_t chat_template_end(const ChatTemplate *c) {
  return c->end;
}

int64_t chat_template_frame(const ChatTemplate *c) {
  return c->frame;
}

const json_t *chat_template_names(const ChatTemplate *c) {
  return c->names;
}

/* ---- opening ---- */

/* Renders an assistant's turn and finds what follows its text. */
static int32_t find_end(const ChatTemplate *c) {
  const Tokenizer *t = c->tokenizer;
  static const char reply[] = "Rudolfo";
  const Turn turns[] = {{ROLE_USER, "a", 1}, {ROLE_ASSISTANT, reply, sizeof reply - 1}};
  Buffer text = {0};
  Ids ids = {0};
  Error none = {0};
  int32_t end = -1;
  if (chat_template_text(c, turns, 2, false, &text, &none)) {
    const char *found = text.data ? strstr(text.data, reply) : NULL;
    if (found &&
        tokenizer_encode(t, found + sizeof reply - 1, strlen(found + sizeof reply - 1), true, &ids, &none))
      for (size_t i = 0; i < ids.count && end < 0; i++)
        if (tokenizer_is_special(t, ids.data[i])) end = ids.data[i];
  }
  vec_free(&ids);
  buffer_free(&text);
  return end;
}

static int64_t find_frame(const ChatTemplate *c) {
  Ids ids = {0};
  Error none = {0};
  add_prompt(c, &(Turn){ROLE_USER, "a", 1}, 1, &ids, &none);
  const int64_t frame = (int64_t)ids.count;
  vec_free(&ids);
  return frame;
}

static json_t *names_of(const json_t *templates) {
  json_t *names = json_array();
  for (size_t i = 0; i < json_array_size(templates); i++)
    json_push(names, json_string(json_get_text(json_array_get(templates, i), "name", "")));
  return names;
}

ChatTemplate *chat_template_open(const json_t *config, const Tokenizer *t) {
  const json_t *templates = json_object_get(config, "chat_template");
  if (!templates || json_is_null(templates)) return NULL;
  ChatTemplate *c = mem_alloc_zeroed(1, sizeof *c);
  c->tokenizer = t;
  c->end = -1;
  c->variables = json_object();
  c->names = names_of(templates);
  add_tokens(c->variables, config);
  const json_t *text = chosen(templates, &c->problem);
  if (text) {
    c->kept = json_copy((json_t *)(uintptr_t)text);
    c->source = json_string_value(c->kept);
    c->program = jinja_parse(c->source, json_string_length(text), &c->problem);
  }
  if (c->program) {
    c->end = find_end(c);
    c->frame = find_frame(c);
  } else
    fail_prefix(&c->problem, "the model's chat template");
  return c;
}

void chat_template_close(ChatTemplate *c) {
  if (!c) return;
  jinja_free(c->program);
  json_decref(c->variables);
  json_decref(c->kept);
  json_decref(c->names);
  mem_free(c);
}
