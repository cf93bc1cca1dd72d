/* generation.h - how a model's texts are written: what its generation_config.json asks for
 * (models/generation.def), under what the user asks for. */
#ifndef RUN_GENERATION_H
#define RUN_GENERATION_H

#include "run/bundle.h"
#include "run/rules.h"
#include "run/sampler.h"
#include "run/search.h"

/* What the source says of it, or of older directories its keys in config.json. Refuses by name what would
 * change a text and is not done, and ids that the vocabulary does not have. NULL on failure. */
json_t *generation_read(const ModelSource *, const Config *, Error *);

/* The tokens that it names in place of config.json's. */
void generation_settle(Config *, const json_t *);

typedef struct Generation {
  Settings *settings; /* the user's, and where nothing is given what the model asks for */
  SearchSettings search;
  const SamplingSettings *sampling; /* of `settings` */
  Rules rules;
  int32_t never; /* a token that no text has; -1: none */
} Generation;

/* With the layout of a task that rewrites, else NULL. Refuses settings that would be without effect, or
 * contradict the model. To be closed in any case. */
bool generation_open(Generation *, const Bundle *, const PairLayout *, const Settings *, Error *);
void generation_close(Generation *);
/* Only the model's defaults, filled in; and these for people, by the names of settings, with the rules. */
bool generation_fill(Settings *, const Bundle *, Error *);
json_t *generation_describe(const Bundle *);

/* generation_config.json of a model of ours: what the model it was trained from asks for stays, but for what
 * is given and the tokens. */
json_t *generation_json(const Config *, const BundleUse *);

#endif
