/* encoder_decoder.h - Transformers with encoder and decoder (Vaswani et al. 2017). Names and config.json are
 * those of transformers' classes, which differ in the members of EncoderDecoder. */
#ifndef MODELS_ENCODER_DECODER_H
#define MODELS_ENCODER_DECODER_H

#include <math.h>

#include "models/model.h"

/* Names within a layer; those of the feed-forward block in the encoder and in the decoder. */
typedef struct EncoderDecoderNames {
  const char *body, *layers, *last_norm;
  const char *self, *self_norm, *cross, *cross_norm, *q, *k, *v, *out;
  const char *ffn_norm[2], *up[2], *gate[2], *gated_up[2],
      *down[2]; /* gated_up: instead of up if there is a gate */
} EncoderDecoderNames;
extern const EncoderDecoderNames encoder_decoder_names; /* BART's */

typedef struct EncoderDecoder {
  const EncoderDecoderNames *names;
  bool pre_norm; /* a norm before each block and one at the end, instead of one after each block */
  enum {
    POSITIONS_SINUSOIDS,
    POSITIONS_FAIRSEQ, /* other frequencies, from the padding token's id + 1 on */
    POSITIONS_TABLE,
    POSITIONS_RELATIVE /* T5: a bias of scores by distance, which are not scaled; RMS norms, no other biases
                        */
  } positions;
  int64_t unused_positions; /* first rows of the table */
  bool embedding_norm;      /* a norm after the embedding */
  bool norm_first;          /* in the decoder before positions are added */
  bool logits_bias;         /* "final_logits_bias" */
  bool bias_each;           /* each layer has its own bias by distance, not only the first one */
} EncoderDecoder;

Output encoder_decoder_forward(Net *, const Config *, const Batch *, const EncoderDecoder *);
bool encoder_decoder_complete(Config *, const char *where, Error *);
bool encoder_decoder_read_rest(Config *, const json_t *config, const char *where, Error *);
/* The same with the activation of the class's default. */
bool encoder_decoder_read(Config *, const json_t *config, const char *activation, const char *where, Error *);
bool encoder_decoder_read_activation(Config *, const char *key, const char *name, const char *where, Error *);
void encoder_decoder_write_rest(const Config *, json_t *config);
extern const Preset encoder_decoder_presets[PRESETS];
extern const ConfigFact encoder_decoder_facts[];
extern const Naming encoder_decoder_namings[];

/* The classes differ in a few defaults only. */
// clang-format off
#define ENCODER_DECODER_KEYS(vocabulary_, bos_, eos_, pad_, start_)                                  \
  ENCODER_DECODER_SIZED_KEYS(12, 12, 1024, 16, 4096, 1024, 0, vocabulary_, bos_, eos_, pad_, start_)
#define ENCODER_DECODER_SIZED_KEYS(encoder_layers_, layers_, width_, heads_, ffn_, context_, scale_, vocabulary_, bos_, eos_, pad_, start_) \
  {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), vocabulary_, NAN, NULL},                   \
  {"decoder_layers", CONFIG_INT, offsetof(Config, layers), layers_, NAN, NULL},                            \
  {"encoder_layers", CONFIG_INT, offsetof(Config, encoder_layers), encoder_layers_, NAN, "num_hidden_layers"},     \
  {"d_model", CONFIG_INT, offsetof(Config, width), width_, NAN, "hidden_size"},                         \
  {"decoder_attention_heads", CONFIG_INT, offsetof(Config, heads), heads_, NAN, NULL},                    \
  {"encoder_attention_heads", CONFIG_INT, offsetof(Config, encoder_heads), heads_, NAN, "num_attention_heads"}, \
  {"decoder_ffn_dim", CONFIG_INT, offsetof(Config, ffn), ffn_, NAN, NULL},                            \
  {"encoder_ffn_dim", CONFIG_INT, offsetof(Config, encoder_ffn), ffn_, NAN, NULL},                    \
  {"max_position_embeddings", CONFIG_INT, offsetof(Config, context), context_, NAN, NULL},                \
  {"scale_embedding", CONFIG_BOOL, offsetof(Config, scale_embedding), scale_, NAN, NULL},                  \
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
