/* api.c - ink_train: trains a model on files and saves it to a directory. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/language.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/peak.h"
#include "run/adapter.h"
#include "run/scorer.h"
#include "text/utf8.h"
#include "train/budget.h"
#include "train/file_names.h"
#include "train/origin.h"
#include "train/recipe.h"
#include "train/report.h"
#include "train/results.h"
#include "train/run_dir.h"
#include "train/snapshots.h"
#include "train/trainer.h"
#include "train/tune.h"

ink_settings *ink_settings_train(void) {
  static const SettingTable *const tables[] = {
      &model_settings_table,    &text_settings_table,          &data_settings_table,
      &document_settings_table, &window_settings_table,        &preference_settings_table,
      &pair_settings_table,     &pair_training_settings_table, &tokenizer_settings_table,
      &train_settings_table,    &distill_settings_table,       &search_settings_table,
      &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

/* All data of one call of ink_train. */
typedef struct Run {
  const Task *task;
  RunDir dir;
  Settings *settings; /* own copy, in which defaults are filled in */
  Settings *judging;  /* metric of --best-by; sampling settings of samples */
  TrainSettings *train;
  ModelSettings *model;
  GeneralSettings *general;
  TextList files;
  News news;
  double deadline;
  Material *material;
  Bundle base;            /* base model of --from */
  Teacher teacher;        /* of --teacher */
  Labels labels;          /* of the run that is resumed */
  ChatTemplate *template; /* of the base model; NULL: none */
  Tokenizer *tokenizer;
  Config config;
  Tuning tuning;
  int64_t window; /* tokens of a training window */
  Plan plan;
  Batches *batches;
  json_t *card;
  bool resumed;
  int64_t steps_given; /* --steps given on resume; 0: none */
} Run;

/* ---- settings ---- */

static void use_settings(Run *r) {
  r->train = settings_part(r->settings, &train_settings_table);
  r->model = settings_part(r->settings, &model_settings_table);
  r->general = settings_part(r->settings, &general_settings_table);
  r->tuning = tune_of(r->train);
  threads_set((int)r->general->threads);
}

static const char *in_run(const Run *r, char buf[PATH_CAPACITY], const char *name) {
  return run_dir_file(&r->dir, buf, name);
}

/* ---- tokenizer ---- */

static Tokenizer *learn_tokenizer(const Run *r, MaterialSide side, Error *err) {
  TextSource source = material_source(r->material, side);
  NewToken tokens[LAYOUT_TOKENS];
  layout_tokens(r->task, r->material->masked, tokens);
  Tokenizer *t =
      tokenizer_train(&source, settings_part(r->settings, &tokenizer_settings_table), tokens, &r->news, err);
  mem_free(source.self);
  return t;
}

static Tokenizer *learn_tokenizers(const Run *r, Error *err) {
  if (!r->material->two_vocabularies) return learn_tokenizer(r, BOTH_SIDES, err);
  Tokenizer *target = learn_tokenizer(r, TARGET_SIDE, err),
            *source = target ? learn_tokenizer(r, SOURCE_SIDE, err) : NULL;
  if (source) {
    tokenizer_attach_source(target, source);
    return target;
  }
  tokenizer_free(target);
  return NULL;
}

/* The teacher's, so that the tokens are the same, unless another is given. */
static const char *teachers_tokenizer(const Run *r) {
  return r->train->tokenizer_from ? NULL : r->teacher.path;
}

/* The model whose configuration, tokenizer and template the run uses: on resume its own, unless it is an
 * adapter. NULL: new ones. */
static const char *described_by(const Run *r) {
  return r->resumed && !r->tuning.adapter.present ? r->dir.path : r->train->from;
}

