/* generation.h - settings and rules of generation: the defaults of the model's generation_config.json
 * (models/generation.def), overridden by the user's settings. */
#ifndef RUN_GENERATION_H
#define RUN_GENERATION_H

#include "run/bundle.h"
#include "run/rules.h"
#include "run/sampler.h"
#include "run/search.h"

/* Reads generation_config.json; in older directories, the same keys of config.json. Fails, naming the key, if
 * a key would change the output and is not supported, or a token id is not in the vocabulary. NULL on
 * failure. */
json_t *generation_read(const ModelSource *, const Config *, Error *);

/* Overrides tokens of config.json by those of generation_config.json. */
void generation_settle(Config *, const json_t *);

typedef struct Generation {
  Settings *settings; /* the user's, else the model's defaults */
  SearchSettings search;
  const SamplingSettings *sampling; /* points into `settings` */
  Rules rules;
  int32_t never;             /* a token that is never generated; -1: none */
  ConstraintUse *constraint; /* NULL: none */
} Generation;

/* `layout`: of a task with pairs, else NULL. Settings without those of beam search sample. Fails for settings
 * that would have no effect or contradict the model. Close it in any case. */
bool generation_open(Generation *, const Bundle *, const PairLayout *, const Settings *, Error *);
/* Lets texts be as long as max_length of generation_config.json allows, which counts the prompt of a model
 * without an encoder: sources and conversations are then fitted into that as into the context. */
bool generation_fit(const Generation *, PairLayout *, Error *);
void generation_close(Generation *);
/* Fills in only the model's defaults; describes them by the names of settings, with the rules. */
bool generation_fill(Settings *, const Bundle *, Error *);
json_t *generation_describe(const Bundle *);
/* generation_config.json for a file that does not say whose model it is: with the defaults that absent keys
 * have in Inkstone's own models. */
json_t *generation_portable(const Bundle *);

/* generation_config.json of a trained model: that of the base model, updated by the settings given and by the
 * tokens. */
json_t *generation_json(const Config *, const BundleUse *);

#endif
