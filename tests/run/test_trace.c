/* Traces of every decoder: the last depth is the model, each other that of a model of fewer layers; weights
 * of attention sum to 1; branches are what the model writes after them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "run/session.h"
#include "run/trace.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 30, LENGTH = 14, PROMPT = 9, END = 1 };

static bool config_of(const Arch *arch, int64_t layers, Config *c) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  char count[8];
  snprintf(count, sizeof count, "%d", (int)layers);
  assert_true(ink_settings_set(s, "arch", arch->name, &err) && ink_settings_set(s, "size", "nano", &err) &&
              ink_settings_set(s, "layers", count, &err) && ink_settings_set(s, "context", "24", &err));
  if (!config_from_settings(c, settings_part(s, &model_settings_table), VOCABULARY, &err))
    fail_msg("%s: %s", arch->name, err.text);
  c->ends = token_set_of(END);
  ink_settings_free(s);
  return !arch->encodes;
}

/* Initial values of some matrices depend on the number of layers. */
static void set_values(Param *p) {
  const uint64_t stream = random_stream(p->name);
  for (int64_t i = 0; i < tensor_count(&p->tensor); i++) {
    float *value = &tensor_f32(&p->tensor)[i];
    *value = (p->role == PARAM_VECTOR ? *value : 0) + (float)random_normal(5, stream, (uint64_t)i) * 0.2f;
  }
}

/* Of that many layers; all have the same weights, by their names. */
static Model *model_of(const Config *c, int64_t layers) {
  Config shallow = *c;
  shallow.layers = layers;
  Model *m = model_new(&shallow, false);
  params_initialize(m->params, 7);
  for (size_t i = 0; i < params_count(m->params); i++) set_values(params_at(m->params, i));
  return m;
}

static Trace trace_of(const Model *m) {
  Trace t = {.model = m, .prompt = PROMPT};
  Error err = {0};
  for (int i = 0; i < LENGTH; i++) vec_push(&t.ids, (i * i * 7 + i + 2) % VOCABULARY);
  if (!trace_read(&t, &err) || !trace_branch(&t, 2, 4, &(News){0}, &err)) fail_msg("%s", err.text);
  return t;
}

/* The logits after each token, by a session: [LENGTH, VOCABULARY]. */
static void read_logits(const Model *m, const Ids *ids, float *logits) {
  Session *s = session_new(m, (StateSize){0});
  const int32_t sequence = session_open(s, -1);
  for (int i = 0; i < LENGTH; i++, logits += VOCABULARY)
    memcpy(logits, session_read(s, sequence, ids->data + i, 1), VOCABULARY * sizeof *logits);
  session_free(s);
}

static double probability(const float *logits, int32_t id) {
  double sum = 0;
  for (int i = 0; i < VOCABULARY; i++) sum += exp((double)(logits[i] - logits[id]));
  return 1 / sum;
}

static void expect_prediction(const Prediction *p, const float *logits, int32_t next) {
  int64_t likelier = 0, near = 0;
  assert_int_equal(p->count, TRACE_CHOICES);
  for (int k = 0; k < TRACE_CHOICES; k++) {
    assert_true(fabs(p->best[k].probability - probability(logits, p->best[k].id)) < 1e-4);
    assert_true(!k || p->best[k].probability <= p->best[k - 1].probability);
  }
  for (int i = 0; i < VOCABULARY && next >= 0; i++) {
    likelier += probability(logits, i) > probability(logits, next) + 1e-5;
    near += i != next && fabs(probability(logits, i) - probability(logits, next)) <= 1e-5;
  }
  assert_true(next >= 0 ? p->rank > likelier && p->rank <= likelier + near + 1 : !p->rank);
  assert_true(fabs(p->probability - (next >= 0 ? probability(logits, next) : 0)) < 1e-4);
}

static void expect_depth(const Trace *t, const Config *c, int64_t depth) {
  static float logits[LENGTH * VOCABULARY];
  Model *m = model_of(c, depth);
  read_logits(m, &t->ids, logits);
  for (int i = 0; i < LENGTH; i++)
    expect_prediction(trace_prediction(t, i, depth), logits + i * VOCABULARY,
                      i + 1 < LENGTH ? t->ids.data[i + 1] : -1);
  model_free(m);
}

/* Architectures whose layers depend on their number (windows) are compared with as many layers only. */
static bool has_like_layers(const Config *c) {
  return !c->window;
}

static void every_depth_is_a_model(void **state) {
  for (int a = 0; a < arch_count; a++) {
    Config c;
    if (!config_of(arch_table[a], 3, &c)) continue;
    Model *m = model_of(&c, 3);
    Trace t = trace_of(m);
    assert_int_equal(t.depths, 4);
    for (int64_t depth = has_like_layers(&c) ? 1 : 3; depth <= 3; depth++) expect_depth(&t, &c, depth);
    trace_free(&t);
    model_free(m);
  }
}

