#include "data/chat_template.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
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
  unsigned taken;    /* bits 1 << Part: the template writes it */
  bool parses_calls; /* arguments of calls must be objects: it does not write a text as it is */
  Error problem;     /* why it cannot be used */
};

/* What templates may leave out without a word. */
typedef enum Part { PART_SYSTEM, PART_TOOLS, PART_CALLS, PART_RESULTS, PART_REASONING, PARTS } Part;

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

/* ---- messages ---- */

/* Turns are counted from 1; 0: variables. */
typedef char Place[48];
static const char *place_of(size_t turn, Place buf) {
  if (turn)
    snprintf(buf, sizeof(Place), _("turn %zu"), turn);
  else
    snprintf(buf, sizeof(Place), "%s", _("the conversation"));
  return buf;
}

/* A text with the mark in every special token that it spells out; NULL: it cannot be given to the template.
 */
static json_t *marked(const ChatTemplate *c, const char *text, size_t length, const char *mark, size_t turn,
                      Error *err) {
  Buffer broken = {0};
  Place place;
  tokenizer_break_specials(c->tokenizer, text, length, mark, &broken);
  const char *left = broken.length ? tokenizer_special_in(c->tokenizer, broken.data, broken.length) : NULL;
  json_t *string = left ? NULL : json_stringn(broken.data ? broken.data : "", broken.length);
  buffer_free(&broken);
  if (left) /* normalized */
    fail(err, "%s has another spelling of the special token %s: leave it out", place_of(turn, place), left);
  else if (!string)
    fail(err, "%s is not UTF-8", place_of(turn, place));
  return string;
}

/* A copy of a value whose texts and names are marked; json.h bounds its depth. */
static json_t *marked_value(const ChatTemplate *c, const json_t *value, const char *mark, size_t turn,
                            Error *err) {
  if (json_is_string(value))
    return marked(c, json_string_value(value), json_string_length(value), mark, turn, err);
  if (!json_is_array(value) && !json_is_object(value)) return json_incref((json_t *)(uintptr_t)value);
  json_t *copy = json_is_array(value) ? json_array() : json_object(), *part, *item = NULL;
  const char *name;
  bool ok = true;
  for (size_t i = 0; i < json_array_size(value) && ok; i++)
    if ((ok = (item = marked_value(c, json_array_get(value, i), mark, turn, err)) != NULL))
      json_push(copy, item);
  json_object_foreach((json_t *)(uintptr_t)value, name, part) {
    json_t *key = ok ? marked(c, name, strlen(name), mark, turn, err) : NULL;
    ok = key && (item = marked_value(c, part, mark, turn, err)) != NULL;
    if (ok) json_put(copy, json_string_value(key), item);
    json_decref(key);
  }
  if (ok) return copy;
  json_decref(copy);
  return NULL;
}

static bool check_part(const ChatTemplate *c, Part part, size_t turn, Error *err) {
  static const char *const names[PARTS] = {[PART_SYSTEM] = N_("a system turn"),
                                           [PART_TOOLS] = N_("tools"),
                                           [PART_CALLS] = N_("tool calls"),
                                           [PART_RESULTS] = N_("results of tools"),
                                           [PART_REASONING] = N_("reasoning")};
  Place place;
  return (c->taken >> part & 1) ||
         fail(err, "%s has %s, which the model's chat template leaves out: remove it", place_of(turn, place),
              language_text(names[part]));
}

/* Members that change what is said must be read by the template. */
static bool check_members(const ChatTemplate *c, const json_t *members, bool variables, size_t turn,
                          Error *err) {
  const char *name;
  json_t *value;
  Place place;
  bool ok = true;
  json_object_foreach((json_t *)(uintptr_t)members, name, value) {
    const bool says = variables || !strcmp(name, "reasoning") || !strcmp(name, "thinking");
    if (!ok) break;
    if (!strcmp(name, "tools"))
      ok = check_part(c, PART_TOOLS, turn, err);
    else if (!strcmp(name, "tool_calls"))
      ok = check_part(c, PART_CALLS, turn, err);
    else if (!strcmp(name, "reasoning_content"))
      ok = check_part(c, PART_REASONING, turn, err);
    else if (says && !strstr(c->source, name))
      ok = fail(err, "%s has \"%.60s\", which the model's chat template does not read: remove it",
                place_of(turn, place), name);
  }
  return ok;
}

/* OpenAI writes the arguments of calls as a text of JSON. */
static void parse_arguments(json_t *members) {
  json_t *calls = json_object_get(members, "tool_calls");
  json_error_t problem;
  for (size_t i = 0; i < json_array_size(calls); i++) {
    json_t *function = json_object_get(json_array_get(calls, i), "function"),
           *text = json_object_get(function, "arguments"),
           *arguments = json_is_string(text)
                            ? json_load(json_string_value(text), json_string_length(text), 0, &problem)
                            : NULL;
    if (json_is_object(arguments)) json_share(function, "arguments", arguments);
    json_decref(arguments);
  }
}

