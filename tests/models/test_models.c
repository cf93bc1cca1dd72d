/* Every architecture: sizes, learning, threads, and text read at once against token by token. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "models/model.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 50, SEQUENCES = 3, TIME = 17 };

static Settings *settings_of(const char *arch, const char *size) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", size, &err));
  return s;
}

static Config config_of(const char *arch, const char *size, int64_t vocabulary) {
  Settings *s = settings_of(arch, size);
  Error err = {0};
  Config c;
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), vocabulary, &err));
  ink_settings_free(s);
  return c;
}

/* Every architecture and, behind them, those whose settings choose another network. */
static const struct {
  const char *arch, *flags[4][2];
} variants[] = {{"seq2seq", {{"attention", "multiplicative"}, {"layers", "2"}}},
                {"seq2seq", {{"cell", "lstm"}, {"encoder-layers", "2"}}}};
enum { VARIANTS = sizeof variants / sizeof *variants };

static Config network(int index, int64_t vocabulary) {
  if (index < arch_count) return config_of(arch_table[index]->name, "nano", vocabulary);
  index -= arch_count;
  Settings *s = settings_of(variants[index].arch, "nano");
  Error err = {0};
  Config c;
  for (int i = 0; variants[index].flags[i][0]; i++)
    assert_true(ink_settings_set(s, variants[index].flags[i][0], variants[index].flags[i][1], &err));
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), vocabulary, &err));
  ink_settings_free(s);
  return c;
}

static void fill_tokens(int32_t *tokens, int64_t count, const char *name) {
  for (int64_t i = 0; i < count; i++)
    tokens[i] = (int32_t)random_below(VOCABULARY, 7, random_stream(name), (uint64_t)i);
}

/* What the sequences are written from, where the architecture reads a source; of several lengths. */
enum { SOURCE_TIME = 9 };
static void add_source(Batch *batch, const Config *c) {
  static int32_t source[SEQUENCES * SOURCE_TIME];
  static const int32_t lengths[SEQUENCES] = {SOURCE_TIME, 1, 6};
  if (!c->arch->encodes) return;
  fill_tokens(source, SEQUENCES * SOURCE_TIME, "source");
  batch->source = source;
  batch->source_lengths = lengths;
  batch->source_time = SOURCE_TIME;
}

static void presets_have_the_sizes_they_promise(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double low, high;
  } sizes[] = {{"nano", 1.5e5, 2.6e5},
               {"tiny", 8e5, 1.3e6},
               {"small", 4e6, 6e6},
               {"base", 2.4e7, 3.6e7},
               {"medium", 1.0e8, 1.5e8}};
  for (int a = 0; a < arch_count; a++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      const Config c = config_of(arch_table[a]->name, sizes[i].name, 4096);
      const double n = (double)model_cost(&c, &(Tuning){0}, 1, 1, 1).parameters;
      if (n < sizes[i].low || n > sizes[i].high)
        fail_msg("%s %s has %.0f parameters", arch_table[a]->name, sizes[i].name, n);
    }
}

/* Plain gradient steps on one batch: any working network learns it by heart. */
typedef struct Learner {
  Model *model;
  Tape *tape;
  int32_t tokens[SEQUENCES * TIME], targets[SEQUENCES * TIME];
} Learner;

static void learner_open(Learner *l, const Config *c, bool recompute) {
  l->model = model_new(c, true);
  l->tape = tape_new(false);
  tape_recompute(l->tape, recompute);
  params_initialize(l->model->params, 3);
  fill_tokens(l->tokens, SEQUENCES * TIME, "tokens");
  fill_tokens(l->targets, SEQUENCES * TIME, "targets");
  l->targets[5] = -1;
}

static void learner_close(Learner *l) {
  tape_free(l->tape);
  model_free(l->model);
}

static float learn(Learner *l, int step) {
  Params *p = l->model->params;
  tape_reset(l->tape, true, (uint64_t)step);
  Net net = {.tape = l->tape, .params = p, .dropout = (float)l->model->config.dropout};
  Batch batch = {.sequences = SEQUENCES, .time = TIME, .tokens = l->tokens, .targets = l->targets};
  add_source(&batch, &l->model->config);
  memset(params_gradients(p), 0, (size_t)params_length(p) * sizeof(float));
  Tensor *out = model_loss(l->model, &net, &batch, 0, 0);
  tape_backward(l->tape, out);
  kernels->axpy(params_values(p), -0.5f, params_gradients(p), params_length(p));
  return tensor_f32(out)[0];
}

