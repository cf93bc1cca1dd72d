/* gguf_families.c - what the architectures of GGUF files have in common with those of transformers. */
#include "io/gguf_families.h"

#include <math.h>
#include <string.h>

const KeyName *gguf_find_key(const KeyName *k, const char *key) {
  while (k && k->key && strcmp(k->key, key)) k++;
  return k && k->key ? k : NULL;
}

const KeyName gguf_common_keys[] = {{"block_count", COUNT, "num_hidden_layers"},
                                    {"context_length", COUNT, "max_position_embeddings"},
                                    {"embedding_length", COUNT, "hidden_size"},
                                    {"feed_forward_length", COUNT, "intermediate_size"},
                                    {"attention.head_count", COUNT, "num_attention_heads"},
                                    {"attention.head_count_kv", COUNT, "num_key_value_heads"},
                                    {"attention.key_length", COUNT, "head_dim"},
                                    {"attention.layer_norm_rms_epsilon", REAL, "rms_norm_eps"},
                                    {"rope.freq_base", REAL, "rope_theta"},
                                    {"attention.value_length", COMPUTED, NULL},
                                    {"rope.dimension_count", COMPUTED, NULL},
                                    {"rope.scaling.type", COMPUTED, NULL},
                                    {"rope.scaling.factor", COMPUTED, NULL},
                                    {"rope.scaling.finetuned", COMPUTED, NULL},
                                    {"rope.scaling.original_context_length", COMPUTED, NULL},
                                    {"rope.scaling.attn_factor", COMPUTED, NULL},
                                    {"rope.scaling.yarn_attn_factor", COMPUTED, NULL},
                                    {"rope.scaling.yarn_beta_fast", COMPUTED, NULL},
                                    {"rope.scaling.yarn_beta_slow", COMPUTED, NULL},
                                    {"vocab_size", COMPUTED, NULL},
                                    {"blk.0.attn_q.bias", TENSOR, "attention_bias"},
                                    {"blk.0.ffn_up.bias", TENSOR, "mlp_bias"},
                                    {NULL, COUNT, NULL}};

static const KeyName gemma2_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"attn_logit_softcapping", REAL, "attn_logit_softcapping"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {NULL, COUNT, NULL}};
static const KeyName gemma3_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                      {"final_logit_softcapping", REAL, "final_logit_softcapping"},
                                      {"rope.freq_base_swa", REAL, "rope_local_base_freq"},
                                      {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                      {NULL, COUNT, NULL}};

/* Of families whose heads divide the width. */
#define NO_HEAD_SIZE \
  { "attention.key_length", COMPUTED, NULL }
static const KeyName divided_keys[] = {NO_HEAD_SIZE, {NULL, COUNT, NULL}};
static const KeyName qwen2_keys[] = {
    NO_HEAD_SIZE, {"blk.0.attn_q.bias", COMPUTED, NULL}, {NULL, COUNT, NULL}};
/* Of those without rotary positions and grouped heads. */
#define PLAIN                                                                                      \
  NO_HEAD_SIZE, {"attention.head_count_kv", COMPUTED, NULL}, {"rope.freq_base", COMPUTED, NULL}, { \
    "blk.0.ffn_up.bias", COMPUTED, NULL                                                            \
  }
static const KeyName gpt2_keys[] = {PLAIN,
                                    {"block_count", COUNT, "n_layer"},
                                    {"context_length", COUNT, "n_positions"},
                                    {"embedding_length", COUNT, "n_embd"},
                                    {"feed_forward_length", COUNT, "n_inner"},
                                    {"attention.head_count", COUNT, "n_head"},
                                    {"attention.layer_norm_epsilon", REAL, "layer_norm_epsilon"},
                                    {NULL, COUNT, NULL}};
static const KeyName mixtral_keys[] = {{"expert_count", COUNT, "num_local_experts"},
                                       {"expert_used_count", COUNT, "num_experts_per_tok"},
                                       {NULL, COUNT, NULL}};
static const KeyName qwen3_moe_keys[] = {{"expert_count", COUNT, "num_experts"},
                                         {"expert_used_count", COUNT, "num_experts_per_tok"},
                                         {"expert_feed_forward_length", COUNT, "moe_intermediate_size"},
                                         {NULL, COUNT, NULL}};
static const KeyName granite_keys[] = {NO_HEAD_SIZE,
                                       {"attention.scale", REAL, "attention_multiplier"},
                                       {"embedding_scale", REAL, "embedding_multiplier"},
                                       {"residual_scale", REAL, "residual_multiplier"},
                                       {"logit_scale", REAL, "logits_scaling"},
                                       {NULL, COUNT, NULL}};
