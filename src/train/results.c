#include "train/results.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "run/classes.h"
#include "run/scorer.h"
#include "train/snapshots.h"

bool results_keep_mean(Trainer *t, Error *err) {
  if (!t->state.snapshot_count) return true;
  float *values = params_values(t->model->learned);
  if (!snapshots_mean(t->run->path, &t->state, t->model->learned, values, err) ||
      !weights_save_model(t->run->path, t->model, values, err))
    return false;
  news_note(&t->news, "the model is the mean of the %s %" PRId64 " evaluated models", t->settings->average_of,
            t->state.snapshot_count);
  t->state.snapshot_count = 0;
  return checkpoint_restate(t->run->path, &t->state, err) && snapshots_prune(t->run->path, &t->state, err);
}

static void add_scores(const Batches *valid, const Score *score, json_t *json) {
  const double nats = score->nats / (double)score->tokens * (double)valid->tokens;
  const struct {
    const char *name;
    double value;
  } values[] = {{"valid_loss", score->nats / (double)score->tokens},
                {"valid_perplexity", exp(score->nats / (double)score->tokens)},
                {"valid_bits_per_byte", nats / log(2) / (double)valid->bytes},
                {"valid_bits_per_character", nats / log(2) / (double)valid->characters}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    json_put(json, values[i].name, json_number(values[i].value));
}

void results_of_text(const Trainer *t, Batches *held, json_t *out) {
  const Score score = score_batches(t->model, held, NULL);
  if (!score.tokens) return;
  add_scores(held, &score, out);
  news_note(&t->news,
            "held-out text: loss %.4f, perplexity %.2f, %.3f bits per byte (model of step %" PRId64 ")",
            score.nats / (double)score.tokens, exp(score.nats / (double)score.tokens),
            json_number_value(json_object_get(out, "valid_bits_per_byte")), t->state.best_step);
}

void results_of_teacher(const Trainer *t, Batches *held, json_t *out) {
  const Teacher *teacher = t->use.teacher;
  if (!teacher->path) return;
  const Score score = score_batches(teacher->bundle.model, held, NULL);
  if (!score.tokens) return;
  const double loss = score.nats / (double)score.tokens;
  json_put(out, "teacher_valid_loss", json_number(loss));
  news_note(&t->news, "the teacher has a loss of %.4f there, perplexity %.2f", loss, exp(loss));
}

void results_of_measures(const Trainer *t, Batches *held, json_t *out) {
  const Objective *o = t->valid_use.objective;
  Buffer text = {0};
  Tally tally = {0};
  char name[64];
  const Score score = objective_score(&t->valid_use, t->model, held, &tally);
  if (!score.tokens) return;
  const double loss = score.nats / (double)score.tokens;
  json_put(out, "valid_loss", json_number(loss));
  for (int i = 0; i < MOST_MEASURES && o->measures[i]; i++) {
    const double value = objective_measure(o, &tally, i);
    snprintf(name, sizeof name, "valid_%s", o->measures[i]);
    json_put(out, name, json_number(value));
    buffer_addf(&text, ", %s %.4g", o->measures[i], value);
  }
  news_note(&t->news, "held-out examples: loss %.4f%s (model of step %" PRId64 ")", loss, text.data,
            t->state.best_step);
  buffer_free(&text);
}

void results_of_labels(const Trainer *t, Batches *held, const Labels *labels, json_t *out) {
  ClassResults r = classify_batches(t->model, held, NULL);
  const double loss = r.nats / (double)r.texts.count, accuracy = class_accuracy(&r),
               macro_f1 = class_macro_f1(&r);
  json_put(out, "valid_loss", json_number(loss));
  json_put(out, "valid_accuracy", json_number(accuracy));
  json_put(out, "valid_macro_f1", json_number(macro_f1));
  json_put(out, "valid_labels", class_results_json(&r, labels, CLASS_SAMPLES, t->seed));
  news_note(&t->news,
            "held-out texts: loss %.4f, accuracy %.2f %%, macro-F1 %.2f (model of step %" PRId64 ")", loss,
            accuracy, macro_f1, t->state.best_step);
  class_results_free(&r);
}
