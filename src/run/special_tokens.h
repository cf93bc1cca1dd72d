/* special_tokens.h - the begin, end and padding tokens of a model: ids in config.json and
 * generation_config.json, names in tokenizer_config.json. */
#ifndef RUN_SPECIAL_TOKENS_H
#define RUN_SPECIAL_TOKENS_H

#include "data/task.h"
#include "io/source.h"
#include "models/model.h"
#include "text/tokenizer.h"

/* Passes the end token of the other files to a tokenizer whose own files name none. */
bool special_tokens_offer(Tokenizer *, const ModelSource *, Error *);
/* Sets the end tokens: those of generation_config.json, else config.json, else the tokenizer. */
bool special_tokens_settle(Config *, const json_t *generation, const Tokenizer *, Error *);
/* The names of the begin (`begin`; -1: none), end and padding tokens, and the remark on the tokenizer's
 * files, if any: a new object. */
json_t *special_tokens_describe(const Config *, const Tokenizer *, int32_t begin, int32_t opening);
/* tokenizer_config.json, which names only tokens that the tokenizer has. `from`: the base model, whose chat
 * template is kept unless the task has its own; NULL: none. NULL on failure. */
json_t *special_tokens_json(const Config *, const Tokenizer *, const Task *, const ModelSource *from,
                            Error *);
/* tokenizer_config.json of a model that is only converted: that of its source, with the names it lacks. NULL
 * on failure. */
json_t *special_tokens_kept(const Config *, const Tokenizer *, const ModelSource *, Error *);

#endif
