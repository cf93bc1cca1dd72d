/* evaluate.c - ink_eval: a model's perplexity on a text, and the quality of its outputs for examples. */
#include <math.h>
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/structs.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/dataset.h"
#include "run/generation.h"
#include "run/judge.h"
#include "run/languages.h"
#include "run/model.h"
#include "run/scorer.h"
#include "text/utf8.h"

#include "run/eval.def" /* EvalSettings, eval_settings_table */

#include "base/settings_table.h"

#include "run/eval.def"

ink_settings *ink_settings_eval(void) {
  static const SettingTable *const tables[] = {
      &eval_settings_table,   &text_settings_table,     &document_settings_table,
      &pair_settings_table,   &search_settings_table,   &sampling_settings_table,
      &metric_settings_table, &language_settings_table, &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

typedef struct Evaluation {
  const Bundle *bundle;
  const ink_settings *settings;
  const News *news;
  ink_scores *out;
} Evaluation;

static bool take_score(const Evaluation *e, Batches *batches, Error *err) {
  if (!batches) return false;
  const Score score = score_batches(e->bundle->model, batches, e->news);
  ink_scores *out = e->out;
  if (interrupted()) return fail_interrupted(err);
  if (!score.tokens) return fail(err, "nothing to score: the text has a single token");
  if (!isfinite(score.nats)) return fail_not_finite(err);
  out->tokens = score.tokens;
  out->bytes = batches->bytes;
  out->characters = batches->characters;
  out->nats = score.nats;
  out->perplexity = exp(score.nats / (double)score.tokens);
  out->bits_per_byte = score.nats / log(2) / (double)batches->bytes;
  out->bits_per_character = score.nats / log(2) / (double)batches->characters;
  return true;
}

/* ---- running text ---- */

/* The tokens around a document as in training: the begin token, as in `write`, and an end token. For other
 * programs' models, an end is scored only if their tokenizer appends one to every text. */
static DocumentTokens around_documents(const Bundle *b) {
  const Ids *behind = tokenizer_behind(b->tokenizer);
  const int32_t end = bundle_is_ours(b) ? tokenizer_end(b->tokenizer) : behind->count ? behind->data[0] : -1;
  return (DocumentTokens){bundle_begin(b), end};
}

static bool eval_corpus(const Evaluation *e, const Corpus *corpus, Error *err) {
  const Bundle *b = e->bundle;
  Dataset data;
  if (!dataset_encode(&data, corpus, b->tokenizer, around_documents(b), e->news, err)) return false;
  Batches *batches = windows_eval_batches(&data, score_window(&b->model->config), SCORE_TOGETHER, 0, err);
  const bool ok = take_score(e, batches, err);
  batches_free(batches);
  dataset_free(&data);
  e->out->documents = (int64_t)corpus->count;
  return ok;
}

/* Removes a begin token spelled in a document: encoding adds one anyway. */
static void drop_spelled_begins(Corpus *c, const char *begin) {
  const size_t n = strlen(begin);
  for (size_t i = 0; i < c->count; i++) {
    Document *d = &c->documents[i];
    if (d->length <= n || memcmp(d->text, begin, n)) continue;
    *d = (Document){d->text + n, d->length - n};
    c->bytes -= (int64_t)n;
    c->characters -= utf8_count(begin, n);
  }
}

static void note_special_tokens(const Evaluation *e, const Corpus *corpus) {
  const Tokenizer *t = e->bundle->tokenizer;
  const char *spelled = NULL, *remark = tokenizer_remark(t);
  for (size_t i = 0; i < corpus->count && !spelled; i++)
    spelled = tokenizer_special_in(t, corpus->documents[i].text, corpus->documents[i].length);
  if (spelled)
    news_note(e->news, "the text contains the special token %s: it is read as plain text", spelled);
  if (remark) news_note(e->news, "tokenizer.json: %s", remark);
  if (e->bundle->source.remark) news_note(e->news, "%s", e->bundle->source.remark);
}

/* For another program's model, a document is a file with its final newline, as no end token replaces it. */
static Corpus *open_foreign(const Evaluation *e, const char *const *files, size_t count,
                            DocumentSettings data, Error *err) {
  static char whole[] = "file";
  if (!strcmp(data.documents, "auto")) data.documents = whole;
  Corpus *c =
      corpus_open(files, count, settings_part(e->settings, &text_settings_table), &data, e->news, err);
  const char *begin = tokenizer_name(e->bundle->tokenizer, bundle_begin(e->bundle));
  if (c && !data.separator && !strcmp(data.documents, whole)) corpus_whole_files(c);
  if (c && begin) drop_spelled_begins(c, begin);
  return c;
}

static bool eval_text(const Evaluation *e, const char *const *files, size_t count, Error *err) {
  const TextSettings *text = settings_part(e->settings, &text_settings_table);
  const DocumentSettings *data = settings_part(e->settings, &document_settings_table);
  Corpus *corpus = bundle_is_ours(e->bundle) ? corpus_open(files, count, text, data, e->news, err)
                                             : open_foreign(e, files, count, *data, err);
  if (corpus) note_special_tokens(e, corpus);
  const bool ok = corpus && eval_corpus(e, corpus, err);
  corpus_free(corpus);
  return ok;
}

/* ---- pairs and conversations ---- */

static bool score_pairs(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, Error *err) {
  const Tokenizer *t = e->bundle->tokenizer;
  PairTokens tokens;
  if (!pairs_encode(&tokens, pairs, tokenizer_source(t), t, e->news, err)) return false;
  Batches *batches = pair_eval_batches(&tokens, layout, 0, SCORE_TOGETHER, 0, e->news, err);
  const bool ok = take_score(e, batches, err);
  batches_free(batches);
  pair_tokens_free(&tokens);
  return ok;
}

/* One line per output: newlines within an output become spaces. */
static bool write_outputs(const Judge *j, const char *path, Error *err) {
  Buffer all = {0};
  for (size_t i = 0; i < judge_count(j); i++) {
    size_t length;
    const char *text = judge_output(j, i, &length);
    const size_t begin = all.length;
    buffer_add(&all, text, length);
    for (size_t k = begin; k < all.length; k++)
      if (all.data[k] == '\n' || all.data[k] == '\r') all.data[k] = ' ';
    buffer_add(&all, "\n", 1);
  }
  const bool ok = file_replace(path, all.data ? all.data : "", all.length, err);
  buffer_free(&all);
  return ok;
}

static bool report_results(const Evaluation *e, const Judge *j, const char *outputs, Error *err) {
  double words, two;
  judge_distinct(j, &words, &two);
  json_t *json = json_build("{s:I, s:o, s:f, s:f}", "examples", (json_int_t)judge_count(j), "metrics",
                            judge_scores(j), "distinct_1", words, "distinct_2", two);
  e->out->written = json_text(json, JSON_COMPACT);
  json_decref(json);
  return !outputs || !*outputs || write_outputs(j, outputs, err);
}

static bool judge_as(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, const Generation *g,
                     Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  const GeneralSettings *general = settings_part(e->settings, &general_settings_table);
  const JudgeRequest request = {.pairs = pairs,
                                .layout = layout,
                                .tokenizer = e->bundle->tokenizer,
                                .search = &g->search,
                                .sampling = g->sampling,
                                .rules = &g->rules,
                                .never = g->never,
                                .metrics = settings_part(e->settings, &metric_settings_table),
                                .seed = (uint64_t)general->seed,
                                .max_tokens = g->sampling->max_tokens,
                                .most = (size_t)s->examples};
  Judge *j = judge_open(&request, err);
  if (j && judge_misses_words(j))
    news_warning(e->news, METRICS_MISS_WORDS, "the reference", request.metrics->tokenize);
  const bool ok = j && judge_run(j, e->bundle->model, err) && report_results(e, j, s->outputs, err);
  judge_free(j);
  return ok;
}

static bool judge_pairs(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  Generation g;
  if (!s->decode) return true;
  const bool ok =
      generation_open(&g, e->bundle, layout, e->settings, err) && judge_as(e, pairs, layout, &g, err);
  generation_close(&g);
  return ok;
}

static bool eval_pairs(const Evaluation *e, const Task *task, const char *const *files, size_t count,
                       Error *err) {
  PairLayout layout;
  if (!bundle_layout(e->bundle, task, &layout, err) || !languages_frame(e->bundle, e->settings, &layout, err))
    return false;
  Pairs *pairs = pairs_open(files, count, task->chat, settings_part(e->settings, &text_settings_table),
                            settings_part(e->settings, &pair_settings_table), e->news, err);
  const bool ok = pairs && score_pairs(e, pairs, &layout, err) && judge_pairs(e, pairs, &layout, err);
  if (pairs) e->out->documents = (int64_t)pairs->count;
  pairs_free(pairs);
  return ok;
}

/* ---- settings without effect ---- */

/* The settings of the texts a model writes, where none are written. Programs give their limit to any model.
 */
static bool check_decoding(const Evaluation *e, const char *where, Error *err) {
  static const SettingTable *const tables[] = {&metric_settings_table, &search_settings_table};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (!unused_table(e->settings, tables[i], where, e->news, err)) return false;
  for (const Setting *s = sampling_settings_table.items; s->name; s++)
    if (strcmp(s->name, "max_tokens") && !unused_setting(e->settings, s->name, where, e->news, err))
      return false;
  return unused_setting(e->settings, "examples", where, e->news, err) &&
         unused_setting(e->settings, "outputs", where, e->news, err);
}

static bool check_settings(const Evaluation *e, bool pairs, Error *err) {
  static const char running[] = "on running text, which this model is evaluated on",
                    both[] = "on pairs and conversations, which this model is evaluated on";
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  if (!pairs)
    return check_decoding(e, running, err) &&
           unused_table(e->settings, &pair_settings_table, running, e->news, err) &&
           unused_table(e->settings, &language_settings_table, running, e->news, err);
  return unused_table(e->settings, &document_settings_table, both, e->news, err) &&
         (s->decode ? metrics_check_given(e->settings, e->news, err)
                    : check_decoding(e, "with --no-decode", err));
}

bool ink_eval(ink_model *m, const char *const *files, int count, const ink_settings *settings,
              ink_scores *out, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  const GeneralSettings *general = settings_part(settings, &general_settings_table);
  News news;
  ink_scores own = INK_SCORES_INIT;
  const Evaluation e = {&m->bundle, settings, &news, &own};
  const Task *task = bundle_task(&m->bundle);
  const EvalSettings *s = settings_part(settings, &eval_settings_table);
  const bool begun = call_enter(call, m->engine, &news, err);
  threads_set((int)general->threads);
  bool ok = begun && (!s->outputs || file_check_output(s->outputs, files, (size_t)count, NULL, err));
  ok = ok && check_settings(&e, task_has_pairs(task), err);
  if (ok && task_has_pairs(task))
    ok = eval_pairs(&e, task, files, (size_t)count, err);
  else if (ok)
    ok = eval_text(&e, files, (size_t)count, err);
  struct_give(out, &own, sizeof own);
  MEM_GUARD_END();
  return ok;
}
