/* bart.c - BART (Lewis et al. 2020): learned positions, a norm after the embedding, norms after the blocks.
 * transformers: BartForConditionalGeneration. */
#include "models/encoder_decoder.h"

/* vocabulary; begin, end, padding, start of a target */
static const ConfigKey keys[] = {ENCODER_DECODER_KEYS(50265, 0, 2, 1, 2)};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  static const EncoderDecoder kind = {.names = &encoder_decoder_names,
                                      .positions = POSITIONS_TABLE,
                                      .unused_positions = 2,
                                      .embedding_norm = true,
                                      .logits_bias = true};
  return encoder_decoder_forward(net, c, batch, &kind);
}

const Arch arch_bart = {.name = "bart",
                        .model_type = "bart",
                        .hf_class = "BartForConditionalGeneration",
                        .forward = forward,
                        ENCODER_DECODER_ARCH};
