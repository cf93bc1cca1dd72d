#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/figure.h"
#include "base/integers.h"
#include "base/language.h"
#include "base/threads.h"
#include "run/classes.h"
#include "run/scorer.h"
#include "run/writer.h"
#include "train/recipe.h"
#include "train/snapshots.h"

/* ---- one update ---- */

static double learning_rate(const Trainer *t, int64_t step) {
  return t->plan->learning_rate * t->state.rate_scale *
         schedule_share(t->settings, step, t->state.steps, t->state.warmup);
}

/* Averages the loss over about the last 30 steps (at first over all), to distinguish spikes from noise. */
static void remember_loss(TrainState *s, double loss) {
  const double weight = s->step < 30 ? 1 / (double)s->step : 1.0 / 30;
  s->recent_loss += weight * (loss - s->recent_loss);
}

/* A spike is several times the recent average, and half a nat per token above it, so that noise on nearly
 * memorized text (a loss of 0.01 after 0.003) does not count. */
static bool is_spike(const Trainer *t, double loss) {
  const double least_rise = 0.5, usual = t->state.recent_loss;
  return usual > 0 && loss > t->settings->spike * usual && loss > usual + least_rise;
}

/* Distinguishes divergence from a hard batch: diverged weights have a high loss on all batches of the last
 * updates, a hard batch is a spike by itself at any learning rate. */
static bool recent_batches_are_normal(Trainer *t) {
  enum { LOOKS = 4 };
  for (int64_t step = t->state.step - 1; step >= 0 && step >= t->state.step - LOOKS; step--) {
    const double loss = gradients_make(t->gradients, step, &t->positions);
    if (isfinite(loss) && !is_spike(t, loss)) return true;
  }
  return false;
}

/* Errors of logs and samples are reported once and do not end training. */
static void report_log_error(Trainer *t, const Error *err) {
  if (!err->code || t->log_error_reported) return;
  t->log_error_reported = true;
  news_warning(&t->news, "%s (training continues)", err->text);
}

static void remark(Trainer *t, const char *text) {
  Error err = {0};
  log_remark(&t->log, t->state.step, text, &err);
  report_log_error(t, &err);
}

static void report_hard_batch(Trainer *t, double loss) {
  static const char format[] =
      N_("the batch of step %lld has a loss of %.3g instead of the usual %.3g, but the batches before it do "
         "not: it is hard text, not divergence (later ones are not reported)");
  char text[256];
  if (t->hard_batch_reported) return;
  t->hard_batch_reported = true;
  const long long step = (long long)t->state.step + 1;
  snprintf(text, sizeof text, format, step, loss, t->state.recent_loss);
  news_note(&t->news, format, step, loss, t->state.recent_loss);
  remark(t, text); /* in the log, English */
}

/* Computes the loss and the gradients of the next update; false if training diverged. */
static bool make_gradients(Trainer *t, double *loss, double *norm) {
  for (bool looked = false;; looked = true) {
    *loss = gradients_make(t->gradients, t->state.step, &t->positions);
    *norm = gradient_norm(t->model->learned);
    if (!isfinite(*loss) || !isfinite(*norm)) return false;
    if (looked || !is_spike(t, *loss)) return true;
    if (!recent_batches_are_normal(t)) return false;
    report_hard_batch(t, *loss);
  }
}

/* One update; false if training diverged. */
static bool update(Trainer *t) {
  double loss, norm;
  if (!make_gradients(t, &loss, &norm)) return false;
  const double clip = t->settings->clip > 0 && norm > t->settings->clip ? t->settings->clip / norm : 1;
  t->state.step++;
  optimizer_step(&t->optimizer, t->state.step, learning_rate(t, t->state.step), clip);
  remember_loss(&t->state, loss);
  const Tally tally = gradients_tally(t->gradients);
  tally_add(&t->tally, &tally);
  t->loss_sum += loss;
  t->loss_count++;
  t->norm = norm;
  return true;
}

/* ---- divergence ---- */

enum { MOST_ROLLBACKS = 8 };

static bool roll_back(Trainer *t, Error *err) {
  const int64_t at = t->state.step + 1;
  const double scale = t->state.rate_scale / 2, seconds = t->state.seconds;
  const int64_t rollbacks = t->state.rollbacks + 1;
  bool found;
  if (rollbacks > MOST_ROLLBACKS)
    return fail(
        err,
        "training diverges at step %" PRId64
        " even with 1/%d of the learning rate: give a smaller --lr, a longer --warmup or a smaller --clip",
        at, 1 << MOST_ROLLBACKS);
  if (!checkpoint_load(t->run->path, &t->state, &t->optimizer, &t->news, &found, err)) return false;
  snapshots_find(t->run->path, &t->state);
  CHECK(found);
  t->state.rate_scale = scale;
  t->state.rollbacks = rollbacks;
  t->state.seconds = seconds;
  t->loss_sum = 0;
  t->loss_count = 0;
  t->tally = (Tally){0};
  static const char format[] =
      N_("the loss diverged at step %lld: back to the checkpoint of step %lld with "
         "%.3g of the learning rate");
  char text[256];
  snprintf(text, sizeof text, format, (long long)at, (long long)t->state.step, scale);
  news_warning(&t->news, format, (long long)at, (long long)t->state.step, scale);
  remark(t, text); /* in the log, English */
  return true;
}

