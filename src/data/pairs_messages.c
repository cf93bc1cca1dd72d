/* pairs_messages.c - JSON objects of conversations: lists of messages (OpenAI, ShareGPT), a list as a prompt
 * and one that completes it (TRL), and rows of instructions (Alpaca).
 *
 * Members of a message other than its role and text, such as "tool_calls", are kept for the chat template, as
 * transformers passes them; so are "tools" and other variables of the template beside the messages. */
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "data/pairs_impl.h"

/* Is a member present and not empty? */
static bool is_given(const json_t *value) {
  return value && !json_is_null(value) && !json_is_false(value) &&
         !(json_is_string(value) && !json_string_length(value)) &&
         !(json_is_array(value) && !json_array_size(value)) &&
         !(json_is_object(value) && !json_object_size(value));
}

/* The first of these members that is given; NULL: none. */
static const char *given_of(const json_t *object, const char *const *names) {
  while (*names && !is_given(json_object_get(object, *names))) names++;
  return *names;
}

static bool is_one_of(const char *name, const char *const *names) {
  while (*names && strcmp(*names, name)) names++;
  return *names != NULL;
}

/* ---- messages ---- */

static bool role_named(const char *name, Role *role) {
  static const struct {
    const char *name;
    Role role;
  } names[] = {{"system", ROLE_SYSTEM},
               {"developer", ROLE_SYSTEM},
               {"user", ROLE_USER},
               {"assistant", ROLE_ASSISTANT},
               {"tool", ROLE_TOOL},
               {"human", ROLE_USER}, /* this and below: ShareGPT's names */
               {"gpt", ROLE_ASSISTANT},
               {"chatgpt", ROLE_ASSISTANT},
               {"model", ROLE_ASSISTANT},
               {"observation", ROLE_TOOL},
               {"function_call", ROLE_ASSISTANT}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i].name)) {
      *role = names[i].role;
      return true;
    }
  return false;
}

/* Text, or a list of text parts. */
static bool read_content(const PairReader *r, const json_t *content, Buffer *text, Problem wrong) {
  if (json_is_string(content) || !json_is_array(content)) {
    const char *why = wrong_with(r, content);
    if (why) return snprintf(wrong, sizeof(Problem), _("has content that %s"), why), false;
    buffer_add(text, json_string_value(content), json_string_length(content));
    return true;
  }
  for (size_t i = 0; i < json_array_size(content); i++) {
    const json_t *part = json_array_get(content, i), *own = json_object_get(part, "text");
    const char *type = json_get_text(part, "type", _("no type"));
    if (strcmp(type, "text") || wrong_with(r, own))
      return snprintf(wrong, sizeof(Problem),
                      _("has a part of type \"%.60s\", but only \"text\" is supported"), type),
             false;
    buffer_add(text, json_string_value(own), json_string_length(own));
  }
  return true;
}

/* ShareGPT's turns "function_call": the text is {"name": ..., "arguments": ...}, or a list of them. */
static bool read_call(const json_t *value, json_t *members, Problem wrong) {
  json_error_t problem;
  const char *text = json_is_string(value) ? json_string_value(value) : "";
  json_t *calls = json_load(text, strlen(text), JSON_REJECT_DUPLICATES, &problem), *list = json_array();
  const size_t count = json_is_array(calls) ? json_array_size(calls) : 1;
  bool ok = count > 0;
  for (size_t i = 0; i < count && ok; i++) {
    json_t *call = json_is_array(calls) ? json_array_get(calls, i) : calls;
    ok = json_is_string(json_object_get(call, "name")) && json_object_get(call, "arguments");
    if (ok) json_push(list, json_build("{s:s, s:O}", "type", "function", "function", call));
  }
  json_put(members, "tool_calls", list);
  json_decref(calls);
  if (!ok)
    snprintf(wrong, sizeof(Problem), _("is a function call other than {\"name\": ..., \"arguments\": ...}"));
  return ok;
}

