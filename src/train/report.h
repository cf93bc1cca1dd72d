/* report.h - report.html: a run as a page that a person would rather look at. One file, no scripts, nothing
 * fetched. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/settings.h"

/* A line of the log; 0: not measured there. */
typedef struct ReportPoint {
  int64_t step;
  double seconds, loss, valid_loss, learning_rate, tokens_per_second, metric;
} ReportPoint;

typedef struct ReportText {
  int64_t step;
  const char *text;
  bool remark; /* what happened to the run, not a text of the model */
} ReportText;

typedef struct ReportFact {
  const char *name, *value;
} ReportFact;

typedef struct Report {
  Arena *arena;                   /* holds all texts */
  const char *run, *task, *ended; /* the model directory; "write"; when, as a person writes it */
  bool finished;                  /* else interrupted */
  int64_t steps, best_step;
  int64_t parameters, tokens_seen;                                           /* 0: unknown */
  double seconds, valid_loss, perplexity, bits_per_byte, bits_per_character; /* 0: unknown */
  const char *metric; /* what --best-by names, of the points; NULL: the loss judged */
  VEC(ReportPoint) points;
  VEC(ReportText) texts;
  VEC(ReportFact) data, settings;
} Report;

void report_open(Report *, const char *run);
void report_close(Report *);
/* Adds what log.jsonl tells. A last line that a crash cut is left out; steps that were done again replace
 * those before. */
bool report_from_log(Report *, const char *path, Error *);
/* Adds the card (inkstone.json), and the settings that were given or decided on. */
void report_from_card(Report *, const json_t *card);
void report_from_settings(Report *, const Settings *);
bool report_write(const Report *, const char *path, Error *);

/* All of it: <run>/report.html. */
bool report_run(const char *run, const json_t *card, const Settings *, Error *);

#endif
