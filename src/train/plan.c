#include "train/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/unused.h"
#include "run/search.h"
#include "train/gradients.h"
#include "train/objective.h"
#include "train/optimizer.h"
#include "train/recipe.h"
#include "train/tune.h"

#include "base/settings_table.h"

#include "train/settings.def"

/* ---- defaults ---- */

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}
static int64_t at_least_1(int64_t x) {
  return x > 0 ? x : 1;
}
/* Tokens per update: small networks learn well from small batches, large ones need less noisy gradients. */
int64_t plan_batch_tokens(const Config *c) {
  return clamp(16 * c->width, 2048, 8192);
}

/* Less where a pass over a small set would have too few updates. */
static int64_t default_batch_tokens(const Config *c, const Material *m) {
  const int64_t usual = plan_batch_tokens(c), updates = objective_of(m)->updates;
  return updates ? clamp(m->train.tokens / updates, 256, usual) : usual;
}

/* The best rate falls with the width (Yang et al. 2022); 0.256 / width is 0.002 at 128. */
static double default_learning_rate(const Plan *p) {
  const Config *c = &p->config;
  if (p->tuning.adapter.present) return tune_learning_rate(c);
  return fmin(3e-3, fmax(2e-4, 0.256 / (double)c->width));
}

enum { LABEL_PASSES = 10 }; /* of a new classifier: a text has one label, not a token at each position */

/* 20 tokens per parameter (Hoffmann et al. 2022), within 1 to 40 passes over the text. */
static double default_epochs(const Plan *p, bool tuned, double passes, int64_t tokens) {
  if (passes > 0) return passes;
  if (p->config.labels) return tuned ? TUNE_PASSES : LABEL_PASSES;
  if (p->tuning.adapter.present) return TUNE_PASSES;
  return fmin(40, fmax(1, 20 * (double)p->cost.learned / (double)tokens));
}

bool plan_open(Plan *p, const Config *config, const Tuning *tuning, int64_t context, const TrainSettings *s,
               const Material *material, Error *err) {
  *p = (Plan){
      .config = *config, .tuning = *tuning, .context = context, .accumulate = s->accumulate, .mix = s->mix};
  const int64_t tokens = s->batch_tokens ? s->batch_tokens
                         : s->batch      ? s->batch * context
                                         : default_batch_tokens(config, material);
  if (s->batch % (s->accumulate * s->mix))
    return fail_usage(err,
                      "a batch of %" PRId64 " sequences cannot be split into %" PRId64
                      " equal pieces: change --batch, --accumulate or --mix",
                      s->batch, s->accumulate * s->mix);
  p->batch.sequences = s->batch / s->mix;
  p->batch.tokens = at_least_1(tokens / s->mix);
  return true;
}

/* Evaluations should take at most a tenth of the training time (a token costs a third: forward only). */
static int64_t default_eval_tokens(const Plan *p) {
  return clamp((int64_t)((double)p->eval_every * p->step_tokens / 4), 8192, 200000);
}

/* With Muon, weights decay within a fifth of the run: best by a wide margin for post-norm networks, no worse
 * than 0.1 for pre-norm ones (docs/log.md, 2026-11-26). */
static double default_weight_decay(const Plan *p, const TrainSettings *s) {
  return strcmp(s->optimizer, "muon") ? 0.1 : fmin(1, 5 / (p->learning_rate * (double)p->steps));
}

void plan_set_steps(Plan *p, const TrainSettings *s, int64_t steps) {
  p->steps = at_least_1(steps);
  p->weight_decay = s->weight_decay >= 0 ? s->weight_decay : default_weight_decay(p, s);
  p->warmup = s->warmup >= 0 ? s->warmup : int64_min(clamp(p->steps / 50, 20, 1000), p->steps / 2);
  p->eval_every = s->eval_every ? s->eval_every : at_least_1(p->steps / 20);
  p->eval_tokens = s->eval_tokens ? s->eval_tokens : default_eval_tokens(p);
  p->checkpoint_every = s->checkpoint_every ? s->checkpoint_every : p->eval_every;
  p->sample_every = s->sample_every ? s->sample_every : at_least_1(p->steps / 5);
}

int64_t plan_steps_of(const Plan *p, double epochs, int64_t tokens) {
  return at_least_1((int64_t)(epochs * (double)tokens / p->step_tokens + 0.5));
}