/* ---- progress and log ---- */

static double elapsed(const Trainer *t) {
  return t->state.seconds + clock_seconds() - t->part_start;
}

static void report_progress(Trainer *t, bool now) {
  const double clock = clock_seconds();
  if (!now && clock - t->reported < 0.1) return;
  t->reported = clock;
  const ink_event event = {
      .kind = INK_EVENT_PROGRESS,
      .stage = "training",
      .done = t->state.step,
      .total = t->state.steps,
      .unit = "step",
      .loss = t->state.recent_loss,
      .valid_loss = t->state.valid_loss,
      .learning_rate = learning_rate(t, t->state.step),
      .tokens_per_second = t->speed,
      .peak_share = t->peak > 0 ? t->speed * t->plan->flops_a_position / t->peak : 0,
      .seconds = elapsed(t),
      .seconds_left = pace_seconds_left(&t->pace, clock, t->state.step, t->state.steps),
      .memory = mem_resident(),
  };
  news_send(&t->news, &event);
}

/* The result of an evaluation. */
typedef struct Evaluation {
  double loss, metric; /* held-out loss; metric of --best-by, 0: none */
  double score;        /* metric, or minus the loss: higher is better */
  Tally tally;         /* what the objective measures */
} Evaluation;

/* What evaluations compute in addition to the loss; NULL: nothing. */
static const char *metric_name(const Trainer *t) {
  if (judged_by_metric(t->settings)) return t->settings->best_by;
  return t->model->config.labels ? "accuracy" : NULL;
}

/* Writes the measures of the objective as values of the log. */
static void list_measures(const Objective *o, const Tally *tally, double values[MOST_MEASURES]) {
  for (int i = 0; i < MOST_MEASURES && o->measures[i]; i++) values[i] = objective_measure(o, tally, i);
}

static void log_now(Trainer *t, const Evaluation *v) {
  Error err = {0};
  double measures[MOST_MEASURES], valid[MOST_MEASURES];
  const Objective *o = t->use.objective;
  list_measures(o, &t->tally, measures);
  const bool both = t->valid_use.objective == o;
  if (v && both) list_measures(o, &v->tally, valid);
  const LogStep line = {.step = t->state.step,
                        .seconds = elapsed(t),
                        .loss = t->loss_count ? t->loss_sum / (double)t->loss_count : 0,
                        .valid_loss = v ? v->loss : 0,
                        .metric = v ? metric_name(t) : NULL,
                        .metric_value = v ? v->metric : 0,
                        .learning_rate = learning_rate(t, t->state.step),
                        .tokens_per_second = t->speed,
                        .gradient_norm = t->norm,
                        .names = o->measures,
                        .measures = t->loss_count ? measures : NULL,
                        .valid_measures = v && both ? valid : NULL};
  t->loss_sum = 0;
  t->loss_count = 0;
  t->tally = (Tally){0};
  log_step(&t->log, &line, &err);
  report_log_error(t, &err);
}

/* ---- evaluation ---- */

static void swap_floats(float *a, float *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float x = a[i];
    a[i] = b[i];
    b[i] = x;
  }
}

/* Swaps in the moving average of the weights, if any, for evaluation and samples; a second call undoes it. */
static void swap_average(Trainer *t) {
  if (t->optimizer.average)
    swap_floats(params_values(t->model->learned), t->optimizer.average, params_length(t->model->learned));
}

static bool save_model(Trainer *t, Error *err) {
  return weights_save_model(t->run->path, t->model, optimizer_weights(&t->optimizer), err) &&
         run_dir_settle(t->run, err);
}

/* Of a classifier, with its metric. */
static Score score_held_out(const Trainer *t, Evaluation *v) {
  if (!t->model->config.labels) return objective_score(&t->valid_use, t->model, t->valid, &v->tally);
  ClassResults results = classify_batches(t->model, t->valid, NULL);
  const Score score = {results.nats, (int64_t)results.texts.count};
  v->metric = class_metric(&results, metric_name(t));
  class_results_free(&results);
  return score;
}

