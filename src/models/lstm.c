/* lstm.c - language model of stacked long short-term memory layers (Hochreiter & Schmidhuber 1997). */
#include "models/recurrent.h"

static const Preset presets[PRESETS] = {
    {"nano", 2, 36, 0, 0, 64},   {"tiny", 2, 160, 0, 0, 64},     {"small", 2, 416, 0, 0, 128},
    {"base", 3, 960, 0, 0, 128}, {"medium", 4, 1792, 0, 0, 128},
};

Tensor *lstm_layer(Net *net, const Config *c, Tensor *x) {
  Tensor *h = recurrent_state(net, c, "h"), *cell = recurrent_state(net, c, "c"), *h_last, *c_last;
  Tensor *gates = recurrent_input(net, c, x, 4, INIT_FORGET);
  x = op_lstm(net->tape, gates, recurrent_weight(net, c, 4), h, cell, &h_last, &c_last);
  net_set_state(net, "h", h_last);
  net_set_state(net, "c", c_last);
  return x;
}

static Output forward(Net *net, const Config *c, const Batch *batch) {
  return recurrent_forward(net, c, batch, lstm_layer);
}

const Arch arch_lstm = {.name = "lstm",
                        .model_type = "inkstone_lstm",
                        .hf_class = "InkstoneLstm",
                        .unlimited_context = true,
                        .presets = presets,
                        .keys = recurrent_keys,
                        .namings = recurrent_namings,
                        .forward = forward,
                        .complete = recurrent_complete,
                        .read_rest = recurrent_read_rest,
                        .write_rest = recurrent_write_rest};
