/* Parameters: one run of floats, sorted by name, with initial values that depend on seed, name and place
 * only. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "nn/net.h"

#include <cmocka.h> /* last: it defines fail() */

static const int64_t shape[2] = {7, 5};
static const Init normal = {INIT_NORMAL, 0.5f};

static Params *of_names(const char *const *names, Init init) {
  Params *p = params_new();
  for (; *names; names++) params_declare(p, *names, 2, shape, init, PARAM_MATRIX);
  params_allocate(p, true);
  params_initialize(p, 11);
  return p;
}

static void they_are_sorted_by_name_and_never_overlap(void **state) {
  Params *p = of_names((const char *const[]){"b.weight", "a.weight", "b.bias", "a", NULL}, normal);
  const char *const sorted[] = {"a", "a.weight", "b.bias", "b.weight"};
  assert_int_equal(params_count(p), 4);
  assert_int_equal(params_elements(p), 4 * 35);
  for (size_t i = 0; i < 4; i++) {
    const Param *param = params_at(p, i);
    assert_string_equal(param->name, sorted[i]);
    assert_true(param->offset % 16 == 0 && (i == 0 || param->offset >= params_at(p, i - 1)->offset + 35));
    assert_ptr_equal(param->tensor.data, params_values(p) + param->offset);
    assert_ptr_equal(param->tensor.grad, params_gradients(p) + param->offset);
  }
  assert_null(params_find(p, "c"));
  params_free(p);
}

static Tensor *tensor_of(Params *p, const char *name) {
  return &params_find(p, name)->tensor;
}

/* What an earlier step left is overwritten where this one adds, and gone where it does not. */
static void gradients_are_of_the_last_step(void **state) {
  Params *p = of_names((const char *const[]){"weight", "unused", NULL}, normal);
  Tape *tape = tape_new(false);
  int32_t ids[3] = {1, 2, 2};
  float first[35];
  for (int step = 0; step < 2; step++) {
    for (int64_t i = 0; i < params_length(p) && step == 0; i++) params_gradients(p)[i] = NAN;
    tape_reset(tape, true, 1);
    params_forget_gradients(p);
    Tensor *h =
        op_embedding(tape, tensor_of(p, "weight"), tape_constant(tape, TENSOR_I32, 1, (int64_t[]){3}, ids));
    Tensor *targets = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){3}, ids);
    tape_backward(tape, op_cross_entropy(tape, h, tensor_of(p, "weight"), NULL, targets, 0, 0, 0));
    params_settle_gradients(p);
    for (int i = 0; i < 35; i++) {
      assert_true(tensor_of(p, "unused")->grad[i] == 0 && isfinite(tensor_of(p, "weight")->grad[i]));
      if (step) assert_true(tensor_of(p, "weight")->grad[i] == first[i]);
      first[i] = tensor_of(p, "weight")->grad[i];
    }
  }
  assert_true(first[2 * 5] != 0);
  tape_free(tape);
  params_free(p);
}

static void initial_values_depend_on_the_name_not_on_the_order(void **state) {
  Params *p = of_names((const char *const[]){"a", "b", NULL}, normal);
  Params *q = of_names((const char *const[]){"b", "x", "a", NULL}, normal);
  const float *a = tensor_f32(&params_find(p, "a")->tensor), *b = tensor_f32(&params_find(p, "b")->tensor);
  assert_memory_equal(a, params_find(q, "a")->tensor.data, 35 * sizeof *a);
  assert_memory_equal(b, params_find(q, "b")->tensor.data, 35 * sizeof *b);
  assert_memory_not_equal(a, b, 35 * sizeof *a);
  params_initialize(p, 12);
  assert_memory_not_equal(a, params_find(q, "a")->tensor.data, 35 * sizeof *a);
  params_free(p);
  params_free(q);
}

