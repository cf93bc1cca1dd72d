#include "train/gradients.h"

#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/loops.h"

/* Resources to process one batch at a time. */
typedef struct Lane {
  Model *model; /* shares weights, has its own gradients */
  Tape *tape;
  double loss; /* contribution of the batch to the loss of the update */
  Tally tally; /* of the batch */
} Lane;

struct Gradients {
  const Model *model;
  Batches *batches;
  const Plan *plan;
  const ObjectiveUse *use;
  uint64_t seed;
  int64_t lanes;
  Lane *lane;          /* [lanes] */
  Arena *arena;        /* token ids of the batches */
  Batch *batch;        /* [mix]: the batches of the update */
  int64_t step, first; /* update; batch of the first lane */
  double units;        /* of the objective, in all batches */
  Tally tally;
};

/* With more threads than batches, all threads work on one batch at a time. */
static int64_t lanes_of(const Plan *plan) {
  return threads_count() <= plan->mix ? threads_count() : 1;
}

int64_t gradients_bytes(const Plan *plan) {
  const int64_t lanes = lanes_of(plan);
  const int64_t floats = plan->mix > 1 ? lanes * plan->cost.learned : 0;
  return lanes * plan->cost.activation_bytes + floats * (int64_t)sizeof(float);
}

Gradients *gradients_new(const Model *model, Batches *batches, const ObjectiveUse *use, const Plan *plan,
                         const TrainSettings *settings, uint64_t seed) {
  Gradients *g = mem_alloc_zeroed(1, sizeof *g);
  g->model = model;
  g->batches = batches;
  g->plan = plan;
  g->use = use;
  g->seed = seed;
  g->lanes = lanes_of(plan);
  g->lane = mem_alloc_zeroed((size_t)g->lanes, sizeof *g->lane);
  const Precision precision = precision_named(settings->precision);
  for (int64_t i = 0; i < g->lanes; i++) {
    g->lane[i].model = plan->mix > 1 ? model_twin(model) : NULL;
    g->lane[i].tape = tape_new(false);
    tape_recompute(g->lane[i].tape, settings->checkpoint_activations);
    tape_set_precision(g->lane[i].tape, precision);
  }
  g->arena = arena_new(1 << 20);
  g->batch = mem_alloc_zeroed((size_t)plan->mix, sizeof *g->batch);
  return g;
}

void gradients_free(Gradients *g) {
  if (!g) return;
  for (int64_t i = 0; i < g->lanes; i++) {
    model_free(g->lane[i].model);
    tape_free(g->lane[i].tape);
  }
  mem_free(g->lane);
  arena_free(g->arena);
  mem_free(g->batch);
  mem_free(g);
}

/* ---- batches ---- */

static const int32_t *copy_ids(Arena *arena, const int32_t *ids, int64_t count) {
  return ids ? memcpy(arena_alloc(arena, (size_t)count * sizeof *ids), ids, (size_t)count * sizeof *ids)
             : NULL;
}

/* The result of batches_get is valid until its next call only. */
static Batch copy_batch(Arena *arena, const Batch *b) {
  Batch copy = *b;
  copy.tokens = copy_ids(arena, b->tokens, b->sequences * b->time);
  copy.begins = copy_ids(arena, b->begins, b->sequences * b->time);
  copy.targets = copy_ids(arena, b->targets, b->sequences * b->time);
  copy.source = copy_ids(arena, b->source, b->sequences * b->source_time);
  copy.source_lengths = copy_ids(arena, b->source_lengths, b->sequences);
  copy.numbers = copy_ids(arena, b->numbers, b->sequences);
  copy.judged = copy_ids(arena, b->judged, b->sequences);
  return copy;
}

/* Fetches the batches of the update and counts their units and positions. */
static void get_batches(Gradients *g, int64_t *positions) {
  Batch batch;
  arena_reset(g->arena);
  g->units = 0;
  *positions = 0;
  for (int64_t i = 0; i < g->plan->mix; i++) {
    batches_get(g->batches, g->step * g->plan->mix + i, &batch);
    g->batch[i] = copy_batch(g->arena, &batch);
    g->units += g->use->objective->units(&batch);
    *positions += batch.sequences * (batch.time + batch.source_time);
  }
}

/* ---- one batch ---- */

/* Computes the contribution of one batch to the mean loss and its gradients, piece by piece; returns the
 * former. */
static double make_gradients(const Gradients *g, const Model *model, Tape *tape, int64_t which,
                             Tally *tally) {
  const Batch *batch = &g->batch[which];
  const int64_t pieces = g->plan->accumulate, index = g->step * g->plan->mix + which;
  double loss = 0;
  *tally = (Tally){0};
  params_forget_gradients(model->learned);
  for (int64_t i = 0; i < pieces; i++) {
    tape_reset(tape, true, random_bits(g->seed, random_stream("dropout"), (uint64_t)(index * pieces + i)));
    Net net = {.tape = tape,
               .dropout = (float)g->plan->config.dropout,
               .adapter_dropout = g->plan->tuning.adapter.dropout};
    const Batch piece = batch_part(batch, i, pieces);
    if (!piece.sequences) continue;
    Tensor *out = g->use->objective->loss(g->use, model, &net, &piece, g->units, tally);
    tape_backward(tape, out);
    loss += (double)tensor_f32(out)[0];
  }
  params_settle_gradients(model->learned);
  return loss;
}

/* ---- several batches ---- */

static void run_lanes(void *arg, int64_t begin, int64_t end) {
  const Gradients *g = arg;
  for (int64_t i = begin; i < end; i++) {
    Lane *lane = &g->lane[i];
    lane->loss = make_gradients(g, lane->model, lane->tape, g->first + i, &lane->tally);
  }
}

typedef struct Sum {
  const Gradients *g;
  int64_t lanes; /* number of lanes used */
} Sum;

/* Adds lane after lane: the order of the batches. */
static void add_range(void *arg, int64_t begin, int64_t end) {
  const Sum *sum = arg;
  float *to = params_gradients(sum->g->model->learned);
  for (int64_t i = 0; i < sum->lanes; i++)
    kernels->add(to + begin, params_gradients(sum->g->lane[i].model->learned) + begin, end - begin);
}

static double make_several(Gradients *g) {
  double loss = 0;
  memset(params_gradients(g->model->learned), 0, (size_t)params_length(g->model->learned) * sizeof(float));
  for (g->first = 0; g->first < g->plan->mix; g->first += g->lanes) {
    const int64_t left = g->plan->mix - g->first;
    Sum sum = {g, left < g->lanes ? left : g->lanes};
    parallel_guarded(sum.lanes, run_lanes, g);
    loop_elements(params_length(g->model->learned), add_range, &sum);
    for (int64_t i = 0; i < sum.lanes; i++) {
      loss += g->lane[i].loss;
      tally_add(&g->tally, &g->lane[i].tally);
    }
  }
  return loss;
}

double gradients_make(Gradients *g, int64_t step, int64_t *positions) {
  g->step = step;
  get_batches(g, positions);
  g->tally = (Tally){0};
  return g->plan->mix > 1 ? make_several(g) : make_gradients(g, g->model, g->lane->tape, 0, &g->tally);
}

Tally gradients_tally(const Gradients *g) {
  return g->tally;
}