static float train_so(const Config *c, int steps, bool recompute, float *first, uint64_t *hash) {
  Learner l;
  learner_open(&l, c, recompute);
  float loss = *first = learn(&l, 0);
  for (int i = 1; i < steps; i++) loss = learn(&l, i);
  Params *p = l.model->params;
  if (hash) *hash = hash_bytes(params_values(p), (size_t)params_length(p) * sizeof(float), 0);
  learner_close(&l);
  return loss;
}

static int64_t step_bytes(const Config *c, bool recompute) {
  Learner l;
  learner_open(&l, c, recompute);
  learn(&l, 0);
  const int64_t bytes = (int64_t)arena_peak(tape_arena(l.tape));
  learner_close(&l);
  return bytes;
}

static float train(const Config *c, int steps, float *first, uint64_t *hash) {
  return train_so(c, steps, false, first, hash);
}

static void every_architecture_learns(void **state) {
  (void)state;
  for (int a = 0; a < arch_count + VARIANTS; a++) {
    const Config c = network(a, VOCABULARY);
    float first, last = train(&c, 300, &first, NULL);
    if (fabsf(first - logf(VOCABULARY)) > 1)
      fail_msg("%s starts at a loss of %g", c.arch->name, (double)first);
    if (!(last < 0.6f * first))
      fail_msg("%s learns from %g to %g only", c.arch->name, (double)first, (double)last);
  }
}

static void threads_do_not_change_a_bit(void **state) {
  (void)state;
  for (int a = 0; a < arch_count + VARIANTS; a++) {
    Config c = network(a, VOCABULARY);
    c.dropout = 0.1;
    uint64_t expected = 0, got;
    static const int counts[] = {1, 2, 3, 8};
    for (int i = 0; i < 4; i++) {
      float first;
      threads_set(counts[i]);
      train(&c, 3, &first, &got);
      if (i == 0) expected = got;
      if (got != expected) fail_msg("%s with %d threads gives other weights", c.arch->name, counts[i]);
    }
    threads_set(0);
  }
}

/* With dropout, whose masks must come again. */
static void recomputing_does_not_change_a_bit(void **state) {
  (void)state;
  for (int a = 0; a < arch_count + VARIANTS; a++) {
    Config c = network(a, VOCABULARY);
    c.dropout = 0.1;
    c.layers = 2;
    float first;
    uint64_t kept, recomputed;
    train(&c, 3, &first, &kept);
    train_so(&c, 3, true, &first, &recomputed);
    if (kept != recomputed) fail_msg("%s recomputed gives other weights", c.arch->name);
  }
}

/* What the dry run promises of memory: the arena of a real step may hold little more. */
static void a_step_takes_the_memory_reckoned(void **state) {
  (void)state;
  for (int a = 0; a < arch_count + VARIANTS; a++)
    for (int recomputed = 0; recomputed < 2; recomputed++) {
      Config c = network(a, VOCABULARY);
      c.layers = 6;
      const Cost cost = model_cost(&c, &(Tuning){0}, SEQUENCES, TIME, SOURCE_TIME);
      const int64_t reckoned = recomputed ? cost.recompute_bytes : cost.activation_bytes;
      const int64_t took = step_bytes(&c, recomputed);
      if (took > reckoned + reckoned / 2 || took < reckoned / 3)
        fail_msg("%s: %lld bytes reckoned%s, %lld taken", c.arch->name, (long long)reckoned,
                 recomputed ? " recomputing" : "", (long long)took);
    }
}

/* Reads `count` tokens from position `first` on into sequence 0: in rows of their own where there is
 * attention. */
static void read_piece(const Model *m, State *state, Tape *tape, const int32_t *tokens, int64_t first,
                       int64_t count, float *logits) {
  static const int32_t zeros[40];
  const bool rows = !m->config.arch->unlimited_context;
  int32_t start[40], last = (int32_t)count - 1;
  const int64_t one = 1;
  Batch batch = {.sequences = rows ? count : 1, .time = rows ? 1 : count, .tokens = tokens};
  tape_reset(tape, false, 0);
  for (int64_t t = 0; t < count; t++) start[t] = (int32_t)(first + t);
  KeyPages pages = {.size = STATE_PAGE, .sequence = zeros};
  state_reserve(state, 0, first, count);
  pages.table = state_pages(state, 0, &pages.each);
  Net net = {.tape = tape,
             .params = m->params,
             .state = state,
             .sequences = zeros,
             .places = zeros,
             .pages = rows ? &pages : NULL};
  net.start = tape_constant(tape, TENSOR_I32, 1, &batch.sequences, start);
  if (first == 0) add_source(&batch, &m->config);
  batch.sources = 1;
  if (m->config.arch->encodes) {
    net.source_lengths = tape_constant(tape, TENSOR_I32, 1, &one, (int32_t[]){SOURCE_TIME});
    net.source_of = tape_constant(tape, TENSOR_I32, 1, &batch.sequences, zeros);
  }
  memcpy(logits, model_logits(m, &net, &batch, &last, 1)->data, VOCABULARY * sizeof *logits);
}