static void kinds_of_initial_values(void **state) {
  const int64_t large = 40000;
  const Init kinds[] = {
      {INIT_ZERO, 0}, {INIT_ONE, 0}, {INIT_NORMAL, 0.5f}, {INIT_UNIFORM, 0.5f}, {INIT_FORGET, 0}};
  static const double mean[] = {0, 1, 0, 0, 0.25};
  static const double square[] = {0, 1, 0.25, 0.25 / 3, 0.25};
  for (int i = 0; i < 5; i++) {
    Params *p = params_new();
    const float *x = (params_declare(p, "w", 1, &large, kinds[i], PARAM_VECTOR), params_allocate(p, false),
                      params_initialize(p, 3), params_values(p));
    double sum = 0, squares = 0;
    for (int64_t j = 0; j < large; j++) sum += (double)x[j], squares += (double)x[j] * (double)x[j];
    assert_true(fabs(sum / (double)large - mean[i]) < 0.01 &&
                fabs(squares / (double)large - square[i]) < 0.01);
    if (kinds[i].kind == INIT_FORGET)
      assert_true(x[large / 4] == 1 && x[large / 4 - 1] == 0 && x[large / 2] == 0);
    params_free(p);
  }
}

static void scopes_name_parameters(void **state) {
  Net net = {.tape = tape_new(true), .params = params_new(), .batch = 1, .time = 1};
  net_enter(&net, "model");
  net_enter(&net, "layers.%d", 3);
  net_param(&net, "weight", 2, shape, normal, PARAM_MATRIX);
  net_leave(&net, "layers.%d", 3);
  net_param(&net, "weight", 2, shape, normal, PARAM_MATRIX);
  net_param(&net, "weight", 2, shape, normal, PARAM_MATRIX); /* a second use of the same one */
  net_leave(&net, "model");
  assert_non_null(params_find(net.params, "model.layers.3.weight"));
  assert_non_null(params_find(net.params, "model.weight"));
  assert_int_equal(params_count(net.params), 2);
  tape_free(net.tape);
  params_free(net.params);
}

static void rows_are_kept_cleared_and_copied(void **state) {
  State *s = state_new((StateSize){0});
  const int32_t first = state_open(s), second = state_open(s);
  Net net = {.tape = tape_new(false), .state = s, .batch = 2, .sequences = (int32_t[]){second, first}};
  Tensor *h = net_state(&net, "h", 2);
  for (int i = 0; i < 4; i++) assert_true(tensor_f32(h)[i] == 0);
  for (int i = 0; i < 4; i++) tensor_f32(h)[i] = (float)i;
  net_set_state(&net, "h", h);
  const int32_t fork = state_fork(s, first, 0); /* memory for more rows is taken */
  net.batch = 3;
  net.sequences = (int32_t[]){first, second, fork};
  const float expected[] = {2, 3, 0, 1, 2, 3};
  assert_memory_equal(tensor_f32(net_state(&net, "h", 2)), expected, sizeof expected);
  state_close(s, second);
  assert_int_equal(state_open(s), second);
  assert_true(tensor_f32(net_state(&net, "h", 2))[3] == 0); /* nothing of what was there */
  state_free(s);
  net.state = NULL;
  assert_null(net_state(&net, "h", 2)); /* training keeps none */
  tape_free(net.tape);
}

/* Value of a position of a sequence, for as long as it is open. */
static float *position(State *s, int32_t sequence, int64_t at) {
  int64_t pages;
  const int32_t *list = state_pages(s, sequence, &pages);
  assert_true(at / STATE_PAGE < pages);
  return &((float *)state_cache(s, "k", 1)[list[at / STATE_PAGE]])[at % STATE_PAGE];
}

static void write_positions(State *s, int32_t sequence, int64_t first, int64_t count, float value) {
  state_reserve(s, sequence, first, count);
  for (int64_t i = first; i < first + count; i++) *position(s, sequence, i) = value;
}

/* Sequences that open, go on, branch off and close in any order: each has what it wrote or branched off with,
 * and no page is lost. */