static bool make_tokenizer(Run *r, Error *err) {
  if (described_by(r))
    r->tokenizer = bundle_tokenizer(described_by(r), err);
  else if (r->train->tokenizer_from)
    r->tokenizer = bundle_tokenizer_at(r->train->tokenizer_from, err);
  else if (teachers_tokenizer(r))
    r->tokenizer = bundle_tokenizer(teachers_tokenizer(r), err);
  else
    r->tokenizer = learn_tokenizers(r, err);
  const char *remark = r->tokenizer ? tokenizer_remark(r->tokenizer) : NULL;
  const char *from = described_by(r) ? described_by(r) : r->train->tokenizer_from;
  if (remark) news_note(&r->news, "%s: %s", from ? from : "tokenizer.json", remark);
  return r->tokenizer != NULL;
}

/* ---- model ---- */

/* Sets the special tokens of a new model to those of its material. */
static void take_tokens(Config *c, const MaterialTokens *t) {
  c->ends = token_set_of(t->end);
  c->pad = t->pad;
  c->decoder_start = t->start;
  /* transformers requires a padding row in both embeddings */
  if (c->source_vocabulary && c->source_vocabulary <= c->pad) c->source_vocabulary = c->pad + 1;
}

static bool separate_vocabularies(Run *r, Error *err) {
  const Tokenizer *source = tokenizer_source(r->tokenizer);
  if (source == r->tokenizer) return true;
  r->config.source_vocabulary = tokenizer_size(source);
  return r->config.arch->separable ||
         fail_usage(err,
                    "--vocabularies: %s shares one embedding between source and target: leave out separate",
                    r->config.arch->name);
}

/* Training windows may be far shorter than the context of the base model. */
static bool choose_window(Run *r, Error *err) {
  enum { BUDGET_WINDOW = 512 }; /* longer windows do not pay off within minutes or hours */
  r->window = r->config.context;
  if (r->train->from && r->model->context)
    r->window = r->model->context;
  else if (r->train->from && r->train->budget > 0 && r->window > BUDGET_WINDOW)
    r->window = BUDGET_WINDOW;
  return r->window <= r->config.context || r->config.arch->unlimited_context ||
         fail_usage(err, "--context %" PRId64 " is longer than the context of %s: give at most %" PRId64,
                    r->window, r->train->from, r->config.context);
}

static bool can_pack(const Run *r, Error *err) {
  const PairTrainingSettings *pairs = settings_part(r->settings, &pair_training_settings_table);
  return r->task->material == &material_text || !pairs->pack || arch_packs(r->config.arch) ||
         fail_usage(err,
                    "--pack applies to decoder-only networks with attention, but %s %s: leave it out or "
                    "choose another --arch",
                    r->config.arch->name, r->config.arch->encodes ? _("has an encoder") : _("is recurrent"));
}

/* The default context is meant for running text: if none is given, raises it so that most examples fit. */
static bool fit_context(Run *r, Error *err) {
  enum { MOST = 1024, ROUND = 32 };
  static const double share = 0.995;
  const int64_t need = material_need(r->material, r->config.arch->encodes, share),
                rounded = (need + ROUND - 1) / ROUND * ROUND, context = rounded < MOST ? rounded : MOST;
  if (settings_given(r->settings, "context") || context <= r->config.context) return true;
  r->model->context = context;
  news_note(&r->news,
            need <= MOST ? "context: %" PRId64 " tokens; at least 99.5 %% of the examples fit"
                         : N_("context: %" PRId64
                              " tokens; more than 0.5 %% of the examples are longer (set --context)"),
            context);
  return config_from_settings(&r->config, r->model, tokenizer_size(r->tokenizer), err) &&
         separate_vocabularies(r, err);
}

/* The token that a sample starts with. */
static int32_t begin_token(const Run *r) {
  return r->train->from ? bundle_begin(&r->base) : r->material->tokens.begin;
}

/* The token behind it, if the sample has no prompt; a base that has a begin token knows what comes after it.
 */
static int32_t opening_token(const Run *r) {
  return r->train->from && begin_token(r) >= 0 ? -1 : r->material->tokens.opening;
}

/* tokenizer.json is written with the tokens that this model reads around texts. */
static void frame_texts(Run *r) {
  const int32_t own = tokenizer_begin(r->tokenizer), of_pairs = own == tokenizer_end(r->tokenizer) ? -1 : own;
  tokenizer_frame(r->tokenizer, r->config.arch->encodes,
                  task_has_pairs(r->material->use) ? of_pairs : begin_token(r));
}

