#include "run/check.h"

#include <string.h>

#include "base/json.h"
#include "base/unused.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "run/check.def"

static bool open_terms(Check *c, const char *path, const Settings *settings, const News *news, Error *err) {
  return !path || !*path ||
         glossary_file_open(&c->terms, path, settings_part(settings, &text_settings_table), news, err);
}

bool check_open(Check **check, const Task *task, const Settings *settings, const News *news, Error *err) {
  const CheckSettings *s = settings_part(settings, &check_settings_table);
  *check = NULL;
  if (!s->check) return unused_setting(settings, "terms", "without --check", news, err);
  Check *c = mem_alloc_zeroed(1, sizeof *c);
  c->complete = task->complete;
  if (!open_terms(c, s->terms, settings, news, err) ||
      !(c->checker = span_checker_open(&c->terms.glossary, err))) {
    check_close(c);
    return false;
  }
  *check = c;
  return true;
}

void check_close(Check *c) {
  if (!c) return;
  span_checker_close(c->checker);
  glossary_file_close(&c->terms);
  vec_free(&c->mismatches);
  buffer_free(&c->source);
  mem_free(c);
}

bool check_text(Check *c, const Turn *turns, size_t count, const char *output, size_t length, Error *err) {
  buffer_clear(&c->source);
  for (size_t i = 0; i < count; i++) {
    if (i) buffer_adds(&c->source, "\n");
    utf8_repair(turns[i].text, turns[i].length, &c->source);
  }
  return span_check(c->checker, c->source.data ? c->source.data : "", c->source.length, output, length,
                    c->complete, &c->mismatches, &c->spans, err);
}

static json_t *text_or_null(const char *text, size_t length) {
  return text ? json_build("s%", text, length) : json_null();
}

char *check_json(const Check *c) {
  json_t *list = json_array();
  for (size_t i = 0; i < c->mismatches.count; i++) {
    const SpanMismatch *m = &c->mismatches.data[i];
    json_t *item = json_build("{s:s, s:o, s:o}", "kind", span_name(m->kind), "source",
                              text_or_null(m->source, m->source_length), "output",
                              text_or_null(m->output, m->output_length));
    if (m->term >= 0) {
      const Term *t = &c->terms.glossary.terms.data[m->term];
      json_put(item, "wanted", json_build("s%", t->target, t->target_length));
    }
    json_push(list, item);
  }
  char *text = json_text(list, JSON_COMPACT);
  json_decref(list);
  return text;
}
