#include "run/protection.h"

#include <string.h>

#include "base/json.h"
#include "base/unused.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "run/protection.def"

/* ---- opening ---- */

static bool check_settings(const Settings *settings, const ProtectionSettings *s, bool masks,
                           const News *news, Error *err) {
  if (!masks && s->protect && settings_given(settings, "protect"))
    return fail_usage(
        err,
        "--protect: this model does not know the tokens that stand for what is protected: train one "
        "with --protect");
  return masks || s->check ||
         unused_setting(settings, "terms", "without --check, or a model that was trained with --protect",
                        news, err);
}

static bool open_parts(Protection *p, const ProtectionSettings *s, bool masks, const Settings *settings,
                       const News *news, Error *err) {
  if (s->terms && *s->terms &&
      !glossary_file_open(&p->terms, s->terms, settings_part(settings, &text_settings_table), news, err))
    return false;
  const Glossary *g = &p->terms.glossary;
  return (!masks || (p->finder = spans_open(g, err))) &&
         (!s->check || (p->checker = span_checker_open(g, err)));
}

bool protection_open(Protection **out, const Bundle *b, const Task *task, const Settings *settings,
                     const News *news, Error *err) {
  const ProtectionSettings *s = settings_part(settings, &protection_settings_table);
  const bool masks = s->protect && masks_known(b->tokenizer);
  *out = NULL;
  if (!check_settings(settings, s, masks, news, err)) return false;
  if (!masks && !s->check) return true;
  Protection *p = mem_alloc_zeroed(1, sizeof *p);
  p->complete = task->complete;
  if (!open_parts(p, s, masks, settings, news, err)) {
    protection_close(p);
    return false;
  }
  *out = p;
  return true;
}

void protection_close(Protection *p) {
  if (!p) return;
  spans_close(p->finder);
  span_checker_close(p->checker);
  glossary_file_close(&p->terms);
  vec_free(&p->mismatches);
  buffer_free(&p->source);
  mem_free(p);
}

bool protection_masks(const Protection *p) {
  return p && p->finder;
}

bool protection_checks(const Protection *p) {
  return p && p->checker;
}

void protection_constrain(const Protection *p, const Tokenizer *t, Rules *rules) {
  for (int i = 0; i < MASKS && protection_masks(p); i++) {
    const int32_t id = tokenizer_id(t, mask_name(i));
    if (id >= 0) vec_push(&rules->copies, id);
  }
  rules->copy_all = p && p->complete;
}

/* ---- masking ---- */

bool protection_mask(const Protection *p, const Turn *turns, size_t count, ProtectedInput *in, Error *err) {
  *in = (ProtectedInput){.turns = mem_alloc_zeroed(count + 1, sizeof *in->turns),
                         .texts = mem_alloc_zeroed(count + 1, sizeof *in->texts),
                         .count = count};
  for (size_t i = 0; i < count; i++) masks_reserve(&in->masks, turns[i].text, turns[i].length);
  for (size_t i = 0; i < count; i++) {
    const Turn *turn = &turns[i];
    in->turns[i] = *turn;
    if (!turn->length || utf8_valid_prefix(turn->text, turn->length) < turn->length) continue;
    if (!masks_apply(p->finder, turn->text, turn->length, &in->masks, &in->texts[i], err)) return false;
    in->turns[i].text = in->texts[i].data;
    in->turns[i].length = in->texts[i].length;
  }
  return true;
}

void protected_input_free(ProtectedInput *in) {
  for (size_t i = 0; i < in->count; i++) buffer_free(&in->texts[i]);
  mem_free(in->texts);
  mem_free(in->turns);
  *in = (ProtectedInput){0};
}

/* How often each item's token is in the input. */
static void count_wanted(const ProtectedInput *in, int64_t counts[MASKS]) {
  Buffer nowhere = {0};
  memset(counts, 0, MASKS * sizeof *counts);
  for (size_t i = 0; i < in->count; i++) {
    int64_t here[MASKS];
    if (!in->texts[i].length) continue;
    buffer_clear(&nowhere);
    masks_put_back(&in->masks, NULL, in->texts[i].data, in->texts[i].length, &nowhere, here);
    for (int k = 0; k < MASKS; k++) counts[k] += here[k];
  }
  buffer_free(&nowhere);
}

void protection_put_back(Protection *p, const ProtectedInput *in, const char *text, size_t length,
                         Buffer *out) {
  int64_t wanted[MASKS], written[MASKS];
  masks_put_back(&in->masks, &p->terms.glossary, text, length, out, written);
  p->mismatches.count = 0;
  count_wanted(in, wanted);
  for (int i = 0; i < in->masks.count && p->complete; i++) {
    const Mask *m = &in->masks.items[i];
    if (written[i] < wanted[i])
      vec_push(&p->mismatches, ((SpanMismatch){m->kind, m->text, m->length, NULL, 0, m->term}));
  }
}

/* ---- comparing ---- */

bool protection_check(Protection *p, const Turn *turns, size_t count, const char *output, size_t length,
                      Error *err) {
  buffer_clear(&p->source);
  for (size_t i = 0; i < count; i++) {
    if (i) buffer_adds(&p->source, "\n");
    utf8_repair(turns[i].text, turns[i].length, &p->source);
  }
  return span_check(p->checker, p->source.data ? p->source.data : "", p->source.length, output, length,
                    p->complete, &p->mismatches, &p->spans, err);
}

static json_t *text_or_null(const char *text, size_t length) {
  return text ? json_build("s%", text, length) : json_null();
}

char *protection_json(const Protection *p) {
  json_t *list = json_array();
  for (size_t i = 0; i < p->mismatches.count; i++) {
    const SpanMismatch *m = &p->mismatches.data[i];
    json_t *item = json_build("{s:s, s:o, s:o}", "kind", span_name(m->kind), "source",
                              text_or_null(m->source, m->source_length), "output",
                              text_or_null(m->output, m->output_length));
    if (m->term >= 0) {
      const Term *t = &p->terms.glossary.terms.data[m->term];
      json_put(item, "wanted", json_build("s%", t->target, t->target_length));
    }
    json_push(list, item);
  }
  char *text = json_text(list, JSON_COMPACT);
  json_decref(list);
  return text;
}