/* An adapter is merged into its base, which then is a model like any other. */
static bool open_base(Run *r, Error *err) {
  if (!bundle_open(&r->base, r->train->from, &r->news, err)) return false;
  if (r->base.source.adapter && r->tuning.adapter.present)
    return fail_usage(
        err,
        "--from %s is an adapter itself: train from its base, or merge it first (`inkstone convert --merge`)",
        r->train->from);
  adapter_merge(r->base.model);
  if (r->base.source.remark) news_note(&r->news, "%s", r->base.source.remark);
  return true;
}

/* What the model is used for, if it is a base that is only changed: to reply, if it has a chat template. */
static const Task *use_of(const Run *r) {
  if (!r->task->material->tunes) return r->task;
  if (r->resumed) return task_find(json_get_text(r->card, "task", "write"));
  return r->template && !r->config.arch->encodes ? task_find("reply") : bundle_task(&r->base);
}

static bool check_labels(Run *r, Error *err) {
  const bool wanted = task_has_labels(r->task);
  if (r->config.labels && !wanted)
    return fail_usage(err,
                      "--from %s labels texts and has no output for tokens: use `inkstone train classify`",
                      r->train->from);
  if (wanted && r->config.arch->encodes)
    return fail_usage(err,
                      "%s has an encoder, with which labels are not learnt: choose another --arch or --from",
                      r->config.arch->name);
  r->material->kept_labels = r->labels.count ? &r->labels : r->base.labels.count ? &r->base.labels : NULL;
  if (wanted && !r->resumed && !r->train->from) tokenizer_frame(r->tokenizer, true, -1);
  return true;
}

/* Of a classifier, what the labels of its material determine. */
static void take_labels(Run *r) {
  const Material *m = r->material;
  r->config.labels = m->labels ? m->labels->count : 0;
  if (m->labels && r->config.pad < 0) r->config.pad = m->tokens.pad;
  if (m->kept_labels && m->labels != m->kept_labels)
    news_note(&r->news, "the labels are others than those of %s: a new head learns them", r->train->from);
}

/* The start and padding tokens of a model that exists. */
static void keep_tokens(Run *r, const Config *c) {
  r->material->kept = (MaterialTokens){-1, -1, c->decoder_start, c->pad, -1};
}

static bool make_config(Run *r, Error *err) {
  const char *base = described_by(r);
  if (base && base == r->dir.path) {
    if (!bundle_config(&r->config, &r->labels, base, err)) return false;
  } else if (base) {
    if (!open_base(r, err)) return false;
    r->config = r->base.model->config;
  } else {
    if (!config_from_settings(&r->config, r->model, tokenizer_size(r->tokenizer), err) ||
        !separate_vocabularies(r, err) || !fit_context(r, err))
      return false;
  }
  if (base)
    keep_tokens(r, &r->config);
  else if (teachers_tokenizer(r))
    keep_tokens(r, &r->teacher.bundle.model->config);
  if (base && !bundle_template(base, r->tokenizer, &r->template, err)) return false;
  r->material->template = r->template;
  r->material->use = use_of(r);
  if (r->task->material->tunes)
    r->material->kept.begin = r->resumed ? bundle_card_token(r->card, "begin_token", -1) : begin_token(r);
  r->config.dropout = r->model->dropout;
  if (!check_labels(r, err) || !choose_window(r, err) || !can_pack(r, err) ||
      !material_fit(r->material, r->tokenizer, r->config.arch->encodes, r->window, err))
    return false;
  if (!task_has_labels(r->task) && (!r->resumed || r->tuning.adapter.present)) frame_texts(r);
  if (!r->resumed && !r->train->from) take_tokens(&r->config, &r->material->tokens);
  take_labels(r);
  return token_set_add(&r->config.ends, r->material->tokens.end) ||
         fail(err,
              "the model already has %d end tokens, the maximum, and this task needs another: fine-tune "
              "another model",
              MOST_TOKENS);
}

