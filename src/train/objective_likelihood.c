/* objective_likelihood.c - the cross-entropy of the next token: of text, and of targets behind a source. */
#include "base/language.h"
#include "train/objective.h"

static double units(const Batch *batch) {
  return (double)batch_scored(batch);
}

static Tensor *loss(const ObjectiveUse *use, const Model *model, Net *net, const Batch *batch, double divisor,
                    Tally *tally) {
  (void)tally;
  return model_loss(model, net, batch, (float)use->smoothing, divisor);
}

const Objective objective_likelihood = {.name = "likelihood",
                                        .loss_unit = N_("Nats per token: lower is better."),
                                        .difference = -1,
                                        .rate = 1,
                                        .adapter_rate = 1,
                                        .units = units,
                                        .loss = loss};
