/* encoder_decoder.h - what Transformers with an encoder share (Vaswani et al. 2017). Names and config.json
 * are those of transformers' Marian, BART and MBart classes, which differ in the following. */
#ifndef MODELS_ENCODER_DECODER_H
#define MODELS_ENCODER_DECODER_H

#include "models/model.h"

typedef struct EncoderDecoder {
  bool pre_norm;          /* a norm before each block and one at the end, instead of one behind each block */
  bool learned_positions; /* a table, whose first two rows nothing uses; else sinusoids */
  bool embedding_norm;    /* a norm behind the embedding */
} EncoderDecoder;

Output encoder_decoder_forward(Net *, const Config *, const Batch *, const EncoderDecoder *);
bool encoder_decoder_complete(Config *, Error *);
bool encoder_decoder_read_rest(Config *, const json_t *config, const char *where, Error *);
void encoder_decoder_write_rest(const Config *, json_t *config);
extern const Preset encoder_decoder_presets[PRESETS];
extern const ConfigKey encoder_decoder_keys[];

/* The members of Arch that all of them have alike. */
#define ENCODER_DECODER_ARCH                                                         \
  .encodes = true, .presets = encoder_decoder_presets, .keys = encoder_decoder_keys, \
  .complete = encoder_decoder_complete, .read_rest = encoder_decoder_read_rest,      \
  .write_rest = encoder_decoder_write_rest

#endif