/* The members of a message that are neither its role nor its text, if they are not empty. */
static json_t *other_members(PairReader *r, const json_t *message) {
  static const char *const known[] = {"role", "from", "content", "value", "weight", "train", "loss", NULL};
  static const char *const usual[] = {"name", "tool_calls", "tool_call_id", "reasoning_content", NULL};
  json_t *members = json_object();
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)message, name, value) {
    if (is_one_of(name, known) || !is_given(value)) continue;
    json_share(members, name, value);
    if (r->unusual || is_one_of(name, usual)) continue;
    r->unusual = true;
    news_note(r->news, "%s:%zu: messages have \"%.40s\", which is given to the model's chat template",
              r->file->text.name, r->line, name);
  }
  return members;
}

/* Whether a message is learnt, by its "weight" (OpenAI), "train" (Axolotl) or "loss" (ms-swift): 0 or false,
 * 1 or true. */
static bool read_taught(const json_t *message, bool *taught, Problem wrong) {
  static const char *const names[] = {"weight", "train", "loss"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const json_t *value = json_object_get(message, names[i]);
    const double number = json_is_number(value) ? json_number_value(value) : !json_is_false(value);
    if (!value || json_is_null(value)) continue;
    if (!(json_is_number(value) || json_is_boolean(value)) || (number != 0 && number != 1)) {
      snprintf(wrong, sizeof(Problem),
               _("has a \"%s\" other than 0 and 1, false and true, which is not supported"), names[i]);
      return false;
    }
    *taught &= number != 0;
  }
  return true;
}

static bool read_role(const json_t *message, const char *speaker, Role *role, Problem wrong) {
  if (!json_is_object(message) || !speaker)
    snprintf(wrong, sizeof(Problem), json_is_object(message) ? _("has no role") : _("is not an object"));
  else if (!role_named(speaker, role))
    snprintf(wrong, sizeof(Problem),
             _("has the role \"%.60s\", but only system, developer, user, assistant and tool are supported"),
             speaker);
  else if (is_given(json_object_get(message, "function_call")))
    snprintf(wrong, sizeof(Problem), _("has a \"function_call\": write it as \"tool_calls\""));
  else
    return true;
  return false;
}

bool add_message(PairReader *r, const json_t *message, bool taught, Problem wrong) {
  const char *speaker = json_get_text(message, "role", json_get_text(message, "from", NULL));
  Role role;
  if (!read_role(message, speaker, &role, wrong) || !read_taught(message, &taught, wrong)) return false;
  if (role == ROLE_ASSISTANT && !taught) role = ROLE_GIVEN;
  const json_t *content = json_object_get(message, "content");
  if (!content) content = json_object_get(message, "value");
  json_t *members = other_members(r, message);
  Buffer text = {0};
  bool ok = true;
  if (!strcmp(speaker, "function_call"))
    ok = read_call(content, members, wrong);
  else if (json_is_null(content) && json_object_get(members, "tool_calls"))
    json_put(members, "content", json_null());
  else if (content || !json_object_get(members, "tool_calls"))
    ok = read_content(r, content, &text, wrong);
  if (ok) {
    const Document kept = keep_decoded(r, text.data ? text.data : "", text.length);
    add_turn_with(r, kept, role, members, !content);
  }
  buffer_free(&text);
  json_decref(members);
  return ok;
}

/* Of the member `name` of an object. */
static bool add_messages(PairReader *r, const json_t *object, const char *name, bool taught, Problem wrong) {
  const json_t *messages = json_object_get(object, name);
  Problem why;
  if (!json_is_array(messages))
    return snprintf(wrong, sizeof(Problem), _("\"%s\" is not a list"), name), false;
  if (!json_array_size(messages))
    return snprintf(wrong, sizeof(Problem), _("\"%s\" is an empty list"), name), false;
  for (size_t i = 0; i < json_array_size(messages); i++)
    if (!add_message(r, json_array_get(messages, i), taught, why))
      return snprintf(wrong, sizeof(Problem), _("message %zu %s"), i + 1, why), false;
  return true;
}

/* ---- conversations ---- */

/* Lists may be written as a text (as tables have them). */
static json_t *tools_of(const json_t *tools) {
  json_error_t problem;
  return json_is_string(tools) ? json_load(json_string_value(tools), json_string_length(tools), 0, &problem)
                               : json_incref((json_t *)(uintptr_t)tools);
}

static bool are_objects(const json_t *list) {
  size_t i = 0;
  while (i < json_array_size(list) && json_is_object(json_array_get(list, i))) i++;
  return json_is_array(list) && i == json_array_size(list);
}

