/* gru.c - language model of stacked gated recurrent units (Cho et al. 2014). */
#include "models/recurrent.h"

#include <math.h>

static const Preset presets[PRESETS] = {
    {"nano", 2, 36, 0, 0, 64},    {"tiny", 2, 176, 0, 0, 64},     {"small", 2, 464, 0, 0, 128},
    {"base", 3, 1088, 0, 0, 128}, {"medium", 4, 2048, 0, 0, 128},
};

Tensor *gru_layer(Net *net, const Config *c, Tensor *x) {
  const int64_t out = 3 * c->width;
  Tensor *h = recurrent_state(net, c, "h"), *h_last;
  Tensor *gates = recurrent_input(net, c, x, 3, INIT_UNIFORM);
  Tensor *bias =
      net_param(net, "bias_hh", 1, &out, (Init){INIT_UNIFORM, 1 / sqrtf((float)c->width)}, PARAM_VECTOR);
  x = op_gru(net->tape, gates, recurrent_weight(net, c, 3), bias, h, &h_last);
  net_set_state(net, "h", h_last);
  return x;
}

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return recurrent_forward(net, c, batch, gru_layer);
}

const Arch arch_gru = {.name = "gru",
                       .model_type = "inkstone_gru",
                       .hf_class = "InkstoneGru",
                       .unlimited_context = true,
                       .presets = presets,
                       .keys = recurrent_keys,
                       .namings = recurrent_namings,
                       .forward = forward,
                       .complete = recurrent_complete,
                       .read_rest = recurrent_read_rest,
                       .write_rest = recurrent_write_rest};
