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
    tape_backward(tape, op_cross_entropy(tape, h, tensor_of(p, "weight"), NULL, targets, 0, 0));
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

static void state_is_kept_cleared_and_reordered(void **state) {
  const int64_t rows[2] = {3, 2};
  Net net = {.tape = tape_new(false),
             .params = params_new(),
             .state = state_new((StateSize){.sequences = 3, .room = 1}),
             .batch = 3,
             .time = 1};
  float *h = tensor_f32(net_state(&net, "h", 2, rows));
  for (int i = 0; i < 6; i++) assert_true(h[i] == 0);
  for (int i = 0; i < 6; i++) h[i] = (float)i;
  const int32_t from[] = {2, 0, 2};
  state_reorder(net.state, from, 3, 1);
  const float expected[] = {4, 5, 0, 1, 4, 5};
  assert_memory_equal(tensor_f32(net_state(&net, "h", 2, rows)), expected, sizeof expected);
  state_begin(net.state, 0, 3);
  for (int i = 0; i < 6; i++) assert_true(tensor_f32(net_state(&net, "h", 2, rows))[i] == 0);
  state_free(net.state);
  net.state = NULL;
  assert_null(net_state(&net, "h", 2, rows)); /* training keeps none */
  tape_free(net.tape);
  params_free(net.params);
}

/* Any rows to any places: chains, circles, rows read often, rows that stay, rows read from beyond those
 * written. */
static void any_reordering_is_as_if_all_rows_moved_at_once(void **state) {
  enum { ROWS = 9, ROUNDS = 3000 };
  Net net = {.tape = tape_new(false),
             .state = state_new((StateSize){.sequences = ROWS, .room = 4}),
             .batch = ROWS,
             .time = 1};
  float *cache = tensor_f32(net_cache(&net, "k", 1)),
        *h = tensor_f32(net_state(&net, "h", 1, (int64_t[]){ROWS}));
  for (uint64_t round = 0; round < ROUNDS; round++) {
    const int64_t count = (int64_t)random_below(ROWS + 1, 1, 0, round);
    int32_t from[ROWS];
    for (int i = 0; i < ROWS; i++) {
      cache[4 * i + 2] = h[i] = (float)i; /* the third of four places; three are in use */
      from[i] = (int32_t)random_below(ROWS, 1, 1 + round, (uint64_t)i);
      if (round % 2 && from[i] > 4) from[i] = i;
    }
    if (round % 3 == 0) /* circles only */
      for (int i = 0; i < ROWS; i++) from[i] = (int32_t)((uint64_t)(i + 2 + i % 2) % ROWS);
    state_reorder(net.state, from, count, 3);
    for (int i = 0; i < ROWS; i++)
      if (h[i] != (float)(i < count ? from[i] : i) || cache[4 * i + 2] != h[i])
        fail_msg("round %d, row %d", (int)round, i);
  }
  state_free(net.state);
  tape_free(net.tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_are_sorted_by_name_and_never_overlap),
      cmocka_unit_test(gradients_are_of_the_last_step),
      cmocka_unit_test(initial_values_depend_on_the_name_not_on_the_order),
      cmocka_unit_test(kinds_of_initial_values),
      cmocka_unit_test(scopes_name_parameters),
      cmocka_unit_test(state_is_kept_cleared_and_reordered),
      cmocka_unit_test(any_reordering_is_as_if_all_rows_moved_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