/* Variables of the chat template: "tools", "documents", and the members of "chat_template_kwargs". */
static bool add_variables(PairReader *r, const json_t *object, Problem wrong) {
  const json_t *more = json_object_get(object, "chat_template_kwargs"),
               *documents = json_object_get(object, "documents"), *given = json_object_get(object, "tools");
  json_t *tools = is_given(given) ? tools_of(given) : NULL, *variables = json_object();
  const char *bad = NULL;
  if (json_is_object(more)) json_merge(variables, json_copy((json_t *)(uintptr_t)more));
  if (json_object_get(more, "messages") || json_object_get(more, "add_generation_prompt"))
    bad = _("\"chat_template_kwargs\" has \"messages\" or \"add_generation_prompt\"");
  if (is_given(more) && !json_is_object(more)) bad = _("\"chat_template_kwargs\" is not an object");
  if (is_given(documents)) json_share(variables, "documents", documents);
  if (is_given(documents) && !are_objects(documents)) bad = _("\"documents\" is not a list of objects");
  if (is_given(given) && !are_objects(tools)) bad = _("\"tools\" is not a list of objects");
  if (is_given(tools)) json_share(variables, "tools", tools);
  if (bad)
    snprintf(wrong, sizeof(Problem), "%s", bad);
  else if (json_object_size(variables))
    add_turn_with(r, (Document){"", 0}, ROLE_VARIABLES, variables, false);
  json_decref(tools);
  json_decref(variables);
  return !bad;
}

bool add_other_members(PairReader *r, const json_t *object, Problem wrong) {
  enum { OF_PREFERENCES = 3 };
  static const char *const refused[] = {"chosen", "rejected", "kto_tag", "functions",
                                        "images", "videos",   "audios",  NULL};
  const char *bad = given_of(object, refused + (r->preferences ? OF_PREFERENCES : 0));
  const json_t *system = json_object_get(object, "system");
  if (bad) return snprintf(wrong, sizeof(Problem), _("has \"%s\", which is not supported"), bad), false;
  if (!add_variables(r, object, wrong)) return false;
  if (!is_given(system)) return true;
  if (wrong_with(r, system))
    return snprintf(wrong, sizeof(Problem), "\"system\" %s", wrong_with(r, system)), false;
  add_turn(r, keep_text(r, system), ROLE_SYSTEM);
  return true;
}

void report_unread(PairReader *r, const json_t *object) {
  static const char *const known[] = {
      "messages",  "conversations",        "conversation", "prompt",   "completion", "system",  "tools",
      "documents", "chat_template_kwargs", "chosen",       "rejected", "label",      "kto_tag", NULL};
  Members unread;
  json_t *others = json_copy((json_t *)(uintptr_t)object);
  for (size_t i = 0; known[i]; i++) json_object_del(others, known[i]);
  if (json_object_size(others)) {
    unread = members_of(others);
    news_note(r->news, "%s: not read: %s", r->file->text.name, unread.names);
  }
  json_decref(others);
}

static const char *const lists[] = {"messages", "conversations", "conversation", NULL};

static bool is_list_of_messages(const json_t *value) {
  return json_is_object(json_array_get(value, 0));
}

/* The member of messages: one that has some, else one that is there, to be refused by its name. */
static const char *list_of(const json_t *object) {
  const char *name = given_of(object, lists);
  for (size_t i = 0; lists[i] && !name; i++) {
    const json_t *value = json_object_get(object, lists[i]);
    if (value && !json_is_null(value)) name = lists[i];
  }
  return name;
}

static bool is_completed(const json_t *object) {
  return is_list_of_messages(json_object_get(object, "prompt")) &&
         json_is_array(json_object_get(object, "completion"));
}

bool is_conversation(const json_t *object) {
  return list_of(object) || is_completed(object);
}

