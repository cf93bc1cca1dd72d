/* objective_kto.c - Kahneman-Tversky optimization (Ethayarajh et al. 2024, equations 7 and 8): with r = beta
 * (ln p(text) - ln p_before(text)), the loss of a good text is w (1 - sigmoid(r - z)), that of a bad one w (1
 * - sigmoid(z - r)). z, at least 0, is beta times the mean of ln p - ln p_before over texts that belong to
 * other prompts of the batch (or of a piece of it, with --accumulate): how far the model has moved in
 * general. It has no gradient. */
#include <math.h>
#include <string.h>

#include "base/language.h"
#include "train/objective.h"

enum { MARGIN, CHOSEN, REJECTED, DIVERGENCE };

static double units(const Batch *batch) {
  return (double)batch->sequences / 2;
}

static const int32_t *every_second(Arena *arena, const int32_t *from, int64_t rows, int64_t columns) {
  int32_t *to = arena_alloc(arena, (size_t)(rows * columns) * sizeof *to);
  for (int64_t i = 0; i < rows; i++)
    memcpy(to + i * columns, from + 2 * i * columns, (size_t)columns * sizeof *to);
  return to;
}

/* Sequences 0, 2, 4, ... are texts with their own prompts, 1, 3, 5, ... those with others. */
static Batch half_of(Arena *arena, const Batch *b, int64_t first) {
  const int64_t rows = b->sequences / 2;
  Batch half = *b;
  half.sequences = rows;
  half.tokens = every_second(arena, b->tokens + first * b->time, rows, b->time);
  half.targets = every_second(arena, b->targets + first * b->time, rows, b->time);
  half.numbers = every_second(arena, b->numbers + first, rows, 1);
  half.judged = every_second(arena, b->judged + first, rows, 1);
  if (!b->source) return half;
  half.source = every_second(arena, b->source + first * b->source_time, rows, b->source_time);
  half.source_lengths = every_second(arena, b->source_lengths + first, rows, 1);
  return half;
}

static double divergence(const ObjectiveUse *use, const Model *model, const Net *net, const Batch *others) {
  Tape *tape = tape_new(false);
  double sum = 0;
  tape_reset(tape, false, 0);
  tape_set_precision(tape, tape_precision(net->tape));
  Net plain = {.tape = tape};
  const float *y = tensor_f32(model_log_likelihood(model, &plain, others));
  for (int64_t i = 0; i < others->sequences; i++)
    sum += (double)y[i] - (double)use->references[others->numbers[i]];
  tape_free(tape);
  return fmax(0, sum / (double)others->sequences);
}

static Tensor *loss(const ObjectiveUse *use, const Model *model, Net *net, const Batch *batch, double divisor,
                    Tally *tally) {
  Arena *arena = tape_arena(net->tape);
  const Batch own = half_of(arena, batch, 0), others = half_of(arena, batch, 1);
  const PreferenceSettings *s = use->preferences;
  const double moved = divergence(use, model, net, &others);
  const float *references = objective_references(use, arena, &own);
  float *scales = arena_alloc(arena, (size_t)own.sequences * sizeof *scales);
  Tensor *y = model_log_likelihood(model, net, &own);
  tally_add(tally, &(Tally){{[DIVERGENCE] = moved}, {[DIVERGENCE] = 1}});
  for (int64_t i = 0; i < own.sequences; i++) {
    const int side = own.judged[i] ? CHOSEN : REJECTED;
    scales[i] = (float)s->beta;
    tally->sums[side] += s->beta * ((double)tensor_f32(y)[i] - (double)references[i]);
    tally->counts[side]++;
  }
  return op_preference(net->tape, y,
                       (PreferenceShape){.scales = scales,
                                         .reference = references,
                                         .verdicts = own.judged,
                                         .origin = s->beta * moved,
                                         .weights = {s->undesirable_weight, s->desirable_weight},
                                         .divisor = divisor});
}

const Objective objective_kto = {
    .name = "kto",
    .loss_unit = N_("Per text, half its weight at the beginning: lower is better."),
    .measures = {"margin", "reward_chosen", "reward_rejected", "divergence"},
    .difference = MARGIN,
    .refers = true,
    .rate = 0.1,
    .adapter_rate = 0.3,
    .passes = 3,
    .updates = 25,
    .units = units,
    .loss = loss};
