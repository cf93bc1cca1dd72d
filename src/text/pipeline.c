#include "text/pipeline.h"

#include <string.h>

#include "base/language.h"
#include "text/tokenizer_impl.h"

/* ---- kinds ---- */

#define NORMALIZER(type)     extern const StepKind normalizer_##type;
#define PRE_TOKENIZER(type)  extern const StepKind pre_tokenizer_##type;
#define MODEL(type)          extern const ModelKind model_##type;
#define POST_PROCESSOR(type) extern const StepKind post_processor_##type;
#define DECODER(type)        extern const StepKind decoder_##type;
#include "text/steps.def"

static const StepKind *const normalizers[] = {
#define NORMALIZER(type) &normalizer_##type,
#include "text/steps.def"
    NULL};
static const StepKind *const pre_tokenizers[] = {
#define PRE_TOKENIZER(type) &pre_tokenizer_##type,
#include "text/steps.def"
    NULL};
static const StepKind *const post_processors[] = {
#define POST_PROCESSOR(type) &post_processor_##type,
#include "text/steps.def"
    NULL};
static const StepKind *const decoders[] = {
#define DECODER(type) &decoder_##type,
#include "text/steps.def"
    NULL};
static const ModelKind *const models[] = {
#define MODEL(type) &model_##type,
#include "text/steps.def"
    NULL};

/* The members of tokenizer.json that are steps, or lists of them. */
static const struct {
  const char *key, *list, *what;
  const StepKind *const *kinds;
} parts[STEP_PARTS] = {
    [STEP_NORMALIZERS] = {"normalizer", "normalizers", N_("normalizer"), normalizers},
    [STEP_CUTTERS] = {"pre_tokenizer", "pretokenizers", N_("pre-tokenizer"), pre_tokenizers},
    [STEP_POST_PROCESSORS] = {"post_processor", "processors", N_("post-processor"), post_processors},
    [STEP_DECODERS] = {"decoder", "decoders", N_("decoder"), decoders},
};

/* ---- reading ---- */

bool step_push(StepReader *r, Step s) {
  vec_push(r->steps, s);
  return true;
}

bool step_refuse(const StepReader *r, const char *which) {
  return fail(r->err, "%s: %s \"%s\" is not supported", r->path, r->what, language_text(which));
}

static bool is_listed(const char *list, const char *name) {
  const size_t n = strlen(name);
  for (const char *end; list && (end = strchr(list, '|')); list = end + 1)
    if ((size_t)(end - list) == n && !memcmp(list, name, n)) return true;
  return false;
}

bool step_members(const StepReader *r, const json_t *part, const char *what, const char *known) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)part, key,
                      value) if (strcmp(key, "type") &&
                                 !is_listed(known, key)) return fail(r->err,
                                                                     "%s: \"%s\" of the %s is not supported",
                                                                     r->path, key, what);
  return true;
}

bool step_text(StepReader *r, const json_t *part, const char *key, const char *fallback, const char **text,
               size_t *length) {
  const json_t *value = json_object_get(part, key);
  if (value && !json_is_null(value) ? !json_is_string(value) : !fallback)
    return fail_damaged(r->err, "%s: \"%s\" of a %s is not a string", r->path, key, r->what);
  const char *found = json_is_string(value) ? json_string_value(value) : fallback ? fallback : "";
  *length = json_is_string(value) ? json_string_length(value) : strlen(found);
  *text = arena_strndup(r->t->arena, found, *length);
  return true;
}

bool step_bool(StepReader *r, const json_t *part, const char *key, bool fallback, bool *out) {
  return json_get_bool(part, key, fallback, out, r->path, r->err);
}

bool step_choice(StepReader *r, const json_t *part, const char *key, int fallback, const char *const *names,
                 int *out) {
  const char *name = json_get_text(part, key, names[fallback]);
  for (*out = 0; names[*out]; ++*out)
    if (!strcmp(names[*out], name)) return true;
  return step_refuse(r, name);
}

bool step_pattern(StepReader *r, const json_t *part, Step *s) {
  const json_t *pattern = json_object_get(part, "pattern");
  const bool regex = json_object_get(pattern, "Regex");
  if (!step_text(r, pattern, regex ? "Regex" : "String", NULL, &s->text, &s->length)) return false;
  if (!s->length || (regex && strlen(s->text) != s->length)) return step_refuse(r, "an empty pattern");
  return !regex || (s->pattern = words_compile(s->text, r->path, r->err));
}

