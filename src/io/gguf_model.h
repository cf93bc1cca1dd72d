/* gguf_model.h - the metadata of a GGUF file in the words of transformers and of Hugging Face's tokenizers. A
 * key that changes what a model computes and is not understood is refused by name. */
#ifndef IO_GGUF_MODEL_H
#define IO_GGUF_MODEL_H

#include "base/buffer.h"
#include "base/json.h"
#include "io/gguf.h"

/* As config.json; NULL on failure. Caller: json_decref. */
json_t *gguf_configuration(const Gguf *, Error *);
/* As tokenizer.json, appended to `out`. */
bool gguf_tokenizer(const Gguf *, Buffer *out, Error *);

#endif
