/* budget_steps.c - --budget: how many updates of which size, once the text is encoded. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/figure.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/threads.h"
#include "run/search.h"
#include "train/advice.h"
#include "train/budget.h"
#include "train/measure.h"
#include "train/objective.h"
#include "train/tune.h"

/* Share of the time for evaluations, samples, checkpoints and the report; corrected later (pace.h). */
static const double overhead = 0.08;

/* ---- updates of a model that is changed ---- */

/* Few examples are seen more often, so that there are enough updates to change anything. */
enum { LEAST_UPDATES = 200, MOST_PASSES = 10, LABEL_PASSES = 10 };

/* Passes over the text; 0: any number. */
static double most_passes(int runs, const Material *m) {
  const double passes = objective_of(m)->passes;
  return passes > 0 ? passes : runs & TUNED ? TUNE_PASSES : runs & LABELS ? LABEL_PASSES : 0;
}

int64_t budget_most_steps(const Settings *s, const Plan *p, const Material *m) {
  const int runs = advice_runs(s, m);
  const double passes = most_passes(runs, m), pass = p->text_tokens / p->step_tokens;
  if (passes <= 0) return 0;
  const double few =
      runs & TUNED && objective_of(m)->passes <= 0 ? fmin(LEAST_UPDATES, MOST_PASSES * pass) : 0;
  return int64_max(1, (int64_t)(fmax(passes * pass, few) + 0.5));
}

/* Tokens that are trained on per second, from updates of a few: a large network takes seconds for them. */
static double measure_tuning(const Settings *s, const Config *config, const Tuning *tuning, int64_t window) {
  enum { TOKENS = 256 };
  StepMode mode = step_mode(settings_part(s, &train_settings_table));
  mode.tuning = *tuning;
  Config c = *config;
  c.context = int64_min(window, TOKENS);
  const int64_t sequences = int64_max(1, TOKENS / c.context);
  return (double)(sequences * c.context) / measure_step(&c, sequences, mode, 0.3, NULL);
}

bool budget_tune(Settings *s, const Config *config, const Tuning *tuning, int64_t window, const Material *m,
                 double deadline, const News *news, Error *err) {
  enum { LEAST = 512 };
  char a[FIGURE_SIZE], b[FIGURE_SIZE];
  if (!(advice_runs(s, m) & TUNED) || settings_given(s, "batch") || settings_given(s, "batch_tokens"))
    return true;
  news_progress(news, "measuring this machine", 0, 1, "shape");
  const double speed = measure_tuning(s, config, tuning, window),
               seen = fmin(speed * fmax(0, deadline - clock_seconds()) * (1 - overhead),
                           most_passes(TUNED, m) * (double)m->train.tokens),
               usual = (double)plan_batch_tokens(config);
  const int64_t tokens = (int64_t)fmin(usual, fmax(LEAST, seen / LEAST_UPDATES));
  news_note(news, "budget: updates of %s tokens, of which this machine learns %s a second",
            figure_count(a, tokens), figure_count(b, (int64_t)speed));
  return budget_fill_batch(s, tokens, err);
}

/* ---- evaluations ---- */

/* A forward pass is a third of an update, plus an overhead because its batches are smaller. */
static const double evaluation_forward = 0.5;
/* Share of the time for evaluations. */
static const double evaluation_share = 0.2;

/* The targets among the held-out tokens, of which there may be few: those of the replies, say. */
static double held_targets(const Plan *p, const Material *m) {
  const double share =
      m->train.tokens > 0 && p->text_tokens > 0 ? p->text_tokens / (double)m->train.tokens : 1;
  return fmin(1, share) * (double)m->held.tokens;
}

/* Texts for
 * --best-by are generated token by token: at most a context per example and beam. */
double budget_evaluation(const Plan *p, const Material *material, const Settings *s) {
  const double forward = evaluation_forward;
  const TrainSettings *train = settings_part(s, &train_settings_table);
  const SearchSettings *search = settings_part(s, &search_settings_table);
  const double scored = fmin((double)p->eval_tokens, held_targets(p, material)),
               examples = fmin((double)train->eval_examples, (double)material->held.examples),
               written = judged_by_metric(train) && !task_has_labels(material->task)
                             ? examples * (double)(p->context * search->beam)
                             : 0;
  return forward * (scored + written) / p->step_tokens;
}

/* Twenty evaluations of as much text as takes a fifth of the time, or fewer of little text, each of which
 * takes a tenth at most. */