/* The members of a turn; NULL after an error. */
static json_t *members_of(const ChatTemplate *c, const Turn *t, const char *mark, size_t turn, Error *err) {
  if (!t->members) return json_object();
  json_t *members = json_parse(t->members->json, strlen(t->members->json), "members", err), *copy = NULL;
  if (members && c->parses_calls) parse_arguments(members);
  if (members && check_members(c, members, t->role == ROLE_VARIABLES, turn, err))
    copy = marked_value(c, members, mark, turn, err);
  json_decref(members);
  return copy;
}

static bool add_message(const ChatTemplate *c, json_t *messages, const Turn *t, const char *mark, size_t turn,
                        Error *err) {
  static const char *const roles[ROLES] = {[ROLE_SYSTEM] = "system",
                                           [ROLE_USER] = "user",
                                           [ROLE_ASSISTANT] = "assistant",
                                           [ROLE_GIVEN] = "assistant",
                                           [ROLE_TOOL] = "tool"};
  const bool taken = (t->role != ROLE_SYSTEM || check_part(c, PART_SYSTEM, turn, err)) &&
                     (t->role != ROLE_TOOL || check_part(c, PART_RESULTS, turn, err));
  json_t *content = taken ? marked(c, t->text, t->length, mark, turn, err) : NULL,
         *members = content ? members_of(c, t, mark, turn, err) : NULL;
  if (members) {
    json_t *message = json_build("{s:s}", "role", roles[t->role]);
    if (!t->members || !t->members->textless) json_share(message, "content", content);
    json_merge(message, json_incref(members)); /* "content" may be null */
    json_push(messages, message);
  }
  json_decref(content);
  json_decref(members);
  return members != NULL;
}

static bool add_turns(const ChatTemplate *c, json_t *variables, const Turn *turns, size_t count,
                      const char *mark, Error *err) {
  json_t *messages = json_object_get(variables, "messages");
  bool ok = true;
  for (size_t i = 0, number = 0; i < count && ok; i++)
    if (turns[i].role == ROLE_VARIABLES) {
      json_t *more = members_of(c, &turns[i], mark, 0, err);
      if ((ok = more != NULL)) json_merge(variables, more);
    } else
      ok = add_message(c, messages, &turns[i], mark, ++number, err);
  return ok;
}

