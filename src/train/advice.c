#include "train/advice.h"

#include <string.h>

#include "base/language.h"

typedef struct Advice {
  int runs;
  const char *setting, *value, *why;
} Advice;

#define ADVICE(runs, setting, value, why) {runs, #setting, value, why},
static const Advice all_advice[] = {
#include "train/advice.def"
};
#undef ADVICE

enum { KINDS = TEXT | PAIRS | TALK | LABELS | TUNED };

int advice_runs(const Settings *s, const Material *m) {
  const TrainSettings *train = settings_part(s, &train_settings_table);
  const int rest = (m->has_held ? HELD_OUT : 0) | (settings_given(s, "batch") ? 0 : BATCH_OPEN);
  if (train->from) return TUNED | rest;
  if (task_has_labels(m->task)) return LABELS | rest;
  return rest | (!task_has_pairs(m->task) ? TEXT : m->task->chat ? TALK : PAIRS);
}

static bool applies(const Advice *a, int runs, const TrainSettings *s) {
  const int kinds = a->runs & KINDS;
  const int needs = a->runs & (HELD_OUT | BATCH_OPEN);
  return (!kinds || (kinds & runs)) && (needs & runs) == needs &&
         (!(a->runs & WITH_MUON) || !strcmp(s->optimizer, "muon"));
}

bool advice_fill(Settings *s, int runs, const News *news, Error *err) {
  const TrainSettings *train = settings_part(s, &train_settings_table);
  for (size_t i = 0; i < sizeof all_advice / sizeof *all_advice; i++) {
    const Advice *a = &all_advice[i];
    if (!applies(a, runs, train) || settings_given(s, a->setting)) continue;
    if (!settings_fill(s, a->setting, a->value, err)) return false;
    news_note(news, "budget: --%s %s: %s", settings_flag(s, a->setting), a->value, language_text(a->why));
  }
  return true;
}
