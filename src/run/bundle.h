/* bundle.h - a model with its tokenizer and its task, opened from a source of any format (io/source.h).
 *
 * Inkstone writes directories in Hugging Face's layout, so that transformers loads them. The card
 * (inkstone.json) adds what that layout has no place for: task, data, training, results. */
#ifndef RUN_BUNDLE_H
#define RUN_BUNDLE_H

#include "base/file.h"
#include "data/chat_template.h"
#include "data/labels.h"
#include "models/model.h"
#include "run/constraints.h"
#include "run/search.h"
#include "run/weights.h"

typedef struct Bundle {
  Model *model;       /* its weights point into the mapped source */
  ModelSource source; /* kept open as long as the model */
  Tokenizer *tokenizer;
  Labels labels;            /* of a classifier */
  json_t *card;             /* inkstone.json; an empty object if another program made the model */
  json_t *generation;       /* generation_config.json, see generation.h; empty likewise */
  Constraints *constraints; /* on its texts */
  ChatTemplate *chat; /* its chat template, unless its conversations have Inkstone's own layout; NULL: none */
} Bundle;

/* `model`: a path, or the name of a downloaded model (io/model_cache.h). */
bool bundle_open(Bundle *, const char *model, const News *, Error *);
/* With adapters (run/adapter.h), whose changes are added up; the task, defaults and tokenizer of the first
 * count, if it has them. */
bool bundle_open_adapted(Bundle *, const char *model, const char *const *adapters, int count, const News *,
                         Error *);
/* Only the configuration and the labels in it, for resuming a run; fails if it was edited since. */
bool bundle_config(Config *, Labels *, const char *path, Error *);
/* Only the tokenizer, with the separate tokenizer of sources, if any, attached to it. */
Tokenizer *bundle_tokenizer(const char *model, Error *);
/* Only the chat template, as in Bundle, with this tokenizer of the model; NULL is not a failure. */
bool bundle_template(const char *model, const Tokenizer *, ChatTemplate **, Error *);
/* A tokenizer alone: tokenizer.json, a directory that contains one, or a model file that does (GGUF). */
Tokenizer *bundle_tokenizer_at(const char *model, Error *);
/* Fails unless the tokenizer is the one that the card's model was trained with. */
bool bundle_same_tokenizer(const json_t *card, const Tokenizer *, const char *directory, Error *);
void bundle_close(Bundle *);

/* What a model is trained for. */
typedef struct BundleUse {
  const Task *task;
  const Settings *settings; /* include those of beam search if the task has pairs */
  const Bundle *base;       /* the model that training started from; NULL: none */
  const Labels *labels;     /* of a classifier; NULL: none */
  bool adapter;             /* an adapter of it is trained: the directory has no configuration of its own */
} BundleUse;

/* Writes all files but the weights, replacing each atomically. Adds fingerprints to `card`. */
bool bundle_write_description(const char *directory, const Config *, const Tokenizer *, const BundleUse *,
                              json_t *card, Error *);
/* Writes the tokenizers, that of sources too, and the other parts. */
bool bundle_write_parts(const char *directory, const Tokenizer *, ModelParts, Error *);
/* Records in the card which configuration and tokenizer belong to the model. */
void bundle_fingerprint(json_t *card, const json_t *configuration, const Tokenizer *);
/* What the card says of how the model is used, for other formats: not how it was trained, which differs from
 * run to run and names files, and no fingerprints, as they have another configuration and tokenizer. Caller:
 * json_decref. */
json_t *bundle_portable_card(const Bundle *);
bool bundle_write_card(const char *directory, const json_t *card, Error *);

/* The token that starts a text: the one used in training, else the tokenizer's; -1: none. */
int32_t bundle_begin(const Bundle *);
/* The token behind it that a text without a prompt starts with (MaterialTokens); -1: none. */
int32_t bundle_opening(const Bundle *);
int32_t bundle_card_token(const json_t *card, const char *key, int32_t otherwise);

/* Whether Inkstone trained the model. For other models, the files define the begin and end tokens. */
bool bundle_is_ours(const Bundle *);
/* The task it was trained for; for other programs' models, what the architecture supports. */
const Task *bundle_task(const Bundle *);
/* Fails if the model was not trained for the task; the message names its task. */
bool bundle_check_task(const Bundle *, const Task *, Error *);
/* Fails for a classifier, which predicts labels instead of tokens. */
bool bundle_check_tokens(const Bundle *, Error *);
/* The layout of its inputs, from the special tokens of the tokenizer and config.json. */
bool bundle_layout(const Bundle *, const Task *, PairLayout *, Error *);

#endif
