#include "train/tune.h"

#include <math.h>
#include <string.h>

static bool has_adapter(const TrainSettings *s) {
  return strcmp(s->adapter, "none");
}

double tune_alpha(const TrainSettings *s) {
  return s->alpha > 0 ? s->alpha : 2 * (double)s->rank;
}

Tuning tune_of(const TrainSettings *s) {
  if (!has_adapter(s)) return (Tuning){.freeze = s->freeze};
  const double rank = (double)s->rank;
  return (Tuning){.adapter = {.present = true,
                              .rank = s->rank,
                              .targets = s->target,
                              .scale = (float)(tune_alpha(s) / (s->rslora ? sqrt(rank) : rank)),
                              .dropout = (float)s->adapter_dropout}};
}

bool tune_has_base(const Task *task, const TrainSettings *s, Error *err) {
  return !task->material->tunes || s->from ||
         fail_usage(err, "`train %s` changes a model that writes already: give it with --from", task->name);
}

bool tune_contradictions(const Settings *own, Error *err) {
  static const char *const of_adapters[] = {"rank", "alpha", "adapter-dropout", "rslora", "target"};
  const bool from = settings_given(own, "from"), freeze = settings_given(own, "freeze"),
             adapter = has_adapter(settings_part(own, &train_settings_table));
  if (freeze && !from)
    return fail_usage(err,
                      "--freeze keeps values of a base model: give it with --from, or leave out --freeze");
  if (adapter && !from)
    return fail_usage(err, "--adapter changes a base model: give it with --from, or leave out --adapter");
  if (adapter && freeze)
    return fail_usage(
        err,
        "--freeze has no effect with --adapter, which changes no weight of the model: leave one of them out");
  for (size_t i = 0; !adapter && i < sizeof of_adapters / sizeof *of_adapters; i++)
    if (settings_given(own, of_adapters[i]))
      return fail_usage(err, "--%s is for adapters: add --adapter lora, or leave it out", of_adapters[i]);
  return true;
}

/* Ten times that of full tuning, about: common values are 2e-4 for billions of parameters, 1e-3 for 0.1
 * billion. */
double tune_learning_rate(const Config *c) {
  return fmin(1e-3, fmax(2e-4, 0.58 / (double)c->width));
}
