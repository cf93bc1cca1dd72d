#include "ops/ops.h"

const Op *const op_table[] = {
#define OP(name) &op_##name##_info,
#include "ops/ops.def"
#undef OP
};

const int op_count = (int)(sizeof op_table / sizeof *op_table);
