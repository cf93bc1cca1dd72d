#include "models/recurrent.h"

#include <math.h>
#include <string.h>

const ConfigKey recurrent_keys[] = {
    {"vocab_size", CONFIG_INT, offsetof(Config, vocabulary), NAN, NAN, NULL},
    {"num_hidden_layers", CONFIG_INT, offsetof(Config, layers), NAN, NAN, NULL},
    {"hidden_size", CONFIG_INT, offsetof(Config, width), NAN, NAN, NULL},
    {"training_window", CONFIG_INT, offsetof(Config, context), NAN, NAN, NULL},
    {"tie_word_embeddings", CONFIG_BOOL, offsetof(Config, tied), 1, NAN, NULL},
    {"bos_token_id", CONFIG_TOKEN, offsetof(Config, bos), -1, -1, NULL},
    {"eos_token_id", CONFIG_TOKENS, offsetof(Config, ends), -1, -1, NULL},
    {"pad_token_id", CONFIG_TOKEN, offsetof(Config, pad), -1, -1, NULL},
    {NULL, 0, 0, 0, 0, NULL},
};

static const TensorName names[] = {
    {"lm_head.weight", TENSOR_OUTPUT, "model.embed_tokens.weight", NULL, FORM_SAME},
    {NULL, TENSOR_COPY, NULL, NULL, FORM_SAME}};
const Naming recurrent_namings[] = {{"huggingface", "model.", names}, {NULL, NULL, NULL}};

bool recurrent_complete(Config *c, const char *where, Error *err) {
  return (!c->heads && !c->kv_heads && !c->ffn) ||
         fail_value(err, where, "leave out --heads, --kv-heads, --ffn",
                    "%s has no attention or feed-forward blocks", c->arch->name);
}

bool recurrent_read_rest(Config *c, const json_t *config, const char *where, Error *err) {
  (void)c, (void)config, (void)where, (void)err;
  return true;
}

void recurrent_write_rest(const Config *c, json_t *config) {
  (void)c, (void)config;
}

static Init uniform(const Config *c) {
  return (Init){INIT_UNIFORM, 1 / sqrtf((float)c->width)};
}

Tensor *recurrent_input(Net *net, const Config *c, Tensor *x, int gates, InitKind bias) {
  const int64_t out = gates * c->width;
  Tensor *weight = net_param(net, "weight_ih", 2, (int64_t[]){out, c->width}, uniform(c), PARAM_MATRIX);
  Tensor *b = net_param(net, "bias_ih", 1, &out, (Init){bias, uniform(c).scale}, PARAM_VECTOR);
  return op_linear(net->tape, x, weight, b, false);
}

Tensor *recurrent_weight(Net *net, const Config *c, int gates) {
  return net_param(net, "weight_hh", 2, (int64_t[]){gates * c->width, c->width}, uniform(c), PARAM_MATRIX);
}

Tensor *recurrent_state(Net *net, const Config *c, const char *name) {
  return net_state(net, name, c->width);
}

/* With tied embeddings the output needs small initial values: 1 / (2 sqrt(D)), as in llama.c. */
Tensor *recurrent_table(Net *net, const char *name, int64_t vocabulary, int64_t width) {
  return nn_embedding_table(net, name, vocabulary, width, 0.5f / sqrtf((float)width));
}

Output recurrent_output(Net *net, const Config *c, Tensor *x, Tensor *table) {
  if (c->labels) return model_label_output(net, c, x);
  if (!c->tied) table = recurrent_table(net, "lm_head", c->vocabulary, c->width);
  net_enter(net, "lm_head");
  Tensor *bias = net_param(net, "bias", 1, &c->vocabulary, (Init){INIT_ZERO, 0}, PARAM_VECTOR);
  net_leave(net, "lm_head");
  return (Output){.hidden = x, .weight = table, .bias = bias};
}

typedef struct Stack {
  const Config *config;
  RecurrentLayer *layer;
} Stack;

static Tensor *dropped_layer(Net *net, const void *arg, Tensor *x) {
  const Stack *stack = arg;
  return nn_dropout(net, stack->layer(net, stack->config, x));
}

Tensor *recurrent_layers(Net *net, const Config *c, Tensor *x, RecurrentLayer *layer) {
  Stack *stack = arena_alloc(tape_arena(net->tape), sizeof *stack);
  *stack = (Stack){c, layer};
  return nn_layers(net, "layers", c->layers, dropped_layer, stack, x, NULL);
}

Output recurrent_forward(Net *net, const Config *c, const Batch *batch, RecurrentLayer *layer) {
  Tensor *ids =
      tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->tokens);
  net_enter(net, "model");
  Tensor *table = recurrent_table(net, "embed_tokens", c->vocabulary, c->width);
  Tensor *x = nn_dropout(net, op_embedding(net->tape, table, ids));
  x = recurrent_layers(net, c, x, layer);
  net_leave(net, "model");
  return recurrent_output(net, c, x, table);
}
