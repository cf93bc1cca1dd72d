/* Parts of the tape, and outputs that are rematerialized or lie in the memory of an input. */
#include "tape_tools.h"

static Tape *recorded_on; /* what the parts below compute on */

/* 2x + b twice, the second time from the output of the first. */
static Tensor *doubled_and_more(void *extra, Tensor *x) {
  Tape *tape = recorded_on;
  return op_add(tape, op_add(tape, x, x), extra);
}

/* y = 2(2x + b) + b: dy/dx = 4, dy/db = 3. What parts took is there again once the gradients went on. */
static void parts_give_back_their_memory(void **state) {
  (void)state;
  for (int recompute = 0; recompute < 2; recompute++) {
    Tape *tape = recorded_on = recording();
    tape_recompute(tape, recompute);
    const int64_t shape[] = {64, 32};
    Tensor *x = normal(tape, 1, 2, shape), *b = normal(tape, 2, 2, shape);
    x->wants_grad = b->wants_grad = true;
    const int64_t before = tape_bytes(tape), each = (int64_t)tensor_bytes(x);
    Tensor *y = tape_part(tape, doubled_and_more, b, tape_part(tape, doubled_and_more, b, x, b), b);
    assert_int_equal(tape_bytes(tape) - before, (recompute ? 2 : 4) * each);
    for (int i = 0; i < 64 * 32; i++)
      assert_float_equal(tensor_f32(y)[i], 4 * tensor_f32(x)[i] + 3 * tensor_f32(b)[i], 1e-5);
    tape_backward(tape, sum(tape, y));
    for (int i = 0; i < 64 * 32; i++) {
      assert_float_equal(x->grad[i], 4, 1e-6);
      assert_float_equal(b->grad[i], 3, 1e-6);
    }
    tape_free(tape);
  }
}

/* Backward first clears memory for the gradient of the sum, and reads dy after that. */
static Tensor *two_activations(void *weight, Tensor *x) {
  Tape *tape = recorded_on;
  x = op_add(tape, op_activation(tape, x, ACTIVATION_SILU), op_activation(tape, x, ACTIVATION_TANH));
  return op_rmsnorm(tape, x, weight, 0, 1e-5f);
}

static void gradients_between_parts_are_kept(void **state) {
  (void)state;
  const int64_t shape[] = {64, 32};
  float expected[64 * 32];
  for (int as = 0; as < 3; as++) { /* without parts, kept, recomputed */
    Tape *tape = recorded_on = recording();
    tape_recompute(tape, as == 2);
    Tensor *x = normal(tape, 1, 2, shape), *weight = normal(tape, 2, 1, &shape[1]), *y = x;
    x->wants_grad = true;
    for (int i = 0; i < 4; i++)
      y = as ? tape_part(tape, two_activations, weight, y, NULL) : two_activations(weight, y);
    tape_backward(tape, sum(tape, y));
    if (!as) memcpy(expected, x->grad, sizeof expected);
    assert_memory_equal(x->grad, expected, sizeof expected);
    tape_free(tape);
  }
}

/* y = W2 silu(W1 x), of frozen and trained weights. */
static Tensor *two_products(void *weights, Tensor *x) {
  Tensor *const *w = weights;
  return op_linear(recorded_on,
                   op_activation(recorded_on, op_linear(recorded_on, x, w[0], NULL, false), ACTIVATION_SILU),
                   w[1], NULL, false);
}

/* A part whose input wants no gradient trains the parameters in it; one in which nothing learns keeps only
 * its output. */
