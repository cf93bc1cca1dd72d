/* report.h - report.html: a run as an HTML page. One file, without scripts or external resources. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"

/* Values of the log besides those that every run has: an objective's measures, a metric. */
enum { MOST_CURVES = 6 };

/* A line of the log; 0 (of curves NAN): not measured there. */
typedef struct ReportPoint {
  int64_t step;
  double seconds, loss, valid_loss, learning_rate, tokens_per_second;
  double curves[MOST_CURVES][2]; /* of the training batch, and held out */
} ReportPoint;

typedef struct ReportText {
  int64_t step;
  const char *text;
  bool remark; /* an event of the run, not a text of the model */
} ReportText;

typedef struct ReportFact {
  const char *name, *value;
} ReportFact;

typedef struct Report {
  Arena *arena;                   /* holds all texts */
  const char *run, *task, *ended; /* the model directory; "write"; local date and time */
  const char *tuned_by;           /* the task of the run, if it changes a model for another; else `task` */
  bool finished;                  /* else interrupted */
  int64_t steps, best_step;
  int64_t parameters, tokens_seen;                                           /* 0: unknown */
  double seconds, valid_loss, perplexity, bits_per_byte, bits_per_character; /* 0: unknown */
  double teacher_loss;                                                       /* of held-out text */
  const char *loss_unit;                                                     /* a sentence */
  const char *curves[MOST_CURVES];                                           /* names; the rest NULL */
  const json_t
      *labels; /* of a classifier, class_results_json of the held-out texts; NULL: none. The card's */
  VEC(ReportPoint) points;
  VEC(ReportText) texts;
  VEC(ReportFact) data, settings;
} Report;

void report_open(Report *, const char *run);
void report_close(Report *);
/* Adds the contents of log.jsonl. A last line truncated by a crash is skipped; repeated steps replace earlier
 * ones. */
bool report_from_log(Report *, const char *path, Error *);
/* Adds the card (inkstone.json), and the settings that were given or chosen. */
void report_from_card(Report *, const json_t *card);
void report_from_settings(Report *, const Settings *);
bool report_write(const Report *, const char *path, Error *);
/* Appends a classifier's results with its confusion matrix; NULL: nothing. */
void report_matrix(Buffer *, const json_t *results);

/* Gathers and writes <run>/report.html. */
bool report_run(const char *run, const json_t *card, const Settings *, Error *);

#endif
