/* objective.h - what training minimizes: a loss of a batch, and what is reported besides it.
 *
 * Neither the loop nor the gradients know which one it is. An objective may need values of every sequence
 * that are computed once before training, such as log-likelihoods by the model as it was: references, found
 * by the numbers of the sequences (Batch.numbers). */
#ifndef TRAIN_OBJECTIVE_H
#define TRAIN_OBJECTIVE_H

#include "data/material.h"
#include "models/model.h"
#include "run/scorer.h"
#include "train/teacher.h"

/* Members of the card: an objective's name; the task of a run that changes a model for another ("task"). */
#define CARD_OBJECTIVE "objective"
#define CARD_TUNED_BY  "tuned_by"

enum { MOST_MEASURES = 4 };

/* Sums over what was measured, and how much that was; DIFFERENCE is computed from the others. */
typedef struct Tally {
  double sums[MOST_MEASURES], counts[MOST_MEASURES];
} Tally;

struct ObjectiveUse;
typedef struct Objective {
  const char *name;
  const char *loss_unit;                   /* a sentence for the report */
  const char *measures[MOST_MEASURES + 1]; /* names, ended by NULL; the first is shown with evaluations */
  int difference; /* the measure that is the one behind it less the one behind that; -1: none */
  bool refers;    /* needs the log-likelihoods of all sequences by the model that training begins with */
  const struct Objective *held_out; /* what is measured of held-out text; NULL: the same */
  double rate, adapter_rate;        /* default learning rates, as shares of those of the cross-entropy */
  double passes;                    /* default passes over the text; 0: as the plan says */
  int64_t updates; /* into which a pass is divided at least, by a smaller default batch; 0: any number */
  double (*units)(const Batch *); /* the number of things whose mean the loss is */
  /* The sum over the batch divided by `divisor`, a scalar for tape_backward; adds to the tally. */
  Tensor *(*loss)(const struct ObjectiveUse *, const Model *, Net *, const Batch *, double divisor, Tally *);
} Objective;

#define OBJECTIVE(name) extern const Objective objective_##name;
#include "train/objectives.def"
#undef OBJECTIVE

/* An objective with its settings and the references of a set of batches. */
typedef struct ObjectiveUse {
  const Objective *objective;
  const PreferenceSettings *preferences;
  double smoothing;
  const Teacher *teacher; /* NULL: none */
  float *references;      /* by number; NULL: none */
} ObjectiveUse;

/* The objective of this material, without a teacher. */
const Objective *objective_of(const Material *);
/* NULL: there is none of that name. */
const Objective *objective_named(const char *name);
ObjectiveUse objective_use(const Material *, const Teacher *, const Settings *);
/* What is measured of held-out text. */
ObjectiveUse objective_held_out(const ObjectiveUse *);

/* Those of a batch's sequences, in the arena. */
const float *objective_references(const ObjectiveUse *, Arena *, const Batch *);
/* The mean of a measure; 0 if nothing was measured. */
double objective_measure(const Objective *, const Tally *, int which);
void tally_add(Tally *, const Tally *more);
/* The loss of all batches, without gradients: `nats` of Score is its sum, `tokens` the number of units. */
Score objective_score(const ObjectiveUse *, const Model *, Batches *, Tally *);

/* The references of the training batches and of all held-out ones (NULL: none), computed by the model as it
 * is, and written to the run's directory; read back if `resumed`. References are freed with mem_free. */
bool references_open(ObjectiveUse *train, ObjectiveUse *held, const Model *, Batches *, Batches *held_batches,
                     const char *run, bool resumed, const News *, Error *);

#endif
