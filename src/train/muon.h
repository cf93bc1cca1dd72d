/* muon.h - the Muon optimizer: updates a matrix along the orthogonal matrix nearest to its momentum (Jordan
 * et al. 2024, https://kellerjordan.github.io/posts/muon). */
#ifndef TRAIN_MUON_H
#define TRAIN_MUON_H

#include <stdint.h>

/* Workspace of one step, for the largest matrix of a model; keeps no state. */
typedef struct Muon {
  float *update, *other, *gram, *polynomial;
} Muon;
void muon_open(Muon *, int64_t most_elements, int64_t most_side);
void muon_close(Muon *);

/* Replaces x [rows, columns], not all zero, by approximately the nearest orthogonal matrix: its singular
 * values become about 0.7 .. 1.2. */
void muon_orthogonalize(Muon *, float *x, int64_t rows, int64_t columns);

typedef struct MuonStep {
  double momentum, learning_rate, decay, clip; /* the gradient is scaled by clip first */
} MuonStep;
/* One update of w [rows, columns]; m is the momentum, initially zero. The update has the usual size of
 * AdamW's (root mean square 0.2 of the learning rate; Liu et al. 2025, arXiv:2502.16982), so that both can
 * use the same learning rate and decay. */
void muon_step(Muon *, float *w, float *m, const float *gradient, int64_t rows, int64_t columns, MuonStep);

#endif
