/* bundle.h - a model directory: config.json, model.safetensors, tokenizer.json (source_tokenizer.json, where
 * sources have a vocabulary of their own) and the small files beside them.
 *
 * The layout is Hugging Face's, so that transformers loads what we write and we load what it writes.
 * inkstone.json adds what only we know: task, data, training, results. */
#ifndef RUN_BUNDLE_H
#define RUN_BUNDLE_H

#include "base/file.h"
#include "data/layout.h"
#include "models/model.h"
#include "run/search.h"
#include "run/weights.h"

typedef struct Bundle {
  Model *model;        /* reads its weights where the file is mapped */
  Safetensors weights; /* that file */
  Tokenizer *tokenizer;
  json_t *card;       /* inkstone.json; an empty object where the directory has none */
  json_t *generation; /* what generation_config.json says, see generation.h; likewise */
} Bundle;

bool bundle_open(Bundle *, const char *directory, Error *);
/* tokenizer.json and, where sources have one of their own, source_tokenizer.json. */
Tokenizer *bundle_tokenizer(const char *directory, Error *);
/* Is it the one that the model of this card was trained with? */
bool bundle_same_tokenizer(const json_t *card, const Tokenizer *, const char *directory, Error *);
void bundle_close(Bundle *);

/* What a model is for. */
typedef struct BundleUse {
  const Task *task;
  const Settings *settings; /* with how its texts are searched for, where the task has pairs */
  const Bundle *base;       /* what it was trained from, NULL: nothing; */
  const char *from;         /* and its directory */
} BundleUse;

/* Everything but the weights, each file replaced atomically. `card` gains the tokenizer's fingerprint. */
bool bundle_write_description(const char *directory, const Config *, const Tokenizer *, const BundleUse *,
                              json_t *card, Error *);
bool bundle_write_card(const char *directory, const json_t *card, Error *);

/* The token that starts a text of its own: what the tokenizer puts there, or what our training did; -1: none.
 */
int32_t bundle_begin(const Bundle *);

/* Was it trained here? Else it is from elsewhere: what its texts stand between, its files have to say. */
bool bundle_is_ours(const Bundle *);
/* What it was trained for; of a model from elsewhere what its architecture can do. */
const Task *bundle_task(const Bundle *);
/* Refuses a task that the model was not trained for, naming the one it was. */
bool bundle_check_task(const Bundle *, const Task *, Error *);
/* How its inputs are laid out, by the special tokens of tokenizer and config.json. */
bool bundle_layout(const Bundle *, const Task *, PairLayout *, Error *);

#endif
