/* pairs_labels.c - labelled texts: a pair whose target is the label. Columns and members by their names;
 * fastText's lines "__label__NAME text". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "data/pairs_impl.h"

/* Common names, of labels in the order of preference. */
static const char *const label_names[] = {
    "label",     "labels",   "class",      "category", "target",  "section",     "topic", "intent",
    "sentiment", "language", "lang",       "genre",    "emotion", "polarity",    "toxic", "toxicity",
    "spam",      "stance",   "label_text", "rating",   "stars",   "star_rating", "score", "标签",
    "类别",      "分类",     "情感",       "意图",     "主题",    "评分",        NULL};
static const char *const text_names[] = {
    "text",        "sentence", "content",      "review",   "comment", "question", "review_body",
    "review_text", "tweet",    "utterance",    "headline", "title",   "body",     "description",
    "message",     "document", "comment_text", "source",   "query",   "post",     "premise",
    "文本",        "句子",     "内容",         "评论",     "正文",    "标题",     NULL};

static bool is_among(const char *const *names, Document name) {
  for (; *names; names++)
    if (strlen(*names) == name.length && !strncasecmp(*names, name.text, name.length)) return true;
  return false;
}

bool is_label_column(Document name) {
  return is_among(label_names, name) || is_among(text_names, name);
}

bool guess_label_column(PairReader *r, size_t first, size_t second) {
  const int column = first < second ? 1 : 2;
  if (first == second)
    return !first ||
           fail(r->err,
                "%s: the rows do not tell which column has the labels: give --columns TEXT,LABEL, such as "
                "--columns 2,1 if they come first",
                r->file->text.name);
  news_note(r->news,
            "%s: column %d is taken for the labels, as it has fewer different values (--columns chooses)",
            r->file->text.name, column);
  r->columns[0] = 3 - column;
  r->columns[1] = column;
  return true;
}

/* ---- objects ---- */

/* The first of the names that the object has, in any case of letters; NULL: none. */
static const char *name_in(const json_t *object, const char *const *names) {
  const char *key;
  const json_t *value;
  for (; *names; names++)
    json_object_foreach((json_t *)(uintptr_t)object, key, value) if (!strcasecmp(key, *names)) return key;
  return NULL;
}

static bool choose_members(PairReader *r, const json_t *object, const char **text, const char **label) {
  *text = r->fields ? r->source_field : name_in(object, text_names);
  *label = r->fields ? r->target_field : name_in(object, label_names);
  return (*text && *label) ||
         bad_line(r,
                  "has no \"text\" and \"label\" or other known names, but %s: give --fields TEXT,LABEL (for "
                  "a table: --columns)",
                  members_of(object).names);
}

/* Labels may be whole numbers and truth values, too. Returns a new reference; NULL: something else. */
static json_t *label_text(const json_t *value) {
  char number[32];
  if (json_is_string(value)) return json_incref((json_t *)(uintptr_t)value);
  if (json_is_boolean(value)) return json_string(json_is_true(value) ? "true" : "false");
  if (!json_is_integer(value)) return NULL;
  snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(value));
  return json_string(number);
}

static bool keep_labelled(PairReader *r, const json_t *text, const char *label_name, json_t *label) {
  if (!label)
    return bad_line(r, "\"%.40s\" is not one label: a text, a whole number or a truth value", label_name);
  if (wrong_with(r, label)) return bad_line(r, "\"%.40s\" %s", label_name, wrong_with(r, label));
  const Document read = keep_text(r, text);
  keep_pair(r, read, keep_text(r, label), NULL, 0);
  return true;
}

bool read_labelled(PairReader *r, const json_t *object) {
  const char *text_name, *label_name;
  if (!choose_members(r, object, &text_name, &label_name)) return false;
  if (!text_name || !label_name) return true; /* a bad line that is left out */
  const json_t *text = json_object_get(object, text_name);
  if (wrong_with(r, text)) return bad_line(r, "\"%.40s\" %s", text_name, wrong_with(r, text));
  json_t *label = label_text(json_object_get(object, label_name));
  const bool ok = keep_labelled(r, text, label_name, label);
  json_decref(label);
  return ok;
}

/* ---- fastText ---- */

static const char mark[] = "__label__";

static bool begins_with_mark(Document d) {
  return d.length >= sizeof mark - 1 && !memcmp(d.text, mark, sizeof mark - 1);
}

/* Takes the first word off the line. */
static Document take_word(Document *line) {
  Document word = {line->text, 0};
  while (word.length < line->length && !is_blank(word.text + word.length, 1)) word.length++;
  line->text += word.length;
  line->length -= word.length;
  while (line->length && is_blank(line->text, 1)) line->text++, line->length--;
  return word;
}

static bool read_marked(PairReader *r, Document line) {
  while (line.length && is_blank(line.text, 1)) line.text++, line.length--;
  if (!line.length) {
    r->pairs->left_out.blank++;
    return true;
  }
  if (!begins_with_mark(line)) return bad_line(r, "does not begin with %s", mark);
  Document label = take_word(&line);
  if (begins_with_mark(line))
    return bad_line(r, "has several labels, which is not supported: give one for each text");
  label.text += sizeof mark - 1;
  label.length -= sizeof mark - 1;
  keep_pair(r, line, label, NULL, 0);
  return true;
}

bool read_fasttext(PairReader *r) {
  const char *at = r->file->text.text, *end = at + r->file->text.length;
  for (r->line = 1; at < end; r->line++) {
    const char *stop = line_end(at, end);
    if (!read_marked(r, (Document){at, (size_t)(stop - at)})) return false;
    at = stop + 1;
  }
  return true;
}