static void parts_above_frozen_ones_learn(void **state) {
  (void)state;
  float expected[32 * 32];
  for (int as = 0; as < 3; as++) { /* without parts, kept, recomputed */
    Tape *tape = recorded_on = recording();
    tape_recompute(tape, as == 2);
    Tensor *x = normal(tape, 1, 2, (int64_t[]){64, 32}), *w[4], *y;
    for (int i = 0; i < 4; i++) {
      w[i] = normal(tape, 2 + (uint64_t)i, 2, (int64_t[]){32, 32});
      w[i]->parameter = true;
    }
    w[3]->wants_grad = true;
    const int64_t before = tape_bytes(tape);
    y = as ? tape_part(tape, two_products, w, x, NULL) : two_products(w, x);
    assert_false(y->wants_grad);
    if (as) assert_int_equal(tape_bytes(tape) - before, tensor_bytes(y));
    y = as ? tape_part(tape, two_products, w + 2, y, NULL) : two_products(w + 2, y);
    assert_true(y->wants_grad);
    tape_backward(tape, sum(tape, y));
    assert_non_null(w[3]->grad);
    if (!as) memcpy(expected, w[3]->grad, sizeof expected);
    assert_memory_equal(w[3]->grad, expected, sizeof expected);
    assert_null(w[2]->grad);
    tape_free(tape);
  }
}

static Tensor *silu(Tensor *x) {
  return op_activation(recorded_on, x, ACTIVATION_SILU);
}

static Tensor *turned(Tensor *x, int64_t rows, int64_t columns) {
  return tape_reshape(recorded_on, x, 2, (int64_t[]){rows, columns});
}

static Tensor *normed(Tensor *x) {
  const int64_t width = tensor_columns(x);
  Tensor *weight = tape_tensor(recorded_on, TENSOR_F32, 1, &width);
  for (int64_t i = 0; i < width && weight->data; i++) tensor_f32(weight)[i] = 1 + 0.01f * (float)i;
  return op_rmsnorm(recorded_on, x, weight, 0, 1e-5f);
}

/* Activations that are read again after others: through another shape, by a product that needs them for its
 * weight, by their own backward, two at once, one by the next, beside one that is made from another in its
 * own place; the last is what is read outside. */
static Tensor *many_activations(void *weight, Tensor *x) {
  Tape *tape = recorded_on;
  Tensor *early = turned(silu(x), 32, 64);
  Tensor *bent = op_activation(tape, op_scale(tape, x, 0.7f), ACTIVATION_TANH);
  Tensor *beside = op_scale(tape, silu(op_scale(tape, x, 0.3f)), 2);
  Tensor *sum = op_add(tape, op_scale(tape, bent, 1.5f), beside);
  sum = op_add(tape, sum, op_linear(tape, turned(early, 64, 32), weight, NULL, false));
  sum = op_add(tape, turned(sum, 32, 64), early);
  Tensor *first = silu(sum), *seen = turned(first, 64, 32);
  sum = op_add(tape, op_activation(tape, sum, ACTIVATION_GELU), silu(first));
  sum = op_add(tape, turned(sum, 64, 32), op_linear(tape, seen, weight, NULL, false));
  Tensor *under = normed(sum), *low = silu(under), *high = normed(op_scale(tape, sum, 0.9f));
  Tensor *other = silu(high), *deep = normed(low);
  sum =
      op_linear(tape, under, weight, NULL, false); /* before deep is read: the place was taken twice for it */
  sum = op_add(tape, sum, op_scale(tape, deep, 0.5f));
  sum = op_add(tape, op_add(tape, high, low), op_add(tape, sum, op_scale(tape, other, 0.3f)));
  return silu(sum);
}

/* The same bits as where all outputs are kept. */
static void rematerialized_outputs_are_recomputed(void **state) {
  (void)state;
  float expected[64 * 32], of_weight[32 * 32];
  for (int as = 0; as < 3; as++) { /* without parts, kept, recomputed */
    Tape *tape = recorded_on = recording();
    tape_recompute(tape, as == 2);
    Tensor *x = normal(tape, 1, 2, (int64_t[]){64, 32}), *y = x;
    Tensor *weight = normal(tape, 2, 2, (int64_t[]){32, 32});
    x->wants_grad = weight->wants_grad = true;
    for (int i = 0; i < 3; i++) {
      y = as ? tape_part(tape, many_activations, weight, y, weight) : many_activations(weight, y);
      assert_null(y->maker);
    }
    tape_backward(tape, sum(tape, y));
    if (!as) memcpy(expected, x->grad, sizeof expected);
    if (!as) memcpy(of_weight, weight->grad, sizeof of_weight);
    assert_memory_equal(x->grad, expected, sizeof expected);
    assert_memory_equal(weight->grad, of_weight, sizeof of_weight);
    tape_free(tape);
  }
}

