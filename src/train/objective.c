#include "train/objective.h"

#include <string.h>

const Objective *objective_of(const Material *m) {
  if (m->kind != &material_preferences) return &objective_likelihood;
  return material_has_verdicts(m) ? &objective_kto : &objective_dpo;
}

const Objective *objective_named(const char *name) {
  static const Objective *const all[] = {
#define OBJECTIVE(name) &objective_##name,
#include "train/objectives.def"
#undef OBJECTIVE
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!strcmp(all[i]->name, name)) return all[i];
  return NULL;
}

ObjectiveUse objective_use(const Material *m, const Teacher *teacher, const Settings *settings) {
  const TrainSettings *train = settings_part(settings, &train_settings_table);
  return (ObjectiveUse){.objective = teacher_present(teacher) ? &objective_distill : objective_of(m),
                        .teacher = teacher,
                        .preferences = settings_part(settings, &preference_settings_table),
                        .smoothing = train->label_smoothing};
}

ObjectiveUse objective_held_out(const ObjectiveUse *train) {
  ObjectiveUse held = *train;
  if (held.objective->held_out) held.objective = held.objective->held_out;
  return held;
}

const float *objective_references(const ObjectiveUse *use, Arena *arena, const Batch *b) {
  float *references = arena_alloc(arena, (size_t)b->sequences * sizeof *references);
  for (int64_t i = 0; i < b->sequences; i++) references[i] = use->references[b->numbers[i]];
  return references;
}

double objective_measure(const Objective *o, const Tally *t, int which) {
  if (which == o->difference) return objective_measure(o, t, which + 1) - objective_measure(o, t, which + 2);
  return t->counts[which] > 0 ? t->sums[which] / t->counts[which] : 0;
}

void tally_add(Tally *t, const Tally *more) {
  for (int i = 0; i < MOST_MEASURES; i++) {
    t->sums[i] += more->sums[i];
    t->counts[i] += more->counts[i];
  }
}

/* Label smoothing is of training alone. */
Score objective_score(const ObjectiveUse *use, const Model *model, Batches *batches, Tally *tally) {
  const Objective *o = use->objective;
  ObjectiveUse plain = *use;
  Score score = {0};
  Batch batch;
  double units = 0;
  Tape *tape = tape_new(false);
  plain.smoothing = 0;
  for (int64_t i = 0; i < batches->count; i++) {
    batches_get(batches, i, &batch);
    tape_reset(tape, false, 0);
    Net net = {.tape = tape};
    score.nats += (double)*tensor_f32(o->loss(&plain, model, &net, &batch, 1, tally));
    units += o->units(&batch);
  }
  tape_free(tape);
  score.tokens = (int64_t)units;
  return score;
}
