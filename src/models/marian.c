/* marian.c - the Transformer as Vaswani et al. (2017) drew it and Marian NMT trains it: sinusoidal positions,
 * norms behind the blocks, one embedding for source, target and output, or another for the source.
 * MarianMTModel loads it. */
#include "models/encoder_decoder.h"

/* vocabulary; begin, end, padding, start of a target */
static const ConfigKey keys[] = {ENCODER_DECODER_KEYS(58101, -1, 0, 58100, 58100)};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  static const EncoderDecoder kind = {0};
  return encoder_decoder_forward(net, c, batch, &kind);
}

const Arch arch_marian = {.name = "marian",
                          .model_type = "marian",
                          .hf_class = "MarianMTModel",
                          .separable = true,
                          .forward = forward,
                          ENCODER_DECODER_ARCH};