/* The text has the mark within special tokens that turns spell out. */
static bool render(const ChatTemplate *c, const Turn *turns, size_t count, bool prompt, const char *mark,
                   Buffer *out, Error *err) {
  json_t *variables = json_build("{s:o, s:b, s:n, s:n}", "messages", json_array(), "add_generation_prompt",
                                 prompt, "tools", "documents");
  json_t *token;
  const char *name;
  json_object_foreach(c->variables, name, token) json_share(variables, name, token);
  const bool ok =
      !c->problem.code && add_turns(c, variables, turns, count, mark, err) &&
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
  size_t kept = 0;
  while (kept < *count && (turns[kept].role == ROLE_VARIABLES || turns[kept].role == ROLE_SYSTEM)) kept++;
  size_t next = kept + 1;
  while (next < *count && turns[next].role != ROLE_USER) next++;
  if (next + last > *count) return false;
  memmove(turns + kept, turns + next, (*count - next) * sizeof *turns);
  *count -= next - kept;
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

static void add_ids(Ids *to, const Ids *from) {
  for (size_t i = 0; i < from->count; i++) vec_push(to, from->data[i]);
}

static size_t shared_count(const Ids *a, const Ids *b) {
  size_t i = 0;
  while (i < a->count && i < b->count && a->data[i] == b->data[i]) i++;
  return i;
}

/* Where a reply begins that the template begins in another way than the prompt for it ends (DeepSeek-R1's
 * prompt opens the reasoning, which no reply has): behind the special token up to which both are equal, if
 * that is behind the turns before the reply; 0: there is none. */
static bool find_opening(const ChatTemplate *c, const Turn *turns, size_t before, const char *mark,
                         const Ids *prompt, const Ids *whole, size_t *first, Error *err) {
  Rendered earlier = {0};
  size_t shared = shared_count(prompt, whole);
  const bool ok = render_ids(c, turns, before, false, mark, &earlier, err);
  while (shared > earlier.ids.count && !tokenizer_is_special(c->tokenizer, whole->data[shared - 1])) shared--;
  *first = ok && shared > earlier.ids.count && ids_begin_with(whole, &earlier.ids) ? shared : 0;
  buffer_free(&earlier.text);
  vec_free(&earlier.ids);
  return ok;
}

/* The ids of a conversation are those of the prompt and then others, unless a token reaches across the
 * prompt's end: then the reply is encoded by itself, as a model that continues the prompt would write it. */
static bool join(const ChatTemplate *c, const Turn *turns, size_t before, const Rendered *prompt,
                 const Rendered *whole, const char *mark, Ids *ids, size_t *first, Error *err) {
  const size_t length = prompt->text.length;
  *first = prompt->ids.count;
  if (ids_begin_with(&whole->ids, &prompt->ids)) {
    add_ids(ids, &whole->ids);
    return true;
  }
  if (length <= whole->text.length && !memcmp(prompt->text.data, whole->text.data, length)) {
    const Buffer rest = {.data = whole->text.data + length, .length = whole->text.length - length};
    add_ids(ids, &prompt->ids);
    return encode(c->tokenizer, &rest, mark, ids, err);
  }
  if (!find_opening(c, turns, before, mark, &prompt->ids, &whole->ids, first, err)) return false;
  add_ids(ids, &whole->ids);
  return *first ||
         fail(err,
              "the model's chat template begins a reply in another way than the prompt for it ends: it "
              "cannot be trained on");
}

bool chat_template_reply(const ChatTemplate *c, const Turn *turns, size_t count, Ids *ids, ReplySpan *span,
                         Error *err) {
  char mark[5];
  Rendered prompt = {0}, whole = {0};
  size_t first = 0;
  ids->count = 0;
  const bool ok = find_mark(c, turns, count, mark, err) &&
                  render_ids(c, turns, count - 1, true, mark, &prompt, err) &&
                  render_ids(c, turns, count, false, mark, &whole, err) &&
                  join(c, turns, count - 1, &prompt, &whole, mark, ids, &first, err);
  *span = (ReplySpan){.first = first, .stop = ids->count, .prompted = first == prompt.ids.count};
  for (size_t i = first; ok && c->end >= 0 && i < ids->count && !span->ended; i++)
    if (ids->data[i] == c->end) span->stop = i + 1, span->ended = true;
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

bool chat_template_same(const ChatTemplate *a, const ChatTemplate *b) {
  return !strcmp(a->source ? a->source : "", b->source ? b->source : "");
}

const json_t *chat_template_names(const ChatTemplate *c) {
  return c->names;
}

/* ---- opening ---- */

/* Renders an assistant's turn and finds what follows its text. */
static int32_t find_end(const ChatTemplate *c) {
  const Tokenizer *t = c->tokenizer;
  static const char reply[] = "Rudolfo";
  const Turn turns[] = {{ROLE_USER, "a", 1, NULL}, {ROLE_ASSISTANT, reply, sizeof reply - 1, NULL}};
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
  add_prompt(c, &(Turn){ROLE_USER, "a", 1, NULL}, 1, &ids, &none);
  const int64_t frame = (int64_t)ids.count;
  vec_free(&ids);
  return frame;
}

/* ---- what a template takes ---- */

#define PROBE "Rudolfo"
#define TOOLS(f)                                                   \
  "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"" f \
  "\",\"description\":\"a\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]}"
#define CALL(f, arguments)                                                                   \
  "{\"tool_calls\":[{\"id\":\"call12345\",\"type\":\"function\",\"function\":{\"name\":\"" f \
  "\",\"arguments\":" arguments "}}]}"
#define TURN(role, text, json)                    \
  {                                               \
    role, text, sizeof text - 1, &(TurnMembers) { \
      0, (char[]){json}, false                    \
    }                                             \
  }

/* Whether the rendering has this text; so says a template that refuses the conversation: its own error says
 * more. */
static bool writes(const ChatTemplate *c, const Turn *turns, size_t count, const char *text, bool otherwise) {
  Buffer out = {0};
  Error refused = {0};
  const bool rendered = chat_template_text(c, turns, count, false, &out, &refused);
  const bool has = rendered ? out.data && strstr(out.data, text) : otherwise;
  buffer_free(&out);
  return has;
}

static void find_parts(ChatTemplate *c) {
  const Turn user = TURN(ROLE_USER, "a", "{}"), tools = TURN(ROLE_VARIABLES, "", TOOLS("f")),
             call = TURN(ROLE_ASSISTANT, "", CALL("f", "{}"));
  const Turn probes[PARTS][4] = {
      [PART_SYSTEM] = {TURN(ROLE_SYSTEM, PROBE, "{}"), user},
      [PART_TOOLS] = {TURN(ROLE_VARIABLES, "", TOOLS(PROBE)), user},
      [PART_CALLS] = {tools, user, TURN(ROLE_ASSISTANT, "", CALL(PROBE, "{}"))},
      [PART_RESULTS] = {tools, user, call,
                        TURN(ROLE_TOOL, PROBE, "{\"name\":\"f\",\"tool_call_id\":\"call12345\"}")},
      [PART_REASONING] = {user, TURN(ROLE_ASSISTANT, "b", "{\"reasoning_content\":\"" PROBE "\"}")}};
  static const size_t counts[PARTS] = {2, 2, 3, 4, 2};
  const Turn quoted[] = {user, TURN(ROLE_ASSISTANT, "", CALL("f", "\"{\\\"q\\\":\\\"" PROBE "\\\"}\""))};
  unsigned taken = 0;
  c->taken = ~0u;
  for (int part = 0; part < PARTS; part++)
    taken |= (unsigned)writes(c, probes[part], counts[part], PROBE, true) << part;
  const Turn led[] = {TURN(ROLE_SYSTEM, "b", "{}"), probes[PART_TOOLS][0],
                      user}; /* tools in the system turn */
  if (writes(c, led, 3, PROBE, false)) taken |= 1u << PART_TOOLS;
  c->parses_calls = !writes(c, quoted, 2, "{\"q\":\"" PROBE "\"}", false);
  c->taken = taken;
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
    find_parts(c);
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
