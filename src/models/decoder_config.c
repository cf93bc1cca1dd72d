/* decoder_config.c - reading and writing config.json, shared by decoder-only families. */
#include <string.h>

#include "models/decoder.h"

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL, FORM_SAME},
    {"model.layers.#.self_attn.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {"model.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};

#define ROWS FORM_SAME
#define NORM FORM_SAME
static const TensorName gguf_same[] = {
#include "models/gguf_names.inc"
};
#undef ROWS
#define ROWS FORM_PAIRS
static const TensorName gguf_pairs[] = {
#include "models/gguf_names.inc"
};
#undef ROWS
#undef NORM
#define ROWS FORM_SAME
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
  return true;
}

/* ---- rotary positions ---- */

int64_t decoder_rotated(const Config *c) {
  return c->rotary_size ? c->rotary_size : (int64_t)((double)c->head_size * c->rotary_share);
}

void decoder_frequencies(float *each, int64_t count, double theta, const RopeScaling *s) {
  const float factor = (float)s->factor;
  for (int64_t i = 0; i < count; i++) {
    const float plain = 1 / powf((float)theta, (float)(2 * i) / (float)(2 * count));
    each[i] = plain;
    if (s->type == ROPE_LINEAR) each[i] = plain / factor;
    if (s->type != ROPE_LLAMA3) continue;
    const float wave = 6.2831853f / plain, turns = (float)s->first_size / wave;
    const float share = (turns - (float)s->low) / ((float)s->high - (float)s->low);
    if (turns < (float)s->low)
      each[i] = plain / factor;
    else if (turns <= (float)s->high)
      each[i] = (1 - share) * plain / factor + share * plain;
  }
}

static const char *const rope_types[] = {
    [ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear", [ROPE_LLAMA3] = "llama3"};
enum { ROPE_TYPES = sizeof rope_types / sizeof *rope_types };

static bool read_llama3(RopeScaling *s, const json_t *rope, const char *where, Error *err) {
  return json_get_real(rope, "low_freq_factor", 1, &s->low, where, err) &&
         json_get_real(rope, "high_freq_factor", 4, &s->high, where, err) &&
         json_get_real(rope, "original_max_position_embeddings", 8192, &s->first_size, where, err) &&
         ((s->low > 0 && s->high > s->low && s->first_size > 0) ||
          fail(err,
               "%s: rotary positions: low_freq_factor %g, high_freq_factor %g and "
               "original_max_position_embeddings %g are not valid for llama3",
               where, s->low, s->high, s->first_size));
}

static int rope_type_index(const char *type) {
  int i = 0;
  while (i < ROPE_TYPES && strcmp(type, rope_types[i])) i++;
  return i;
}

static bool read_scaling(RopeScaling *s, const json_t *rope, const char *where, Error *err) {
  const char *type = json_get_text(rope, "rope_type", json_get_text(rope, "type", "default"));
  const int index = rope_type_index(type);
  if (index == ROPE_TYPES)
    return fail(err, "%s: rotary positions of type \"%s\" are not supported", where, type);
  *s = (RopeScaling){.type = (RopeType)index};
  if (s->type == ROPE_DEFAULT) return true;
  if (!json_get_real(rope, "factor", 1, &s->factor, where, err)) return false;
  if (!(s->factor > 0)) return fail(err, "%s: rotary positions: factor %g is not positive", where, s->factor);
  return s->type != ROPE_LLAMA3 || read_llama3(s, rope, where, err);
}

bool decoder_read_rope_of(RopeFields to, const json_t *rope, const char *where, Error *err) {
  if (!rope || json_is_null(rope)) return true;
  if (!json_is_object(rope))
    return fail(err, "%s: \"rope_scaling\" or \"rope_parameters\" is not an object", where);
  double share;
  if (!read_scaling(to.scaling, rope, where, err) ||
      !json_get_real(rope, "partial_rotary_factor", to.share ? *to.share : 1, &share, where, err))
    return false;
  if (!to.share && share != 1)
    return fail(err, "%s: partial_rotary_factor %g is not supported, only 1", where, share);
  if (to.share) *to.share = share;
  return json_get_real(rope, "rope_theta", *to.theta, to.theta, where, err);
}

/* Newer files: {"rope_parameters": {"rope_theta": F, "rope_type": "default"}}; older ones: "rope_scaling". */
bool decoder_read_rope(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *rope = json_object_get(config, "rope_scaling");
  if (rope && !json_is_object(rope) && !json_is_null(rope))
    return fail(err, "%s: \"rope_scaling\" is neither an object nor null", where);
  if (!json_object_size(rope)) rope = json_object_get(config, "rope_parameters");
  const RopeFields to = {&c->rope_theta, c->rotary_share != 0 ? &c->rotary_share : NULL, &c->rope_scaling};
  return decoder_read_rope_of(to, rope, where, err);
}

json_t *decoder_rope_json(const RopeScaling *s) {
  json_t *rope = json_build("{s:s}", "rope_type", rope_types[s->type]);
  if (s->type != ROPE_DEFAULT) json_put(rope, "factor", json_real(s->factor));
  if (s->type == ROPE_LLAMA3)
    json_merge(rope, json_build("{s:f, s:f, s:I}", "low_freq_factor", s->low, "high_freq_factor", s->high,
                                "original_max_position_embeddings", (json_int_t)s->first_size));
  return rope;
}

void decoder_write_rope(const Config *c, json_t *config) {
  json_put(config, "rope_scaling",
           c->rope_scaling.type == ROPE_DEFAULT ? json_null() : decoder_rope_json(&c->rope_scaling));
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
