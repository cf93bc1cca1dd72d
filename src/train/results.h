/* results.h - the results of a finished run: its model, and the scores of that on held-out text as the card
 * has them (inkstone.json). */
#ifndef TRAIN_RESULTS_H
#define TRAIN_RESULTS_H

#include "train/trainer.h"

/* Saves the mean of the snapshots as the model. They are removed from the checkpoint's list before their
 * files are: otherwise a run stopped in between would average the remaining ones. */
bool results_keep_mean(Trainer *, Error *);
/* Scores the trainer's model, and reports it. */
void results_of_text(const Trainer *, Batches *held, json_t *out);
/* The loss of its teacher, too, if it has one. */
void results_of_teacher(const Trainer *, Batches *held, json_t *out);
/* By an objective with measures of its own. */
void results_of_measures(const Trainer *, Batches *held, json_t *out);
void results_of_labels(const Trainer *, Batches *held, const Labels *, json_t *out);

#endif
