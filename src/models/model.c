/* model.c - a network with its parameters: declares them by a dry run, computes loss and logits. */
#include "models/model.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void use_params(const Model *m, Net *net) {
  net->params = m->params;
  net->learned = m->learned == m->params ? NULL : m->learned;
  net->freeze = m->tuning.freeze;
  net->adapter = m->tuning.adapter.present ? &m->tuning.adapter : NULL;
}

static Net net_over(const Model *m, Tape *tape, const Batch *batch) {
  Net net = {.tape = tape, .batch = batch->sequences, .time = batch->time};
  use_params(m, &net);
  return net;
}

static void declare(const Model *m) {
  Tape *tape = tape_new(true);
  const Batch batch = {.sequences = 1, .time = 1, .source_time = m->config.arch->encodes};
  Net net = net_over(m, tape, &batch);
  m->config.arch->forward(&net, &m->config, &batch);
  tape_free(tape);
}

/* `frozen`: the set of frozen parameters, if it exists already. */
static Model *declared(const Config *config, const Tuning *tuning, Params *frozen) {
  Model *m = mem_alloc_zeroed(1, sizeof *m);
  m->config = *config;
  m->tuning = *tuning;
  m->twin = frozen;
  m->learned = params_new();
  m->params = frozen ? frozen : tuning_freezes(tuning) ? params_new_frozen() : m->learned;
  declare(m);
  return m;
}

static const Tuning everything;

Model *model_new(const Config *config, bool gradients) {
  Model *m = declared(config, &everything, NULL);
  params_allocate(m->params, gradients);
  return m;
}

Model *model_tuned(const Config *config, const Tuning *tuning) {
  if (!tuning_freezes(tuning)) return model_new(config, true);
  Model *m = declared(config, tuning, NULL);
  params_allocate(m->learned, true);
  params_close(m->params);
  params_borrow(m->params, tuning->base);
  return m;
}

Model *model_described(const Config *config, const Tuning *tuning) {
  Model *m = declared(config, tuning, NULL);
  params_close(m->params);
  if (m->learned != m->params) params_close(m->learned);
  return m;
}

Model *model_adapted_everywhere(const Config *config) {
  Config without_head = *config;
  without_head.labels = 0;
  return model_described(&without_head, &(Tuning){.adapter = {.present = true, .rank = 1}});
}

Model *model_outline(const Config *config) {
  return model_described(config, &everything);
}

Model *model_twin(const Model *of) {
  Model *m = declared(&of->config, &of->tuning, of->learned == of->params ? NULL : of->params);
  params_allocate_twin(m->learned, of->learned);
  return m;
}

void model_freeze(Model *m) {
  m->packed = packed_set_new(true);
}

void model_unfreeze(Model *m) {
  packed_set_free(m->packed);
  m->packed = NULL;
}

bool model_cache(Model *m, const char *type, Error *err) {
  const Config *c = &m->config;
  TensorType found;
  if (!type_find(type, &found, err)) return fail_prefix(err, "--cache-type");
  if (c->arch->unlimited_context && found != TENSOR_F32)
    return fail_usage(err,
                      "--cache-type has no effect on a recurrent network, which keeps no keys and values");
  if (c->head_size % type_info(found)->block)
    return fail_usage(err,
                      "--cache-type %s: the model's heads have %" PRId64
                      " values, which are no whole blocks of %" PRId64 ": use f16 or bf16",
                      type, c->head_size, type_info(found)->block);
  m->cache = found;
  return true;
}

void model_adapt(Model *m, Params *adapter) {
  if (m->learned != m->params) params_free(m->learned);
  m->learned = adapter ? adapter : m->params;
  m->tuning.adapter = (Adapter){.present = adapter, .scale = 1};
}

void model_free(Model *m) {
  if (!m) return;
  packed_set_free(m->packed);
  if (m->learned != m->params) params_free(m->learned);
  if (!m->twin) params_free(m->params);
  mem_free(m);
}

Output model_label_output(Net *net, const Config *c, Tensor *hidden) {
  const int64_t width = tensor_columns(hidden), shape[2] = {c->labels, width};
  const Init init = {INIT_NORMAL, 0.5f / sqrtf((float)width)};
  const char *freeze = net->freeze;
  net->freeze = NULL;
  Tensor *weight = adapter_whole(net, CLASSIFIER_HEAD, 2, shape, init, PARAM_TABLE);
  if (!weight) weight = net_param(net, CLASSIFIER_HEAD, 2, shape, init, PARAM_TABLE);
  net->freeze = freeze;
  return (Output){.hidden = hidden, .weight = weight};
}

