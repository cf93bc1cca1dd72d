/* teacher.h - a finished model from whose distributions another one learns (Hinton et al. 2015).
 *
 * The teacher reads every batch again when it is trained on, rather than once for all epochs: the likeliest
 * 16 tokens of each position take 128 bytes where the text takes 4, and windows, packing and BPE-dropout give
 * a token another context in every epoch. Its weights stay mapped, of whatever type. */
#ifndef TRAIN_TEACHER_H
#define TRAIN_TEACHER_H

#include "data/material.h"
#include "run/bundle.h"
#include "train/settings.h"

typedef struct Teacher {
  const char *path; /* NULL: there is none */
  Bundle bundle;
  const DistillSettings *settings;
  int64_t vocabulary; /* tokens from here on are padding of one of the two models */
} Teacher;

static inline bool teacher_present(const Teacher *t) {
  return t && t->path;
}

/* The model of --teacher, if it is given, which must be of this task. Close it in any case. */
bool teacher_open(Teacher *, const Settings *, const Task *, const News *, Error *);
void teacher_close(Teacher *);
/* Fails, saying why, if a student of this configuration and tokenizer cannot be compared token by token. The
 * material is laid out for the student, in sequences of at most `window` tokens. */
bool teacher_fits(Teacher *, const Config *, const Tokenizer *, const Material *, int64_t window, Error *);

/* Its distributions behind each token of the batch that has a target; on the net's tape, of which the
 * teacher's own activations are freed at once. */
SoftTargets teacher_targets(const Teacher *, const Net *, const Batch *);
/* Of these, for the largest batch. */
Cost teacher_cost(const Teacher *, int64_t sequences, int64_t time, int64_t source_time);

#endif