/* The teacher's weights are compared before anything is read with them. */
static bool open_teacher(Run *r, Error *err) {
  return teacher_open(&r->teacher, r->settings, r->task, &r->news, err) &&
         (!r->teacher.path ||
          (origin_keeps_teacher(&r->teacher.bundle, r->dir.home, err) &&
           (!r->resumed || origin_same_teacher(r->card, &r->teacher.bundle, r->dir.home, err))));
}

/* The values of frozen parameters are not stored in checkpoints: resuming reads them from the base again. */
static bool make_tuning(Run *r, Error *err) {
  if (!tuning_freezes(&r->tuning)) return true;
  if (!r->base.model && !open_base(r, err)) return false;
  if (!origin_keeps_base(&r->base, r->dir.home, err)) return false;
  if (r->resumed && !origin_same_base(r->card, &r->base, r->dir.home, err)) return false;
  r->tuning.base = r->base.model->params;
  return tuning_check(&r->tuning, &r->config, err);
}

static json_t *make_card(const Run *r) {
  const MaterialPart *part = &r->material->train;
  char print[ORIGIN_TEXT];
  origin_text(r->material, print);
  json_t *data =
      json_build("{s:o, s:s, s:I, s:I, s:I, s:I}", "files", file_names_json(&r->files), "fingerprint", print,
                 "documents", (json_int_t)part->examples, "bytes", (json_int_t)part->bytes, "characters",
                 (json_int_t)part->characters, "tokens", (json_int_t)part->tokens);
  return json_build("{s:s, s:s, s:s, s:i, s:i, s:o}", "inkstone_version", INK_VERSION, "task",
                    r->material->use->name, "instruction_set", kernels->isa, "begin_token",
                    (int)begin_token(r), "opening_token", (int)opening_token(r), "data", data);
}

static bool write_description(Run *r, Error *err) {
  const Adapter *adapter = r->tuning.adapter.present ? &r->tuning.adapter : NULL;
  const BundleUse use = {r->material->use, r->settings, r->base.model ? &r->base : NULL, r->material->labels,
                         adapter};
  r->card = make_card(r);
  if (r->material->use != r->task) json_put(r->card, CARD_TUNED_BY, json_string(r->task->name));
  json_put(r->card, CARD_OBJECTIVE,
           json_string(objective_use(r->material, &r->teacher, r->settings).objective->name));
  if (r->teacher.path) json_put(r->card, "teacher", origin_teacher(r->teacher.path, &r->teacher.bundle));
  if (tuning_freezes(&r->tuning)) json_put(r->card, "base", origin_base(r->train->from, &r->base));
  /* The card comes first: it marks the other files as written by Inkstone. */
  return recipe_fill(r->settings, &r->plan, err) && bundle_write_card(r->dir.path, r->card, err) &&
         bundle_write_description(r->dir.path, &r->config, r->tokenizer, &use, r->card, err) &&
         (!adapter || adapter_write_config(r->dir.path, &r->config, adapter, r->train->from,
                                           tune_alpha(r->train), r->train->rslora, err)) &&
         recipe_write(&r->dir, r->settings, err);
}

static bool read_card(Run *r, Error *err) {
  char path[PATH_CAPACITY];
  r->card = json_read(in_run(r, path, "inkstone.json"), err);
  return r->card != NULL;
}

/* ---- results ---- */

/* Maximum held-out tokens to score the finished model on: more than all but huge corpora have. */
enum { FINAL_TOKENS = 4000000 };

static Batches *open_valid(const Run *r, int64_t limit, Error *err) {
  const int64_t window = r->window < r->config.context ? r->window : score_window(&r->config);
  return material_eval_batches(r->material, (BatchSize){0, SCORE_TOGETHER}, window, limit, err);
}

/* The number of held-out tokens that there is time to score. */
static int64_t tokens_to_score(const Run *r, const Trainer *t) {
  enum { LEAST = 512 };
  const double share = pace_results_share(&t->pace, clock_seconds()),
               all = fmin((double)r->material->held.tokens, FINAL_TOKENS);
  return share < 1 ? (int64_t)fmax(share * all, fmin(LEAST, (double)r->plan.eval_tokens)) : FINAL_TOKENS;
}

