/* gguf_rope.c - how rotary positions are scaled: keys "rope.scaling.*", and the factors that frequencies are
 * divided by, which are tensors: Llama 3's, and LongRoPE's for short and long texts. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "io/gguf_model.h"

static const char llama3_name[] = "rope_freqs.weight";
static const struct {
  const char *tensor, *list;
} long_names[] = {{"rope_factors_short.weight", "short_factor"}, {"rope_factors_long.weight", "long_factor"}};
static const char original[] = "original_max_position_embeddings";

/* Values of a head. */
int64_t gguf_head(const json_t *config) {
  const int64_t own = json_integer_value(json_object_get(config, "head_dim")),
                width = json_integer_value(json_object_get(config, "hidden_size")),
                heads = json_integer_value(json_object_get(config, "num_attention_heads"));
  return own ? own : heads > 0 ? width / heads : 0;
}

static double real_of(const json_t *config, const char *key, double otherwise) {
  const json_t *x = json_object_get(config, key);
  return json_is_number(x) ? json_number_value(x) : otherwise;
}

static const char *key_of(char buf[256], const char *family, const char *key) {
  snprintf(buf, 256, "%s.%s", family, key);
  return buf;
}

/* ---- Llama 3 ---- */

/* What Llama 3 divides the frequencies of a head's `count` pairs by: nothing where they turn more than 4
 * times in the 8,192 tokens of pre-training, `factor` where less than once. A file has only these numbers. */
enum { LLAMA3_LOW = 1, LLAMA3_HIGH = 4, LLAMA3_CONTEXT = 8192 };

static double llama3_share(int64_t pair, int64_t count, double theta) {
  const double turns = LLAMA3_CONTEXT / (2 * M_PI * pow(theta, (double)pair / (double)count));
  return fmin(1, fmax(0, (turns - LLAMA3_LOW) / (LLAMA3_HIGH - LLAMA3_LOW)));
}

static void llama3_factors(float *each, int64_t count, double theta, double factor) {
  for (int64_t i = 0; i < count; i++) {
    const double share = llama3_share(i, count, theta);
    each[i] = (float)(1 / ((1 - share) / factor + share));
  }
}

/* From that of the slowest pair, to three digits; 0: it tells nothing. */
static double llama3_factor(const float *each, int64_t count, double theta) {
  const double share = count ? llama3_share(count - 1, count, theta) : 1;
  const double rest = share < 1 ? 1 / (double)each[count - 1] - share : 0;
  return rest > 0 ? rint((1 - share) / rest * 1000) / 1000 : 0;
}

/* The factors of a tensor; their number, -1: it is damaged. */
static int64_t read_factors(const Gguf *g, const NamedTensor *stored, float factors[GGUF_MOST_PAIRS],
                            Error *err) {
  const Tensor *t = &stored->tensor;
  if (t->dims != 1 || t->shape[0] > GGUF_MOST_PAIRS || t->type != TENSOR_F32)
    return fail_damaged(err, "%s: tensor \"%s\" is no list of up to %d numbers of the type F32", g->path,
                        stored->name, GGUF_MOST_PAIRS),
           -1;
  memcpy(factors, t->data, tensor_bytes(t));
  return t->shape[0];
}

static bool read_llama3(const Gguf *g, json_t *config, Error *err) {
  const NamedTensor *stored = tensors_find(&g->tensors, llama3_name);
  float factors[GGUF_MOST_PAIRS], wanted[GGUF_MOST_PAIRS];
  if (!stored) return true;
  const int64_t count = read_factors(g, stored, factors, err);
  if (count < 0) return false;
  const double theta = fmax(1, real_of(config, "rope_theta", 10000)),
               factor = llama3_factor(factors, count, theta);
  bool same = factor > 0;
  llama3_factors(wanted, count, theta, factor);
  for (int64_t i = 0; same && i < count; i++) same = fabsf(factors[i] - wanted[i]) <= 1e-3f * wanted[i];
  if (!same)
    return fail(err, "%s: tensor \"%s\" has factors other than Llama 3's, which is not supported", g->path,
                stored->name);
  json_put(config, "rope_scaling",
           json_build("{s:s, s:f, s:f, s:f, s:i}", "rope_type", "llama3", "factor", factor, "low_freq_factor",
                      (double)LLAMA3_LOW, "high_freq_factor", (double)LLAMA3_HIGH, original, LLAMA3_CONTEXT));
  return true;
}

/* ---- LongRoPE (Ding et al. 2024) ---- */

