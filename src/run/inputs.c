#include "run/inputs.h"

void hypotheses_free(Hypothesis *h, int64_t count) {
  for (int64_t i = 0; i < count; i++) vec_free(&h[i].ids);
  mem_free(h);
}
