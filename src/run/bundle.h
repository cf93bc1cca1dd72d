/* bundle.h - a model with its tokenizer and what it is for, from a source of any form (io/source.h).
 *
 * What we write has the layout of Hugging Face's directories, so that transformers loads it. Its card adds
 * what only we know: task, data, training, results. */
#ifndef RUN_BUNDLE_H
#define RUN_BUNDLE_H

#include "base/file.h"
#include "data/layout.h"
#include "models/model.h"
#include "run/search.h"
#include "run/weights.h"

typedef struct Bundle {
  Model *model;       /* reads its weights where they are mapped */
  ModelSource source; /* which lives as long */
  Tokenizer *tokenizer;
  json_t *card;       /* inkstone.json; an empty object where another program made the model */
  json_t *generation; /* what generation_config.json says, see generation.h; likewise */
} Bundle;

bool bundle_open(Bundle *, const char *path, Error *);
/* The configuration alone, of a run that is resumed: one that was edited since is refused. */
bool bundle_config(Config *, const char *path, Error *);
/* The tokenizer alone and, where sources have one of their own, attached to it, that. */
Tokenizer *bundle_tokenizer(const char *path, Error *);
/* Is it the one that the model of this card was trained with? */
bool bundle_same_tokenizer(const json_t *card, const Tokenizer *, const char *directory, Error *);
void bundle_close(Bundle *);

/* What a model is for. */
typedef struct BundleUse {
  const Task *task;
  const Settings *settings; /* with how its texts are searched for, where the task has pairs */
  const Bundle *base;       /* what it was trained from; NULL: nothing */
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
