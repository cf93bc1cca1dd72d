/* evaluate.c - ink_eval: a model's perplexity on a text, and the quality of its outputs for examples;
 * ink_eval_against: how far its predictions are from those of another model. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/structs.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/dataset.h"
#include "run/classes.h"
#include "run/compare.h"
#include "run/generation.h"
#include "run/judge.h"
#include "run/languages.h"
#include "run/model.h"
#include "run/scorer.h"
#include "run/session.h"
#include "text/plot.h"
#include "text/utf8.h"

#include "run/eval.def" /* EvalSettings, eval_settings_table */

#include "base/settings_table.h"

#include "run/eval.def"

ink_settings *ink_settings_eval(void) {
  static const SettingTable *const tables[] = {
      &eval_settings_table,     &text_settings_table,     &document_settings_table,   &pair_settings_table,
      &search_settings_table,   &sampling_settings_table, &protection_settings_table, &metric_settings_table,
      &language_settings_table, &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

typedef struct Evaluation {
  const Bundle *bundle;
  const ink_settings *settings;
  const News *news;
  ink_scores *out;
  const Bundle *compared; /* with `bundle`, which determines the layout; NULL: none */
  bool bundle_first;      /* `bundle` is the model that is compared, `compared` the reference */
  Comparison *comparison;
} Evaluation;

/* As texts are generated if keys and values are rounded, else several sequences at a time. */
static bool score_alone(const Evaluation *e, Batches *batches, Score *score, Error *err) {
  const Model *m = e->bundle->model;
  Comparison c;
  if (m->cache == TENSOR_F32) {
    *score = score_batches(m, batches, e->news);
    return true;
  }
  const bool ok = compare_batches(m, NULL, batches, e->news, &c, err);
  *score = (Score){c.nats, c.tokens};
  comparison_free(&c);
  return ok;
}

static bool score_or_compare(const Evaluation *e, Batches *batches, Score *score, Error *err) {
  if (!e->compared) return score_alone(e, batches, score, err);
  const Bundle *model = e->bundle_first ? e->bundle : e->compared,
               *reference = e->bundle_first ? e->compared : e->bundle;
  const bool ok = compare_batches(model->model, reference->model, batches, e->news, e->comparison, err);
  *score = (Score){e->comparison->nats, e->comparison->tokens};
  return ok;
}

static bool take_score(const Evaluation *e, Batches *batches, Error *err) {
  Score score;
  ink_scores *out = e->out;
  if (!batches || !score_or_compare(e, batches, &score, err)) return false;
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

/* ---- the same tokens of both models ---- */

static bool fail_tokenizers(Error *err) {
  return fail(
      err,
      "the two models have different tokenizers, so that they predict different tokens: compare forms of "
      "one model");
}

/* Ids stand for the same text. A tokenizer may have further ones for padding, up to the size of the output.
 */
static bool check_pieces(const Tokenizer *a, const Tokenizer *b, Error *err) {
  const int64_t count = int64_min(tokenizer_size(a), tokenizer_size(b));
  return tokenizer_same_pieces(a, b, count) || fail_tokenizers(err);
}

/* Fingerprints cannot tell: they depend on the format that a tokenizer is stored in. */
static bool check_ids(const int32_t *a, int64_t n, const int32_t *b, int64_t m, Error *err) {
  return (n == m && !memcmp(a, b, (size_t)n * sizeof *a)) || fail_tokenizers(err);
}

/* ---- running text ---- */

/* The tokens around a document as in training: the begin token, as in `write`, and an end token. For other
 * programs' models, an end is scored only if their tokenizer appends one to every text. */
static DocumentTokens around_documents(const Bundle *b) {
  const Ids *behind = tokenizer_behind(b->tokenizer);
  const int32_t end = bundle_is_ours(b) ? tokenizer_end(b->tokenizer) : behind->count ? behind->data[0] : -1;
  return (DocumentTokens){bundle_begin(b), end};
}

/* Encodes the text, and checks that the tokenizer of a model to compare gives the same ids. */
static bool encode_corpus(const Evaluation *e, const Corpus *corpus, Dataset *data, Error *err) {
  const DocumentTokens around = around_documents(e->bundle);
  Dataset other;
  if (!dataset_encode(data, corpus, e->bundle->tokenizer, around, e->news, err)) return false;
  if (!e->compared) return true;
  bool ok = dataset_encode(&other, corpus, e->compared->tokenizer, around, &(News){0}, err);
  if (ok) {
    ok = check_ids(data->tokens, data->count, other.tokens, other.count, err);
    dataset_free(&other);
  }
  if (!ok) dataset_free(data);
  return ok;
}

static bool eval_corpus(const Evaluation *e, const Corpus *corpus, Error *err) {
  const Bundle *b = e->bundle;
  Dataset data;
  if (!encode_corpus(e, corpus, &data, err)) return false;
  int64_t window = score_window(&b->model->config);
  if (e->compared) window = int64_min(window, score_window(&e->compared->model->config));
  Batches *batches = windows_eval_batches(&data, window, SCORE_TOGETHER, 0, err);
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
  if (remark) news_note(e->news, "%s: %s", e->bundle->source.path, remark);
  if (e->bundle->source.remark) news_note(e->news, "%s", e->bundle->source.remark);
}

/* Bits per byte of models that take the same lines for documents are other ones. */
static void note_foreign_documents(const Evaluation *e, const Corpus *c, bool automatic) {
  if (automatic && corpus_lines_are_texts(c))
    news_note(
        e->news,
        "each file is one document, as for all models that Inkstone did not train, though most lines are "
        "complete texts: if this model was trained on such lines, give --documents line");
  if (c->count > c->file_count && around_documents(e->bundle).end < 0)
    news_note(
        e->news,
        "the ends of documents are not scored, as this model's tokenizer appends no end token: compare its "
        "bits per byte only with those of models of which this is said, too");
}

/* For another program's model, a document is a file with its final newline, as no end token replaces it. */
static Corpus *open_foreign(const Evaluation *e, TextFiles *files, DocumentSettings data, Error *err) {
  static char whole[] = "file";
  const bool automatic = !data.separator && !strcmp(data.documents, "auto");
  if (automatic) data.documents = whole;
  Corpus *c = corpus_of(files, &data, e->news, err);
  const char *begin = tokenizer_name(e->bundle->tokenizer, bundle_begin(e->bundle));
  if (c && !data.separator && !strcmp(data.documents, whole)) corpus_whole_files(c);
  if (c && begin) drop_spelled_begins(c, begin);
  if (c) note_foreign_documents(e, c, automatic);
  return c;
}

static bool eval_text(const Evaluation *e, TextFiles *files, Error *err) {
  const DocumentSettings *data = settings_part(e->settings, &document_settings_table);
  Corpus *corpus =
      bundle_is_ours(e->bundle) ? corpus_of(files, data, e->news, err) : open_foreign(e, files, *data, err);
  if (corpus) note_special_tokens(e, corpus);
  const bool ok = corpus && eval_corpus(e, corpus, err);
  corpus_free(corpus);
  return ok;
}

/* ---- pairs and conversations ---- */

static bool encode_by(const Bundle *b, const Pairs *pairs, PairTokens *tokens, const News *news, Error *err) {
  return pairs_encode(tokens, pairs, tokenizer_source(b->tokenizer), b->tokenizer, news, err);
}

/* As encode_corpus. */
static bool encode_pairs(const Evaluation *e, const Pairs *pairs, PairTokens *tokens, Error *err) {
  PairTokens other;
  if (!encode_by(e->bundle, pairs, tokens, e->news, err)) return false;
  if (!e->compared) return true;
  bool ok = encode_by(e->compared, pairs, &other, &(News){0}, err);
  if (ok) {
    const Encoded *a = &tokens->ids, *b = &other.ids;
    ok = check_ids(a->tokens, a->starts[a->count], b->tokens, b->starts[b->count], err);
    pair_tokens_free(&other);
  }
  if (!ok) pair_tokens_free(tokens);
  return ok;
}

static bool score_given(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, Error *err) {
  PairTokens tokens;
  if (!encode_pairs(e, pairs, &tokens, err)) return false;
  Batches *batches = pair_eval_batches(&tokens, layout, 0, SCORE_TOGETHER, 0, e->news, err);
  const bool ok = take_score(e, batches, err);
  if (ok) e->out->documents = batches->examples;
  batches_free(batches);
  pair_tokens_free(&tokens);
  return ok;
}

/* Of a model that was trained with --protect, the targets are scored as it learnt them: with tokens for what
 * they share with their sources. */
static bool score_pairs(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, Error *err) {
  const ProtectionSettings *s = settings_part(e->settings, &protection_settings_table);
  int64_t count;
  if (!s->protect || !masks_known(e->bundle->tokenizer)) return score_given(e, pairs, layout, err);
  Arena *texts = arena_new(0);
  Pairs masked = *pairs;
  masked.turns = mem_alloc_zeroed(pairs->turn_count + 1, sizeof *masked.turns);
  memcpy(masked.turns, pairs->turns, pairs->turn_count * sizeof *masked.turns);
  const bool ok = pairs_mask(&masked, texts, &count, err) && score_given(e, &masked, layout, err);
  mem_free(masked.turns);
  arena_free(texts);
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

static bool report_results(const Evaluation *e, Judge *j, Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  json_t *json = judge_json(j, s->coverage, err);
  if (!json) return false;
  e->out->written = json_text(json, JSON_COMPACT);
  json_decref(json);
  return !s->outputs || !*s->outputs || write_outputs(j, s->outputs, err);
}

static bool judge_as(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, const Generation *g,
                     Protection *protection, Error *err) {
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
                                .most = (size_t)s->examples,
                                .protection = protection};
  Judge *j = judge_open(&request, err);
  if (j && judge_misses_words(j))
    news_warning(e->news, METRICS_MISS_WORDS, _("the reference"), request.metrics->tokenize);
  const bool ok = j && judge_run(j, e->bundle->model, err) && report_results(e, j, err);
  judge_free(j);
  return ok;
}

static bool judge_pairs(const Evaluation *e, const Task *task, const Pairs *pairs, const PairLayout *layout,
                        Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  Generation g;
  PairLayout written = *layout;
  if (!s->decode || e->compared) return true;
  Protection *protection = NULL;
  const bool ok = generation_open(&g, e->bundle, layout, e->settings, err) &&
                  generation_fit(&g, &written, err) &&
                  protection_open(&protection, e->bundle, task, e->settings, e->news, err);
  if (ok) protection_constrain(protection, e->bundle->tokenizer, &g.rules);
  const bool judged = ok && judge_as(e, pairs, &written, &g, protection, err);
  generation_close(&g);
  protection_close(protection);
  return judged;
}

static bool eval_pairs(const Evaluation *e, const Task *task, TextFiles *files, Error *err) {
  PairLayout layout;
  if (!bundle_layout(e->bundle, task, &layout, err) || !languages_frame(e->bundle, e->settings, &layout, err))
    return false;
  if (layout.template) news_note(e->news, "turns are formatted %s", _("by the model's chat template"));
  Pairs *pairs = pairs_of(files, task->chat ? PAIRS_CONVERSATIONS : PAIRS_TEXTS,
                          settings_part(e->settings, &text_settings_table),
                          settings_part(e->settings, &pair_settings_table), e->news, err);
  const bool ok = pairs && pairs_check_given(pairs->read, e->settings, e->news, err) &&
                  score_pairs(e, pairs, &layout, err) && judge_pairs(e, task, pairs, &layout, err);
  pairs_free(pairs);
  return ok;
}

/* ---- labelled texts ---- */

static void take_results(const Evaluation *e, const ClassResults *r) {
  const GeneralSettings *general = settings_part(e->settings, &general_settings_table);
  json_t *json = class_results_json(r, &e->bundle->labels, CLASS_SAMPLES, (uint64_t)general->seed);
  e->out->tokens = (int64_t)r->texts.count;
  e->out->nats = r->nats;
  e->out->perplexity = exp(r->nats / (double)r->texts.count);
  e->out->written = json_text(json, JSON_COMPACT);
  json_decref(json);
}

static bool eval_batches(const Evaluation *e, Batches *batches, Error *err) {
  ClassResults results = classify_batches(e->bundle->model, batches, e->news);
  const bool ok =
      (!interrupted() || fail_interrupted(err)) && (isfinite(results.nats) || fail_not_finite(err));
  if (ok) take_results(e, &results);
  class_results_free(&results);
  return ok;
}

static bool eval_labelled(const Evaluation *e, const Pairs *pairs, const PairLayout *layout, Error *err) {
  PairTokens tokens;
  if (!labels_check(&e->bundle->labels, pairs, err) || !encode_by(e->bundle, pairs, &tokens, e->news, err))
    return false;
  labels_index(&e->bundle->labels, &tokens);
  Batches *batches = pair_eval_batches(&tokens, layout, 0, SCORE_TOGETHER, 0, e->news, err);
  const bool ok = batches && eval_batches(e, batches, err);
  batches_free(batches);
  pair_tokens_free(&tokens);
  return ok;
}

static bool eval_labels(const Evaluation *e, TextFiles *files, Error *err) {
  PairLayout layout;
  if (!bundle_layout(e->bundle, task_find("classify"), &layout, err)) return false;
  Pairs *pairs = pairs_of(files, PAIRS_LABELLED, settings_part(e->settings, &text_settings_table),
                          settings_part(e->settings, &pair_settings_table), e->news, err);
  const bool ok = pairs && pairs_check_given(pairs->read, e->settings, e->news, err) &&
                  eval_labelled(e, pairs, &layout, err);
  if (pairs) e->out->documents = (int64_t)pairs->count;
  pairs_free(pairs);
  return ok;
}

/* ---- settings without effect ---- */

/* The settings of the texts a model writes, where none are written. */
static bool check_decoding(const Evaluation *e, const char *where, Error *err) {
  static const SettingTable *const tables[] = {&metric_settings_table, &search_settings_table,
                                               &sampling_settings_table};
  static const char *const others[] = {"examples", "outputs", "coverage", "check", "terms"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (!unused_table(e->settings, tables[i], where, e->news, err)) return false;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!unused_setting(e->settings, others[i], where, e->news, err)) return false;
  return true;
}

static bool check_labelled(const Evaluation *e, Error *err) {
  static const char labelled[] = N_("on labelled texts, which this model is evaluated on");
  return unused_setting(e->settings, "plot", labelled, e->news, err) && check_decoding(e, labelled, err) &&
         unused_setting(e->settings, "protect", labelled, e->news, err) &&
         unused_setting(e->settings, "decode", labelled, e->news, err) &&
         unused_table(e->settings, &document_settings_table, labelled, e->news, err) &&
         unused_table(e->settings, &language_settings_table, labelled, e->news, err);
}

static bool check_settings(const Evaluation *e, bool pairs, Error *err) {
  static const char running[] = N_("on running text, which this model is evaluated on"),
                    both[] = N_("on pairs and conversations, which this model is evaluated on");
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  const char *unwritten = e->compared ? N_("with --against") : N_("with --no-decode");
  if (!e->compared && !unused_setting(e->settings, "plot", "without --against", e->news, err)) return false;
  if (!pairs)
    return check_decoding(e, running, err) && unused_flag(e->settings, "seed", running, err) &&
           unused_setting(e->settings, "protect", running, e->news, err) &&
           unused_table(e->settings, &pair_settings_table, running, e->news, err) &&
           unused_table(e->settings, &language_settings_table, running, e->news, err);
  return unused_table(e->settings, &document_settings_table, both, e->news, err) &&
         (s->decode && !e->compared
              ? metrics_check_given(e->settings, e->news, err)
              : unused_flag(e->settings, "seed", unwritten, err) && check_decoding(e, unwritten, err));
}

/* ---- the calls ---- */

static bool any_given(const Settings *s, const SettingTable *table) {
  const Setting *item = table->items;
  while (item->name && !settings_given(s, item->name)) item++;
  return item->name != NULL;
}

/* Whether all files contain examples. */
static bool files_have_examples(const TextFiles *files, bool *all, Error *err) {
  *all = files->count && text_examples(&files->items[0]);
  for (size_t i = 1; i < files->count; i++) {
    const bool have = text_examples(&files->items[i]);
    if (have != *all)
      return fail_usage(err, "%s contains %s, %s plain text: evaluate them separately",
                        files->items[have ? i : 0].name, text_examples(&files->items[have ? i : 0]),
                        files->items[have ? 0 : i].name);
  }
  return true;
}

/* A model of another program that has a chat template reads running text and, by the template, examples. */
static bool reads_both(const Bundle *b) {
  return !bundle_is_ours(b) && b->chat && !b->labels.count;
}

/* The task that the files are material of: the model's own. A model that reads both reads examples if a
 * setting of them is given or, without --documents and --separator, if all files contain such. */
static bool task_of_files(const Evaluation *e, const TextFiles *files, const Task **task, Error *err) {
  bool examples = any_given(e->settings, &pair_settings_table);
  *task = bundle_task(e->bundle);
  if (!reads_both(e->bundle)) return true;
  if (!examples && !any_given(e->settings, &document_settings_table) &&
      !files_have_examples(files, &examples, err))
    return false;
  if (examples) *task = task_find("reply");
  return true;
}

/* Reads the files as material of their task. */
static bool eval_texts(const Evaluation *e, TextFiles *files, Error *err) {
  const Task *task;
  if (!task_of_files(e, files, &task, err)) return false;
  if (task_has_labels(task)) return check_labelled(e, err) && eval_labels(e, files, err);
  return task_has_pairs(task) ? check_settings(e, true, err) && eval_pairs(e, task, files, err)
                              : check_settings(e, false, err) && eval_text(e, files, err);
}

static bool check_outputs(const Evaluation *e, const char *const *files, size_t count, Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  return (!s->outputs || file_check_output(s->outputs, files, count, err)) &&
         (!s->plot || (file_check_output(s->plot, files, count, err) &&
                       file_check_kind(s->plot, "<svg", _("plot"), err)));
}

static bool eval_files(const Evaluation *e, const char *const *files, int count, Error *err) {
  const GeneralSettings *general = settings_part(e->settings, &general_settings_table);
  TextFiles texts = {0};
  threads_set((int)general->threads);
  const bool ok = check_outputs(e, files, (size_t)count, err) &&
                  text_files_open(&texts, files, (size_t)count,
                                  settings_part(e->settings, &text_settings_table), e->news, err) &&
                  eval_texts(e, &texts, err);
  text_files_close(&texts);
  return ok;
}

bool ink_eval(ink_model *m, const char *const *files, int count, const ink_settings *settings,
              ink_scores *out, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ink_scores own = INK_SCORES_INIT;
  const Evaluation e = {.bundle = &m->bundle, .settings = settings, .news = &news, .out = &own};
  const bool ok = call_enter(call, m->engine, &news, err) && eval_files(&e, files, count, err);
  struct_give(out, &own, sizeof own);
  MEM_GUARD_END();
  return ok;
}

/* ---- against a reference ---- */

/* A reference that was not trained on examples predicts the same tokens of them. */
static bool reads_examples(const Bundle *b) {
  return task_has_pairs(bundle_task(b)) || reads_both(b);
}

static bool check_comparable(const Bundle *b, const Bundle *reference, Error *err) {
  const Config *c = &b->model->config, *r = &reference->model->config;
  if (!bundle_check_tokens(b, err) || !bundle_check_tokens(reference, err)) return false;
  if (!check_pieces(b->tokenizer, reference->tokenizer, err) ||
      !check_pieces(tokenizer_source(b->tokenizer), tokenizer_source(reference->tokenizer), err))
    return false;
  if (c->vocabulary != r->vocabulary)
    return fail(err,
                "the model has %" PRId64 " scores per token, the reference %" PRId64
                ": compare forms of one model",
                c->vocabulary, r->vocabulary);
  return c->arch->encodes == r->arch->encodes ||
         fail(err, "only one of the two models has an encoder: compare forms of one model");
}

/* The divergence that one token in x exceeds. */
static bool plot_divergence(const Comparison *c, const char *path, Error *err) {
  PlotSeries series = {.name = _("KL divergence exceeded by one token in N (nats)"), .css = "a"};
  Buffer file = {0};
  for (double n = 1; n < (double)c->tokens; n *= 1.1)
    vec_push(&series.points, ((PlotPoint){n, comparison_quantile(c, 1 - 1 / n)}));
  vec_push(&series.points, ((PlotPoint){(double)c->tokens, c->largest}));
  plot_file(&file,
            &(Plot){.x_name = "N", .series = &series, .count = 1, .width = 560, .height = 300, .log_x = true},
            _("KL divergence per token"));
  const bool ok = file_replace(path, file.data, file.length, err);
  vec_free(&series.points);
  buffer_free(&file);
  return ok;
}

static void give_comparison(const Evaluation *e, ink_comparison *out) {
  const Comparison *c = e->comparison;
  const double tokens = (double)c->tokens;
  *out = (ink_comparison){.size = out->size,
                          .tokens = c->tokens,
                          .bytes = e->out->bytes,
                          .characters = e->out->characters,
                          .documents = e->out->documents,
                          .perplexity = exp(c->nats / tokens),
                          .reference_perplexity = exp(c->reference_nats / tokens),
                          .divergence_mean = c->divergence / tokens,
                          .divergence_median = comparison_quantile(c, 0.5),
                          .divergence_99 = comparison_quantile(c, 0.99),
                          .divergence_max = c->largest,
                          .agreement = (double)c->agreed / tokens};
}

static bool compare_files(const Evaluation *e, const char *const *files, int count, ink_comparison *out,
                          Error *err) {
  const EvalSettings *s = settings_part(e->settings, &eval_settings_table);
  bool ok = eval_files(e, files, count, err);
  if (ok) give_comparison(e, out);
  if (ok && s->plot && *s->plot) ok = plot_divergence(e->comparison, s->plot, err);
  comparison_free(e->comparison);
  return ok;
}

bool ink_eval_against(ink_model *m, const ink_model *reference, const char *const *files, int count,
                      const ink_settings *settings, ink_comparison *out, const ink_call *call,
                      ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ink_scores scores = INK_SCORES_INIT;
  ink_comparison own = INK_COMPARISON_INIT;
  Comparison comparison = {0};
  const bool own_layout = reads_examples(&m->bundle) && !reads_examples(&reference->bundle);
  const Evaluation e = {.bundle = own_layout ? &m->bundle : &reference->bundle,
                        .settings = settings,
                        .news = &news,
                        .out = &scores,
                        .compared = own_layout ? &reference->bundle : &m->bundle,
                        .bundle_first = own_layout,
                        .comparison = &comparison};
  const bool ok = call_enter(call, m->engine, &news, err) &&
                  check_comparable(&m->bundle, &reference->bundle, err) &&
                  compare_files(&e, files, count, &own, err);
  struct_give(out, &own, sizeof own);
  MEM_GUARD_END();
  return ok;
}
