/* forms.h - what other formats do to a tensor before they store it (models/naming.h), and back. */
#ifndef RUN_FORMS_H
#define RUN_FORMS_H

#include "models/model.h"

/* The type in which the tensor is after a change; changed tensors are copies, others none (FORM_SAME). */
TensorType form_type(TensorForm, TensorType);
/* Its shape: a matrix may be turned. */
Tensor form_shape(TensorForm, Tensor);
/* Fills `out`, of that shape and type, with the tensor as the model of that configuration has it (`undo`) or
 * as it is stored. */
void form_change(TensorForm, bool undo, const Tensor *from, const Config *, Tensor *out);

#endif
