/* classify.h - labels for texts: by the head of a classifier, or by what another model finds likely. */
#ifndef RUN_CLASSIFY_H
#define RUN_CLASSIFY_H

#include "run/bundle.h"
#include "run/classes.h"

#include "run/classify.def" /* ClassifySettings, classify_settings_table */

/* Texts and what is found about them. */
typedef struct ClassifyTexts {
  const char *const *texts;
  const size_t *lengths;
  int64_t count;
  char **problems; /* [count]: why a text has no label; NULL: it has one */
  double *scores;  /* [count, labels]: ln p up to a constant for each text */
} ClassifyTexts;

/* Sets the scores of a classifier, and the problem of texts that cannot be read. False if interrupted. */
bool classify_by_head(const Bundle *, const ClassifySettings *, ClassifyTexts *, Error *);
/* The same by a model of text, for these labels (likelihood.c). */
bool classify_by_likelihood(const Bundle *, const ClassifySettings *, const Labels *, ClassifyTexts *,
                            const News *, Error *);
/* Fails for bytes that are no text, or for no text at all. */
bool classify_check_text(const char *text, size_t length, Error *);

#endif