bool read_conversation(PairReader *r, const json_t *object) {
  const char *given = given_of(object, lists),
             *name = given || is_completed(object) ? given : list_of(object);
  const json_t *first = json_array_get(json_object_get(object, name ? name : "prompt"), 0);
  const char *kind = !name ? _("conversations as prompt and completion: replies of the completion are learnt")
                     : json_object_get(first, "from")
                         ? _("conversations in the ShareGPT format (from, value)")
                         : _("conversations in the OpenAI format (role, content)");
  Problem wrong;
  if (!r->conversations)
    return fail(r->err, "%s:%zu: is a conversation, which only models of `train reply` learn: give pairs",
                r->file->text.name, r->line);
  if (report_kind(r, kind)) report_unread(r, object);
  const bool ok =
      add_other_members(r, object, wrong) && (name ? add_messages(r, object, name, true, wrong)
                                                   : add_messages(r, object, "prompt", false, wrong) &&
                                                         add_messages(r, object, "completion", true, wrong));
  if (!ok) return bad_line(r, "%s", wrong);
  keep_conversation(r, true);
  return true;
}

/* ---- instructions ---- */

/* Earlier rounds, [["instruction", "output"], ...]: they are learnt, too. */
static bool add_history(PairReader *r, const json_t *history, Problem wrong) {
  if (!json_is_array(history))
    return snprintf(wrong, sizeof(Problem), _("\"history\" is not a list of pairs of texts")), false;
  for (size_t i = 0; i < json_array_size(history); i++)
    for (size_t k = 0; k < 2; k++) {
      const json_t *round = json_array_get(history, i), *text = json_array_get(round, k);
      if (json_array_size(round) != 2 || wrong_with(r, text)) {
        snprintf(wrong, sizeof(Problem), _("\"history\" is not a list of pairs of texts"));
        return false;
      }
      add_turn(r, keep_text(r, text), k ? ROLE_ASSISTANT : ROLE_USER);
    }
  return true;
}

/* The instruction and, if it is not blank, the input on a further line. */
static Document join_input(PairReader *r, const json_t *instruction, const json_t *input) {
  Buffer source = {0};
  buffer_add(&source, json_string_value(instruction), json_string_length(instruction));
  const Document extra = {input ? json_string_value(input) : NULL, input ? json_string_length(input) : 0};
  if (extra.text && !is_blank(extra.text, extra.length)) {
    buffer_adds(&source, "\n");
    buffer_add(&source, extra.text, extra.length);
  }
  const Document joined = keep_decoded(r, source.data ? source.data : "", source.length);
  buffer_free(&source);
  return joined;
}

static const char *rounds_of(const json_t *object) {
  return given_of(object, (const char *const[]){"history", "system", "tools", NULL});
}

bool has_rounds(PairReader *r, const json_t *object) {
  const char *name = rounds_of(object);
  if (!name || r->conversations) return name;
  if (!r->unusual)
    news_note(r->news,
              "%s:%zu: objects have \"%s\", which only models of `train reply` learn: it is not read",
              r->file->text.name, r->line, name);
  r->unusual = true;
  return false;
}

bool keep_rounds(PairReader *r, const json_t *object, Document asked, Document reply) {
  const json_t *history = json_object_get(object, "history");
  Problem wrong;
  if (!r->conversations)
    return bad_line(
        r, "is a conversation (\"system\" or \"history\"), which only models of `train reply` learn");
  if (!add_other_members(r, object, wrong) || (is_given(history) && !add_history(r, history, wrong)))
    return bad_line(r, "%s", wrong);
  add_turn(r, asked, ROLE_USER);
  add_turn(r, reply, ROLE_ASSISTANT);
  keep_conversation(r, true);
  return true;
}

bool read_alpaca(PairReader *r, const json_t *object) {
  const json_t *instruction = json_object_get(object, "instruction"),
               *input = json_object_get(object, "input"), *output = json_object_get(object, "output");
  const char *wrong = wrong_with(r, instruction), *field = "instruction";
  if (!wrong && input && (!json_is_null(input) || r->lost)) wrong = wrong_with(r, input), field = "input";
  if (!wrong) wrong = wrong_with(r, output), field = wrong ? "output" : field;
  if (wrong) return bad_line(r, "\"%s\" %s", field, wrong);
  report_kind(r, _("Alpaca format: source \"instruction\" and \"input\", target \"output\""));
  const Document asked = join_input(r, instruction, input);
  const Document reply = keep_text(r, output);
  if (rounds_of(object)) return keep_rounds(r, object, asked, reply);
  keep_pair(r, asked, reply, NULL, 0);
  return true;
}
