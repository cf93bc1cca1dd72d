/* decoder_config.c - reading and writing config.json, shared by decoder-only families. */
#include <string.h>

#include "models/decoder.h"

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL, FORM_SAME},
    {"model.layers.#.self_attn.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {"model.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};

#define ROWS            FORM_SAME
#define NORM            FORM_SAME
#define AFTER_ATTENTION 0
static const TensorName gguf_same[] = {
#include "models/gguf_names.inc"
};
#undef ROWS
#define ROWS FORM_PAIRS
static const TensorName gguf_pairs[] = {
#include "models/gguf_names.inc"
};
#undef ROWS
#define ROWS FORM_SAME
#undef AFTER_ATTENTION
#define AFTER_ATTENTION 1
static const TensorName gguf_behind[] = {
#include "models/gguf_names.inc"
};
#undef AFTER_ATTENTION
#define AFTER_ATTENTION 2
#undef NORM
#define NORM FORM_PLUS_ONE
static const TensorName gguf_plus_one[] = {
#include "models/gguf_names.inc"
};

const Naming decoder_namings[] = {{"huggingface", "model.", names},
                                  {"gguf", "", gguf_same},
                                  {NULL, NULL, NULL}},
             decoder_namings_pairs[] = {{"huggingface", "model.", names},
                                        {"gguf", "", gguf_pairs},
                                        {"llama2c", "", gguf_pairs}, /* no names: the reader gives GGUF's */
                                        {NULL, NULL, NULL}},
             decoder_namings_behind[] = {{"huggingface", "model.", names},
                                         {"gguf", "", gguf_behind},
                                         {NULL, NULL, NULL}},
             decoder_namings_plus_one[] = {
                 {"huggingface", "model.", names}, {"gguf", "", gguf_plus_one}, {NULL, NULL, NULL}};

void decoder_begin_experts(Config *c) {
  c->experts = 4;
  c->experts_each = 2;
  c->normalize_experts = true;
}

bool decoder_complete_experts(Config *c, const char *where, Error *err) {
  const bool given = c->ffn > 0;
  if (c->experts < 1 || c->experts_each < 1)
    return fail_value(err, where, "give at least one",
                      "%lld experts, of which a token uses %lld, are not supported", (long long)c->experts,
                      (long long)c->experts_each);
  if (!decoder_complete(c, where, err)) return false;
  if (!given) c->ffn = (c->ffn + c->experts - 1) / c->experts;
  return true;
}

bool decoder_complete(Config *c, const char *where, Error *err) {
  if (!c->kv_heads) c->kv_heads = c->heads;
  if (c->rotary_share == 0) c->rotary_share = 1;
  if (!c->ffn)
    c->ffn = (c->width * 8 / 3 + 31) / 32 *
             32; /* three matrices of 8/3 D x D have as many weights as two of 4 D x D */
  if (c->heads < 1 || (!c->head_size && c->width % c->heads))
    return fail_value(err, where, "give a width that is a multiple of the number of heads",
                      "a width of %lld cannot be divided among %lld heads", (long long)c->width,
                      (long long)c->heads);
  if (!c->head_size) c->head_size = c->width / c->heads;
  const int64_t rotated = c->rotary_share >= 0 && c->rotary_share <= 1 ? decoder_rotated(c) : 0;
  if (c->head_size > 0 && rotated > c->head_size)
    return fail_value(err, where, "give a width and heads for which it is not more",
                      "%lld rotary values per head (rotary_dim) are more than the head's %lld",
                      (long long)rotated, (long long)c->head_size);
  if (rotated < 2 || rotated % 2)
    return fail_value(err, where, "give a width and heads for which it is even",
                      "%lld values per head (width / heads) cannot be rotated in pairs", (long long)rotated);
  if (c->kv_heads < 1 || c->heads % c->kv_heads)
    return fail_value(err, where, "give a number of heads that is a multiple of it",
                      "%lld heads cannot share %lld key/value heads", (long long)c->heads,
                      (long long)c->kv_heads);
  return decoder_check_rope(c, where, err);
}

bool decoder_complete_plain(Config *c, const char *where, Error *err) {
  if (!c->ffn) c->ffn = 4 * c->width;
  if (c->heads < 1 || c->width % c->heads)
    return fail_value(err, where, "give a width that is a multiple of the number of heads",
                      "a width of %lld cannot be divided among %lld heads", (long long)c->width,
                      (long long)c->heads);
  if (c->kv_heads && c->kv_heads != c->heads)
    return fail_value(err, where, "leave out --kv-heads, or use --arch llama",
                      "%s has no grouped-query attention", c->arch->name);
  c->kv_heads = c->heads;
  c->head_size = c->width / c->heads;
  return true;
}

