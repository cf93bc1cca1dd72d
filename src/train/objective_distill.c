/* objective_distill.c - distillation by tokens (Hinton et al. 2015): the cross-entropy of the text, mixed
 * with the divergence from the distribution that a teacher has of each token. Held-out text is measured by
 * the cross-entropy alone, which compares with runs that have no teacher. */
#include "base/language.h"
#include "train/objective.h"
#include "train/teacher.h"

enum { CROSS_ENTROPY, DIVERGENCE };

static Tensor *loss(const ObjectiveUse *use, const Model *model, Net *net, const Batch *batch, double divisor,
                    Tally *tally) {
  const double units = objective_likelihood.units(batch);
  SoftTargets soft = teacher_targets(use->teacher, net, batch);
  Tensor *mean = model_soft_loss(model, net, batch, &soft, (float)use->smoothing, divisor);
  const float *parts = tensor_f32(soft.parts);
  tally_add(
      tally,
      &(Tally){{[CROSS_ENTROPY] = (double)parts[0] * divisor, [DIVERGENCE] = (double)parts[1] * divisor},
               {[CROSS_ENTROPY] = units, [DIVERGENCE] = units}});
  return mean;
}

static double units(const Batch *batch) {
  return objective_likelihood.units(batch);
}

const Objective objective_distill = {
    .name = "distill",
    .measures = {"cross_entropy", "divergence"},
    .difference = -1,
    .loss_unit =
        N_("Nats per token: lower is better. In training, mixed with the divergence from the teacher."),
    .held_out = &objective_likelihood,
    .rate = 1,
    .adapter_rate = 1,
    .units = units,
    .loss = loss};