/* Queries normed before they are rotated, as in Qwen3, a norm behind the branch, as in Gemma 2, and the norm
 * of a residual added to it. */
static Tensor *norms_everywhere(void *weight, Tensor *x) {
  Tape *tape = recorded_on;
  Tensor *q = op_linear(tape, normed(x), weight, NULL, false);
  q = tape_reshape(tape, normed(turned(q, 256, 8)), 3, (int64_t[]){2, 32, 32});
  static const float frequencies[] = {1, 0.3f, 0.1f, 0.03f};
  Tensor *turns = rope_turns(tape, NULL, NULL, 2, 32, (RopeFrequencies){frequencies, 4, 1, false});
  q = turned(op_rope(tape, q, turns, (RopeShape){.heads = 4}), 64, 32);
  Tensor *branch = normed(op_linear(tape, silu(q), weight, NULL, false));
  Tensor *y = op_residual(tape, x, branch, 0.1f);
  y = op_residual(tape, y, normed(y), 0);
  return op_residual(tape, x, normed(op_linear(tape, y, weight, NULL, false)), 0);
}

static Tape *recorded_with(bool recompute) {
  Tape *tape = recording();
  tape_recompute(tape, recompute);
  return tape;
}

static int64_t dry_bytes_of_norms(void) {
  Tape *tape = recorded_on = tape_new(true);
  tape_reset(tape, true, 5);
  Tensor *x = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){64, 32}), *y = x;
  Tensor *weight = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){32, 32});
  x->wants_grad = weight->wants_grad = true;
  for (int i = 0; i < 2; i++) y = tape_part(tape, norms_everywhere, weight, y, weight);
  const int64_t bytes = tape_bytes(tape);
  tape_free(tape);
  return bytes;
}

/* Forward and backward have the bits of a tape that keeps every output, and a dry tape counts its bytes. */
static void operators_in_place_take_rematerialized_inputs(void **state) {
  (void)state;
  float expected[64 * 32], values[64 * 32], of_weight[32 * 32];
  const int64_t bytes = dry_bytes_of_norms();
  for (int as = 0; as < 3; as++) { /* without parts, kept, recomputed */
    Tape *tape = recorded_on = recorded_with(as == 2);
    Tensor *x = normal(tape, 1, 2, (int64_t[]){64, 32}), *y = x;
    Tensor *weight = normal(tape, 2, 2, (int64_t[]){32, 32});
    x->wants_grad = weight->wants_grad = true;
    for (int i = 0; i < 2; i++)
      y = as ? tape_part(tape, norms_everywhere, weight, y, weight) : norms_everywhere(weight, y);
    if (as == 1) assert_int_equal(tape_bytes(tape), bytes);
    if (!as) memcpy(values, y->data, sizeof values);
    assert_memory_equal(y->data, values, sizeof values);
    tape_backward(tape, sum(tape, y));
    if (!as) memcpy(expected, x->grad, sizeof expected);
    if (!as) memcpy(of_weight, weight->grad, sizeof of_weight);
    assert_memory_equal(x->grad, expected, sizeof expected);
    assert_memory_equal(weight->grad, of_weight, sizeof of_weight);
    tape_free(tape);
  }
}

static Tensor *three_products(void *weight, Tensor *x) {
  Tape *tape = recorded_on;
  for (int i = 0; i < 3; i++) x = op_linear(tape, silu(x), weight, NULL, false);
  return x;
}

