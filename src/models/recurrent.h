/* recurrent.h - shared by lstm.c, gru.c and seq2seq.c: embedding, stacked layers with dropout, and a state
 * instead of a context. Their model_type is Inkstone's own, as transformers has no such classes. */
#ifndef MODELS_RECURRENT_H
#define MODELS_RECURRENT_H

#include "models/model.h"

/* One layer in the current scope: x [B,T,D] -> [B,T,D]. */
typedef Tensor *RecurrentLayer(Net *, const Config *, Tensor *x);
RecurrentLayer lstm_layer, gru_layer;
/* "layers.0", ..., each followed by dropout. */
Tensor *recurrent_layers(Net *, const Config *, Tensor *x, RecurrentLayer *);
Output recurrent_forward(Net *, const Config *, const Batch *, RecurrentLayer *);

/* The embedding [V,D]; and the output, by the embedding or, if not tied, a separate matrix. */
Tensor *recurrent_table(Net *, const char *name, int64_t vocabulary, int64_t width);
Output recurrent_output(Net *, const Config *, Tensor *x, Tensor *table);

/* W x + b for all steps at once, [B,T, gates D]; initial values as in PyTorch: uniform within 1 /
 * sqrt(width). */
Tensor *recurrent_input(Net *, const Config *, Tensor *x, int gates, InitKind bias);
Tensor *recurrent_weight(Net *, const Config *, int gates); /* W_hh [gates D, D] */
/* The named state [B,D], NULL in training; updated by net_set_state. */
Tensor *recurrent_state(Net *, const Config *, const char *name);

extern const ConfigKey recurrent_keys[];
extern const Naming recurrent_namings[];
bool recurrent_complete(Config *, const char *where, Error *);
bool recurrent_read_rest(Config *, const json_t *, const char *where, Error *);
void recurrent_write_rest(const Config *, json_t *);

#endif
