/* compare.h - how far a model's predictions are from those of a reference, on the same tokens: what a
 * quantization costs. */
#ifndef RUN_COMPARE_H
#define RUN_COMPARE_H

#include "base/news.h"
#include "data/batches.h"
#include "models/model.h"

/* Quantiles are read from a histogram whose bins are 1/1024 of their value wide. */
typedef struct Comparison {
  int64_t tokens, agreed;      /* scored tokens; those for which both models' first choice is the same */
  double nats, reference_nats; /* sums of -ln p */
  double divergence, largest;  /* sum and maximum of the KL divergence per token */
  int64_t *bins;               /* of divergences */
} Comparison;
void comparison_free(Comparison *);
/* The divergence that a share of the tokens does not exceed. */
double comparison_quantile(const Comparison *, double share);

/* Scores every batch once by sessions, so with keys and values of the type that each model keeps
 * (Model.cache). The models have one vocabulary. `reference` may be NULL: only `tokens` and `nats` are then
 * set. Free *out in any case. Fails if logits are not finite; if interrupted, has what it has. */
bool compare_batches(const Model *, const Model *reference, Batches *, const News *, Comparison *out,
                     Error *);

#endif
