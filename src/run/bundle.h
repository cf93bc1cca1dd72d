/* bundle.h - a model directory: config.json, model.safetensors, tokenizer.json and the small files beside
 * them.
 *
 * The layout is Hugging Face's, so that transformers loads what we write and we load what it writes.
 * inkstone.json adds what only we know: task, data, training, results. */
#ifndef RUN_BUNDLE_H
#define RUN_BUNDLE_H

#include "base/file.h"
#include "models/model.h"
#include "text/tokenizer.h"

typedef struct Bundle {
  Model *model;
  Tokenizer *tokenizer;
  json_t *card; /* inkstone.json; an empty object where the directory has none */
} Bundle;

bool bundle_open(Bundle *, const char *directory, Error *);
void bundle_close(Bundle *);

/* Everything but the weights, each file replaced atomically. `card` gains the tokenizer's fingerprint. */
bool bundle_write_description(const char *directory, const Config *, const Tokenizer *, json_t *card,
                              Error *);
bool bundle_write_card(const char *directory, const json_t *card, Error *);

/* Parameters <-> a safetensors file. `values` is a run as params_values gives it (the weights, their average,
 * a moment of the optimizer). Reading demands every parameter, in its shape; what the file has beside them is
 * refused by name, except copies and constants that are known to carry nothing. */
bool weights_write(const char *path, Params *, const float *values, Error *);
bool weights_read(const char *path, Params *, float *values, Error *);

/* The token that starts a text of its own: what the tokenizer puts there, or what our training did; -1: none.
 */
int32_t bundle_begin(const Bundle *);

#endif
