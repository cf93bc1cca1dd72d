/* pairs_preferences.c - objects of preferences: a prompt with a chosen and a rejected text (DPO), or with a
 * text and its verdict (KTO).
 *
 * Sides are strings, messages (TRL, OpenAI), or a message (ShareGPT beside "conversations"). Without a
 * prompt, "chosen" and "rejected" are whole conversations that differ in their last message, as in TRL. A
 * preference is an example whose last turn is the chosen text; the same turns with the rejected text follow
 * it. */
#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "data/pairs_impl.h"

static bool is_list(const json_t *value) {
  return json_is_array(value) && json_array_size(value);
}

/* The list of messages that a prompt may be a member of; NULL: none. */
static const char *list_in(const json_t *object) {
  static const char *const names[] = {"prompt", "messages", "conversations", "conversation"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (is_list(json_object_get(object, names[i]))) return names[i];
  return NULL;
}

/* ---- the prompt ---- */

/* The text of a message, as far as it is a plain string. */
static const char *text_of(const json_t *message) {
  return json_get_text(message, "content", json_get_text(message, "value", ""));
}

/* The number of messages that both sides, whole conversations, begin with; the last of each is its own. */
static size_t common_messages(const json_t *chosen, const json_t *rejected) {
  size_t i = 0;
  while (i + 1 < json_array_size(chosen) && i + 1 < json_array_size(rejected) &&
         json_equal(json_array_get(chosen, i), json_array_get(rejected, i)))
    i++;
  return i;
}

static bool add_first_messages(PairReader *r, const json_t *list, size_t count, const char *name,
                               Problem wrong) {
  Problem why;
  for (size_t i = 0; i < count; i++)
    if (!add_message(r, json_array_get(list, i), false, why))
      return snprintf(wrong, sizeof(Problem), _("message %zu of \"%s\" %s"), i + 1, name, why), false;
  return true;
}

/* The prompt of whole conversations; one that is given beside them must be the last message of it. */
static bool add_implied(PairReader *r, const json_t *object, Problem wrong) {
  const json_t *chosen = json_object_get(object, "chosen"), *rejected = json_object_get(object, "rejected"),
               *prompt = json_object_get(object, "prompt");
  const size_t common = common_messages(chosen, rejected);
  if (!common)
    snprintf(wrong, sizeof(Problem),
             _("has no prompt: \"chosen\" and \"rejected\" do not begin with the same messages"));
  else if (json_array_size(chosen) != common + 1 || json_array_size(rejected) != common + 1)
    snprintf(wrong, sizeof(Problem),
             _("has \"chosen\" and \"rejected\" that differ in more than one message"));
  else if (json_is_string(prompt) &&
           strcmp(json_string_value(prompt), text_of(json_array_get(chosen, common - 1))))
    snprintf(wrong, sizeof(Problem),
             _("has a \"prompt\" that is not the last message before those that differ"));
  else
    return add_first_messages(r, chosen, common, "chosen", wrong);
  return false;
}

static bool add_text(PairReader *r, const json_t *text, const char *name, Role role, Problem wrong) {
  const char *why = wrong_with(r, text);
  if (!why && is_blank(json_string_value(text), json_string_length(text))) why = _("is empty");
  if (why) return snprintf(wrong, sizeof(Problem), "\"%s\" %s", name, why), false;
  put_turn(r, keep_text(r, text), role);
  return true;
}

/* Messages before the last `own` ones of the list. */
static bool add_prompt(PairReader *r, const json_t *object, size_t own, Problem wrong) {
  const json_t *prompt = json_object_get(object, "prompt");
  const char *name = list_in(object);
  const size_t count = json_array_size(json_object_get(object, name ? name : ""));
  if (json_is_string(prompt)) return add_text(r, prompt, "prompt", ROLE_USER, wrong);
  if (name && count > own)
    return add_first_messages(r, json_object_get(object, name), count - own, name, wrong);
  snprintf(wrong, sizeof(Problem), _("has no prompt: the object has %s"), members_of(object).names);
  return false;
}

/* ---- sides ---- */

/* The last of the messages is what is judged. */
static bool add_last_message(PairReader *r, const json_t *message, const char *name, Problem wrong) {
  Problem why;
  const size_t before = r->turns.count;
  if (!add_message(r, message, true, why))
    return snprintf(wrong, sizeof(Problem), _("the last message of \"%s\" %s"), name, why), false;
  if (r->turns.count == before)
    snprintf(wrong, sizeof(Problem), _("\"%s\" is empty"), name);
  else if (r->roles.data[before] != ROLE_ASSISTANT)
    snprintf(wrong, sizeof(Problem), _("\"%s\" does not end with a reply of the assistant"), name);
  else
    return true;
  return false;
}

static bool add_side(PairReader *r, const json_t *side, const char *name, bool whole, Problem wrong) {
  const size_t count = json_array_size(side);
  if (json_is_object(side)) return add_last_message(r, side, name, wrong);
  if (!json_is_array(side)) return add_text(r, side, name, ROLE_ASSISTANT, wrong);
  if (count == 1 || (whole && count))
    return add_last_message(r, json_array_get(side, count - 1), name, wrong);
  snprintf(wrong, sizeof(Problem), _("\"%s\" has %zu messages beside a prompt: give the reply alone"), name,
           count);
  return false;
}

/* ---- preferences ---- */

static bool same_turns(const PairReader *r, size_t a, size_t b) {
  const Document *x = &r->turns.data[a], *y = &r->turns.data[b];
  for (size_t i = 0; i < r->members.count; i++)
    if (r->members.data[i].turn == a || r->members.data[i].turn == b) return false;
  return x->length == y->length && !memcmp(x->text, y->text, x->length);
}

static void leave_out_equal(PairReader *r) {
  if (!r->pairs->left_out.equal++)
    snprintf(r->first_equal, sizeof r->first_equal, "%.400s:%zu", r->file->text.name, r->line);
  forget_turns(r);
}

static bool read_pair_of(PairReader *r, const json_t *object, Problem wrong) {
  const json_t *chosen = json_object_get(object, "chosen"), *rejected = json_object_get(object, "rejected");
  const bool whole = json_array_size(chosen) > 1 && json_array_size(rejected) > 1;
  if (!(whole ? add_implied(r, object, wrong) : add_prompt(r, object, 0, wrong)) ||
      !add_side(r, chosen, "chosen", whole, wrong))
    return false;
  const size_t turns = r->turns.count - r->begun;
  repeat_turns(r, turns - 1);
  if (!add_side(r, rejected, "rejected", whole, wrong)) return false;
  if (same_turns(r, r->begun + turns - 1, r->turns.count - 1))
    leave_out_equal(r);
  else
    keep_judged(r, turns, VERDICT_PREFERRED);
  return true;
}

/* Of tables, as text. */
static bool read_verdict(const json_t *value, const char *name, Verdict *verdict, Problem wrong) {
  static const char *const texts[][2] = {{"false", "true"}, {"False", "True"}, {"FALSE", "TRUE"}, {"0", "1"}};
  const char *text = json_is_string(value) ? json_string_value(value) : "";
  bool known = json_is_boolean(value), good = json_is_true(value);
  if (json_is_integer(value) && (json_integer_value(value) == 0 || json_integer_value(value) == 1)) {
    known = true;
    good = json_integer_value(value) == 1;
  }
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (int k = 0; k < 2; k++)
      if (!strcmp(text, texts[i][k])) known = true, good = k;
  *verdict = good ? VERDICT_GOOD : VERDICT_BAD;
  if (!known) snprintf(wrong, sizeof(Problem), _("\"%s\" is neither true nor false"), name);
  return known;
}

static bool read_judged(PairReader *r, const json_t *object, const char *label, Problem wrong) {
  const json_t *completion = json_object_get(object, "completion");
  const char *name = completion ? "completion" : list_in(object);
  const json_t *list = json_object_get(object, name ? name : "completion");
  Verdict verdict;
  if (!read_verdict(json_object_get(object, label), label, &verdict, wrong) ||
      !add_prompt(r, object, completion ? 0 : 1, wrong) ||
      !add_side(r, list, name ? name : "completion", !completion, wrong))
    return false;
  keep_judged(r, r->turns.count - r->begun, verdict);
  return true;
}

bool read_preference(PairReader *r, const json_t *object) {
  const char *label = json_object_get(object, "kto_tag") ? "kto_tag" : "label";
  const bool pair = json_object_get(object, "chosen") && json_object_get(object, "rejected"),
             judged = json_object_get(object, label) != NULL;
  Problem wrong;
  if (!pair && !judged)
    return bad_line(r,
                    "has neither \"chosen\" and \"rejected\" nor \"completion\" and \"label\", but %s: give "
                    "preferences or verdicts",
                    members_of(object).names);
  if (report_kind(r, pair ? _("pairs of a chosen and a rejected text") : _("texts with a verdict each")))
    report_unread(r, object);
  const bool ok = add_other_members(r, object, wrong) &&
                  (pair ? read_pair_of(r, object, wrong) : read_judged(r, object, label, wrong));
  return ok || bad_line(r, "%s", wrong);
}