/* Of 64 layers of three activations there is one at a time; a larger one replaces its memory. */
static void rematerialized_outputs_share_memory(void **state) {
  (void)state;
  Tape *tape = recorded_on = tape_new(false);
  for (int64_t rows = 1; rows < 9; rows += 7) {
    tape_reset(tape, true, 5);
    Tensor *x = normal(tape, 1, 2, (int64_t[]){rows, 32}), *y = x;
    Tensor *weight = normal(tape, 2, 2, (int64_t[]){32, 32});
    x->wants_grad = true;
    const int64_t before = tape_bytes(tape), each = (int64_t)tensor_bytes(x);
    for (int i = 0; i < 64; i++) y = tape_part(tape, three_products, weight, y, NULL);
    assert_true(tape_bytes(tape) - before <= (64 * 3 + 1) * each);
    tape_backward(tape, sum(tape, y));
  }
  tape_free(tape);
}

/* Logits are there in forward only: 1.2 MB. */
static void what_forward_alone_needs_is_handed_on(void **state) {
  (void)state;
  enum { N = 300, D = 8, V = 1000 };
  Tape *tape = recording();
  Tensor *h = normal(tape, 1, 2, (int64_t[]){N, D}), *w = normal(tape, 2, 2, (int64_t[]){V, D});
  int32_t ids[N] = {0};
  Tensor *targets = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){N}, ids);
  h->wants_grad = w->wants_grad = true;
  const size_t before = arena_used(tape_arena(tape));
  Tensor *loss = op_cross_entropy(tape, h, w, NULL, targets, 0, 0, 0);
  assert_true(arena_used(tape_arena(tape)) - before < 100000);
  assert_true(arena_peak(tape_arena(tape)) - before > sizeof(float) * N * V);
  tape_backward(tape, loss);
  tape_free(tape);
}

/* What gives its memory away is not read again, and the memory is that of the output. */
static void a_residual_takes_the_memory_of_the_change(void **state) {
  (void)state;
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 2, (int64_t[]){3, 7}), *change = normal(tape, 2, 2, (int64_t[]){3, 7});
  const int64_t before = tape_bytes(tape);
  const float expected = tensor_f32(x)[20] + tensor_f32(change)[20];
  const Tensor *y = op_residual(tape, x, change, 0);
  assert_ptr_equal(y->data, change->data);
  assert_true(tensor_f32(y)[20] == expected && tape_bytes(tape) == before);
  tape_free(tape);
}

static void without_a_record_a_part_leaves_its_output(void **state) {
  (void)state;
  Tape *tape = recorded_on = tape_new(false);
  tape_reset(tape, false, 5);
  const int64_t shape[] = {64, 32};
  Tensor *x = normal(tape, 1, 2, shape), *y = x;
  const int64_t before = tape_bytes(tape), each = (int64_t)tensor_bytes(x);
  for (int i = 0; i < 5; i++) y = tape_part(tape, doubled_and_more, x, y, x);
  assert_int_equal(tape_bytes(tape) - before, 5 * each);
  assert_true((int64_t)arena_peak(tape_arena(tape)) < before + 5 * each + 3 * each);
  for (int i = 0; i < 64 * 32; i++) assert_float_equal(tensor_f32(y)[i], 63 * tensor_f32(x)[i], 1e-3);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_give_back_their_memory),
      cmocka_unit_test(rematerialized_outputs_are_recomputed),
      cmocka_unit_test(operators_in_place_take_rematerialized_inputs),
      cmocka_unit_test(rematerialized_outputs_share_memory),
      cmocka_unit_test(a_residual_takes_the_memory_of_the_change),
      cmocka_unit_test(what_forward_alone_needs_is_handed_on),
      cmocka_unit_test(gradients_between_parts_are_kept),
      cmocka_unit_test(parts_above_frozen_ones_learn),
      cmocka_unit_test(without_a_record_a_part_leaves_its_output),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
