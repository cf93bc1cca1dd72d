/* forms.h - what other formats do to a tensor before they store it (models/naming.h), and back. */
#ifndef RUN_FORMS_H
#define RUN_FORMS_H

#include "models/model.h"

/* The type in which the tensor is after a change; changed tensors are copies, others none (FORM_SAME). */
TensorType form_type(TensorForm, TensorType);
/* The shape in which it is stored. */
Tensor form_shape(TensorForm, Tensor);
/* Whether a tensor stored so has the shape of the model's. */
bool form_fits(TensorForm, const Tensor *model, const Tensor *stored);
/* Fills `out`, of that shape and type, with the tensor as the model of that configuration has it (`undo`) or
 * as it is stored. */
void form_change(TensorForm, bool undo, const Tensor *from, const Config *, Tensor *out);

#endif