static void shorten_evaluations(Plan *p, const TrainSettings *s) {
  enum { EVALUATIONS = 20, LITTLE = 2048, LEAST = 256 };
  const double all = evaluation_share * (double)p->steps * p->step_tokens / evaluation_forward, /* targets */
      wanted = fmax(all / EVALUATIONS, fmin(LITTLE, all / 2));
  if (!s->eval_tokens) p->eval_tokens = (int64_t)fmin((double)p->eval_tokens, fmax(LEAST, wanted));
}

/* Limits evaluations to a fifth of the time, down to a single one at the end. */
static void space_evaluations(Plan *p, const TrainSettings *s, double updates) {
  const double most = evaluation_share * (double)p->steps / updates; /* evaluations */
  if (s->eval_every || (double)p->steps / (double)p->eval_every <= most) return;
  p->eval_every = most >= 2 ? (int64_t)((double)p->steps / most) : 4 * p->steps;
}

/* ---- patience ---- */

/* Held-out loss has turned for good if a quarter of the run, and at least five evaluations, brought nothing
 * better. */
static bool fill_patience(Settings *s, const Plan *p, const Material *m, const News *news, Error *err) {
  char text[32];
  const int64_t patience = int64_max(5, p->steps / p->eval_every / 4);
  if (!m->has_held || settings_given(s, "patience") || p->eval_every > p->steps) return true;
  snprintf(text, sizeof text, "%" PRId64, patience);
  news_note(news,
            "budget: an evaluation every %" PRId64 " steps, at most a fifth of the time; after %" PRId64
            " in a row without a better one the run ends, and the rest of the time is left",
            p->eval_every, patience);
  return settings_fill(s, "patience", text, err);
}

/* ---- steps ---- */

/* Runs of pairs, conversations and tuning warm up over a tenth of their updates; matrices of a post-norm
 * network decay by 0.3 at least, as in the recipes of thousands of updates. */
static void take_advice(Plan *p, const TrainSettings *s, int runs) {
  enum { LONGEST = 300 };
  static const double least_decay = 0.3;
  if (s->warmup < 0 && runs & (PAIRS | TALK | TUNED)) p->warmup = int64_min(LONGEST, (p->steps + 9) / 10);
  if (s->weight_decay < 0 && runs & PAIRS && !strcmp(s->optimizer, "muon"))
    p->weight_decay = fmax(p->weight_decay, least_decay);
}

static void report_steps(const News *news, const Plan *p, int64_t fit, double left, double update) {
  char a[FIGURE_SIZE], b[FIGURE_SIZE], c[FIGURE_SIZE];
  if (p->steps < fit)
    news_note(
        news,
        "budget: %s would fit into the remaining %s, but further ones than %s only learn these examples by "
        "heart: training takes about %s",
        figure_of(a, fit, "step"), figure_time(b, left), figure_count(c, p->steps),
        figure_time((char[FIGURE_SIZE]){0}, (double)p->steps * update / (1 - overhead)));
  else
    news_note(news, "budget: %s steps fit into the remaining %s", figure_count(a, p->steps),
              figure_time(b, left));
}

bool budget_set_steps(Settings *s, Plan *p, const Material *m, double update, double left, const News *news,
                      Error *err) {
  char a[FIGURE_SIZE];
  if (left < 3 * update)
    return fail_usage(err,
                      "--budget leaves no time for training after preparing the data: give at least %s more",
                      figure_time(a, 10 * update - left));
  const TrainSettings *train = settings_part(s, &train_settings_table);
  const int64_t fit = (int64_t)(left * (1 - overhead) / update), most = budget_most_steps(s, p, m);
  plan_set_steps(p, train, most ? int64_min(fit, most) : fit);
  take_advice(p, train, advice_runs(s, m));
  shorten_evaluations(p, train);
  space_evaluations(p, train, budget_evaluation(p, m, s));
  report_steps(news, p, fit, left, update);
  return fill_patience(s, p, m, news, err);
}

/* Seconds for the log-likelihoods of all examples before training: a third of an update's work each, and more
 * because nothing is learnt in between. */
static double reference_seconds(const Plan *p, const Material *m, double update) {
  static const double forward = 0.4;
  const double held = (double)m->held.tokens / fmax(1, (double)m->train.tokens);
  return objective_of(m)->refers ? forward * update * (1 + held) * p->text_tokens / p->step_tokens : 0;
}

bool budget_steps(Settings *s, Plan *plan, const Material *m, Batches *batches, double deadline,
                  const News *news, Error *err) {
  if (!plan_check_memory(plan, err)) return false;
  const double update = measure_updates(plan, m, batches, s, 0.7);
  const double left = deadline - clock_seconds() - reference_seconds(plan, m, update);
  return budget_set_steps(s, plan, m, update, left, news, err);
}