/* Logits after `time` tokens, read `piece` at a time. */
static void read_tokens(const Model *m, const int32_t *tokens, int64_t time, int64_t piece, float *logits) {
  State *state = state_new((StateSize){0});
  Tape *tape = tape_new(false);
  state_open(state);
  state_hold_sources(state, 1, SOURCE_TIME + 2);
  for (int64_t at = 0; at < time; at += piece)
    read_piece(m, state, tape, tokens + at, at, time - at < piece ? time - at : piece, logits);
  tape_free(tape);
  state_free(state);
}

/* Likewise as in training: without a state, from position 0. */
static void read_without_state(const Model *m, const int32_t *tokens, int64_t time, float *logits) {
  Tape *tape = tape_new(false);
  const int32_t last = (int32_t)time - 1;
  Batch batch = {.sequences = 1, .time = time, .tokens = tokens};
  Net net = {.tape = tape, .params = m->params};
  tape_reset(tape, false, 0);
  add_source(&batch, &m->config);
  memcpy(logits, model_logits(m, &net, &batch, &last, 1)->data, VOCABULARY * sizeof *logits);
  tape_free(tape);
}

static void reading_at_once_equals_token_by_token(void **state) {
  (void)state;
  int32_t tokens[40];
  fill_tokens(tokens, 40, "text");
  for (int a = 0; a < arch_count + VARIANTS; a++) {
    const Config c = network(a, VOCABULARY);
    Model *m = model_new(&c, false);
    params_initialize(m->params, 5);
    float whole[VOCABULARY], pieces[VOCABULARY], single[VOCABULARY], trained[VOCABULARY];
    read_tokens(m, tokens, 40, 40, whole);
    read_tokens(m, tokens, 40, 7, pieces);
    read_tokens(m, tokens, 40, 1, single);
    read_without_state(m, tokens, 40, trained);
    if (memcmp(whole, single, sizeof whole) || memcmp(whole, pieces, sizeof whole) ||
        memcmp(whole, trained, sizeof whole))
      fail_msg("%s: logits depend on how the text is cut", c.arch->name);
    model_free(m);
  }
}

static void dropout_is_for_training_only(void **state) {
  (void)state;
  Config c = config_of("llama", "nano", VOCABULARY), dry = c;
  c.dropout = 0.5;
  float with, without;
  train(&c, 1, &with, NULL);
  train(&dry, 1, &without, NULL);
  assert_true(with != without);
}

static void contradictions_are_refused(void **state) {
  (void)state;
  static const char *const cases[][3] = {{"llama", "heads", "5"},
                                         {"llama", "kv-heads", "3"},
                                         {"gpt2", "heads", "5"},
                                         {"gpt2", "kv-heads", "2"},
                                         {"lstm", "heads", "2"},
                                         {"gru", "ffn", "64"},
                                         {"marian", "heads", "5"},
                                         {"bart", "kv-heads", "1"},
                                         {"llama", "activation", "gelu"},
                                         {"seq2seq", "heads", "2"},
                                         {"seq2seq", "activation", "gelu"},
                                         {"gru", "cell", "lstm"},
                                         {"marian", "attention", "multiplicative"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Settings *s = settings_of(cases[i][0], "tiny");
    Error err = {0};
    Config c;
    assert_true(ink_settings_set(s, cases[i][1], cases[i][2], &err));
    assert_false(config_from_settings(&c, settings_part(s, &model_settings_table), 100, &err));
    assert_int_equal(err.code, INK_USAGE);
    ink_settings_free(s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(presets_have_the_sizes_they_promise),
      cmocka_unit_test(every_architecture_learns),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(recomputing_does_not_change_a_bit),
      cmocka_unit_test(a_step_takes_the_memory_reckoned),
      cmocka_unit_test(reading_at_once_equals_token_by_token),
      cmocka_unit_test(dropout_is_for_training_only),
      cmocka_unit_test(contradictions_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
