#include "run/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"

/* ---- labelling ---- */

int64_t class_choose(const float *scores, int64_t labels, double *log_sum) {
  const float top = kernels->maximum(scores, labels);
  double sum = 0;
  int64_t best = 0;
  for (int64_t i = 0; i < labels; i++) sum += exp((double)scores[i] - (double)top);
  while (best < labels - 1 && scores[best] != top) best++;
  *log_sum = (double)top + log(sum);
  return best;
}

/* The positions with a target. */
static size_t scored_rows(const Batch *batch, int32_t *rows) {
  size_t count = 0;
  for (int64_t i = 0; i < batch->sequences * batch->time; i++)
    if (batch->targets[i] >= 0) rows[count++] = (int32_t)i;
  return count;
}

static void label_batch(const Model *model, Tape *tape, const Batch *batch, ClassResults *out) {
  int32_t *rows = mem_alloc((size_t)(batch->sequences * batch->time) * sizeof *rows);
  const size_t count = scored_rows(batch, rows);
  Net net = {.tape = tape};
  tape_reset(tape, false, 0);
  const Tensor *logits = model_logits(model, &net, batch, rows, (int64_t)count);
  for (size_t i = 0; i < count; i++) {
    const float *scores = tensor_f32(logits) + (int64_t)i * out->labels;
    const int32_t right = batch->targets[rows[i]];
    double log_sum;
    const int64_t chosen = class_choose(scores, out->labels, &log_sum);
    out->nats += log_sum - (double)scores[right];
    vec_push(&out->texts, ((ClassVerdict){right, (int32_t)chosen}));
  }
  mem_free(rows);
}

ClassResults classify_batches(const Model *model, Batches *batches, const News *news) {
  ClassResults out = {.labels = model->config.labels};
  Batch batch;
  Tape *tape = tape_new(false);
  for (int64_t i = 0; i < batches->count && !(news && interrupted()); i++) {
    batches_get(batches, i, &batch);
    label_batch(model, tape, &batch, &out);
    if (news) news_progress(news, "scoring", i + 1, batches->count, "batch");
  }
  tape_free(tape);
  return out;
}

void class_results_free(ClassResults *r) {
  vec_free(&r->texts);
}

/* ---- metrics ---- */

typedef struct LabelTally {
  int64_t right, chosen, both; /* texts that have it, that were given it, and for which that was right */
} LabelTally;

/* `pick`: the index of the i-th text; NULL: i. */
typedef struct Sample {
  uint64_t seed, stream, first;
  bool drawn;
} Sample;

static void tally(const ClassResults *r, const Sample *s, LabelTally *of) {
  const size_t n = r->texts.count;
  memset(of, 0, (size_t)r->labels * sizeof *of);
  for (size_t i = 0; i < n; i++) {
    const ClassVerdict *v = &r->texts.data[s->drawn ? random_below(n, s->seed, s->stream, s->first + i) : i];
    of[v->right].right++;
    of[v->chosen].chosen++;
    of[v->right].both += v->right == v->chosen;
  }
}

static double f1_of(const LabelTally *t) {
  const int64_t sum = t->right + t->chosen;
  return sum ? 2 * (double)t->both / (double)sum : 0;
}

typedef struct ClassScores {
  double accuracy, macro_f1;
} ClassScores;

static ClassScores scores_of(const LabelTally *of, int64_t labels) {
  int64_t right = 0, all = 0, present = 0;
  double sum = 0;
  for (int64_t i = 0; i < labels; i++) {
    right += of[i].both;
    all += of[i].right;
    present += of[i].right + of[i].chosen > 0;
    sum += f1_of(&of[i]);
  }
  return (ClassScores){all ? 100 * (double)right / (double)all : 0,
                       present ? 100 * sum / (double)present : 0};
}

static ClassScores all_scores(const ClassResults *r) {
  LabelTally *of = mem_alloc((size_t)r->labels * sizeof *of);
  tally(r, &(Sample){0}, of);
  const ClassScores scores = scores_of(of, r->labels);
  mem_free(of);
  return scores;
}

