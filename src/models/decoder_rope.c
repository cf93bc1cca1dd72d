/* decoder_rope.c - rotary positions: what config.json says of them, and the inverse frequencies and the
 * factor on cosines and sines that follow. i: a pair of d rotated values, plain[i] = theta^(-2i/d). */
#include <string.h>

#include "models/decoder.h"

int64_t decoder_rotated(const Config *c) {
  return c->rotary_size ? c->rotary_size : (int64_t)((double)c->head_size * c->rotary_share);
}

/* ---- frequencies ---- */

/* Dubey et al. 2024: long waves are scaled, short ones are not, those between in part. */
static float llama3_frequency(const RopeScaling *s, float plain) {
  const float wave = 6.2831853f / plain, turns = (float)s->first_size / wave, factor = (float)s->factor;
  const float share = (turns - (float)s->low) / ((float)s->high - (float)s->low);
  if (turns < (float)s->low) return plain / factor;
  return turns <= (float)s->high ? (1 - share) * plain / factor + share * plain : plain;
}

/* The pair, in fractions, whose wave turns that often in the first context. */
static double pair_of_turns(const RopeScaling *s, double turns, int64_t count, double theta) {
  return (double)count * log(s->first_size / (turns * 6.283185307179586)) / log(theta);
}

/* YaRN (Peng et al. 2023): as llama3, but in part by the number of the pair. */
static float yarn_frequency(const RopeScaling *s, float plain, int64_t i, int64_t count, double theta) {
  double low = pair_of_turns(s, s->high, count, theta), high = pair_of_turns(s, s->low, count, theta);
  if (s->truncate) low = floor(low), high = ceil(high);
  low = fmax(low, 0);
  high = fmin(high, (double)(2 * count - 1));
  if (low == high) high += 0.001;
  const float share = fminf(fmaxf(((float)i - (float)low) / (float)(high - low), 0), 1);
  return plain / (float)s->factor * share + plain * (1 - share);
}

/* Beyond the first context the base grows, so that the longest wave spans the text. */
static double dynamic_theta(const RopeScaling *s, double theta, int64_t count, int64_t length) {
  const double more = s->factor * fmax((double)length, s->first_size) / s->first_size - (s->factor - 1);
  return count > 1 ? theta * pow(more, (double)count / (double)(count - 1)) : theta;
}

void decoder_frequencies(float *each, int64_t count, double theta, const RopeScaling *s, int64_t length) {
  const double base = s->type == ROPE_DYNAMIC ? dynamic_theta(s, theta, count, length) : theta;
  for (int64_t i = 0; i < count; i++) {
    const float plain = 1 / powf((float)base, (float)(2 * i) / (float)(2 * count));
    each[i] = plain;
    if (s->type == ROPE_LINEAR) each[i] = plain / (float)s->factor;
    if (s->type == ROPE_LLAMA3) each[i] = llama3_frequency(s, plain);
    if (s->type == ROPE_YARN) each[i] = yarn_frequency(s, plain, i, count, theta);
    if (s->type == ROPE_LONG) each[i] = plain / s->factors[(double)length > s->first_size][i];
  }
}

/* ---- reading ---- */

