/* metrics.h - how near texts are to references: BLEU, chrF, TER, ROUGE, each one line of metrics.def.
 *
 * The yardsticks are sacrebleu 2 (Post 2018, "A Call for Clarity in Reporting BLEU Scores") and rouge-score:
 * every digit and the form of the signature are theirs. A segment (a line) is measured once and gives a row
 * of statistics; the score of a corpus is a function of the sum of its rows (of ROUGE: their mean), so that
 * resampling a corpus (metric_resample.h) measures nothing anew. */
#ifndef TEXT_METRICS_H
#define TEXT_METRICS_H

#include "base/settings.h"

#include "text/metric_settings.def" /* MetricSettings, metric_settings_table */

typedef struct Segment {
  const char *text; /* UTF-8; an invalid byte counts as U+FFFD */
  size_t length;
} Segment;

/* A metric with its settings and working memory; one thread at a time. */
typedef struct Metric Metric;

typedef struct Metrics {
  Metric **items;
  size_t count;
} Metrics;
/* Those that settings->metric names. The settings must stay. Close them also where opening failed. */
bool metrics_open(Metrics *, const MetricSettings *, Error *);
void metrics_close(Metrics *);

/* Are these texts mostly Chinese, which has no spaces between words, and does one of the metrics look for
 * them? Then a text is one word, or none. */
bool metrics_miss_words(const Metrics *, const MetricSettings *, const Segment *texts, size_t count);
#define METRICS_MISS_WORDS \
  "%s is Chinese, and --tokenize %s looks for spaces between words: give --tokenize zh"

/* "BLEU", "chrF2++"; the caller frees with mem_free. */
char *metric_title(const Metric *);
/* "nrefs:1|case:mixed|...|version:..."; `resampled` is "" or tells of resampling, "bs:1000|seed:12345|". The
 * caller frees with mem_free. */
char *metric_signature(const Metric *, size_t references, const char *resampled);

enum { METRIC_STATISTICS = 80 }; /* at most */
size_t metric_statistics(const Metric *);
void metric_measure(Metric *, Segment hypothesis, const Segment *references, size_t count, double *row);
/* Of a sum of rows, 0 to 100 (TER, where less is better, may be more). */
double metric_score(const Metric *, const double *sum);
/* What stands behind the score, such as BLEU's precisions; "" if nothing. The caller frees with mem_free. */
char *metric_details(const Metric *, const double *sum);

#endif