static bool plan_steps(Plan *p, const TrainSettings *s, double passes, int64_t tokens, Error *err) {
  const double epochs = s->epochs > 0 ? s->epochs : default_epochs(p, s->from != NULL, passes, tokens);
  plan_set_steps(p, s, s->steps ? s->steps : plan_steps_of(p, epochs, tokens));
  return p->warmup <= p->steps ||
         fail_usage(err,
                    "a warm-up of %" PRId64
                    " steps (--warmup, given here or in the recipe) is longer than the run of "
                    "%" PRId64 " steps: give a shorter --warmup",
                    p->warmup, p->steps);
}

static void estimate_needs(Plan *p, const TrainSettings *s, int64_t tokens) {
  const int64_t each =
      2 * (int64_t)sizeof(float) + optimizer_bytes_per_parameter(s); /* weight and gradient */
  const int64_t ids = int64_min(tokens * (int64_t)sizeof(int32_t), (int64_t)spool_in_memory());
  p->memory = p->cost.learned * each + gradients_bytes(p) + ids + (64 << 20);
  const int64_t checkpoint = p->cost.learned * ((int64_t)sizeof(float) + optimizer_bytes_per_parameter(s));
  const int64_t written = p->tuning.adapter.present ? p->cost.learned : p->cost.parameters;
  p->disk = checkpoint * (s->keep_checkpoints + 1) + 2 * written * (int64_t)sizeof(float);
}

bool judged_by_metric(const TrainSettings *s) {
  return strcmp(s->best_by, "loss") != 0;
}

/* Handles two settings that exclude each other: a flag overrides a file, otherwise both are refused. */
static bool contradict(const Settings *given, Settings *own, const char *a, const char *b, Error *err) {
  if (!settings_given(given, a) || !settings_given(given, b)) return true;
  const bool a_wins = settings_given_by_call(given, a), b_wins = settings_given_by_call(given, b);
  if (a_wins == b_wins) return fail_usage(err, "--%s and --%s contradict each other: give one", a, b);
  settings_forget(own, a_wins ? b : a);
  return true;
}

/* `source` replaces the settings of the table. */
static bool contradict_table(const Settings *given, Settings *own, const char *source,
                             const SettingTable *table, Error *err) {
  for (const Setting *s = table->items; s->name; s++)
    if (s->freedom != SETTING_FREE_WITH_BASE &&
        !contradict(given, own, source, settings_flag(given, s->name), err))
      return false;
  return true;
}

static bool contradict_sources(const Settings *given, Settings *own, Error *err) {
  return contradict_table(given, own, "from", &model_settings_table, err) &&
         contradict_table(given, own, "from", &tokenizer_settings_table, err) &&
         contradict_table(given, own, "tokenizer-from", &tokenizer_settings_table, err) &&
         contradict_table(given, own, "teacher", &tokenizer_settings_table, err);
}

/* With --resume, the values are those of the recipe. */
static bool check_needs(const Settings *given, const Settings *own, const News *news, Error *err) {
  static const SettingNeed needs[] = {{"momentum", "optimizer", "muon", false},
                                      {"best_by", "holdout", "!0", false},
                                      {"eval_examples", "best_by", "!loss", false},
                                      {"eval_tokens", "holdout", "!0", true},
                                      {"patience", "holdout", "!0", false},
                                      {"average", "holdout", "!0", false},
                                      {"average_of", "average", "!0", false},
                                      {"overlap", "holdout", "!0", false},
                                      {"sample_every", "sample_tokens", "!0", true},
                                      {"sample_prompt", "sample_tokens", "!0", false},
                                      {"bpe_dropout", "tokenizer", "auto|bpe", false},
                                      {"distill_weight", "teacher", "!", false},
                                      {"distill_temperature", "teacher", "!", false},
                                      {"distill_top", "teacher", "!", false},
                                      {0}};
  const TrainSettings *s = settings_part(own, &train_settings_table);
  return s->resume ||
         (unused_needs(given, own, needs, news, err) && unused_needs(given, own, tokenizer_needs, news, err));
}