/* Scores the saved model on all of the held-out text. */
static bool score_kept_model(Run *r, Trainer *t, json_t *json, Error *err) {
  if (!r->material->has_held) return true;
  if (t->unscored)
    return news_note(&r->news, "--budget left no time to score the held-out text: use `inkstone eval`"), true;
  if (!weights_load_model(r->dir.path, t->model, err)) return false;
  Batches *all = open_valid(r, tokens_to_score(r, t), err);
  if (!all) return false;
  const Labels *labels = r->material->labels;
  if (labels)
    results_of_labels(t, all, labels, json);
  else if (*t->valid_use.objective->measures)
    results_of_measures(t, all, json);
  else
    results_of_text(t, all, json);
  results_of_teacher(t, all, json);
  batches_free(all);
  return true;
}

static bool write_results(Run *r, Trainer *t, bool finished, Error *err) {
  const TrainState *s = &t->state;
  const double tokens = (double)s->step * r->plan.step_tokens;
  json_t *json =
      json_build("{s:b, s:I, s:I, s:f, s:f}", "finished", finished, "steps", (json_int_t)s->step, "best_step",
                 (json_int_t)s->best_step, "tokens_seen", tokens, "seconds", s->seconds);
  json_put(r->card, "training", json);
  if ((finished && !(results_keep_mean(t, err) && score_kept_model(r, t, json, err))) ||
      !bundle_write_card(r->dir.path, r->card, err))
    return false;
  Error unshown = {0}; /* an error of the report does not fail the run */
  if (!report_run(r->dir.path, r->card, r->settings, &unshown))
    news_warning(&r->news, "no report was written: %s", unshown.text);
  return true;
}

/* ---- the run ---- */

/* Changes the number of steps on resume, and records it in the recipe, which stays reproducible. */
static bool change_steps(Run *r, TrainState *s, int64_t steps, Error *err) {
  if (steps < s->step) {
    news_warning(&r->news,
                 "--%s asks for %" PRId64 " steps, but %" PRId64 " are done already: the run ends here",
                 r->steps_given ? "steps" : "epochs", steps, s->step);
    steps = s->step;
  }
  const int64_t recorded = recipe_steps(r->train->replan, s->step, s->steps); /* by an earlier attempt */
  s->steps = steps;
  return recorded == steps || recipe_replan(&r->dir, r->settings, s->step, steps, err);
}

/* By --steps or --epochs of this call, since the recipe has no epochs; 0: neither is given. */
static int64_t steps_wanted(const Run *r) {
  if (r->steps_given || r->train->epochs <= 0) return r->steps_given;
  return plan_steps_of(&r->plan, r->train->epochs, r->batches->tokens);
}

/* Of the weights before training. */
static bool open_references(const Run *r, Trainer *t, Error *err) {
  if (!t->use.objective->refers) return true;
  Batches *held = r->material->has_held ? open_valid(r, 0, err) : NULL;
  if (r->material->has_held && !held) return false;
  const bool ok = references_open(&t->use, &t->valid_use, t->model, t->batches, held, r->dir.path, r->resumed,
                                  &r->news, err);
  batches_free(held);
  return ok;
}

/* Whether the base has no head for these labels. The run's own description, which a resumed run keeps its
 * labels by, does not tell. */
static bool has_new_head(const Run *r) {
  const Labels *labels = r->material->labels, *learnt = &r->base.labels;
  return labels && !(learnt->count && labels_same(learnt, labels));
}

