/* special_tokens.h - which tokens begin, end and fill up the texts of a model directory: ids in config.json
 * and generation_config.json, names in tokenizer_config.json. */
#ifndef RUN_SPECIAL_TOKENS_H
#define RUN_SPECIAL_TOKENS_H

#include "data/task.h"
#include "io/source.h"
#include "models/model.h"
#include "text/tokenizer.h"

/* Tells a tokenizer whose files name no end what the rest of the source says. */
bool special_tokens_offer(Tokenizer *, const ModelSource *, Error *);
/* What ends the model's texts: generation_config.json's tokens, else config.json's, else the tokenizer's. */
bool special_tokens_settle(Config *, const json_t *generation, const Tokenizer *, Error *);
/* Which tokens begin a text (`begin`; -1: none), end it and pad, by their names, and what is to be said of
 * the tokenizer's files: a new object. */
json_t *special_tokens_describe(const Config *, const Tokenizer *, int32_t begin);
/* tokenizer_config.json, which names tokens that the tokenizer has, and no others. `from`: the model that
 * this one was trained from, whose chat template stays unless the task has ours; NULL: none. NULL on failure.
 */
json_t *special_tokens_json(const Config *, const Tokenizer *, const Task *, const ModelSource *from,
                            Error *);

#endif