/* The shape of the base is none of the settings' (contradict_sources). */
static bool check_shape(const Settings *given, const Settings *own, const News *news, Error *err) {
  const ModelSettings *s = settings_part(own, &model_settings_table);
  const Arch *arch = arch_find(s->arch);
  char where[80];
  snprintf(where, sizeof where, _("with --arch %s"), arch->name);
  for (const Setting *item = model_settings_table.items; item->name; item++)
    if (!arch_reads(arch, item->name) && !unused_setting(given, item->name, where, news, err)) return false;
  return true;
}

bool plan_contradictions(const Settings *given, Settings *own, const News *news, Error *err) {
  static const char *const pairs[][2] = {{"batch", "batch-tokens"},
                                         {"steps", "epochs"},
                                         {"steps", "budget"},
                                         {"epochs", "budget"},
                                         {"replan", "budget"},
                                         {"valid", "holdout"},
                                         {"separator", "documents"},
                                         {"resume", "overwrite"},
                                         {"resume", "dry-run"},
                                         {"from", "tokenizer-from"},
                                         {"tokenizer-from", "vocabularies"},
                                         {"from", "vocabularies"},
                                         {"teacher", "vocabularies"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (!contradict(given, own, pairs[i][0], pairs[i][1], err)) return false;
  const TrainSettings *s = settings_part(own, &train_settings_table);
  return (s->resume || tune_contradictions(own, err)) && contradict_sources(given, own, err) &&
         check_needs(given, own, news, err) && (s->resume || s->from || check_shape(given, own, news, err)) &&
         recipe_check_replan(s->replan, err);
}

/* Whether the task's own material reads these settings. */
static bool reads(const Task *task, const SettingTable *table) {
  for (const SettingTable *const *t = task->material->tables; *t; t++)
    if (*t == table) return true;
  return false;
}

static bool check_unread(const Task *task, const Settings *given, const char *readers,
                         const SettingTable *table, const News *news, Error *err) {
  static const char text[] = N_("--%s applies to %s, but `train %s` learns from %s: %s");
  for (const Setting *s = table->items; s->name; s++) {
    const char *flag = settings_flag(given, s->name), *said = language_text(task->material->said);
    if (settings_given_by_call(given, flag))
      return fail_usage(err, text, flag, readers, task->name, said, _("leave it out"));
    if (settings_given(given, flag))
      news_warning(news, text, flag, readers, task->name, said, _("it has no effect"));
  }
  return true;
}

static bool measures_labels(const char *metric) {
  return !strcmp(metric, "accuracy") || !strcmp(metric, "macro-f1");
}

static bool check_metric(const Task *task, const TrainSettings *s, Error *err) {
  if (!judged_by_metric(s) || (task_has_pairs(task) && !measures_labels(s->best_by)) ||
      (task_has_labels(task) && measures_labels(s->best_by)))
    return true;
  if (measures_labels(s->best_by) || task_has_labels(task))
    return fail_usage(err, "--best-by %s does not apply to `train %s`: give loss%s", s->best_by, task->name,
                      task_has_labels(task) ? ", accuracy or macro-f1" : _(", or a metric of texts"));
  return fail_usage(
      err,
      "--best-by %s needs pairs or conversations, whose references it compares with, but `train "
      "%s` learns from %s: leave it out",
      s->best_by, task->name, language_text(task->material->said));
}

bool plan_check_task(const Task *task, const Settings *given, const News *news, Error *err) {
  static const struct {
    const MaterialKind *material;
    const SettingTable *table;
  } readers[] = {{&material_text, &document_settings_table},
                 {&material_text, &window_settings_table},
                 {&material_pairs, &pair_settings_table},
                 {&material_pairs, &pair_training_settings_table},
                 {&material_preferences, &preference_settings_table}};
  char where[80];
  for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
    if (!reads(task, readers[i].table) &&
        !check_unread(task, given, language_text(readers[i].material->said), readers[i].table, news, err))
      return false;
  snprintf(where, sizeof where, _("with `train %s`"), task->name);
  if ((task->material->tunes || task_has_labels(task)) &&
      !unused_table(given, &distill_settings_table, where, news, err))
    return false;
  for (const char *const *name = task->material->unread; name && *name; name++)
    if (!unused_setting(given, *name, where, news, err)) return false;
  const TrainSettings *s = settings_part(given, &train_settings_table);
  if (!s->resume && !tune_has_base(task, s, err)) return false;
  return check_metric(task, s, err) &&
         (task_has_pairs(task) ||
          check_unread(task, given, language_text(material_pairs.said), &search_settings_table, news, err));
}

/* The cost of the largest piece: few sequences have the greatest length. */
static void estimate_cost(Plan *p, const TrainSettings *s, const Batches *b) {
  const int64_t longest = b->time > b->source_time ? b->time : b->source_time;
  const int64_t most = at_least_1(int64_min(b->sequences, p->batch.tokens / longest));
  const int64_t sequences = (most + p->accumulate - 1) / p->accumulate;
  p->cost = model_cost(&p->config, &p->tuning, sequences, b->time, b->source_time);
  if (s->checkpoint_activations) p->cost.activation_bytes = p->cost.recompute_bytes;
  if (teacher_present(p->teacher)) {
    const Cost read = teacher_cost(p->teacher, sequences, b->time, b->source_time);
    p->cost.activation_bytes += read.activation_bytes;
    p->cost.flops += read.forward_flops;
  }
  p->flops_a_position = p->cost.flops / (double)(sequences * (b->time + b->source_time));
}

bool plan_make(Plan *p, const TrainSettings *s, const Material *material, const Batches *batches,
               Error *err) {
  p->step_tokens = batches->step_tokens * (double)p->mix;
  p->text_tokens = (double)batches->tokens;
  estimate_cost(p, s, batches);
  const Objective *objective = objective_of(material);
  const double share = p->tuning.adapter.present ? objective->adapter_rate : objective->rate;
  p->learning_rate = s->lr > 0 ? s->lr : share * default_learning_rate(p);
  if (!plan_steps(p, s, objective->passes, batches->tokens, err)) return false;
  estimate_needs(p, s, material->train.tokens);
  return true;
}

/* ---- checks ---- */

static bool check_disk(const Plan *p, const char *directory, Error *err) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE];
  const int64_t available = disk_free(directory);
  if (available < 0 || available >= p->disk) return true;
  return fail(err,
              "%s: the model and its checkpoints need %s but the disk has %s free: free some space, or "
              "choose another -o or a smaller --size",
              directory, figure_bytes(a, p->disk), figure_bytes(b, available));
}