static bool fill_weights(Run *r, Trainer *t, Error *err) {
  bool found;
  params_initialize(t->model->learned, t->seed);
  if (r->base.model && !r->tuning.adapter.present)
    weights_copy(t->model->learned, r->base.model->params, has_new_head(r));
  else if (r->base.model && r->material->labels && !has_new_head(r))
    weights_copy_head(t->model->learned, r->base.model->params);
  optimizer_open(&t->optimizer, t->model->learned, r->train, r->plan.weight_decay);
  t->state = (TrainState){.steps = r->plan.steps, .warmup = r->plan.warmup, .rate_scale = 1};
  if (!open_references(r, t, err)) return false;
  if (!r->resumed) return true;
  if (!checkpoint_load(r->dir.path, &t->state, &t->optimizer, &r->news, &found, err)) return false;
  snapshots_find(r->dir.path, &t->state);
  const int64_t steps = steps_wanted(r);
  if (steps && !change_steps(r, &t->state, steps, err)) return false;
  news_note(&r->news, "resuming at step %" PRId64 " of %" PRId64, t->state.step, t->state.steps);
  if (r->deadline > 0 && t->state.step >= t->state.steps)
    news_warning(&r->news, "--budget has no effect: all steps are done; --steps or --epochs adds some");
  return true;
}

static bool run_trainer(Run *r, Trainer *t, Error *err) {
  bool finished = false;
  if (!fill_weights(r, t, err) || !log_open(&t->log, r->dir.path, t->state.step, err)) return false;
  const bool ok = trainer_run(t, &finished, err);
  log_close(&t->log);
  if (!ok || !write_results(r, t, finished, err)) return false;
  return finished || fail_as(err, INK_INTERRUPTED,
                             "interrupted at step %" PRId64 " of %" PRId64
                             ", progress is saved: continue with `inkstone train %s -o %s --resume`",
                             t->state.step, t->state.steps, r->task->name, r->dir.home);
}

/* The metric of --best-by; "bleu-zh" is BLEU with --tokenize zh. */
static const MetricSettings *metric_of(Settings *settings, const char *best_by) {
  char name[32];
  Error err = {0};
  snprintf(name, sizeof name, "%.*s", (int)strcspn(best_by, "-"), best_by);
  CHECK(settings_fill(settings, "metric", name, &err)); /* unwinds where memory runs out */
  if (strchr(best_by, '-')) CHECK(settings_fill(settings, "tokenize", strchr(best_by, '-') + 1, &err));
  return settings_part(settings, &metric_settings_table);
}

static bool open_judge(const Run *r, Trainer *t, Error *err) {
  const PairLayout *layout = material_layout(r->material);
  const JudgeRequest request = {
      .pairs = material_examples(r->material),
      .layout = layout,
      .tokenizer = r->tokenizer,
      .search = settings_part(r->settings, &search_settings_table),
      .never = layout_never(layout),
      .sampling = settings_part(r->judging, &sampling_settings_table),
      .metrics = judged_by_metric(r->train) ? metric_of(r->judging, r->train->best_by) : NULL,
      .seed = t->seed,
      .max_tokens = layout->time,
      .most = (size_t)r->train->eval_examples};
  t->judge = judge_open(&request, err);
  return t->judge != NULL;
}

static bool open_valid_and_judge(const Run *r, Trainer *t, Error *err) {
  const MaterialPart *held = &r->material->held;
  if (r->material->has_held && !(t->valid = open_valid(r, r->plan.eval_tokens, err))) return false;
  t->results = fmax(1, fmin((double)held->tokens, FINAL_TOKENS) / (double)r->plan.eval_tokens);
  return !material_examples(r->material) || open_judge(r, t, err);
}

/* Sets the expected work other than updates, and its cost. */
static void open_pace(const Run *r, Trainer *t) {
  enum {
    SAVED = 3
  }; /* checkpoints after the last update: two, and the time of a third for card and report */
  const double evaluation = budget_evaluation(&r->plan, r->material, r->settings);
  pace_open(&t->pace, clock_seconds(), r->deadline);
  t->pace.most = budget_most_steps(r->settings, &r->plan, r->material);
  if (t->valid) pace_expect(&t->pace, PACE_EVALUATION, r->plan.eval_every, 1, evaluation);
  if (t->valid) pace_expect(&t->pace, PACE_RESULTS, 0, 1, t->results * evaluation);
  if (r->train->sample_tokens) pace_expect(&t->pace, PACE_SAMPLE, r->plan.sample_every, 1, 1);
  pace_expect(&t->pace, PACE_CHECKPOINT, r->plan.checkpoint_every, SAVED, 1);
}