static const char *const types[] = {
    [ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear", [ROPE_LLAMA3] = "llama3",
    [ROPE_DYNAMIC] = "dynamic", [ROPE_YARN] = "yarn",     [ROPE_LONG] = "longrope"};
enum { TYPES = sizeof types / sizeof *types };
static const char *const lists[] = {"short_factor", "long_factor"};

static const char original[] = "original_max_position_embeddings";

/* Destinations of what one object says; share NULL: only whole heads are supported. */
typedef struct RopeFields {
  double *theta, *share;
  RopeScaling *scaling;
  double context,
      first_size; /* max_position_embeddings; the context in pre-training, or 0 if the object has it */
} RopeFields;

static bool read_positive(const json_t *rope, const char *key, double otherwise, double *out,
                          const char *where, Error *err) {
  const json_t *value = json_object_get(rope, key);
  if (!value || json_is_null(value))
    *out = otherwise;
  else if (!json_get_real(rope, key, otherwise, out, where, err))
    return false;
  return (*out > 0 && *out < 1e9) ||
         fail(err, "%s: rotary positions: %s %g is not supported", where, key, *out);
}

static bool read_llama3(RopeScaling *s, const json_t *rope, const char *where, Error *err) {
  return json_get_real(rope, "low_freq_factor", 1, &s->low, where, err) &&
         json_get_real(rope, "high_freq_factor", 4, &s->high, where, err) &&
         ((s->low > 0 && s->high > s->low) ||
          fail(err,
               "%s: rotary positions: low_freq_factor %g and high_freq_factor %g are not valid for llama3",
               where, s->low, s->high));
}

static double yarn_scale(double factor, double share) {
  return factor > 1 ? 0.1 * share * log(factor) + 1 : 1;
}

static bool read_yarn(RopeScaling *s, const json_t *rope, const char *where, Error *err) {
  double of_scores, of_all;
  if (!json_get_bool(rope, "truncate", true, &s->truncate, where, err) ||
      !json_get_real(rope, "mscale", 0, &of_scores, where, err) ||
      !json_get_real(rope, "mscale_all_dim", 0, &of_all, where, err))
    return false;
  const double share = of_scores != 0 && of_all != 0
                           ? yarn_scale(s->factor, of_scores) / yarn_scale(s->factor, of_all)
                           : yarn_scale(s->factor, 1);
  return read_positive(rope, "beta_fast", 32, &s->high, where, err) &&
         read_positive(rope, "beta_slow", 1, &s->low, where, err) &&
         read_positive(rope, "attention_factor", share, &s->attention, where, err) &&
         (s->high >= s->low ||
          fail(err, "%s: rotary positions: beta_fast %g is below beta_slow %g", where, s->high, s->low));
}

static bool read_list(RopeScaling *s, int which, const json_t *rope, const char *where, Error *err) {
  const json_t *list = json_object_get(rope, lists[which]);
  const size_t count = json_array_size(list);
  bool good = count > 0 && count <= MOST_ROPE_FACTORS && (!which || (int64_t)count == s->count);
  for (size_t i = 0; i < count && good; i++) {
    s->factors[which][i] = (float)json_number_value(json_array_get(list, i));
    good = s->factors[which][i] > 0 && s->factors[which][i] < 1e9f;
  }
  s->count = (int64_t)count;
  return good ||
         fail(err,
              "%s: rotary positions: \"%s\" is not a list of up to %d positive numbers, as long as \"%s\"",
              where, lists[which], MOST_ROPE_FACTORS, lists[!which]);
}

static bool read_long(RopeScaling *s, const json_t *rope, const char *where, Error *err) {
  const double share = s->factor > 1 ? sqrt(1 + log(s->factor) / log(s->first_size)) : 1;
  return read_list(s, 0, rope, where, err) && read_list(s, 1, rope, where, err) &&
         read_positive(rope, "attention_factor", share, &s->attention, where, err);
}

/* Of yarn and longrope: how much longer the context is than the first one. */
static bool read_factor(RopeScaling *s, RopeFields to, const json_t *rope, const char *where, Error *err) {
  const double first = to.first_size > 0 && s->type != ROPE_DYNAMIC ? to.first_size : to.context;
  if (s->type == ROPE_DYNAMIC || to.first_size > 0)
    s->first_size = first;
  else if (!read_positive(rope, original, first, &s->first_size, where, err))
    return false;
  const bool ratio = s->type == ROPE_YARN || s->type == ROPE_LONG;
  return read_positive(rope, "factor", ratio ? to.context / s->first_size : 1, &s->factor, where, err);
}

static RopeType type_of(const json_t *rope, const char *type) {
  int i = 0;
  if (!strcmp(type, "su") || (!strcmp(type, "yarn") && json_object_get(rope, lists[0]))) return ROPE_LONG;
  while (i < TYPES && strcmp(type, types[i])) i++;
  return (RopeType)i;
}

static bool read_scaling(RopeFields to, const json_t *rope, const char *where, Error *err) {
  RopeScaling *s = to.scaling;
  const char *type = json_get_text(rope, "rope_type", json_get_text(rope, "type", "default"));
  *s = (RopeScaling){.type = type_of(rope, type), .attention = 1};
  if ((int)s->type == TYPES)
    return fail(err, "%s: rotary positions of type \"%s\" are not supported", where, type);
  if (s->type == ROPE_DEFAULT) return true;
  if (!read_factor(s, to, rope, where, err)) return false;
  if (s->type == ROPE_LLAMA3) return read_llama3(s, rope, where, err);
  if (s->type == ROPE_YARN) return read_yarn(s, rope, where, err);
  return s->type != ROPE_LONG || read_long(s, rope, where, err);
}

static bool read_rope(RopeFields to, const json_t *rope, const char *where, Error *err) {
  if (!rope || json_is_null(rope)) return true;
  if (!json_is_object(rope))
    return fail(err, "%s: \"rope_scaling\" or \"rope_parameters\" is not an object", where);
  double share;
  if (!read_scaling(to, rope, where, err) ||
      !json_get_real(rope, "partial_rotary_factor", to.share ? *to.share : 1, &share, where, err))
    return false;
  if (!to.share && share != 1)
    return fail(err, "%s: partial_rotary_factor %g is not supported, only 1", where, share);
  if (to.share) *to.share = share;
  if (!json_get_real(rope, "rope_theta", *to.theta, to.theta, where, err)) return false;
  return to.scaling->type != ROPE_YARN || *to.theta > 1 ||
         fail(err, "%s: a rope_theta of %g is not supported with yarn, only above 1", where, *to.theta);
}

/* Newer files: {"rope_parameters": {"rope_theta": F, "rope_type": "default"}}; older ones: "rope_scaling". */
bool decoder_read_rope(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *rope = json_object_get(config, "rope_scaling");
  if (rope && !json_is_object(rope) && !json_is_null(rope))
    return fail(err, "%s: \"rope_scaling\" is neither an object nor null", where);
  if (!json_object_size(rope)) rope = json_object_get(config, "rope_parameters");
  const RopeFields to = {.theta = &c->rope_theta,
                         .share = c->rotary_share != 0 ? &c->rotary_share : NULL,
                         .scaling = &c->rope_scaling,
                         .context = (double)c->context,
                         .first_size = (double)c->first_context};
  if (!read_rope(to, rope, where, err)) return false;
  if (c->rope_scaling.type == ROPE_DYNAMIC) c->context = (int64_t)(to.context * c->rope_scaling.factor);
  return true;
}

bool decoder_read_rope_by_layers(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *both = json_object_get(config, "rope_parameters");
  const double context = (double)c->context;
  const RopeFields full = {&c->rope_theta, NULL, &c->rope_scaling, context, 0},
                   windowed = {&c->window_rope_theta, NULL, &c->window_rope_scaling, context, 0};
  return read_rope(full, json_object_get(both, "full_attention"), where, err) &&
         read_rope(windowed, json_object_get(both, "sliding_attention"), where, err) &&
         read_rope(full, json_object_get(config, "rope_scaling"), where, err);
}

bool decoder_check_rope(const Config *c, const char *where, Error *err) {
  const RopeScaling *s = &c->rope_scaling;
  return s->type != ROPE_LONG || s->count == decoder_rotated(c) / 2 ||
         fail(err, "%s: rotary positions: \"%s\" has %lld numbers for the %lld pairs of a head", where,
              lists[0], (long long)s->count, (long long)decoder_rotated(c) / 2);
}

/* ---- writing ---- */

static void put_list(json_t *rope, const RopeScaling *s, int which) {
  json_t *list = json_array();
  for (int64_t i = 0; i < s->count; i++) json_push(list, json_real((double)s->factors[which][i]));
  json_put(rope, lists[which], list);
}

static json_t *rope_json(const RopeScaling *s) {
  json_t *rope = json_build("{s:s}", "rope_type", types[s->type]);
  if (s->type != ROPE_DEFAULT) json_put(rope, "factor", json_real(s->factor));
  if (s->type == ROPE_LLAMA3)
    json_merge(rope, json_build("{s:f, s:f}", "low_freq_factor", s->low, "high_freq_factor", s->high));
  if (s->type == ROPE_YARN)
    json_merge(rope, json_build("{s:f, s:f, s:b}", "beta_fast", s->high, "beta_slow", s->low, "truncate",
                                s->truncate));
  if (s->type == ROPE_LONG) put_list(rope, s, 0), put_list(rope, s, 1);
  if (s->type == ROPE_YARN || s->type == ROPE_LONG)
    json_put(rope, "attention_factor", json_real(s->attention));
  if (s->type >= ROPE_YARN || s->type == ROPE_LLAMA3)
    json_put(rope, original, json_integer((json_int_t)s->first_size));
  return rope;
}

void decoder_write_rope(const Config *c, json_t *config) {
  const RopeScaling *s = &c->rope_scaling;
  json_put(config, "rope_scaling", s->type == ROPE_DEFAULT ? json_null() : rope_json(s));
  if (s->type == ROPE_DYNAMIC)
    json_put(config, "max_position_embeddings", json_integer((json_int_t)s->first_size));
}

/* Only the newer form can express other positions of layers with a window; it then holds both types. */
void decoder_write_rope_by_layers(const Config *c, double usual, json_t *config) {
  if (c->window_rope_scaling.type == ROPE_DEFAULT && c->window_rope_theta == usual) {
    decoder_write_rope(c, config);
    return;
  }
  json_t *full = rope_json(&c->rope_scaling), *windowed = rope_json(&c->window_rope_scaling);
  json_put(full, "rope_theta", json_real(c->rope_theta));
  json_put(windowed, "rope_theta", json_real(c->window_rope_theta));
  json_put(config, "rope_parameters",
           json_build("{s:o, s:o}", "full_attention", full, "sliding_attention", windowed));
}
