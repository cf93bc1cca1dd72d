#include "train/law.h"

#include <math.h>

/* The fit and its error are in docs/log.md. */
static const double law_A = 40, law_a = 0.34, law_B = 840, law_b = 0.5;
/* Passes over the same text after which a further one adds little. */
static const double law_passes = 15;

/* The number of distinct tokens that `seen` tokens are worth if only `distinct` of them are. */
static double effective_tokens(double seen, double distinct) {
  const double again = seen / distinct - 1;
  return again <= 0 ? seen : distinct * (1 + law_passes * (1 - exp(-again / law_passes)));
}

double law_loss(double parameters, double seen, double distinct) {
  return law_A * pow(parameters, -law_a) + law_B * pow(effective_tokens(seen, distinct), -law_b);
}