static bool train_model(Run *r, Error *err) {
  Trainer t = {.run = &r->dir,
               .settings = r->train,
               .all_settings = r->settings,
               .plan = &r->plan,
               .seed = (uint64_t)r->general->seed,
               .model = model_tuned(&r->config, &r->plan.tuning),
               .tokenizer = r->tokenizer,
               .batches = r->batches,
               .use = objective_use(r->material, &r->teacher, r->settings),
               .begin = bundle_card_token(r->card, "begin_token", -1),
               .opening = bundle_card_token(r->card, "opening_token", -1),
               .news = r->news,
               .peak = r->news.listener
                           ? machine_peak_flops(threads_count(), precision_named(r->train->precision))
                           : 0};
  t.valid_use = objective_held_out(&t.use);
  bool ok = open_valid_and_judge(r, &t, err);
  if (ok) open_pace(r, &t);
  ok = ok && run_trainer(r, &t, err);
  judge_free(t.judge);
  batches_free(t.valid);
  mem_free(t.use.references);
  mem_free(t.valid_use.references);
  optimizer_close(&t.optimizer);
  model_free(t.model);
  return ok;
}

static bool open_material(Run *r, Error *err) {
  r->material = material_open(r->task, &r->files, r->settings, &r->news, err);
  return r->material != NULL;
}

static bool check_teacher(Run *r, Error *err) {
  return teacher_fits(&r->teacher, &r->config, r->tokenizer, r->material, r->window, err);
}

static bool make_plan(Run *r, Error *err) {
  if (!plan_open(&r->plan, &r->config, &r->tuning, r->window, r->train, r->material, err)) return false;
  r->plan.teacher = &r->teacher;
  r->batches = material_batches(r->material, r->plan.batch, (uint64_t)r->general->seed, err);
  return r->batches && plan_make(&r->plan, r->train, r->material, r->batches, err);
}

static bool begin(Run *r, Error *err) {
  if (!open_teacher(r, err) || !open_material(r, err)) return false;
  if (r->deadline > 0 && !budget_choose(r->settings, r->material, r->deadline, &r->news, err)) return false;
  if (!make_tokenizer(r, err) || !material_encode(r->material, r->tokenizer, err) || !make_config(r, err) ||
      !make_tuning(r, err) || !check_teacher(r, err))
    return false;
  if (r->deadline > 0 &&
      !budget_tune(r->settings, &r->config, &r->tuning, r->window, r->material, r->deadline, &r->news, err))
    return false;
  if (!make_plan(r, err)) return false;
  if (r->deadline > 0 &&
      !budget_steps(r->settings, &r->plan, r->material, r->batches, r->deadline, &r->news, err))
    return false;
  if (!r->resumed) recipe_note_unreached(r->train->replan, r->plan.steps, &r->news);
  return plan_check(&r->plan, r->batches, r->dir.home, &r->news, err);
}

/* Replaces `auto` by the choice for this processor, so that resuming elsewhere continues the same run. */
static bool decide_precision(Run *r, Error *err) {
  if (strcmp(r->train->precision, "auto")) return true;
  const Precision chosen = precision_named("auto");
  news_note(&r->news, "precision: %s, because this processor multiplies bf16 %s than f32",
            precision_name(chosen), chosen == PRECISION_BF16 ? _("faster") : _("no faster"));
  return ink_settings_set(r->settings, "precision", precision_name(chosen), err);
}

static bool start_run(Run *r, Error *err) {
  if (!decide_precision(r, err)) return false;
  if (!begin(r, err)) return false;
  if (r->train->dry_run) return true;
  return run_dir_begin(&r->dir, err) && write_description(r, err) && train_model(r, err);
}

