#include "train/measure.h"

#include "base/random.h"
#include "base/threads.h"
#include "train/optimizer.h"

typedef struct Trial {
  Model *model;
  Optimizer optimizer;
  Tape *tape;
  Batch batch;
  int64_t step;
} Trial;

static void update(Trial *r) {
  Net net = {.tape = r->tape,
             .dropout = (float)r->model->config.dropout,
             .adapter_dropout = r->model->tuning.adapter.dropout};
  tape_reset(r->tape, true, (uint64_t)r->step);
  params_forget_gradients(r->model->learned);
  tape_backward(r->tape, model_loss(r->model, &net, &r->batch, 0, 0));
  params_settle_gradients(r->model->learned);
  gradient_norm(r->model->learned);
  optimizer_step(&r->optimizer, ++r->step, 1e-6, 1);
}

static int32_t *random_tokens(int64_t count, int64_t vocabulary) {
  int32_t *tokens = mem_alloc((size_t)count * sizeof *tokens);
  for (int64_t i = 0; i < count; i++)
    tokens[i] = (int32_t)random_below((uint64_t)vocabulary, 1, random_stream("rehearsal"), (uint64_t)i);
  return tokens;
}

static double best_update(Trial *r, double seconds) {
  const double begin = clock_seconds();
  double best = 0;
  update(r);
  for (int i = 0; i < 2 || clock_seconds() - begin < seconds; i++) {
    const double start = clock_seconds();
    update(r);
    const double now = clock_seconds() - start;
    if (best == 0 || now < best) best = now;
  }
  return best;
}

StepMode step_mode(const TrainSettings *s) {
  return (StepMode){.recompute = s->checkpoint_activations, .precision = precision_named(s->precision)};
}

double measure_step(const Config *config, int64_t sequences, StepMode mode, double seconds,
                    int64_t *resident) {
  static const SettingTable *const tables[] = {&train_settings_table};
  Settings *settings = settings_new(tables, 1);
  int32_t *tokens = random_tokens(sequences * config->context, config->vocabulary);
  int32_t *lengths = mem_alloc((size_t)sequences * sizeof *lengths);
  Trial r = {.model = model_tuned(config, &mode.tuning),
             .tape = tape_new(false),
             .batch = {.sequences = sequences, .time = config->context, .tokens = tokens, .targets = tokens}};
  for (int64_t i = 0; i < sequences; i++) lengths[i] = (int32_t)config->context;
  if (config->arch->encodes) {
    r.batch.source = tokens;
    r.batch.source_lengths = lengths;
    r.batch.source_time = config->context;
  }
  tape_recompute(r.tape, mode.recompute);
  tape_set_precision(r.tape, mode.precision);
  params_initialize(r.model->learned, 1);
  optimizer_open(&r.optimizer, r.model->learned, settings_part(settings, &train_settings_table), 0);
  const double best = best_update(&r, seconds);
  if (resident) *resident = mem_resident(); /* the tape still holds the activations of the last step */
  optimizer_close(&r.optimizer);
  model_free(r.model);
  tape_free(r.tape);
  mem_free(tokens);
  mem_free(lengths);
  ink_settings_free(settings);
  return best;
}
