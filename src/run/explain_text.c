/* explain_text.c - ink_explain_text: writes a text and shows what the model computed for it. */
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/integers.h"
#include "base/structs.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/text_file.h"
#include "run/generation.h"
#include "run/model.h"
#include "run/trace_page.h"
#include "run/writer.h"

#include "run/explain.def" /* ExplainSettings, explain_settings_table */

#include "base/settings_table.h"

#include "run/explain.def"

ink_settings *ink_settings_explain(void) {
  static const SettingTable *const tables[] = {&explain_settings_table, &sampling_settings_table,
                                               &text_settings_table, &general_settings_table};
  return settings_new(tables, 4);
}

/* ---- the text ---- */

static bool take_id(void *trace, const ink_token *token) {
  Trace *t = trace;
  if (token->id >= 0) vec_push(&t->ids, token->id);
  return true;
}

/* As `ink_write` does with the same settings, but no longer than a trace holds. */
static WriteRequest request_of(const Bundle *b, const Generation *g, const SamplingSettings *sampling) {
  const GeneralSettings *general = settings_part(g->settings, &general_settings_table);
  return (WriteRequest){.model = b->model,
                        .tokenizer = b->tokenizer,
                        .sampling = sampling,
                        .rules = &g->rules,
                        .seed = general->seed,
                        .begin = bundle_begin(b),
                        .opening = bundle_opening(b),
                        .listener = take_id,
                        .context = trace_most_tokens(&b->model->config)};
}

/* What does not fit is told. */
static void tell_limits(const Trace *t, const WriteRequest *r, int64_t wanted, const ink_written *w,
                        const News *news) {
  if (w->dropped_prompt_tokens)
    news_warning(news,
                 "the prompt is too long to be explained as a whole: the first %lld of its %lld tokens were "
                 "left out (%lld tokens of this model, new ones included, fit into a page)",
                 (long long)w->dropped_prompt_tokens, (long long)w->prompt_tokens, (long long)r->context);
  if (!t->ended && t->prompt + wanted > r->context)
    news_note(news, "the text ends after %lld tokens: that many of this model fit into a page",
              (long long)r->context);
}

static bool write_text(Trace *t, const Bundle *b, const Generation *g, const char *prompt, size_t length,
                       ink_written *written, const News *news, Error *err) {
  const ExplainSettings *s = settings_part(g->settings, &explain_settings_table);
  SamplingSettings sampling = *g->sampling;
  WriteRequest request = request_of(b, g, &sampling);
  request.user = t;
  *written = (ink_written){.size = sizeof *written};
  sampling.max_tokens = s->tokens ? s->tokens : 1;
  if (!writer_prompt(&request, prompt, length, &t->ids, written, err)) return false;
  t->prompt = (int64_t)t->ids.count;
  sampling.max_tokens = int64_min(s->tokens, request.context - t->prompt);
  if (sampling.max_tokens && !writer_run(&request, prompt, length, written, err)) return false;
  const int64_t most = rules_most_tokens(&g->rules, written->prompt_tokens, sampling.max_tokens);
  t->ended = (int64_t)t->ids.count < t->prompt + most;
  tell_limits(t, &request, s->tokens, written, news);
  return !interrupted() || fail_interrupted(err);
}

/* ---- the explanation ---- */

static bool check_settings(const Settings *settings, const News *news, Error *err) {
  const ExplainSettings *s = settings_part(settings, &explain_settings_table);
  const SamplingSettings *sampling = settings_part(settings, &sampling_settings_table);
  if (sampling->samples > 1)
    return fail_usage(err, "--samples has no effect on an explanation, which is of one text");
  if (settings_given(settings, "max_tokens"))
    return fail_usage(err, "--max-tokens has no effect on an explanation: give --tokens");
  if (sampling->stop.count)
    return fail_usage(err, "--stop has no effect on an explanation: give fewer --tokens");
  static const char *const drawing[] = {"temperature",
                                        "greedy",
                                        "top_k",
                                        "top_p",
                                        "min_p",
                                        "typical",
                                        "seed",
                                        "repetition_penalty",
                                        "frequency_penalty",
                                        "presence_penalty",
                                        "penalty_window",
                                        "ignore_end"};
  for (size_t i = 0; !s->tokens && i < sizeof drawing / sizeof *drawing; i++)
    if (!unused_setting(settings, drawing[i], "with --tokens 0", news, err)) return false;
  return s->branches || unused_setting(settings, "branch_tokens", "with --branches 0", news, err);
}

static const char *name_of(const Bundle *b) {
  const char *slash = strrchr(b->source.path, '/');
  return slash && slash[1] ? slash + 1 : b->source.path;
}

static void render(const Trace *t, const Bundle *b, bool page, Buffer *out) {
  if (page) {
    trace_page(t, b->tokenizer, name_of(b), out);
    return;
  }
  json_t *json = trace_json(t, b->tokenizer, false);
  char *text = json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
  buffer_adds(out, text);
  buffer_adds(out, "\n");
  mem_free(text);
  json_decref(json);
}

static bool explain(const Bundle *b, const Generation *g, const char *prompt, size_t length, bool page,
                    ink_written *written, const News *news, Buffer *out, Error *err) {
  const ExplainSettings *s = settings_part(g->settings, &explain_settings_table);
  Trace t = {.model = b->model};
  const bool ok = write_text(&t, b, g, prompt, length, written, news, err) && trace_read(&t, err) &&
                  trace_branch(&t, s->branches, s->branch_tokens, news, err);
  if (ok) render(&t, b, page, out);
  trace_free(&t);
  return ok;
}

/* Which form of explanation, "html" or "json". */
static bool read_form(const char *form, bool *page, Error *err) {
  *page = !strcmp(form, "html");
  return *page || !strcmp(form, "json") ||
         fail_usage(err, "the form \"%s\" is unknown: use html or json", form);
}

char *ink_explain_text(ink_model *m, const char *prompt, size_t length, const char *form,
                       const ink_settings *settings, ink_written *written, const ink_call *call,
                       ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  Generation g = {0};
  Buffer out = {0};
  ink_written own = INK_WRITTEN_INIT;
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  bool page = false;
  bool ok = read_form(form, &page, err) && call_enter(call, m->engine, &news, err);
  threads_set((int)general->threads);
  ok = ok && bundle_check_task(&m->bundle, task_find("write"), err) && check_settings(settings, &news, err) &&
       generation_open(&g, &m->bundle, NULL, settings, err) &&
       explain(&m->bundle, &g, prompt, length, page, &own, &news, &out, err);
  generation_close(&g);
  struct_give(written, &own, sizeof own);
  MEM_GUARD_END();
  return ok ? buffer_take(&out) : NULL;
}