static void pages_are_shared_and_never_mixed_up(void **state) {
  enum { MOST = 12, LENGTH = 200, ROUNDS = 4000 };
  State *s = state_new((StateSize){0});
  struct {
    bool open;
    int32_t sequence;
    int64_t length;
    float values[LENGTH];
  } texts[MOST] = {0};
  for (uint64_t round = 0; round < ROUNDS; round++) {
    const int i = (int)random_below(MOST, 1, 0, round), k = (int)random_below(MOST, 1, 1, round);
    const int64_t some = 1 + (int64_t)random_below(40, 1, 2, round);
    if (!texts[i].open) {
      texts[i].length = 0;
      if (texts[k].open) {
        texts[i].length = (int64_t)random_below((uint64_t)texts[k].length + 1, 1, 3, round);
        memcpy(texts[i].values, texts[k].values, sizeof texts[i].values);
        texts[i].sequence = state_fork(s, texts[k].sequence, texts[i].length);
      } else {
        texts[i].sequence = state_open(s);
      }
      texts[i].open = true;
    } else if (texts[i].length + some > LENGTH) {
      state_close(s, texts[i].sequence);
      texts[i].open = false;
    } else {
      write_positions(s, texts[i].sequence, texts[i].length, some, (float)round);
      for (int64_t n = 0; n < some; n++) texts[i].values[texts[i].length++] = (float)round;
    }
    for (int t = 0; t < MOST; t++)
      for (int64_t at = 0; texts[t].open && at < texts[t].length; at++)
        if (*position(s, texts[t].sequence, at) != texts[t].values[at])
          fail_msg("round %d, text %d, position %d", (int)round, t, (int)at);
  }
  for (int t = 0; t < MOST; t++)
    if (texts[t].open) state_close(s, texts[t].sequence);
  assert_int_equal(state_pages_used(s), 0);
  state_free(s);
}

static void whole_pages_are_shared_not_copied(void **state) {
  State *s = state_new((StateSize){0});
  const int32_t first = state_open(s);
  write_positions(s, first, 0, 3 * STATE_PAGE + 5, 1);
  const int32_t fork = state_fork(s, first, 3 * STATE_PAGE + 5);
  assert_int_equal(state_pages_used(s), 4);
  write_positions(s, fork, 3 * STATE_PAGE + 5, 1, 2); /* only the last page becomes two */
  assert_int_equal(state_pages_used(s), 5);
  write_positions(s, first, 3 * STATE_PAGE + 5, 1, 3); /* it is alone by now */
  assert_int_equal(state_pages_used(s), 5);
  assert_true(*position(s, fork, 3 * STATE_PAGE + 5) == 2 && *position(s, first, 3 * STATE_PAGE + 5) == 3);
  state_close(s, first);
  assert_int_equal(state_pages_used(s), 4);
  state_free(s);
}

static void memories_of_sources_grow(void **state) {
  State *s = state_new((StateSize){0});
  state_hold_sources(s, 1, 2);
  const StateMemory *m = state_memory(s, "k", 3);
  for (int i = 0; i < 6; i++) m->values[i] = (float)i;
  state_hold_sources(s, 3, 5);
  m = state_memory(s, "k", 0);
  assert_true(m->sources >= 3 && m->tokens >= 5);
  for (int i = 0; i < 6; i++) assert_true(m->values[i] == (float)i);
  state_free(s);
}

/* A matrix of ones, but for its last value, and a vector: is the first rounded to q8_0, the other not? */
static bool converts_with(float last) {
  const int64_t sizes[] = {2, 32};
  Params *p = params_new();
  Param *matrix = params_declare(p, "matrix", 2, sizes, normal, PARAM_MATRIX);
  Param *vector = params_declare(p, "vector", 1, sizes + 1, normal, PARAM_VECTOR);
  params_close(p);
  float *values = params_alloc(p, matrix);
  for (int i = 0; i < 64; i++) values[i] = i < 63 ? 1 : last;
  memset(params_alloc(p, vector), 0, 32 * sizeof(float));
  const Param *too_large = params_convert(p, TENSOR_Q8_0);
  assert_true(!too_large || too_large == matrix);
  assert_int_equal(matrix->tensor.type, too_large ? TENSOR_F32 : TENSOR_Q8_0);
  assert_int_equal(vector->tensor.type, TENSOR_F32);
  params_free(p);
  return !too_large;
}

static void values_too_large_for_a_type_are_told(void **state) {
  assert_true(converts_with(2));
  assert_false(converts_with(1e30f));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_too_large_for_a_type_are_told),
      cmocka_unit_test(they_are_sorted_by_name_and_never_overlap),
      cmocka_unit_test(gradients_are_of_the_last_step),
      cmocka_unit_test(initial_values_depend_on_the_name_not_on_the_order),
      cmocka_unit_test(kinds_of_initial_values),
      cmocka_unit_test(scopes_name_parameters),
      cmocka_unit_test(rows_are_kept_cleared_and_copied),
      cmocka_unit_test(pages_are_shared_and_never_mixed_up),
      cmocka_unit_test(whole_pages_are_shared_not_copied),
      cmocka_unit_test(memories_of_sources_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
