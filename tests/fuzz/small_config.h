/* small_config.h - networks that a fuzzer has time to build and run. */
#ifndef TESTS_SMALL_CONFIG_H
#define TESTS_SMALL_CONFIG_H

#include "models/model.h"

static inline bool is_small(const Config *c) {
  return c->vocabulary <= 512 && c->source_vocabulary <= 512 && c->layers <= 3 && c->encoder_layers <= 3 &&
         c->width <= 64 && c->ffn <= 256 && c->encoder_ffn <= 256 && c->context <= 64 && c->heads <= 16 &&
         c->encoder_heads <= 16;
}

#endif
