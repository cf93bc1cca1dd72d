/* encoder_decoder.h - Transformers with encoder and decoder (Vaswani et al. 2017). Names and config.json are
 * those of transformers' Marian, BART and MBart classes, which differ in the members of EncoderDecoder. */
#ifndef MODELS_ENCODER_DECODER_H
#define MODELS_ENCODER_DECODER_H

#include <math.h>

#include "models/model.h"

typedef struct EncoderDecoder {
  bool pre_norm;          /* a norm before each block and one at the end, instead of one after each block */
  bool learned_positions; /* a table, whose first two rows are unused; else sinusoids */
  bool embedding_norm;    /* a norm after the embedding */
} EncoderDecoder;

Output encoder_decoder_forward(Net *, const Config *, const Batch *, const EncoderDecoder *);
bool encoder_decoder_complete(Config *, const char *where, Error *);
bool encoder_decoder_read_rest(Config *, const json_t *config, const char *where, Error *);
void encoder_decoder_write_rest(const Config *, json_t *config);
extern const Preset encoder_decoder_presets[PRESETS];
extern const ConfigFact encoder_decoder_facts[];
extern const Naming encoder_decoder_namings[];

/* The classes differ in a few defaults only. */
// clang-format off
#define ENCODER_DECODER_KEYS(vocabulary_, bos_, eos_, pad_, start_)                                  \
  {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), vocabulary_, NAN, NULL},                   \
  {"decoder_layers", CONFIG_INT, offsetof(Config, layers), 12, NAN, NULL},                            \
  {"encoder_layers", CONFIG_INT, offsetof(Config, encoder_layers), 12, NAN, "num_hidden_layers"},     \
  {"d_model", CONFIG_INT, offsetof(Config, width), 1024, NAN, "hidden_size"},                         \
  {"decoder_attention_heads", CONFIG_INT, offsetof(Config, heads), 16, NAN, NULL},                    \
  {"encoder_attention_heads", CONFIG_INT, offsetof(Config, encoder_heads), 16, NAN, "num_attention_heads"}, \
  {"decoder_ffn_dim", CONFIG_INT, offsetof(Config, ffn), 4096, NAN, NULL},                            \
  {"encoder_ffn_dim", CONFIG_INT, offsetof(Config, encoder_ffn), 4096, NAN, NULL},                    \
  {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), 1024, NAN, NULL},                \
  {"scale_embedding", CONFIG_BOOL, offsetof(Config, scale_embedding), 0, NAN, NULL},                  \
  {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},                         \
  {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), bos_, -1, NULL},                              \
  {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), eos_, -1, NULL},                              \
  {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), pad_, -1, NULL},                              \
  {"decoder_start_token_id", CONFIG_TOKEN, offsetof(Config, decoder_start), start_, -1, NULL},        \
  {NULL, 0, 0, 0, 0, NULL}
// clang-format on

/* Common members of Arch. */
#define ENCODER_DECODER_ARCH                                                                         \
  .encodes = true, .presets = encoder_decoder_presets, .keys = keys, .facts = encoder_decoder_facts, \
  .namings = encoder_decoder_namings, .complete = encoder_decoder_complete,                          \
  .read_rest = encoder_decoder_read_rest, .write_rest = encoder_decoder_write_rest

#endif