static bool has_long(const Gguf *g) {
  return tensors_find(&g->tensors, long_names[0].tensor) || tensors_find(&g->tensors, long_names[1].tensor);
}

static bool read_long(const Gguf *g, json_t *rope, Error *err) {
  float factors[GGUF_MOST_PAIRS];
  for (int i = 0; i < 2; i++) {
    const NamedTensor *stored = tensors_find(&g->tensors, long_names[i].tensor);
    if (!stored) return fail_damaged(err, "%s: tensor \"%s\" is missing", g->path, long_names[i].tensor);
    const int64_t count = read_factors(g, stored, factors, err);
    if (count < 0) return false;
    json_t *list = json_array();
    for (int64_t k = 0; k < count; k++) json_push(list, json_number((double)factors[k]));
    json_put(rope, long_names[i].list, list);
  }
  return true;
}

/* ---- keys ---- */

typedef struct Scaling {
  const char *type;
  double factor, attention, yarn_attention, fast, slow; /* 0: none, of all but the factor of attention */
  int64_t first;
} Scaling;

static bool read_scaling(const Gguf *g, const char *family, Scaling *s, Error *err) {
  char name[256];
  *s = (Scaling){.factor = 1, .attention = 1};
  if (!gguf_get_text(g, key_of(name, family, "rope.scaling.type"), &s->type, err) ||
      !gguf_get_real(g, key_of(name, family, "rope.scaling.factor"), &s->factor, err) ||
      !gguf_get_real(g, key_of(name, family, "rope.scaling.attn_factor"), &s->attention, err) ||
      !gguf_get_real(g, key_of(name, family, "rope.scaling.yarn_attn_factor"), &s->yarn_attention, err) ||
      !gguf_get_real(g, key_of(name, family, "rope.scaling.yarn_beta_fast"), &s->fast, err) ||
      !gguf_get_real(g, key_of(name, family, "rope.scaling.yarn_beta_slow"), &s->slow, err) ||
      !gguf_get_int(g, key_of(name, family, "rope.scaling.original_context_length"), &s->first, err))
    return false;
  if (has_long(g)) s->type = "longrope";                                        /* older files have no type */
  if (!s->type) s->type = s->factor == 0 || s->factor == 1 ? "none" : "linear"; /* 0 scales nothing */
  return true;
}

/* What YaRN multiplies cosines and sines by. */
static double yarn_attention(double factor) {
  return factor > 1 ? 0.1 * log(factor) + 1 : 1;
}

/* transformers' attention_factor. Of YaRN, llama.cpp multiplies the usual one by "attn_factor"; converters
 * store another as "yarn_attn_factor". */
static void put_attention(const Scaling *s, json_t *rope) {
  const bool yarn = !strcmp(s->type, "yarn");
  const double usual = yarn ? yarn_attention(s->factor) : 1;
  if (yarn && s->yarn_attention > 0 && s->yarn_attention != 1)
    json_put(rope, "attention_factor", json_number(s->yarn_attention * s->attention));
  else if (!yarn || s->attention != 1)
    json_put(rope, "attention_factor", json_number(usual * s->attention));
}

static bool put_scaling(const Gguf *g, const char *family, const Scaling *s, json_t *config, Error *err) {
  static const char *const types[] = {"none", "linear", "yarn", "longrope"};
  enum { NONE, LINEAR, YARN, LONG, TYPES };
  int type = 0;
  while (type < TYPES && strcmp(s->type, types[type])) type++;
  if (type == TYPES)
    return fail(err,
                "%s: \"%s.rope.scaling.type\" is \"%s\": only none, linear, yarn and longrope are supported",
                g->path, family, s->type);
  if (type < YARN && s->attention != 1)
    return fail(err, "%s: \"%s.rope.scaling.attn_factor\" is supported only with yarn and longrope", g->path,
                family);
  if (type == LONG && s->factor != 1 && s->factor != 0)
    return fail(err, "%s: \"%s.rope.scaling.factor\" is not supported with longrope", g->path, family);
  if (type == NONE) return true;
  json_t *rope = json_build("{s:s}", "rope_type", s->type);
  if (type != LONG) json_put(rope, "factor", json_number(s->factor));
  if (s->first) json_put(rope, original, json_integer(s->first));
  if (type == YARN && s->fast > 0) json_put(rope, "beta_fast", json_number(s->fast));
  if (type == YARN && s->slow > 0) json_put(rope, "beta_slow", json_number(s->slow));
  if (type >= YARN) put_attention(s, rope);
  json_put(config, "rope_scaling", rope);
  return type != LONG || read_long(g, rope, err);
}

