#include "train/measure.h"

#include "base/random.h"
#include "base/threads.h"
#include "train/gradients.h"
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
  return (StepMode){.recompute = s->checkpoint_activations,
                    .precision = precision_named(s->precision),
                    .optimizer = s->optimizer};
}

/* Of what a model predicts: the next token everywhere, or a label at the end of each text. */
static int32_t *random_targets(const Config *c, int64_t sequences) {
  const int64_t count = sequences * c->context;
  int32_t *targets = random_tokens(count, c->labels ? c->labels : c->vocabulary);
  for (int64_t i = 0; c->labels && i < count; i++)
    if ((i + 1) % c->context) targets[i] = -1;
  return targets;
}

double measure_step(const Config *config, int64_t sequences, StepMode mode, double seconds,
                    int64_t *resident) {
  static const SettingTable *const tables[] = {&train_settings_table};
  Settings *settings = settings_new(tables, 1);
  int32_t *tokens = random_tokens(sequences * config->context, config->vocabulary);
  int32_t *targets = random_targets(config, sequences);
  int32_t *lengths = mem_alloc((size_t)sequences * sizeof *lengths);
  Trial r = {
      .model = model_tuned(config, &mode.tuning),
      .tape = tape_new(false),
      .batch = {.sequences = sequences, .time = config->context, .tokens = tokens, .targets = targets}};
  for (int64_t i = 0; i < sequences; i++) lengths[i] = (int32_t)config->context;
  if (config->arch->encodes) {
    r.batch.source = tokens;
    r.batch.source_lengths = lengths;
    r.batch.source_time = config->context;
  }
  Error err = {0};
  if (mode.optimizer) CHECK(settings_fill(settings, "optimizer", mode.optimizer, &err));
  tape_recompute(r.tape, mode.recompute);
  tape_set_precision(r.tape, mode.precision);
  params_initialize(r.model->learned, 1);
  optimizer_open(&r.optimizer, r.model->learned, settings_part(settings, &train_settings_table), 0);
  const double best = best_update(&r, seconds);
  if (resident) *resident = mem_resident(); /* the tape still holds the activations of the last step */
  optimizer_close(&r.optimizer);
  model_free(r.model);
  tape_free(r.tape);
  mem_free(targets);
  mem_free(tokens);
  mem_free(lengths);
  ink_settings_free(settings);
  return best;
}

/* ---- a run's own updates ---- */

/* The value of references does not matter for the time. */
static ObjectiveUse timed_objective(const Plan *p, const Material *m, const Settings *s,
                                    const Batches *batches) {
  ObjectiveUse use = objective_use(m, p->teacher, s);
  if (use.objective->refers)
    use.references = mem_alloc_zeroed((size_t)batches->numbered + 1, sizeof *use.references);
  return use;
}

/* Update number i of those measured takes the batches of this step. */
static int64_t spread(const Batches *batches, const Plan *p, int64_t i) {
  enum { PLACES = 7 };
  return i * batches->count / (PLACES * p->mix);
}

static double mean_update(Gradients *g, Optimizer *o, const Plan *p, const Batches *batches, double seconds) {
  enum { LEAST = 2 };
  int64_t positions, i = 0;
  double begin = 0, now = 0;
  do {
    gradients_make(g, spread(batches, p, i), &positions);
    gradient_norm(o->params);
    optimizer_step(o, i + 1, 1e-6, 1);
    now = clock_seconds();
    if (i == 0) begin = now; /* the first one allocates */
    i++;
  } while (i <= LEAST || now - begin < seconds);
  return (now - begin) / (double)(i - 1);
}

double measure_updates(const Plan *p, const Material *m, Batches *batches, const Settings *s,
                       double seconds) {
  const TrainSettings *train = settings_part(s, &train_settings_table);
  Model *model = model_tuned(&p->config, &p->tuning);
  ObjectiveUse use = timed_objective(p, m, s, batches);
  Optimizer optimizer;
  params_initialize(model->learned, 1);
  optimizer_open(&optimizer, model->learned, train, p->weight_decay);
  Gradients *gradients = gradients_new(model, batches, &use, p, train, 1);
  const double mean = mean_update(gradients, &optimizer, p, batches, seconds);
  gradients_free(gradients);
  optimizer_close(&optimizer);
  model_free(model);
  mem_free(use.references);
  return mean;
}