static bool measure(Trainer *t, Evaluation *v, Error *err) {
  const double start = clock_seconds();
  bool ok = true;
  *v = (Evaluation){0};
  swap_average(t);
  const Score score = score_held_out(t, v);
  pace_worked(&t->pace, PACE_RESULTS, t->results * (clock_seconds() - start));
  if (t->judge && judged_by_metric(t->settings) && (ok = judge_run(t->judge, t->model, err)))
    v->metric = judge_score(t->judge, 0);
  swap_average(t);
  v->loss = score.tokens ? score.nats / (double)score.tokens : 0;
  v->score = judged_by_metric(t->settings) ? v->metric : -v->loss;
  return ok;
}

static bool is_better(const TrainState *s, double score) {
  return s->best_step == 0 || score > s->best_score;
}

static bool keep_snapshot(Trainer *t, double score, Error *err) {
  const bool best = !strcmp(t->settings->average_of, "best");
  return !t->settings->average ||
         snapshots_add(t->run->path, &t->state, t->model->learned, optimizer_weights(&t->optimizer),
                       best ? score : (double)t->state.step, t->settings->average, err);
}

/* Measures of the objective are a text for the reader. */
static void announce(Trainer *t, const Evaluation *v) {
  const Objective *o = t->valid_use.objective;
  Buffer more = {0};
  ink_event event = {.kind = INK_EVENT_EVAL,
                     .stage = "evaluating",
                     .done = t->state.step,
                     .total = t->state.steps,
                     .loss = t->state.recent_loss,
                     .valid_loss = v->loss,
                     .metric = metric_name(t),
                     .metric_value = v->metric,
                     .best = t->state.best_step == t->state.step};
  for (int i = 0; i < MOST_MEASURES && o->measures[i]; i++)
    buffer_addf(&more, ", %s %.4g", o->measures[i], objective_measure(o, &v->tally, i));
  event.text = more.data;
  news_send(&t->news, &event);
  buffer_free(&more);
}

/* Scores the held-out text and saves the model if it is the best so far. */
static bool evaluate(Trainer *t, Error *err) {
  const double start = clock_seconds();
  Evaluation v;
  if (!measure(t, &v, err) || !keep_snapshot(t, v.score, err)) return false;
  t->state.valid_loss = v.loss;
  if (is_better(&t->state, v.score)) {
    t->state.best_score = v.score;
    t->state.best_step = t->state.step;
    t->state.worse = 0;
    if (!save_model(t, err)) return false;
  } else {
    t->state.worse++;
  }
  announce(t, &v);
  log_now(t, &v);
  pace_worked(&t->pace, PACE_EVALUATION, clock_seconds() - start);
  return true;
}

static bool continue_prompt(Trainer *t, Buffer *text, Error *err) {
  static const SettingTable *const tables[] = {&sampling_settings_table};
  Settings *settings = settings_new(tables, 1);
  SamplingSettings *sampling = settings_part(settings, &sampling_settings_table);
  ink_written written = INK_WRITTEN_INIT;
  sampling->max_tokens = t->settings->sample_tokens;
  const WriteRequest request = {.model = t->model,
                                .tokenizer = t->tokenizer,
                                .sampling = sampling,
                                .seed = (int64_t)t->seed,
                                .begin = t->begin,
                                .opening = t->opening,
                                .listener = writer_collect,
                                .user = text};
  const char *prompt = t->settings->sample_prompt ? t->settings->sample_prompt : "";
  buffer_adds(text, prompt);
  const bool ok = writer_run(&request, prompt, strlen(prompt), &written, err);
  ink_settings_free(settings);
  return ok;
}

/* Shows a continued prompt, or texts written for a few held-out examples. */
static void show_sample(Trainer *t) {
  const double start = clock_seconds();
  Buffer text = {0};
  Error err = {0};
  /* Labels are no text, and prompts of preferences belong to texts. */
  if (!t->judge && (t->model->config.labels || t->use.objective->refers)) return;
  swap_average(t);
  const bool ok =
      t->judge ? judge_show(t->judge, t->model, t->state.step, &text, &err) : continue_prompt(t, &text, &err);
  swap_average(t);
  if (ok && text.length) {
    news_send(&t->news, &(ink_event){.kind = INK_EVENT_SAMPLE, .done = t->state.step, .text = text.data});
    log_sample(&t->log, t->state.step, text.data, &err);
  }
  buffer_free(&text);
  if (!interrupted()) report_log_error(t, &err);
  pace_worked(&t->pace, PACE_SAMPLE, clock_seconds() - start);
}

/* ---- the budget's clock ---- */

/* Changes the number of updates of a run with a budget, and records it in the recipe. */
static bool change_steps(Trainer *t, int64_t steps, Error *err) {
  char text[160];
  if (steps == t->state.steps) return true;
  snprintf(text, sizeof text,
           "at the speed of the machine, %" PRId64 " steps instead of %" PRId64 " fit into the budget", steps,
           t->state.steps);
  t->state.steps = steps;
  remark(t, text);
  return recipe_replan(t->run, t->all_settings, t->state.step, steps, err);
}