/* How much of a head rotates: all, where a file does not say it. */
static bool read_rotated(const Gguf *g, GgufRope r, json_t *config, Error *err) {
  char name[256];
  int64_t rotated = -1, values = -1;
  const int64_t head = gguf_head(config);
  if (!gguf_get_int(g, key_of(name, r.family, "rope.dimension_count"), &rotated, err) ||
      !gguf_get_int(g, key_of(name, r.family, "attention.value_length"), &values, err))
    return false;
  if (rotated && r.share && head > 0)
    json_put(config, r.share, json_real(rotated > 0 ? (double)rotated / (double)head : 1));
  else if (rotated >= 0 && rotated != head)
    return fail(err,
                "%s: %" PRId64 " of the %" PRId64 " values of a head rotate: only all are supported here",
                g->path, rotated, head);
  return values < 0 || values == head ||
         fail(err, "%s: values of %" PRId64 " and keys of %" PRId64 " a head are not supported", g->path,
              values, head);
}

bool gguf_read_rope(const Gguf *g, GgufRope r, json_t *config, Error *err) {
  Scaling s;
  if (!r.theta) return true;
  return read_scaling(g, r.family, &s, err) && put_scaling(g, r.family, &s, config, err) &&
         read_rotated(g, r, config, err) && read_llama3(g, config, err);
}

/* ---- writing ---- */

/* Llama 3's scaling, and LongRoPE's factors, are tensors. */
void gguf_write_rope(GgufValues *v, GgufRope r, const json_t *config) {
  char name[256];
  const char *family = r.family;
  const json_t *rope = json_object_get(config, "rope_scaling");
  const char *type = json_get_text(rope, "rope_type", "default");
  const bool yarn = !strcmp(type, "yarn"), longs = !strcmp(type, "longrope");
  const int64_t own = json_integer_value(json_object_get(config, "head_dim"));
  if (!r.theta) return;
  if (own) gguf_put_int(v, key_of(name, family, "attention.value_length"), own);
  gguf_put_int(v, key_of(name, family, "rope.dimension_count"),
               (int64_t)((double)gguf_head(config) * (r.share ? real_of(config, r.share, 1) : 1)));
  if (!strcmp(type, "default") || !strcmp(type, "llama3")) return;
  const double first = real_of(rope, original, 0), factor = real_of(rope, "factor", 1),
               usual = yarn ? yarn_attention(factor) : 1,
               attention = real_of(rope, "attention_factor", usual);
  gguf_put_text(v, key_of(name, family, "rope.scaling.type"), type, strlen(type));
  if (!longs) gguf_put_real(v, key_of(name, family, "rope.scaling.factor"), factor);
  if (first > 0)
    gguf_put_int(v, key_of(name, family, "rope.scaling.original_context_length"), (int64_t)first);
  if (fabs(attention - usual) > 1e-6 * usual)
    gguf_put_real(v, key_of(name, family, "rope.scaling.attn_factor"), attention / usual);
  if (yarn)
    gguf_put_real(v, key_of(name, family, "rope.scaling.yarn_beta_fast"), real_of(rope, "beta_fast", 32));
  if (yarn)
    gguf_put_real(v, key_of(name, family, "rope.scaling.yarn_beta_slow"), real_of(rope, "beta_slow", 1));
}

static bool list_factors(const json_t *list, GgufFactors *out) {
  out->count = (int64_t)json_array_size(list);
  for (int64_t i = 0; i < out->count && out->count <= GGUF_MOST_PAIRS; i++)
    out->values[i] = (float)json_number_value(json_array_get(list, (size_t)i));
  return out->count > 0 && out->count <= GGUF_MOST_PAIRS;
}

size_t gguf_rope_factors(const json_t *config, GgufFactors out[2]) {
  const json_t *rope = json_object_get(config, "rope_scaling");
  const char *type = json_get_text(rope, "rope_type", "");
  const int64_t pairs = gguf_head(config) / 2;
  if (!strcmp(type, "llama3") && pairs <= GGUF_MOST_PAIRS) {
    out[0].name = llama3_name, out[0].count = pairs;
    llama3_factors(out[0].values, pairs, real_of(config, "rope_theta", 10000), real_of(rope, "factor", 1));
    return 1;
  }
  size_t count = 0;
  for (int i = 0; i < 2 && !strcmp(type, "longrope"); i++) {
    out[count].name = long_names[i].tensor;
    count += list_factors(json_object_get(rope, long_names[i].list), &out[count]);
  }
  return count;
}
