/* metric_resample.h - how sure a score is, from corpora drawn from its segments: sacrebleu's bootstrap
 * interval (Koehn 2004) and its two paired tests.
 *
 * Numbers are drawn by base/random.h from the seed, not by numpy: intervals and p-values agree with
 * sacrebleu's but for the luck of the draw. */
#ifndef TEXT_METRIC_RESAMPLE_H
#define TEXT_METRIC_RESAMPLE_H

#include "text/metrics.h"

/* Rows of statistics, one per segment, as metric_measure gives them. */
typedef struct MetricRows {
  double *items; /* [count, metric_statistics] */
  size_t count;
} MetricRows;
MetricRows metric_rows_new(const Metric *, size_t count);
void metric_rows_free(MetricRows *);
void metric_rows_sum(const Metric *, const MetricRows *, double sum[METRIC_STATISTICS]);

typedef struct Interval {
  double mean, half; /* of the middle 95 % */
} Interval;
Interval bootstrap_interval(const Metric *, const MetricRows *, size_t samples, uint64_t seed);

/* How likely a difference as large as that of the two systems would be if there were none. Both have as many
 * segments. `bootstrap_test`: paired bootstrap resampling; `randomization_test`: approximate randomization
 * (Riezler and Maxwell 2005). */
double bootstrap_test(const Metric *, const MetricRows *, const MetricRows *other, size_t samples,
                      uint64_t seed);
double randomization_test(const Metric *, const MetricRows *, const MetricRows *other, size_t samples,
                          uint64_t seed);

#endif
