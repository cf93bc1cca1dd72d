/* marian.c - the Transformer as Vaswani et al. (2017) drew it and Marian NMT trains it: sinusoidal positions,
 * norms behind the blocks, one embedding for source, target and output, or another for the source.
 * MarianMTModel loads it. */
#include "models/encoder_decoder.h"

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
