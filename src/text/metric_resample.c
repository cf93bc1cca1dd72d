#include "text/metric_resample.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/threads.h"

/* ---- rows ---- */

MetricRows metric_rows_new(const Metric *m, size_t count) {
  return (MetricRows){mem_alloc_zeroed(count, metric_statistics(m) * sizeof(double)), count};
}

void metric_rows_free(MetricRows *rows) {
  mem_free(rows->items);
  *rows = (MetricRows){0};
}

static void add_row(const MetricRows *rows, size_t index, size_t width, double *sum) {
  for (size_t i = 0; i < width; i++) sum[i] += rows->items[index * width + i];
}

static void clear(double *sum) {
  for (size_t i = 0; i < METRIC_STATISTICS; i++) sum[i] = 0;
}

void metric_rows_sum(const Metric *m, const MetricRows *rows, double sum[METRIC_STATISTICS]) {
  const size_t width = metric_statistics(m);
  clear(sum);
  for (size_t i = 0; i < rows->count; i++) add_row(rows, i, width, sum);
}

static double score_of(const Metric *m, const MetricRows *rows) {
  double sum[METRIC_STATISTICS];
  metric_rows_sum(m, rows, sum);
  return metric_score(m, sum);
}

/* ---- bootstrap ---- */

/* Scores of corpora of equal size drawn with replacement, with the same draws for every system. */
static double *bootstrap_scores(const Metric *m, const MetricRows *rows, size_t samples, uint64_t seed) {
  const uint64_t stream = random_stream("bootstrap");
  const size_t width = metric_statistics(m), n = rows->count;
  double *scores = mem_alloc_zeroed(samples, sizeof *scores), sum[METRIC_STATISTICS];
  for (size_t s = 0; s < samples && !interrupted(); s++) {
    clear(sum);
    for (size_t i = 0; i < n; i++)
      add_row(rows, (size_t)random_below(n, seed, stream, (uint64_t)s * n + i), width, sum);
    scores[s] = metric_score(m, sum);
  }
  return scores;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double mean_of(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return sum / (double)count;
}

Interval bootstrap_interval(const Metric *m, const MetricRows *rows, size_t samples, uint64_t seed) {
  double *scores = bootstrap_scores(m, rows, samples, seed);
  qsort(scores, samples, sizeof *scores, compare);
  const size_t outside = samples / 40;
  const Interval interval = {mean_of(scores, samples),
                             0.5 * (scores[samples - outside - 1] - scores[outside])};
  mem_free(scores);
  return interval;
}

/* ---- tests ---- */

/* The share of samples beyond the real difference, with one more sample counted as beyond it, so never 0.
 * Without a difference p is 1, where sacrebleu gives 1 / (samples + 1). */
static double p_value(const double *differences, size_t samples, double real) {
  size_t beyond = 0;
  if (real == 0) return 1;
  for (size_t i = 0; i < samples; i++) beyond += differences[i] > real;
  return (double)(beyond + 1) / (double)(samples + 1);
}

double bootstrap_test(const Metric *m, const MetricRows *rows, const MetricRows *other, size_t samples,
                      uint64_t seed) {
  CHECK(rows->count == other->count);
  double *ours = bootstrap_scores(m, rows, samples, seed);
  double *theirs = bootstrap_scores(m, other, samples, seed);
  for (size_t i = 0; i < samples; i++) ours[i] = fabs(theirs[i] - ours[i]);
  const double mean = mean_of(ours, samples); /* centred for the null hypothesis */
  for (size_t i = 0; i < samples; i++) ours[i] -= mean;
  const double p = p_value(ours, samples, fabs(score_of(m, other) - score_of(m, rows)));
  mem_free(ours);
  mem_free(theirs);
  return p;
}

double randomization_test(const Metric *m, const MetricRows *rows, const MetricRows *other, size_t samples,
                          uint64_t seed) {
  CHECK(rows->count == other->count);
  const uint64_t stream = random_stream("randomization");
  const size_t width = metric_statistics(m), n = rows->count;
  double *differences = mem_alloc_zeroed(samples, sizeof *differences);
  double a[METRIC_STATISTICS], b[METRIC_STATISTICS];
  for (size_t s = 0; s < samples && !interrupted(); s++) {
    clear(a);
    clear(b);
    for (size_t i = 0; i < n; i++) { /* swap each segment's two hypotheses at random */
      const bool swapped = random_bits(seed, stream, (uint64_t)s * n + i) & 1;
      add_row(swapped ? other : rows, i, width, a);
      add_row(swapped ? rows : other, i, width, b);
    }
    differences[s] = fabs(metric_score(m, a) - metric_score(m, b));
  }
  const double p = p_value(differences, samples, fabs(score_of(m, other) - score_of(m, rows)));
  mem_free(differences);
  return p;
}
