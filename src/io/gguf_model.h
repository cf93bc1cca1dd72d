/* gguf_model.h - the metadata of a GGUF file in the words of transformers and of Hugging Face's tokenizers. A
 * key that changes what a model computes and is not understood is refused by name. */
#ifndef IO_GGUF_MODEL_H
#define IO_GGUF_MODEL_H

#include "base/buffer.h"
#include "base/json.h"
#include "io/gguf.h"
#include "io/vocabulary.h"

/* The card: what a directory has as inkstone.json. */
#define GGUF_CARD "inkstone.card"

/* As config.json; NULL on failure. Caller: json_decref. */
json_t *gguf_configuration(const Gguf *, Error *);
/* And back: adds the metadata of a complete config.json, token ids of the end and padding included. */
bool gguf_put_configuration(GgufValues *, const json_t *config, Error *);
/* The name of that configuration's architecture in GGUF files; NULL: it has none. */
const char *gguf_architecture(const json_t *config, Error *);
/* A file with an adapter (general.type) instead of a model. */
bool gguf_is_adapter(const Gguf *);
/* As adapter_config.json, without "lora_alpha" if the change is not scaled, and inkstone.json. Caller:
 * json_decref of both, in any case. */
bool gguf_adapter(const Gguf *, json_t **configuration, json_t **card, Error *);
/* And back: of an adapter over the model with configuration `base`, whose change is not scaled. */
bool gguf_put_adapter(GgufValues *, const json_t *base, const char *base_name, const json_t *card, Error *);
/* As generation_config.json, with the tokens of that configuration; *out NULL: the file has none. */
bool gguf_generation(const Gguf *, const json_t *config, json_t **out, Error *);
void gguf_put_generation(GgufValues *, const json_t *generation);
/* A JSON object that is stored as text; empty if the file has none. Caller: json_decref. */
bool gguf_get_json(const Gguf *, const char *key, json_t **object, Error *);
void gguf_put_json(GgufValues *, const char *key, const json_t *object); /* nothing if it is empty */
/* What transformers calls the base of rotary positions, and how much of a head rotates. */
typedef struct GgufRope {
  const char *family;
  const char *theta; /* NULL: the family has no rotary positions */
  const char *share; /* NULL: all of a head rotates */
} GgufRope;
/* Rotary positions: "rope_scaling", and the share that rotates. */
bool gguf_read_rope(const Gguf *, GgufRope, json_t *config, Error *);
void gguf_write_rope(GgufValues *, GgufRope, const json_t *config);
int64_t gguf_head(const json_t *config); /* values of a head */
/* The tensors that say how rotary frequencies are scaled; returns their number. */
enum { GGUF_MOST_PAIRS = 512 };
typedef struct GgufFactors {
  const char *name;
  int64_t count;
  float values[GGUF_MOST_PAIRS];
} GgufFactors;
size_t gguf_rope_factors(const json_t *config, GgufFactors[2]);
/* Text is brought into NFC, which no common key says: "NFC". llama.cpp never does. */
#define GGUF_NORMALIZER "inkstone.tokenizer.normalizer"
bool gguf_tokenizer(const Gguf *, StoredTokenizer *out, Error *);
/* The id of a special token under a key such as "tokenizer.ggml.bos_token_id"; -1: none. */
bool gguf_get_id(const Gguf *, const char *key, int64_t *id, Error *);
/* And back. */
typedef struct GgufTokens {
  int64_t vocabulary;     /* rows of the embedding; those without a token get one that is not used */
  int64_t begin, unknown; /* -1: none */
  bool add_begin;         /* before every text */
} GgufTokens;
bool gguf_put_tokenizer(GgufValues *, const char *text, size_t length, const GgufTokens *, Error *);

/* How "tokenizer.ggml.pre" cuts words into what merges may join: each pattern cuts what the one before left
 * together. */
typedef struct GgufPattern {
  const char *names; /* with spaces between them; the first is written */
  const char *patterns[MOST_PATTERNS + 1];
  bool begins, whole; /* texts begin with the begin token; a word that is a token is that token */
} GgufPattern;
const GgufPattern *gguf_pattern(int index); /* NULL: no more; 0: GPT-2's */
const GgufPattern *gguf_pattern_named(const char *name);
const GgufPattern *gguf_pattern_of(const char *const patterns[MOST_PATTERNS + 1], bool whole);

#endif
