/* mbart.c - BART with norms before the blocks (Liu et al. 2020), which allows deeper networks and training
 * without warm-up (Xiong et al. 2020). transformers: MBartForConditionalGeneration. */
#include "models/encoder_decoder.h"

/* vocabulary; begin, end, padding, start of a target */
static const ConfigKey keys[] = {ENCODER_DECODER_KEYS(50265, 0, 2, 1, -1)};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  static const EncoderDecoder kind = {.names = &encoder_decoder_names,
                                      .pre_norm = true,
                                      .positions = POSITIONS_TABLE,
                                      .unused_positions = 2,
                                      .embedding_norm = true,
                                      .logits_bias = true};
  return encoder_decoder_forward(net, c, batch, &kind);
}

const Arch arch_mbart = {.name = "mbart",
                         .model_type = "mbart",
                         .hf_class = "MBartForConditionalGeneration",
                         .forward = forward,
                         ENCODER_DECODER_ARCH};
