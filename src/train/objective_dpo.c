/* objective_dpo.c - direct preference optimization (Rafailov et al. 2023, equation 7): with r = beta (ln
 * p(text)
 * - ln p_before(text)), the loss of a pair is -ln sigmoid(r(chosen) - r(rejected)). With label smoothing s, a
 * share s of the pairs is taken to be the wrong way round (Mitchell 2023, "conservative DPO"). */
#include "base/language.h"
#include "train/objective.h"

/* Measures. A margin is a difference of rewards, of which an accuracy says how often it is positive. */
enum { ACCURACY, MARGIN, CHOSEN, REJECTED };

static double units(const Batch *batch) {
  return (double)batch->sequences / 2;
}

static int64_t targets_of(const Batch *b, int64_t sequence) {
  int64_t count = 0;
  for (int64_t t = 0; t < b->time; t++) count += b->targets[sequence * b->time + t] >= 0;
  return count;
}

/* Rewards are reported without --length-norm. */
static void measure(const ObjectiveUse *use, const float *y, const float *reference, int64_t pairs,
                    Tally *tally) {
  for (int64_t i = 0; i < pairs; i++) {
    const double beta = use->preferences->beta, chosen = beta * ((double)y[2 * i] - (double)reference[2 * i]),
                 rejected = beta * ((double)y[2 * i + 1] - (double)reference[2 * i + 1]);
    tally_add(tally,
              &(Tally){{[ACCURACY] = chosen > rejected ? 100 : 0, [CHOSEN] = chosen, [REJECTED] = rejected},
                       {[ACCURACY] = 1, [CHOSEN] = 1, [REJECTED] = 1}});
  }
}

static Tensor *loss(const ObjectiveUse *use, const Model *model, Net *net, const Batch *batch, double divisor,
                    Tally *tally) {
  const int64_t count = batch->sequences;
  const PreferenceSettings *s = use->preferences;
  const float *references = objective_references(use, tape_arena(net->tape), batch);
  float *scales = arena_alloc(tape_arena(net->tape), (size_t)count * sizeof *scales);
  Tensor *y = model_log_likelihood(model, net, batch);
  for (int64_t i = 0; i < count; i++)
    scales[i] = (float)(s->length_norm ? s->beta / (double)targets_of(batch, i) : s->beta);
  measure(use, tensor_f32(y), references, count / 2, tally);
  return op_preference(
      net->tape, y,
      (PreferenceShape){
          .scales = scales, .reference = references, .smoothing = use->smoothing, .divisor = divisor});
}

const Objective objective_dpo = {.name = "dpo",
                                 .loss_unit = N_("Nats per pair, 0.693 at the beginning: lower is better."),
                                 .measures = {"accuracy", "margin", "reward_chosen", "reward_rejected"},
                                 .difference = MARGIN,
                                 .refers = true,
                                 .rate = 0.1,
                                 .adapter_rate = 0.3,
                                 .passes = 3,
                                 .updates = 25,
                                 .units = units,
                                 .loss = loss};
