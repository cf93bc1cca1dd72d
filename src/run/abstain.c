#include "run/abstain.h"

#include <math.h>

#include "base/settings_table.h"

#include "run/abstain.def"

double confidence_of(double logprob, int64_t tokens) {
  return tokens ? exp(logprob / (double)tokens) : 1;
}

bool abstain_check(const Settings *settings, Error *err) {
  const AbstainSettings *s = settings_part(settings, &abstain_settings_table);
  if ((s->unsure && *s->unsure) == (s->confidence > 0)) return true;
  return fail_usage(err, "--unsure TEXT and --confidence P above 0 need each other: give both");
}
