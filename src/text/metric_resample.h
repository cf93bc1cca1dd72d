/* metric_resample.h - the uncertainty of a score by resampling segments: sacrebleu's bootstrap interval
 * (Koehn 2004) and its two paired tests.
 *
 * Random numbers come from base/random.h, not numpy: intervals and p-values match sacrebleu's up to sampling
 * noise. If the call is interrupted, they return early: what they return then is of no use. */
#ifndef TEXT_METRIC_RESAMPLE_H
#define TEXT_METRIC_RESAMPLE_H

#include "text/metrics.h"

/* Rows of statistics from metric_measure, one per segment. */
typedef struct MetricRows {
  double *items; /* [count, metric_statistics] */
  size_t count;
} MetricRows;
MetricRows metric_rows_new(const Metric *, size_t count);
void metric_rows_free(MetricRows *);
void metric_rows_sum(const Metric *, const MetricRows *, double sum[METRIC_STATISTICS]);

typedef struct Interval {
  double mean, half; /* mean of the samples, half-width of the middle 95 % */
} Interval;
Interval bootstrap_interval(const Metric *, const MetricRows *, size_t samples, uint64_t seed);

/* The p-value of the difference between two systems with equal numbers of segments. `bootstrap_test`: paired
 * bootstrap resampling; `randomization_test`: approximate randomization (Riezler and Maxwell 2005). */
double bootstrap_test(const Metric *, const MetricRows *, const MetricRows *other, size_t samples,
                      uint64_t seed);
double randomization_test(const Metric *, const MetricRows *, const MetricRows *other, size_t samples,
                          uint64_t seed);

#endif
