/* marian.c - the Transformer of Vaswani et al. (2017), as trained by Marian NMT: sinusoidal positions, norms
 * after the blocks, one embedding for source, target and output, optionally a separate one for the source.
 * transformers: MarianMTModel. */
#include "models/encoder_decoder.h"

/* vocabulary; begin, end, padding, start of a target */
static const ConfigKey keys[] = {ENCODER_DECODER_KEYS(58101, -1, 0, 58100, 58100)};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  static const EncoderDecoder kind = {.names = &encoder_decoder_names, .logits_bias = true};
  return encoder_decoder_forward(net, c, batch, &kind);
}

const Arch arch_marian = {.name = "marian",
                          .model_type = "marian",
                          .hf_class = "MarianMTModel",
                          .separable = true,
                          .forward = forward,
                          ENCODER_DECODER_ARCH};
