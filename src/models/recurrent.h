/* recurrent.h - what lstm.c, gru.c and seq2seq.c share: embedding, stacked layers with dropout between them,
 * and state in place of a window. Their model_type is our own: transformers has no such class. */
#ifndef MODELS_RECURRENT_H
#define MODELS_RECURRENT_H

#include "models/model.h"

/* One layer in the current scope: x [B,T,D] -> [B,T,D]. */
typedef Tensor *RecurrentLayer(Net *, const Config *, Tensor *x);
RecurrentLayer lstm_layer, gru_layer;
/* "layers.0", ..., each with dropout behind it. */
Tensor *recurrent_layers(Net *, const Config *, Tensor *x, RecurrentLayer *);
Output recurrent_forward(Net *, const Config *, const Batch *, RecurrentLayer *);

/* The embedding [V,D]; and logits from x by it or, where it is not tied, by a matrix of their own. */
Tensor *recurrent_table(Net *, const char *name, int64_t vocabulary, int64_t width);
Output recurrent_output(Net *, const Config *, Tensor *x, Tensor *table);

/* W x + b for all steps at once, into `gates` blocks of the width; initial values as PyTorch's: uniform
 * within 1 / sqrt(width). */
Tensor *recurrent_input(Net *, const Config *, Tensor *x, int gates, InitKind bias);
Tensor *recurrent_weight(Net *, const Config *, int gates); /* W_hh [gates D, D] */
/* The state of that name [B,D], NULL while training; net_set_state says what it becomes. */
Tensor *recurrent_state(Net *, const Config *, const char *name);

extern const ConfigKey recurrent_keys[];
extern const Naming recurrent_namings[];
bool recurrent_complete(Config *, Error *);
bool recurrent_read_rest(Config *, const json_t *, const char *where, Error *);
void recurrent_write_rest(const Config *, json_t *);

#endif
