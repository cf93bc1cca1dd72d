/* post_processors.c - what a post-processor puts around a single text. */
#include <inttypes.h>

#include "text/tokenizer_impl.h"

/* Adds a token that the post-processor puts before or after a text. */
static bool put_around(StepReader *r, bool after, int64_t id) {
  enum { MOST_AFTER = 8 };
  if (id < 0 || id >= tokenizer_size(r->t))
    return fail_damaged(r->err, "%s: the post-processor's id %" PRId64 " is not in the vocabulary", r->path,
                        id);
  if (!after && r->t->begin >= 0) return step_refuse(r, "two tokens before a text");
  if (r->t->behind.count == MOST_AFTER) return step_refuse(r, "nine tokens after a text");
  if (after)
    vec_push(&r->t->behind, (int32_t)id);
  else
    r->t->begin = (int32_t)id;
  return true;
}

/* {"SpecialToken": {"id": NAME}}, with its ids in "special_tokens". */
static bool put_template_token(StepReader *r, const json_t *part, const char *name, bool after) {
  const json_t *ids = json_object_get(json_object_get(json_object_get(part, "special_tokens"), name), "ids");
  if (!json_array_size(ids)) {
    const int32_t id = tokenizer_id(r->t, name);
    return id >= 0
               ? put_around(r, after, id)
               : fail_damaged(r->err, "%s: the post-processor's \"%s\" is not an added token", r->path, name);
  }
  for (size_t i = 0; i < json_array_size(ids); i++) {
    const json_t *id = json_array_get(ids, i);
    if (!put_around(r, after, json_is_integer(id) ? json_integer_value(id) : -1)) return false;
  }
  return true;
}

/* Only the template for single texts is used. */
static bool read_template(StepReader *r, const json_t *part, Step s) {
  const json_t *single = json_object_get(part, "single");
  bool after = false;
  (void)s;
  for (size_t i = 0; i < json_array_size(single); i++) {
    const json_t *item = json_array_get(single, i);
    const char *name = json_get_text(json_object_get(item, "SpecialToken"), "id", NULL);
    if (name && !put_template_token(r, part, name, after)) return false;
    after |= !name;
  }
  return true;
}

/* ["</s>", 2] */
static bool put_pair(StepReader *r, const json_t *part, const char *key, bool after) {
  const json_t *id = json_array_get(json_object_get(part, key), 1);
  return json_is_integer(id) ? put_around(r, after, json_integer_value(id))
                             : fail_damaged(r->err, "%s: the post-processor %s has no \"%s\" with an id",
                                            r->path, json_get_text(part, "type", ""), key);
}

const StepKind post_processor_TemplateProcessing = {
    .type = "TemplateProcessing", .members = "single|pair|special_tokens|", .read = read_template};

static bool read_pair(StepReader *r, const json_t *part, Step s) {
  (void)s;
  return put_pair(r, part, "cls", false) && put_pair(r, part, "sep", true);
}
const StepKind post_processor_RobertaProcessing = {
    .type = "RobertaProcessing", .members = "sep|cls|trim_offsets|add_prefix_space|", .read = read_pair};
const StepKind post_processor_BertProcessing = {
    .type = "BertProcessing", .members = "sep|cls|", .read = read_pair};

static bool read_byte_level(StepReader *r, const json_t *part, Step s) {
  (void)r, (void)part, (void)s;
  return true; /* changes offsets only */
}
const StepKind post_processor_ByteLevel = {
    .type = "ByteLevel", .members = "add_prefix_space|trim_offsets|use_regex|", .read = read_byte_level};
