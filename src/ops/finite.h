/* finite.h - whether stored weights are finite numbers. */
#ifndef OPS_FINITE_H
#define OPS_FINITE_H

#include "ops/types.h"

/* `count` elements, whole blocks. */
bool type_finite(TensorType, const void *elements, int64_t count);

#endif
