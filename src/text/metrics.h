/* metrics.h - metrics that compare texts with references: BLEU, chrF, TER, ROUGE (metrics.def).
 *
 * Scores match sacrebleu 2 (Post 2018, "A Call for Clarity in Reporting BLEU Scores") and rouge-score in
 * every digit, signatures in their form. A segment (a line) is measured once and gives a row of statistics;
 * the score of a corpus is a function of the sum of its rows, so that resampling a corpus (metric_resample.h)
 * needs no new measurements. */
#ifndef TEXT_METRICS_H
#define TEXT_METRICS_H

#include "base/news.h"
#include "base/settings.h"

#include "text/metric_settings.def" /* MetricSettings, metric_settings_table */

typedef struct Segment {
  const char *text; /* UTF-8; an invalid byte counts as U+FFFD */
  size_t length;
} Segment;

/* A metric with its settings and working memory; not thread-safe. */
typedef struct Metric Metric;

typedef struct Metrics {
  Metric **items;
  size_t count;
} Metrics;
/* Opens those named by settings->metric. The settings must outlive them. Call metrics_close after a failure,
 * too. */
bool metrics_open(Metrics *, const MetricSettings *, Error *);
void metrics_close(Metrics *);

/* Refuses settings that were given, but are read by none of the metrics chosen (base/unused.h). */
bool metrics_check_given(const Settings *, const News *, Error *);

/* Are these texts mostly Chinese, while one of the metrics splits words at spaces? Then a text is one word,
 * or none. */
bool metrics_miss_words(const Metrics *, const MetricSettings *, const Segment *texts, size_t count);
#define METRICS_MISS_WORDS "%s is Chinese, but --tokenize %s splits words at spaces: give --tokenize zh"

/* "BLEU", "chrF2++"; the caller frees with mem_free. */
char *metric_title(const Metric *);
/* "nrefs:1|case:mixed|...|version:..."; `resampled` is "" or the part about resampling, such as
 * "bs:1000|seed:12345|". The caller frees with mem_free. */
char *metric_signature(const Metric *, size_t references, const char *resampled);

enum { METRIC_STATISTICS = 80 }; /* maximal length of a row */
size_t metric_statistics(const Metric *);
void metric_measure(Metric *, Segment hypothesis, const Segment *references, size_t count, double *row);
/* The score of a sum of rows, 0 to 100 (TER, where less is better, may exceed 100). */
double metric_score(const Metric *, const double *sum);
/* The components of the score, such as BLEU's precisions; "" if none. The caller frees with mem_free. */
char *metric_details(const Metric *, const double *sum);

#endif
