/* origin.h - what a run began with, as its card (inkstone.json) records it: resuming continues the same run
 * only with the same text, base model and instruction set. */
#ifndef TRAIN_ORIGIN_H
#define TRAIN_ORIGIN_H

#include "data/material.h"
#include "run/bundle.h"
#include "train/settings.h"

/* The fingerprint of the text, training and held-out. */
enum { ORIGIN_TEXT = 64 };
void origin_text(const Material *, char text[ORIGIN_TEXT]);
/* The card's "base": where the base model is, a fingerprint of every byte of its weights, and one that stays
 * when they are converted (run/adapter.h). */
json_t *origin_base(const char *path, const Bundle *base);

/* The card's "teacher": where it is, and the fingerprint of its weights. */
json_t *origin_teacher(const char *path, const Bundle *teacher);

/* Fail unless the run whose card it is, in the directory `home`, began with the same. */
bool origin_same_text(const json_t *card, const Material *, const char *home, Error *);
bool origin_same_base(const json_t *card, const Bundle *base, const char *home, Error *);
bool origin_same_teacher(const json_t *card, const Bundle *teacher, const char *home, Error *);
/* Fails if a model in `home` would replace the base, whose frozen weights it needs. */
bool origin_keeps_base(const Bundle *base, const char *home, Error *);
bool origin_keeps_teacher(const Bundle *teacher, const char *home, Error *);
/* Resuming is exact only on the instruction set that the run began on. */
void origin_warn_instructions(const json_t *card, const TrainSettings *, const News *);

#endif