static bool resume_run(Run *r, Error *err) {
  r->resumed = true;
  if (!read_card(r, err)) return false;
  const char *task = json_get_text(r->card, CARD_TUNED_BY, json_get_text(r->card, "task", r->task->name));
  if (strcmp(task, r->task->name))
    return fail_usage(err, "%s: the run to resume is of `inkstone train %s`, not %s: give that task",
                      r->dir.home, task, r->task->name);
  origin_warn_instructions(r->card, r->train, &r->news);
  return open_teacher(r, err) && open_material(r, err) &&
         origin_same_text(r->card, r->material, r->dir.home, err) && make_tokenizer(r, err) &&
         bundle_same_tokenizer(r->card, r->tokenizer, r->dir.home, err) &&
         material_encode(r->material, r->tokenizer, err) && make_config(r, err) && make_tuning(r, err) &&
         check_teacher(r, err) && make_plan(r, err) && train_model(r, err);
}

/* ---- the directory ---- */

static const char no_text[] = N_("no text is given: give one or more files to learn from");

/* The given files, or else those the run began with. */
static bool choose_files(Run *r, const char *const *files, int count, Error *err) {
  char path[PATH_CAPACITY];
  if (count > 0) {
    r->files = (TextList){(char **)(uintptr_t)files, (size_t)count};
    return true;
  }
  json_t *card = file_exists(in_run(r, path, "inkstone.json")) ? json_read(path, err) : NULL;
  const json_t *names = json_object_get(json_object_get(card, "data"), "files");
  file_names_read(names, &r->files);
  json_decref(card);
  return r->files.count || fail_usage(err, no_text);
}

static bool run_in_directory(Run *r, const char *home, const Settings *given, const char *const *files,
                             int count, Error *err) {
  char path[PATH_CAPACITY];
  bool again;
  if (count == 0 && !dir_exists(home))
    return r->train->resume ? fail_not_found(err, "%s: no such directory: there is no run to resume", home)
                            : fail_usage(err, no_text);
  if (!run_dir_open(&r->dir, home, r->train->dry_run, err) ||
      !run_dir_choose(&r->dir, r->train, &r->news, &again, err) || !choose_files(r, files, count, err))
    return false;
  if (!again && r->train->resume &&
      (!tune_contradictions(r->settings, err) || !tune_has_base(r->task, r->train, err)))
    return false;
  if (again) {
    if (settings_given(given, "steps")) r->steps_given = r->train->steps;
    if (!recipe_continue(in_run(r, path, "recipe.yaml"), given, &r->settings, err)) return false;
  }
  use_settings(r);
  if (r->train->budget > 0) r->deadline = clock_seconds() + r->train->budget; /* on resume, of what is left */
  return again ? resume_run(r, err) : start_run(r, err);
}

static void close_run(Run *r, bool own_files) {
  for (size_t i = 0; own_files && i < r->files.count; i++) mem_free(r->files.items[i]);
  if (own_files) mem_free(r->files.items);
  batches_free(r->batches);
  tokenizer_free(r->tokenizer);
  material_free(r->material);
  bundle_close(&r->base);
  teacher_close(&r->teacher);
  labels_free(&r->labels);
  chat_template_close(r->template);
  json_decref(r->card);
  ink_settings_free(r->settings);
  ink_settings_free(r->judging);
  run_dir_close(&r->dir);
}

static bool run_guarded(Run *r, const char *home, const Settings *given, const char *const *files, int count,
                        const ink_call *call, Error *err) {
  MEM_GUARD(err, return false);
  static const SettingTable *const judging[] = {&metric_settings_table, &sampling_settings_table};
  r->settings = settings_copy(given); /* those of the caller are not changed */
  r->judging = settings_new(judging, 2);
  bool ok = call_enter(call, NULL, &r->news, err) && plan_contradictions(given, r->settings, &r->news, err) &&
            plan_check_task(r->task, given, &r->news, err);
  use_settings(r);
  ok = ok && run_in_directory(r, home, given, files, count, err);
  MEM_GUARD_END();
  return ok;
}

bool ink_train(const char *task, const char *const *files, int count, const char *out,
               const ink_settings *settings, const ink_call *call, ink_error *err) {
  Run run = {.task = task_named(task, err), .dir = {.lock = {.lock = -1}}};
  if (!run.task) return false;
  const bool ok = run_guarded(&run, out, settings, files, count, call, err);
  close_run(&run, count == 0); /* also after running out of memory: unlocks the directory */
  return ok;
}
