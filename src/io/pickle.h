/* pickle.h - the tensors of a state dict that torch.save wrote (PyTorch 1.6 or later: a zip archive of the
 * pickle data.pkl and of one entry for each storage).
 *
 * A pickle is a program. Only what a dict of tensors needs is carried out, by this file and on values of its
 * own; every other operation or name is refused. */
#ifndef IO_PICKLE_H
#define IO_PICKLE_H

#include "io/safetensors.h"

/* As safetensors_open, and closed by safetensors_close. Masks and positions (bool, uint8, int64), which are
 * no parameters, have their bytes as i32, in one dimension. */
bool pickle_open(Safetensors *, const char *path, Error *);

#endif