bool plan_check_memory(const Plan *p, Error *err) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE];
  const int64_t available = mem_available();
  if (p->memory <= available) return true;
  return fail(
      err, "training needs about %s of memory but this machine has %s: %s", figure_bytes(a, p->memory),
      figure_bytes(b, available),
      p->cost.activation_bytes > p->memory / 2
          ? _("give --checkpoint-activations, raise --accumulate, or give a smaller --batch or --context")
          : _("choose a smaller --size or --vocab"));
}

bool plan_check(const Plan *p, const Batches *batches, const char *directory, const News *news, Error *err) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE], c[FIGURE_SIZE];
  const double tokens = (double)p->steps * p->step_tokens;
  news_note(news, "model: %s, %s parameters (%s, width %" PRId64 ", context %" PRId64 ", vocabulary %s)",
            p->config.arch->name, figure_count(a, p->cost.parameters),
            figure_of(b, p->config.layers, "layer"), p->config.width, p->context,
            figure_count(c, p->config.vocabulary));
  if (p->cost.learned < p->cost.parameters)
    news_note(news,
              p->tuning.adapter.present ? "trained: an adapter of %s parameters beside them"
                                        : N_("trained: %s of the parameters; the others keep their values"),
              figure_count(a, p->cost.learned));
  if (p->config.labels)
    news_note(news, "run: %s of %s each, %.1f passes over %s texts", figure_of(a, p->steps, "step"),
              figure_of(b, (int64_t)(p->step_tokens + 0.5), "text"), tokens / (double)batches->tokens,
              figure_count(c, batches->tokens));
  else
    news_note(news, "run: %s of %s each, %.1f passes over %s tokens of text", figure_of(a, p->steps, "step"),
              figure_of(b, (int64_t)(p->step_tokens + 0.5), "token"), tokens / (double)batches->tokens,
              figure_count(c, batches->tokens));
  news_note(news,
            "needs: %s of memory (this machine has %s), %s of disk space, %.3g floating-point operations",
            figure_bytes(a, p->memory), figure_bytes(b, mem_available()), figure_bytes(c, p->disk),
            p->flops_a_position * batches->step_positions * (double)(p->steps * p->mix));
  return plan_check_memory(p, err) && check_disk(p, directory, err);
}