bool decoder_read_nothing(Config *c, const json_t *config, const char *where, Error *err) {
  (void)c, (void)config, (void)where, (void)err;
  return true;
}

/* ---- windows ---- */

static const char sliding[] = "sliding_attention", full[] = "full_attention";

static bool read_layer(Config *c, const json_t *types, int64_t layer, const char *where, Error *err) {
  const char *type = json_string_value(json_array_get(types, (size_t)layer));
  if (!type || (strcmp(type, sliding) && strcmp(type, full)))
    return fail(err, "%s: \"layer_types\": layer %lld is neither \"%s\" nor \"%s\"", where, (long long)layer,
                full, sliding);
  if (!strcmp(type, sliding)) layer_set_add(&c->windowed, layer);
  return true;
}

bool decoder_read_layers(Config *c, const json_t *config, const LayerSet *otherwise, const char *where,
                         Error *err) {
  const json_t *types = json_object_get(config, "layer_types");
  bool windows = false;
  c->windowed = *otherwise;
  if (types && !json_is_null(types)) {
    c->windowed = (LayerSet){{0}};
    if (!json_is_array(types) || (int64_t)json_array_size(types) != c->layers || c->layers > MOST_LAYERS)
      return fail(err, "%s: \"layer_types\" is not a list of %lld layers", where, (long long)c->layers);
    for (int64_t i = 0; i < c->layers; i++)
      if (!read_layer(c, types, i, where, err)) return false;
  }
  for (int64_t i = 0; i < c->layers && i < MOST_LAYERS; i++) windows |= layer_set_has(&c->windowed, i);
  return !windows || c->window > 0 ||
         fail(err, "%s: some layers have a window, but sliding_window is missing", where);
}

void decoder_write_layers(const Config *c, json_t *config) {
  json_t *types = json_array();
  for (int64_t i = 0; i < c->layers; i++)
    json_push(types, json_string(layer_set_has(&c->windowed, i) ? sliding : full));
  json_put(config, "layer_types", types);
}

bool decoder_read_windows(Config *c, const json_t *config, const char *where, Error *err) {
  for (int64_t i = 0; c->window && i < c->layers && i < MOST_LAYERS; i++) layer_set_add(&c->windowed, i);
  return decoder_read_rope(c, config, where, err);
}

void decoder_write_windows(const Config *c, json_t *config) {
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_rope(c, config);
}

void decoder_begin_windows(Config *c, int64_t full_every) {
  c->window = c->context < 4 ? 1 : c->context / 4;
  c->windowed = decoder_all_but_every(c->layers < full_every ? c->layers : full_every, c->layers);
}

void decoder_rotate_windowed(Config *c) {
  for (int64_t i = 0; i < c->layers && i < MOST_LAYERS; i++)
    if (!layer_set_has(&c->windowed, i)) layer_set_add(&c->unrotated, i);
}

bool decoder_read_pattern(const Config *c, const json_t *config, int64_t full_every, LayerSet *windowed,
                          const char *where, Error *err) {
  const json_t *types = json_object_get(config, "layer_types");
  int64_t each = full_every;
  if ((!types || json_is_null(types)) &&
      !json_get_int(config, "sliding_window_pattern", full_every, &each, where, err))
    return false;
  if (each < 1)
    return fail(err, "%s: \"sliding_window_pattern\" is %lld, but must be at least 1", where,
                (long long)each);
  *windowed = decoder_all_but_every(each, c->layers);
  return true;
}

LayerSet decoder_all_but_every(int64_t step, int64_t layers) {
  LayerSet s = {{0}};
  for (int64_t i = 0; i < layers && i < MOST_LAYERS; i++)
    if ((i + 1) % step) layer_set_add(&s, i);
  return s;
}

bool decoder_read_last_layers(Config *c, const json_t *config, const char *where, Error *err) {
  bool windows;
  int64_t first;
  LayerSet windowed = {{0}};
  if (!json_get_bool(config, "use_sliding_window", false, &windows, where, err) ||
      !json_get_int(config, "max_window_layers", 28, &first, where, err))
    return false;
  if (!windows) c->window = 0;
  for (int64_t i = first < 0 ? 0 : first; c->window && i < c->layers && i < MOST_LAYERS; i++)
    layer_set_add(&windowed, i);
  return decoder_read_layers(c, config, &windowed, where, err) && decoder_read_rope(c, config, where, err);
}

void decoder_write_last_layers(const Config *c, json_t *config) {
  json_put(config, "use_sliding_window", json_boolean(c->window > 0));
  if (!c->window) json_put(config, "sliding_window", json_null());
  decoder_write_layers(c, config);
  decoder_write_rope(c, config);
}
