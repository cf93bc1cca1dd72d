/* scratch.h - buffers for packed operands, kept for the next product; concurrent products have one each. */
#ifndef OPS_SCRATCH_H
#define OPS_SCRATCH_H

#include <stdint.h>

#include "base/buffer.h"

typedef VEC(float) Scratch;

Scratch *scratch_take(int64_t floats);
void scratch_return(Scratch *);

#endif
