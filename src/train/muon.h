/* muon.h - steps of a matrix along the nearest orthogonal matrix of its momentum (Jordan et al. 2024,
 * https://kellerjordan.github.io/posts/muon). */
#ifndef TRAIN_MUON_H
#define TRAIN_MUON_H

#include <stdint.h>

/* Room for the largest matrix of a model; a step's own, it remembers nothing. */
typedef struct Muon {
  float *update, *other, *gram, *polynomial;
} Muon;
void muon_open(Muon *, int64_t most_elements, int64_t most_side);
void muon_close(Muon *);

/* x [rows, columns], not all zero, becomes nearly the orthogonal matrix that is nearest to it: its singular
 * values come to lie in about 0.7 .. 1.2. */
void muon_orthogonalize(Muon *, float *x, int64_t rows, int64_t columns);

typedef struct MuonStep {
  double momentum, learning_rate, decay, clip; /* the gradient is scaled by clip first */
} MuonStep;
/* One update of w [rows, columns] by its gradient; m is the momentum, zero at first. The change has the size
 * that AdamW's typically has (root mean square .2 of the learning rate; Liu et al. 2025,
 * arXiv:2502.16982), so that the two share learning rate and decay. */
void muon_step(Muon *, float *w, float *m, const float *gradient, int64_t rows, int64_t columns, MuonStep);

#endif
