/* classes.h - how well a classifier labels texts: accuracy, precision, recall and F1 of each label, their
 * mean (macro-F1), the confusion matrix; as scikit-learn computes them. */
#ifndef RUN_CLASSES_H
#define RUN_CLASSES_H

#include "base/json.h"
#include "base/news.h"
#include "data/batches.h"
#include "data/labels.h"
#include "models/model.h"

typedef struct ClassVerdict {
  int32_t right, chosen;
} ClassVerdict;

enum { CLASS_SAMPLES = 1000 }; /* of an interval */

typedef struct ClassResults {
  int64_t labels;
  double nats; /* sum of -ln p of the right labels */
  VEC(ClassVerdict) texts;
} ClassResults;

/* The label with the highest score, and ln of the sum of e^score. */
int64_t class_choose(const float *scores, int64_t labels, double *log_sum);
/* Labels the texts of the batches; news: as in score_batches. */
ClassResults classify_batches(const Model *, Batches *, const News *);
void class_results_free(ClassResults *);

/* 0 to 100. Macro-F1 is the mean over the labels that are right or chosen for some text. */
double class_accuracy(const ClassResults *);
double class_macro_f1(const ClassResults *);
/* "accuracy" or "macro-f1". */
double class_metric(const ClassResults *, const char *name);
/* {"metrics": [{"name", "score", "confidence_mean", "confidence_var"}], "labels": [{"label", "precision",
 * "recall", "f1", "texts"}], "confusion": [[...]]}: rows are right labels, columns chosen ones. The interval
 * is the middle 95 % of `samples` resamplings of the texts (0: none). */
json_t *class_results_json(const ClassResults *, const Labels *, size_t samples, uint64_t seed);

#endif