/* Called after an update, before the work due then, which depends on whether it is the last. */
static bool keep_time(Trainer *t, Error *err) {
  TrainState *s = &t->state;
  s->steps = recipe_steps(t->settings->replan, s->step, s->steps);
  return change_steps(t, pace_steps(&t->pace, clock_seconds(), s->step, s->steps), err);
}

/* ---- the loop ---- */

static bool save_checkpoint(Trainer *t, Error *err) {
  const double start = clock_seconds();
  TrainState state = t->state;
  state.seconds = elapsed(t);
  const bool ok = checkpoint_save(t->run->path, &state, &t->optimizer, t->settings->keep_checkpoints, err) &&
                  (!t->settings->average || snapshots_prune(t->run->path, &t->state, err));
  pace_worked(&t->pace, PACE_CHECKPOINT, clock_seconds() - start);
  return ok;
}

static bool due(int64_t step, int64_t every, int64_t steps) {
  return step % every == 0 || step == steps;
}

/* Evaluates the model; if that is impossible, saves it without. */
static bool evaluate_or_save(Trainer *t, Error *err) {
  t->unscored = t->valid && t->state.best_step == 0 && !pace_affords_evaluation(&t->pace);
  if (!t->valid || t->unscored) return save_model(t, err);
  if (!evaluate(t, err)) return false;
  return !pace_is_over(&t->pace, clock_seconds()) || change_steps(t, t->state.step, err);
}

/* The work due after an update, in this order: evaluation, log, sample, checkpoint. */
static bool after_update(Trainer *t, Error *err) {
  const int64_t step = t->state.step;
  if (due(step, t->plan->eval_every, t->state.steps) && !evaluate_or_save(t, err)) return false;
  const int64_t steps = t->state.steps;
  if (t->loss_count && due(step, 1 + steps / 1000, steps)) log_now(t, NULL);
  if (t->settings->sample_tokens && due(step, t->plan->sample_every, steps)) show_sample(t);
  return !due(step, t->plan->checkpoint_every, steps) || save_checkpoint(t, err);
}

static bool out_of_patience(const Trainer *t) {
  return t->settings->patience && t->state.worse >= t->settings->patience;
}

static void measure_speed(Trainer *t, double seconds) {
  const double now = (double)t->positions / seconds;
  t->speed = t->speed == 0 ? now : 0.9 * t->speed + 0.1 * now;
  pace_updated(&t->pace, seconds);
}

static bool loop(Trainer *t, Error *err) {
  while (t->state.step < t->state.steps && !interrupted() && !out_of_patience(t)) {
    const double start = clock_seconds();
    if (!update(t)) {
      if (!roll_back(t, err)) return false;
      continue;
    }
    measure_speed(t, clock_seconds() - start);
    if (!keep_time(t, err)) return false;
    report_progress(t, t->state.step == t->state.steps);
    if (!after_update(t, err)) return false;
  }
  return true;
}

/* A run that ends before its first evaluation has a model, too. */
static bool ensure_model(Trainer *t, Error *err) {
  return t->state.best_step > 0 || evaluate_or_save(t, err);
}

static void report_early_stop(const Trainer *t) {
  char time[FIGURE_SIZE];
  const double left = t->pace.deadline - clock_seconds();
  if (!out_of_patience(t)) return;
  if (left <= 0)
    news_note(&t->news, "stopped early: no better evaluation since step %" PRId64, t->state.best_step);
  else
    news_note(
        &t->news,
        "stopped early: no better evaluation since step %" PRId64
        ", whose model is kept; %s of the budget are left, which more text would use (--patience 0 goes on "
        "regardless)",
        t->state.best_step, figure_time(time, left));
}

static bool end_part(Trainer *t, bool *finished, Error *err) {
  *finished = !interrupted();
  if (*finished && !ensure_model(t, err)) return false;
  if (*finished) report_early_stop(t);
  const bool saved = save_checkpoint(t, err);
  t->state.seconds = elapsed(t);
  return saved;
}

bool trainer_run(Trainer *t, bool *finished, Error *err) {
  t->gradients = gradients_new(t->model, t->batches, &t->use, t->plan, t->settings, t->seed);
  t->part_start = clock_seconds();
  if (t->pace.most) t->pace.most = int64_max(t->pace.most, t->state.steps); /* more were asked for */
  const bool ok = (checkpoint_exists(t->run->path) || save_checkpoint(t, err)) && loop(t, err) &&
                  end_part(t, finished, err);
  gradients_free(t->gradients);
  return ok;
}