double class_accuracy(const ClassResults *r) {
  return all_scores(r).accuracy;
}

double class_macro_f1(const ClassResults *r) {
  return all_scores(r).macro_f1;
}

double class_metric(const ClassResults *r, const char *name) {
  return strcmp(name, "macro-f1") ? class_accuracy(r) : class_macro_f1(r);
}

/* ---- as JSON ---- */

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* As bootstrap_interval (text/metric_resample.h). */
static void put_interval(json_t *metric, double *values, size_t count) {
  const size_t outside = count / 40;
  double mean = 0;
  if (!count) return;
  qsort(values, count, sizeof *values, by_value);
  for (size_t i = 0; i < count; i++) mean += values[i] / (double)count;
  json_put(metric, "confidence_mean", json_real(mean));
  json_put(metric, "confidence_var", json_real(0.5 * (values[count - outside - 1] - values[outside])));
}

static json_t *metrics_json(const ClassResults *r, const LabelTally *of, size_t samples, uint64_t seed) {
  const ClassScores scores = scores_of(of, r->labels);
  double *accuracy = mem_alloc_zeroed(samples + 1, sizeof *accuracy),
         *macro_f1 = mem_alloc_zeroed(samples + 1, sizeof *macro_f1);
  LabelTally *drawn = mem_alloc((size_t)r->labels * sizeof *drawn);
  const uint64_t stream = random_stream("bootstrap"), n = r->texts.count;
  for (uint64_t s = 0; s < samples && !interrupted(); s++) {
    tally(r, &(Sample){seed, stream, s * n, true}, drawn);
    const ClassScores of_sample = scores_of(drawn, r->labels);
    accuracy[s] = of_sample.accuracy;
    macro_f1[s] = of_sample.macro_f1;
  }
  json_t *list = json_build("[{s:s, s:f}, {s:s, s:f}]", "name", "accuracy", "score", scores.accuracy, "name",
                            "macro_f1", "score", scores.macro_f1);
  put_interval(json_array_get(list, 0), accuracy, samples);
  put_interval(json_array_get(list, 1), macro_f1, samples);
  mem_free(accuracy);
  mem_free(macro_f1);
  mem_free(drawn);
  return list;
}

static double share(int64_t part, int64_t whole) {
  return whole ? 100 * (double)part / (double)whole : 0;
}

static json_t *labels_json(const LabelTally *of, const Labels *labels) {
  json_t *list = json_array();
  for (int64_t i = 0; i < labels->count; i++)
    json_push(list, json_build("{s:s, s:f, s:f, s:f, s:I}", "label", labels->names[i], "precision",
                               share(of[i].both, of[i].chosen), "recall", share(of[i].both, of[i].right),
                               "f1", 100 * f1_of(&of[i]), "texts", (json_int_t)of[i].right));
  return list;
}

static json_t *confusion_json(const ClassResults *r) {
  const size_t labels = (size_t)r->labels;
  int64_t *counts = mem_alloc_zeroed(labels * labels, sizeof *counts);
  json_t *rows = json_array();
  for (size_t i = 0; i < r->texts.count; i++)
    counts[(size_t)r->texts.data[i].right * labels + (size_t)r->texts.data[i].chosen]++;
  for (size_t i = 0; i < labels; i++) {
    json_t *row = json_array();
    for (size_t k = 0; k < labels; k++) json_push(row, json_integer(counts[i * labels + k]));
    json_push(rows, row);
  }
  mem_free(counts);
  return rows;
}

json_t *class_results_json(const ClassResults *r, const Labels *labels, size_t samples, uint64_t seed) {
  enum { MOST_SHOWN = 200 }; /* a larger matrix is left out */
  LabelTally *of = mem_alloc((size_t)r->labels * sizeof *of);
  tally(r, &(Sample){0}, of);
  json_t *json = json_build("{s:o, s:o}", "metrics", metrics_json(r, of, samples, seed), "labels",
                            labels_json(of, labels));
  if (r->labels <= MOST_SHOWN) json_put(json, "confusion", confusion_json(r));
  mem_free(of);
  return json;
}