/* The weights of a query, of all earlier keys. */
static const float *row_at(const Trace *t, int64_t layer, int64_t head, int64_t query) {
  return t->attention + (layer * t->heads + head) * trace_pairs(LENGTH) + trace_pairs(query);
}

static void expect_row(const Trace *t, int64_t layer, int64_t head, int64_t query) {
  const Config *c = &t->model->config;
  const float *row = row_at(t, layer, head, query);
  double sum = 0;
  for (int64_t k = 0; k <= query; k++) sum += (double)row[k];
  assert_true(fabs(sum - 1) < 1e-5);
  for (int64_t k = 0; k <= query && layer_set_has(&c->windowed, layer); k++)
    assert_true((row[k] == 0) == (k + c->window <= query));
}

static void attention_sums_to_one(void **state) {
  for (int a = 0; a < arch_count; a++) {
    Config c;
    if (!config_of(arch_table[a], 3, &c)) continue;
    Model *m = model_of(&c, 3);
    Trace t = trace_of(m);
    assert_int_equal(t.heads, c.arch->unlimited_context ? 0 : c.heads);
    for (int64_t l = 0; l < t.layers; l++)
      for (int64_t h = 0; h < t.heads; h++)
        for (int64_t q = 0; q < LENGTH; q++) expect_row(&t, l, h, q);
    trace_free(&t);
    model_free(m);
  }
}

/* By a session of its own. */
static void expect_branch(const Trace *t, int64_t position, const Branch *b, int32_t first) {
  Session *s = session_new(t->model, (StateSize){0});
  const int32_t sequence = session_open(s, -1);
  session_read(s, sequence, t->ids.data, position + 1);
  int32_t next = first;
  for (size_t i = 0; i < b->tokens.count; i++) {
    assert_int_equal(b->tokens.data[i].id, next);
    const float *logits = session_read(s, sequence, &next, 1);
    next = 0;
    for (int32_t k = 1; k < VOCABULARY; k++) next = logits[k] > logits[next] ? k : next;
    if (i + 1 < b->tokens.count)
      assert_true(fabs(b->tokens.data[i + 1].probability - probability(logits, next)) < 1e-4);
  }
  assert_true(b->ended == (next == END) || b->tokens.count == 5);
  assert_true(b->ended || b->tokens.count == 5);
  session_free(s);
}

static void branches_go_on_greedily(void **state) {
  static const char *const archs[] = {"llama", "mistral", "lstm", "rwkv7"};
  for (int a = 0; a < 4; a++) {
    Config c;
    config_of(arch_find(archs[a]), 2, &c);
    Model *m = model_of(&c, 2);
    Trace t = trace_of(m);
    for (int i = 0; i < LENGTH; i++) {
      const Prediction *p = trace_prediction(&t, i, t.depths - 1);
      int64_t branches = 0, ends = 0;
      for (int k = 0; k < TRACE_CHOICES; k++) {
        const Branch *b = trace_branch_at(&t, i, k);
        branches += b->tokens.count > 0;
        ends += p->best[k].id == END;
        if (!b->tokens.count) continue;
        assert_true(i + 1 == LENGTH || p->best[k].id != t.ids.data[i + 1]);
        expect_branch(&t, i, b, p->best[k].id);
      }
      assert_true(branches == 2 || (ends && branches == 1));
    }
    trace_free(&t);
    model_free(m);
  }
}

/* A model with learned positions has nothing to read at the next one. */
static void branches_end_with_the_context(void **state) {
  static const char *const archs[] = {"gpt2", "llama"};
  for (int a = 0; a < 2; a++) {
    Config c;
    config_of(arch_find(archs[a]), 2, &c);
    c.context = LENGTH;
    c.ends = (TokenSet){.count = 0};
    Model *m = model_of(&c, 2);
    Trace t = trace_of(m);
    for (int i = LENGTH - 4; i < LENGTH; i++)
      for (int k = 0; k < TRACE_CHOICES; k++) {
        const size_t count = trace_branch_at(&t, i, k)->tokens.count;
        assert_true(count == 0 || (int)count == LENGTH - i);
      }
    trace_free(&t);
    model_free(m);
  }
}

static void long_texts_have_a_limit(void **state) {
  Config c = {.arch = arch_find("llama"), .layers = 2, .heads = 2, .context = 4096};
  assert_int_equal(trace_most_tokens(&c), 256);
  c.context = 100;
  assert_int_equal(trace_most_tokens(&c), 100);
  c.layers = 32, c.heads = 32;
  c.context = 4096;
  const int64_t most = trace_most_tokens(&c);
  assert_true(1024 * trace_pairs(most) <= 6000000 && 1024 * trace_pairs(most + 1) > 6000000);
  c.arch = arch_find("lstm"), c.heads = 0, c.context = 64;
  assert_int_equal(trace_most_tokens(&c), 256);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_depth_is_a_model), cmocka_unit_test(attention_sums_to_one),
      cmocka_unit_test(branches_go_on_greedily), cmocka_unit_test(branches_end_with_the_context),
      cmocka_unit_test(long_texts_have_a_limit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