static const KeyName starcoder2_keys[] = {NO_HEAD_SIZE,
                                          {"attention.layer_norm_epsilon", REAL, "norm_epsilon"},
                                          {"blk.0.attn_q.bias", COMPUTED, NULL},
                                          {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                          {NULL, COUNT, NULL}};
static const KeyName cohere_keys[] = {NO_HEAD_SIZE,
                                      {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                      {"logit_scale", REAL, "logit_scale"},
                                      {"blk.0.attn_q_norm.weight", TENSOR, "use_qk_norm"},
                                      {NULL, COUNT, NULL}};
static const KeyName cohere2_keys[] = {{"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                       {"logit_scale", REAL, "logit_scale"},
                                       {"attention.sliding_window", COUNT, "sliding_window"},
                                       {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                       {NULL, COUNT, NULL}};
static const KeyName ernie4_5_keys[] = {
    {"blk.0.attn_q.bias", TENSOR, "use_bias"}, {"blk.0.ffn_up.bias", COMPUTED, NULL}, {NULL, COUNT, NULL}};
static const KeyName phi2_keys[] = {NO_HEAD_SIZE,
                                    {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                    {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
                                    {"blk.0.attn_q.bias", COMPUTED, NULL},
                                    {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                    {NULL, COUNT, NULL}};
static const KeyName phi3_keys[] = {
    NO_HEAD_SIZE,
    {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
    {"rope.scaling.original_context_length", COUNT, "original_max_position_embeddings"},
    {NULL, COUNT, NULL}};
static const KeyName stablelm_keys[] = {NO_HEAD_SIZE,
                                        {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                        {"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
                                        {"blk.0.attn_q.bias", TENSOR, "use_qkv_bias"},
                                        {"use_parallel_residual", SWITCH, "use_parallel_residual"},
                                        {NULL, COUNT, NULL}};
static const KeyName mpt_keys[] = {PLAIN,
                                   {"block_count", COUNT, "n_layers"},
                                   {"context_length", COUNT, "max_seq_len"},
                                   {"embedding_length", COUNT, "d_model"},
                                   {"attention.head_count", COUNT, "n_heads"},
                                   {"feed_forward_length", COMPUTED, NULL},
                                   {"attention.layer_norm_epsilon", REAL, "layer_norm_epsilon"},
                                   {"attention.max_alibi_bias", FIXED, "8"},
                                   {NULL, COUNT, NULL}};
static const KeyName bloom_keys[] = {PLAIN,
                                     {"block_count", COUNT, "n_layer"},
                                     {"context_length", COUNT, "seq_length"},
                                     {"attention.head_count", COUNT, "n_head"},
                                     {"feed_forward_length", COMPUTED, NULL},
                                     {"attention.layer_norm_epsilon", REAL, "layer_norm_epsilon"},
                                     {NULL, COUNT, NULL}};
static const KeyName falcon_keys[] = {NO_HEAD_SIZE,
                                      {"feed_forward_length", COUNT, "ffn_hidden_size"},
                                      {"attention.head_count_kv", COUNT, "num_kv_heads"},
                                      {"attention.layer_norm_epsilon", REAL, "layer_norm_epsilon"},
                                      {"tensor_data_layout", COMPUTED, NULL},
                                      {NULL, COUNT, NULL}};
static const KeyName gpt_neox_keys[] = {NO_HEAD_SIZE,
                                        {"attention.head_count_kv", COMPUTED, NULL},
                                        {"attention.layer_norm_epsilon", REAL, "layer_norm_eps"},
                                        {"rope.freq_base", REAL, "rotary_emb_base"},
                                        {"rope.dimension_count", COMPUTED, "rotary_pct"},
                                        {"use_parallel_residual", SWITCH, "use_parallel_residual"},
                                        {"blk.0.ffn_up.bias", COMPUTED, NULL},
                                        {NULL, COUNT, NULL}};
static const KeyName glm_keys[] = {{"rope.dimension_count", COMPUTED, "partial_rotary_factor"},
                                   {"blk.0.attn_q.bias", TENSOR, "attention_bias"},
                                   {NULL, COUNT, NULL}};
static const KeyName olmo_keys[] = {NO_HEAD_SIZE,
                                    {"attention.layer_norm_epsilon", FIXED, "1e-5"},
                                    {"blk.0.attn_q.bias", COMPUTED, NULL},
                                    {NULL, COUNT, NULL}};
static const KeyName olmo3_keys[] = {NO_HEAD_SIZE,
                                     {"attention.sliding_window", COUNT, "sliding_window"},
                                     {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                     {"rope.freq_base_swa", COMPUTED, NULL},
                                     {NULL, COUNT, NULL}};
static const KeyName exaone4_keys[] = {{"attention.sliding_window", COUNT, "sliding_window"},
                                       {"attention.sliding_window_pattern", LAYERS, "layer_types"},
                                       {NULL, COUNT, NULL}};

static const KeyName rwkv7_keys[] = {PLAIN,
                                     {"attention.head_count", COMPUTED, NULL},
                                     {"wkv.head_size", COUNT, "head_dim"},
                                     {"attention.layer_norm_epsilon", REAL, "norm_eps"},
                                     {"attention.decay_lora_rank", COUNT, "decay_low_rank_dim"},
                                     {"attention.iclr_lora_rank", COUNT, "a_low_rank_dim"},
                                     {"attention.value_residual_mix_lora_rank", COUNT, "v_low_rank_dim"},
                                     {"attention.gate_lora_rank", COUNT, "gate_low_rank_dim"},
                                     {"token_embd_norm.weight", TENSOR, "norm_first"},
                                     {NULL, COUNT, NULL}};

/* ---- what takes more than names ---- */

static int64_t count_of(const json_t *config, const char *key) {
  return json_integer_value(json_object_get(config, key));
}

/* Gemma's scores are divided by the square root of this number, which no key has: the size of a head, but for
 * the largest models, as llama.cpp has it. */
static bool complete_gemma(const Gguf *g, json_t *config, Error *err) {
  (void)g, (void)err;
  const int64_t layers = count_of(config, "num_hidden_layers"),
                heads = count_of(config, "num_attention_heads"), width = count_of(config, "hidden_size");
  const bool largest = layers == 62 || layers == 46;
  json_t *head = json_object_get(config, "head_dim");
  if (largest && heads > 0)
    json_put(config, "query_pre_attn_scalar", json_integer(width / heads));
  else if (head)
    json_share(config, "query_pre_attn_scalar", head);
  return true;
}

/* Their feed-forward blocks always have this width between. */
static void write_mpt(GgufValues *v, const json_t *config) {
  gguf_put_int(v, "mpt.feed_forward_length", 4 * count_of(config, "d_model"));
}

static void write_bloom(GgufValues *v, const json_t *config) {
  gguf_put_int(v, "bloom.feed_forward_length", 4 * count_of(config, "hidden_size"));
}

/* Grouped heads, or a norm for each branch, are those of the new architecture. */
static bool complete_falcon(const Gguf *g, json_t *config, Error *err) {
  (void)err;
  const bool two = tensors_find(&g->tensors, "blk.0.attn_norm_2.weight") != NULL,
             grouped = two || count_of(config, "num_kv_heads") > 1;
  json_put(config, "new_decoder_architecture", json_boolean(grouped));
  if (grouped) json_put(config, "num_ln_in_parallel_attn", json_integer(two ? 2 : 1));
  return true;
}

/* Without a number, one of each is meant, or as many as heads. */
static void write_falcon(GgufValues *v, const json_t *config) {
  if (json_is_integer(json_object_get(config, "num_kv_heads"))) return;
  const bool one = json_is_true(json_object_get(config, "multi_query"));
  gguf_put_int(v, "falcon.attention.head_count_kv", one ? 1 : count_of(config, "num_attention_heads"));
}

/* Layers with a window have rotary positions of their own, which are not scaled; in transformers with this
 * base unless "rope_parameters" say otherwise. */
static const double olmo3_theta = 5e5;

static bool complete_olmo3(const Gguf *g, json_t *config, Error *err) {
  double theta = json_number_value(json_object_get(config, "rope_theta"));
  if (!gguf_get_real(g, "olmo2.rope.freq_base_swa", &theta, err)) return false;
  if (theta != olmo3_theta)
    json_put(config, "rope_parameters",
             json_build("{s:{s:s, s:f}}", "sliding_attention", "rope_type", "default", "rope_theta", theta));
  return true;
}

static void write_olmo3(GgufValues *v, const json_t *config) {
  const json_t *own = json_object_get(json_object_get(config, "rope_parameters"), "sliding_attention");
  const double theta = own ? json_number_value(json_object_get(own, "rope_theta")) : olmo3_theta;
  gguf_put_real(v, "olmo2.rope.freq_base_swa", theta);
}

/* llama.cpp has windows only in the largest model. */
static bool complete_exaone4(const Gguf *g, json_t *config, Error *err) {
  (void)g, (void)err;
  const bool largest = count_of(config, "num_hidden_layers") == 64;
  if (!largest) json_object_del(config, "layer_types");
  if (!largest) json_put(config, "sliding_window", json_null());
  return true;
}

/* Heads are normed with head_dim * norm_eps, which llama.cpp has as a constant. */
static bool complete_rwkv7(const Gguf *g, json_t *config, Error *err) {
  const double size = json_number_value(json_object_get(config, "head_dim")),
               epsilon = json_number_value(json_object_get(config, "norm_eps")), constant = 64e-5;
  return fabs(size * epsilon - constant) <= 1e-6 * constant ||
         fail(err,
              "%s: heads of %g values with an epsilon of norms of %g are not supported in GGUF files: the "
              "product must "
              "be %g",
              g->path, size, epsilon, constant);
}

static void write_rwkv7(GgufValues *v, const json_t *config) {
  (void)config;
  gguf_put_int(v, "rwkv7.attention.head_count", 0); /* it has none */
}

/* ---- the list ---- */

#define UNTIED "{\"tie_word_embeddings\": false}"
const Family gguf_families[] = {
    {.name = "llama", .model_type = "mixtral", .keys = mixtral_keys, .with = "expert_count"},
    {.name = "llama", .model_type = "llama"},
    {.name = "llama", .model_type = "mistral"},
    {.name = "qwen2", .model_type = "qwen2", .keys = qwen2_keys},
    {.name = "qwen3", .model_type = "qwen3"},
    {.name = "qwen3moe",
     .model_type = "qwen3_moe",
     .keys = qwen3_moe_keys,
     .always = "{\"norm_topk_prob\": true}",
     .with = "expert_count"},
    {.name = "gemma2", .model_type = "gemma2", .keys = gemma2_keys, .complete = complete_gemma},
    {.name = "gemma3", .model_type = "gemma3_text", .keys = gemma3_keys, .complete = complete_gemma},
    {.name = "gemma", .model_type = "gemma"},
    {.name = "arcee", .model_type = "arcee"},
    {.name = "bloom", .model_type = "bloom", .keys = bloom_keys, .write = write_bloom},
    {.name = "chatglm", .model_type = "glm", .keys = glm_keys},
    {.name = "command-r", .model_type = "cohere", .keys = cohere_keys},
    {.name = "cohere2", .model_type = "cohere2", .keys = cohere2_keys},
    {.name = "ernie4_5", .model_type = "ernie4_5", .keys = ernie4_5_keys},
    {.name = "exaone4", .model_type = "exaone4", .keys = exaone4_keys, .complete = complete_exaone4},
    {.name = "falcon",
     .model_type = "falcon",
     .keys = falcon_keys,
     .complete = complete_falcon,
     .write = write_falcon},
    {.name = "glm4", .model_type = "glm4", .keys = glm_keys},
    {.name = "gpt2", .model_type = "gpt2", .keys = gpt2_keys},
    {.name = "gptneox", .model_type = "gpt_neox", .keys = gpt_neox_keys, .always = UNTIED},
    {.name = "granite", .model_type = "granite", .keys = granite_keys},
    {.name = "mpt", .model_type = "mpt", .keys = mpt_keys, .write = write_mpt},
    {.name = "olmo", .model_type = "olmo", .keys = olmo_keys},
    {.name = "olmo2",
     .model_type = "olmo3",
     .keys = olmo3_keys,
     .always = UNTIED,
     .with = "attention.sliding_window",
     .complete = complete_olmo3,
     .write = write_olmo3},
    {.name = "olmo2", .model_type = "olmo2", .keys = divided_keys, .always = UNTIED},
    {.name = "phi2", .model_type = "phi", .keys = phi2_keys, .always = UNTIED},
    {.name = "phi3", .model_type = "phi3", .keys = phi3_keys},
    {.name = "rwkv7",
     .model_type = "rwkv7",
     .keys = rwkv7_keys,
     .always = UNTIED,
     .complete = complete_rwkv7,
     .write = write_rwkv7},
    {.name = "seed_oss", .model_type = "seed_oss"},
    {.name = "smollm3", .model_type = "smollm3", .keys = divided_keys},
    {.name = "starcoder2",
     .model_type = "starcoder2",
     .keys = starcoder2_keys,
     .always = "{\"sliding_window\": null}"},
    {.name = "stablelm", .model_type = "stablelm", .keys = stablelm_keys, .always = UNTIED},
    {.name = NULL}};