Output model_forward(const Model *m, Net *net, const Batch *batch) {
  use_params(m, net);
  if (m->packed && !tape_packed_weights(net->tape)) tape_pack_weights(net->tape, m->packed);
  net->batch = batch->sequences;
  net->time = batch->time;
  CHECK(!batch->begins || arch_packs(m->config.arch));
  if (batch->begins)
    net->begins =
        tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->begins);
  if (batch->source_time && !net->source_lengths)
    net->source_lengths = tape_constant(net->tape, TENSOR_I32, 1, &batch->sequences, batch->source_lengths);
  return m->config.arch->forward(net, &m->config, batch);
}

static Tensor *targets_of(const Net *net, const Batch *batch) {
  return tape_constant(net->tape, TENSOR_I32, 2, (int64_t[]){batch->sequences, batch->time}, batch->targets);
}

Tensor *model_soft_loss(const Model *m, Net *net, const Batch *batch, SoftTargets *soft, float smoothing,
                        double divisor) {
  Output out = model_forward(m, net, batch);
  return op_cross_entropy_softly(net->tape, out.hidden, out.weight, out.bias, targets_of(net, batch), soft,
                                 smoothing, out.cap, divisor);
}

Tensor *model_loss(const Model *m, Net *net, const Batch *batch, float smoothing, double divisor) {
  Output out = model_forward(m, net, batch);
  return op_cross_entropy(net->tape, out.hidden, out.weight, out.bias, targets_of(net, batch), smoothing,
                          out.cap, divisor);
}

Tensor *model_log_likelihood(const Model *m, Net *net, const Batch *batch) {
  Output out = model_forward(m, net, batch);
  return op_log_likelihood(net->tape, out.hidden, out.weight, out.bias, targets_of(net, batch), out.cap);
}

/* Rows of [B,T,D], indexed as [B T,D]. For generation only: has no gradient. */
static Tensor *rows_of(Net *net, const Tensor *hidden, const int32_t *rows, int64_t count) {
  const int64_t width = tensor_columns(hidden);
  Tensor *out = tape_tensor(net->tape, TENSOR_F32, 2, (int64_t[]){count, width});
  for (int64_t i = 0; i < count; i++)
    memcpy(tensor_f32(out) + i * width, tensor_f32(hidden) + rows[i] * width, sizeof(float) * (size_t)width);
  return out;
}

Tensor *output_logits(Net *net, const Output *out, Tensor *rows) {
  Tensor *logits = op_linear(net->tape, rows, out->weight, out->bias, false);
  if (out->cap == 0) return logits;
  logits = op_activation(net->tape, op_scale(net->tape, logits, 1 / out->cap), ACTIVATION_TANH);
  return op_scale(net->tape, logits, out->cap);
}

Tensor *model_logits(const Model *m, Net *net, const Batch *batch, const int32_t *rows, int64_t count) {
  const Output out = model_forward(m, net, batch);
  return count ? output_logits(net, &out, rows_of(net, out.hidden, rows, count)) : NULL;
}

Cost model_cost(const Config *config, const Tuning *tuning, int64_t sequences, int64_t time,
                int64_t source_time) {
  Model *m = declared(config, tuning, NULL);
  Tape *tape = tape_new(true);
  tape_reset(tape, true, 0);
  const Batch batch = {
      .sequences = sequences, .time = time, .source_time = config->arch->encodes ? source_time : 0};
  Net net = net_over(m, tape, &batch);
  net.dropout = (float)config->dropout;
  net.adapter_dropout = tuning->adapter.dropout;
  model_loss(m, &net, &batch, 0, 0);
  const int64_t learned = params_elements(m->learned);
  const Cost cost = {.parameters = params_elements(m->params) +
                                   (tuning->adapter.present || m->params == m->learned ? 0 : learned),
                     .learned = learned,
                     .activation_bytes = tape_step_bytes(tape, false),
                     .recompute_bytes = tape_step_bytes(tape, true),
                     .forward_flops = tape_flops(tape),
                     .flops = tape_step_flops(tape)};
  tape_free(tape);
  model_free(m);
  return cost;
}

Cost model_forward_cost(const Model *m, int64_t sequences, int64_t time, int64_t source_time) {
  Tape *tape = tape_new(true);
  tape_reset(tape, false, 0);
  const Batch batch = {
      .sequences = sequences, .time = time, .source_time = m->config.arch->encodes ? source_time : 0};
  Net net = net_over(m, tape, &batch);
  m->config.arch->forward(&net, &m->config, &batch);
  const Cost cost = {.parameters = params_elements(m->params),
                     .activation_bytes = tape_step_bytes(tape, false),
                     .forward_flops = tape_flops(tape)};
  tape_free(tape);
  return cost;
}
