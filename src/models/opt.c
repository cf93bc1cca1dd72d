/* opt.c - OPT (Zhang et al. 2022): learned positions, the first two rows unused, ReLU or GELU, biases;
 * optional: norms behind the residual sum, an embedding of another width (both OPT-350M), no biases and
 * weights of norms (Galactica). transformers: OPTForCausalLM. */
#include <string.h>

#include "models/decoder.h"

enum { UNUSED_POSITIONS = 2 };

static const ConfigKey keys[] = {DECODER_KEY(INT, "vocab_size", vocabulary, 50272, NAN),
                                 DECODER_KEY(INT, "num_hidden_layers", layers, 12, NAN),
                                 DECODER_KEY(INT, "hidden_size", width, 768, NAN),
                                 DECODER_KEY(INT, "num_attention_heads", heads, 12, NAN),
                                 DECODER_KEY(INT, "ffn_dim", ffn, 3072, NAN),
                                 DECODER_KEY(INT, "max_position_embeddings", context, 2048, NAN),
                                 DECODER_KEY(INT, "word_embed_proj_dim", embedding_width, 0, 0),
                                 DECODER_KEY(BOOL, "do_layer_norm_before", norm_before, 1, NAN),
                                 DECODER_KEY(BOOL, "layer_norm_elementwise_affine", norm_weights, 1, NAN),
                                 DECODER_KEY(BOOL, "enable_bias", attention_bias, 1, NAN),
                                 DECODER_KEY(BOOL, "tie_word_embeddings", tied, 1, NAN),
                                 DECODER_TOKENS(2, 2, 1)};

static const ConfigFact facts[] = {{"is_encoder_decoder", "false"},
                                   {"activation_function", "*"}, /* read below */
                                   {"dropout", "*"},
                                   {"attention_dropout", "*"},
                                   {"activation_dropout", "*"},
                                   {"layerdrop", "*"},
                                   {"prefix", "*"},
                                   {NULL, NULL}};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.decoder.embed_tokens.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
static const Naming namings[] = {{"huggingface", "model.", names}, {NULL, NULL, NULL}};

static bool read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  const char *name = json_get_text(config, "activation_function", "relu");
  bool without;
  if (!json_get_bool(config, "_remove_final_layer_norm", false, &without, where, err)) return false;
  if (without) return fail(err, "%s: \"_remove_final_layer_norm\" is true, which is not supported", where);
  c->feed_forward = strcmp(name, "gelu") ? FFN_RELU : FFN_GELU;
  return !strcmp(name, "gelu") || !strcmp(name, "relu") ||
         fail(err, "%s: \"activation_function\" is \"%s\", which is not supported, only relu|gelu", where,
              name);
}

static void write_rest(const Config *c, json_t *config) {
  json_put(config, "activation_function", json_string(c->feed_forward == FFN_GELU ? "gelu" : "relu"));
  json_put(config, "dropout", json_real(0));
}

static void begin(Config *c) {
  c->norm_before = c->norm_weights = c->attention_bias = true;
}

static bool complete(Config *c, const char *where, Error *err) {
  if (!c->embedding_width) c->embedding_width = c->width;
  return decoder_complete_plain(c, where, err);
}

static const DecoderNames layer_names = {.body = "model.decoder",
                                         .embedding = "embed_tokens",
                                         .positions = "embed_positions",
                                         .project_in = "project_in",
                                         .project_out = "project_out",
                                         .layers = "layers",
                                         .attention_norm = "self_attn_layer_norm",
                                         .attention = "self_attn",
                                         .q = "q_proj",
                                         .k = "k_proj",
                                         .v = "v_proj",
                                         .out = "out_proj",
                                         .ffn_norm = "final_layer_norm",
                                         .up = "fc1",
                                         .down = "fc2",
                                         .last_norm = "final_layer_norm",
                                         .head = "lm_head"};

static Output forward(Net *net, const Config *c, const Batch *batch) {
  DecoderNames own = layer_names;
  if (!c->norm_before) own.last_norm = NULL;
  return decoder_forward(
      net, c, batch,
      (DecoderSpec){.names = own,
                    .norm = c->norm_weights ? NORM_LAYER : NORM_LAYER_PLAIN,
                    .norm_after = !c->norm_before,
                    .activation = c->feed_forward == FFN_GELU ? ACTIVATION_GELU : ACTIVATION_RELU,
                    .qkv_bias = c->attention_bias,
                    .out_bias = c->attention_bias,
                    .mlp_bias = c->attention_bias,
                    .unused_positions = UNUSED_POSITIONS});
}

const Arch arch_opt = {.name = "opt",
                       .model_type = "opt",
                       .hf_class = "OPTForCausalLM",
                       .namings = namings,
                       .begin = begin,
                       .complete = complete,
                       .read_rest = read_rest,
                       DECODER_ARCH};
