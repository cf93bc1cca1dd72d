/* decoder_config.c - what the configurations of decoder-only families have in common. */
#include <string.h>

#include "models/decoder.h"

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL},
    {"model.layers.#.self_attn.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL},
    {"model.rotary_emb.inv_freq", TENSOR_IGNORED, NULL, NULL},
    {NULL, TENSOR_COPY, NULL, NULL}};
const Naming decoder_namings[] = {{"huggingface", "model.", names}, {NULL, NULL, NULL}};

bool decoder_complete(Config *c, Error *err) {
  if (!c->kv_heads) c->kv_heads = c->heads;
  if (!c->ffn) c->ffn = (c->width * 8 / 3 + 31) / 32 * 32; /* 8/3: as many weights as two layers of 4 */
  if (c->heads < 1 || (!c->head_size && c->width % c->heads))
    return fail_usage(err, "a width of %lld cannot be divided among %lld heads: give a multiple of it",
                      (long long)c->width, (long long)c->heads);
  if (!c->head_size) c->head_size = c->width / c->heads;
  if (c->head_size < 2 || c->head_size % 2)
    return fail_usage(err, "%lld values a head (width / heads) cannot be rotated in pairs: it must be even",
                      (long long)c->head_size);
  if (c->kv_heads < 1 || c->heads % c->kv_heads)
    return fail_usage(err, "%lld heads cannot share %lld key/value heads: it must divide them",
                      (long long)c->heads, (long long)c->kv_heads);
  return true;
}

/* Newer files say {"rope_parameters": {"rope_theta": F, "rope_type": "default"}}, older ones "rope_scaling".
 */
bool decoder_read_rope(Config *c, const json_t *config, const char *where, Error *err) {
  const json_t *rope = json_object_get(config, "rope_scaling");
  if (!json_object_size(rope)) rope = json_object_get(config, "rope_parameters");
  if (!rope || json_is_null(rope)) return true;
  if (!json_is_object(rope))
    return fail(err, "%s: \"rope_scaling\" or \"rope_parameters\" is no object", where);
  const char *type = json_get_text(rope, "rope_type", json_get_text(rope, "type", "default"));
  double part;
  if (strcmp(type, "default"))
    return fail(err, "%s: rotary positions scaled by \"%s\" are not supported", where, type);
  if (!json_get_real(rope, "partial_rotary_factor", 1, &part, where, err)) return false;
  if (part != 1) return fail(err, "%s: partial_rotary_factor %g is not supported, only 1", where, part);
  return json_get_real(rope, "rope_theta", c->rope_theta, &c->rope_theta, where, err);
}