/* Steps cut words by recursion, and all are applied to every text. */
static bool check_count(const StepReader *r) {
  enum { MOST_STEPS = 256 };
  return r->steps->count < MOST_STEPS ||
         fail(r->err, "%s: more than %d steps are a %s: not supported", r->path, MOST_STEPS, r->what);
}

static bool read_step(StepReader *r, const StepKind *const *kinds, const json_t *part) {
  const char *type = json_get_text(part, "type", "");
  while (*kinds && strcmp((*kinds)->type, type)) kinds++;
  if (!*kinds) return step_refuse(r, type);
  const StepKind *k = *kinds;
  Buffer what = {0};
  buffer_addf(&what, "%s %s", r->what, type);
  const bool known = step_members(r, part, what.data, k->members);
  buffer_free(&what);
  return known && check_count(r) &&
         (k->read ? k->read(r, part, (Step){.kind = k}) : step_push(r, (Step){.kind = k}));
}

static bool read_steps(StepReader *r, StepPart which, const json_t *part, int depth) {
  enum { DEEPEST = 8 };
  if (!part || json_is_null(part)) return true;
  if (strcmp(json_get_text(part, "type", ""), "Sequence")) return read_step(r, parts[which].kinds, part);
  const json_t *members = json_object_get(part, parts[which].list);
  if (!json_is_array(members))
    return fail_damaged(r->err, "%s: the %s's sequence has no \"%s\"", r->path, r->what, parts[which].list);
  if (depth > DEEPEST) return step_refuse(r, "a sequence in a sequence, nine times");
  for (size_t i = 0; i < json_array_size(members); i++)
    if (!read_steps(r, which, json_array_get(members, i), depth + 1)) return false;
  return true;
}

bool steps_read(StepReader *r, StepPart which, const json_t *json, Steps *steps) {
  r->what = language_text(parts[which].what);
  r->steps = steps;
  return read_steps(r, which, json_object_get(json, parts[which].key), 0);
}

const ModelKind *model_kind(const char *type) {
  for (const ModelKind *const *m = models; *m; m++)
    if (!strcmp((*m)->type, type)) return *m;
  return NULL;
}

void steps_add_normalizer(Steps *steps, const char *type) {
  const StepKind *const *kind = normalizers;
  while (strcmp((*kind)->type, type)) kind++;
  StepReader r = {.steps = steps};
  CHECK((*kind)->read ? (*kind)->read(&r, NULL, (Step){.kind = *kind})
                      : step_push(&r, (Step){.kind = *kind}));
}

void steps_free(Steps *steps) {
  for (size_t i = 0; i < steps->count; i++) words_free(steps->data[i].pattern);
  vec_free(steps);
}

/* ---- use ---- */

bool steps_fail_growth(Error *err) {
  return fail(
      err,
      "the steps of the tokenizer make a text more than %d times as long, as those of no known model do: "
      "get its tokenizer.json again",
      STEPS_GROWTH);
}

bool steps_normalize(const Steps *steps, const char *text, size_t length, Buffer *out, Error *err) {
  const size_t most = steps_most(length);
  Buffer now = {0};
  bool ok = true;
  for (size_t i = 0; ok && i < steps->count; i++) {
    const Step *s = &steps->data[i];
    Buffer next = {.most = most};
    ok = s->kind->normalize(s, text, length, &next, err) && (!next.overfull || steps_fail_growth(err));
    buffer_free(&now);
    now = next;
    text = now.data ? now.data : "";
    length = now.length;
  }
  buffer_add(out, text, length);
  buffer_free(&now);
  return ok;
}

bool steps_decode(const Steps *steps, const char *name, size_t length, bool first, Buffer *out) {
  buffer_clear(out);
  buffer_add(out, name, length);
  for (size_t i = 0; i < steps->count && !out->overfull; i++) {
    out->most = steps_most(length);
    steps->data[i].kind->decode(&steps->data[i], first, out);
  }
  out->most = 0;
  return !out->overfull;
}

bool cut_takes(Cutter *c, size_t made) {
  c->overfull |= made > c->room;
  if (!c->overfull) c->room -= made;
  return !c->overfull;
}

void cut_prefixed(const Step *step, Cutter *c, const char *prefix, const char *text, size_t length) {
  Buffer longer = {0};
  buffer_adds(&longer, prefix);
  buffer_add(&longer, text, length);
  if (cut_takes(c, longer.length)) cut_by(step, c, longer.data, longer.length);
  buffer_free(&longer);
}
