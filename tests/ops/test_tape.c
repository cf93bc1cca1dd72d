/* The tape, and what operators promise beside their formulas. */
#include "tape_tools.h"

static void reshape_shares_data_and_gradient(void **state) {
  (void)state;
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 2, (int64_t[]){3, 4});
  x->wants_grad = true;
  Tensor *view = tape_reshape(tape, x, 3, (int64_t[]){2, 3, 2});
  assert_ptr_equal(view->data, x->data);
  assert_int_equal(tensor_columns(view), 2);
  /* used under both shapes, before and after */
  Tensor *both = op_add(tape, tape_reshape(tape, view, 2, (int64_t[]){3, 4}), op_add(tape, x, x));
  tape_backward(tape, sum(tape, both));
  for (int i = 0; i < 12; i++) assert_float_equal(x->grad[i], 3, 1e-6);
  tape_free(tape);
}

static void gradient_reaches_all_uses(void **state) {
  (void)state;
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 1, (int64_t[]){5});
  x->wants_grad = true;
  Tensor *twice = op_add(tape, x, x), *four = op_add(tape, twice, twice), *five = op_add(tape, x, four);
  tape_backward(tape, sum(tape, op_add(tape, five, twice))); /* 5x + 2x */
  for (int i = 0; i < 5; i++) assert_float_equal(x->grad[i], 7, 1e-6);
  tape_free(tape);
}

static void nothing_wanted_nothing_recorded(void **state) {
  (void)state;
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 1, (int64_t[]){5}), *y = sum(tape, op_add(tape, x, x));
  assert_false(y->wants_grad);
  tape_backward(tape, y);
  assert_null(x->grad);
  tape_free(tape);
}

static void reset_forgets_the_step(void **state) {
  (void)state;
  Tape *tape = recording();
  const uint64_t stream = tape_stream(tape);
  assert_int_not_equal(tape_stream(tape), stream);
  sum(tape, normal(tape, 1, 1, (int64_t[]){100}));
  assert_true(tape_bytes(tape) >= 400 && tape_flops(tape) == 200);
  tape_reset(tape, false, 6);
  assert_int_equal(tape_stream(tape), stream);
  assert_int_equal(tape_seed(tape), 6);
  assert_int_equal(tape_bytes(tape), 0);
  assert_true(tape_flops(tape) == 0);
  tape_free(tape);
}

static int64_t zeros_of(const Tensor *t) {
  int64_t zeros = 0;
  for (int64_t i = 0; i < tensor_count(t); i++) zeros += tensor_f32(t)[i] == 0;
  return zeros;
}

static void dropout_draws_the_right_share(void **state) {
  (void)state;
  Tape *tape = recording();
  Tensor *ones = tape_tensor(tape, TENSOR_F32, 1, (int64_t[]){100000});
  for (int i = 0; i < 100000; i++) tensor_f32(ones)[i] = 1;
  assert_ptr_equal(op_dropout(tape, ones, 0), ones);
  const Tensor *a = op_dropout(tape, ones, 0.1f), *b = op_dropout(tape, ones, 0.1f);
  assert_true(labs(zeros_of(a) - 10000) < 400); /* 4 standard deviations */
  assert_true(labs(zeros_of(b) - 10000) < 400);
  int64_t both = 0;
  for (int i = 0; i < 100000; i++) both += tensor_f32(a)[i] == 0 && tensor_f32(b)[i] == 0;
  assert_true(labs(both - 1000) < 130); /* independent masks */
  float kept = 0;
  for (int i = 0; i < 100000 && kept == 0; i++) kept = tensor_f32(a)[i];
  assert_float_equal(kept, 1 / 0.9, 1e-4);
  tape_free(tape);
}

/* ---- the same row alone and among others ---- */

static void assert_same_row(const float *a, const float *b, int64_t n) {
  for (int64_t i = 0; i < n; i++) assert_memory_equal(a + i, b + i, sizeof *a);
}

/* A prompt read in pieces over a cache, or row by row as in decoding, has the bits of the prompt read at
 * once. */
static void check_pieces(int64_t piece, int64_t window) {
  enum { T = 700, H = 4, G = 2, D = 12, ROOM = 720 };
  Tape *tape = recording();
  const AttentionShape shape = {.heads = H, .kv_heads = G, .causal = true, .window = window};
  Tensor *q = normal(tape, 1, 3, (int64_t[]){1, T, H * D}),
         *k = normal(tape, 2, 3, (int64_t[]){1, ROOM, G * D}),
         *v = normal(tape, 3, 3, (int64_t[]){1, ROOM, G * D});
  const Tensor *whole = op_attention(tape, q, k, v, (AttentionSight){0}, shape);
  for (int64_t at = 0; at < T; at += piece) {
    const int64_t rows = piece < T - at ? piece : T - at;
    const int32_t first = (int32_t)at;
    Tensor *some =
        tape_constant(tape, TENSOR_F32, 3, (int64_t[]){1, rows, H * D}, tensor_f32(q) + at * H * D);
    Tensor *start = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){1}, &first);
    const Tensor *y = op_attention(tape, some, k, v, (AttentionSight){.start = start}, shape);
    assert_same_row(tensor_f32(y), tensor_f32(whole) + at * H * D, rows * H * D);
  }
  tape_free(tape);
}

static void attention_in_pieces(void **state) {
  (void)state;
  for (int64_t window = 0; window <= 300; window += 300) {
    check_pieces(37, window);
    check_pieces(3, window);
    check_pieces(1, window);
  }
}

/* One step after another, as in writing, gives the bits of all steps at once, as in training. */
static void lstm_step_by_step(void **state) {
  (void)state;
  enum { B = 2, T = 5, D = 300 }; /* more than one partial sum of a product */
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 3, (int64_t[]){B, T, 4 * D}), *w = normal(tape, 2, 2, (int64_t[]){4 * D, D});
  Tensor *h = NULL, *c = NULL, *h_last, *c_last;
  const Tensor *whole = op_lstm(tape, x, w, NULL, NULL, &h_last, &c_last);
  for (int64_t t = 0; t < T; t++) {
    Tensor *now = tape_tensor(tape, TENSOR_F32, 3, (int64_t[]){B, 1, 4 * D});
    for (int64_t b = 0; b < B; b++)
      memcpy(tensor_f32(now) + b * 4 * D, tensor_f32(x) + (b * T + t) * 4 * D, 4 * D * sizeof(float));
    const Tensor *y = op_lstm(tape, now, w, h, c, &h, &c);
    for (int64_t b = 0; b < B; b++)
      assert_same_row(tensor_f32(y) + b * D, tensor_f32(whole) + (b * T + t) * D, D);
  }
  assert_same_row(tensor_f32(h), tensor_f32(h_last), B * D);
  assert_same_row(tensor_f32(c), tensor_f32(c_last), B * D);
  assert_false(h_last->wants_grad || c_last->wants_grad);
  tape_free(tape);
}

static void gru_step_by_step(void **state) {
  (void)state;
  enum { B = 3, T = 4, D = 20 };
  Tape *tape = recording();
  Tensor *x = normal(tape, 1, 3, (int64_t[]){B, T, 3 * D}), *w = normal(tape, 2, 2, (int64_t[]){3 * D, D});
  Tensor *bias = normal(tape, 3, 1, (int64_t[]){3 * D}), *h = NULL, *h_last;
  op_gru(tape, x, w, bias, NULL, &h_last);
  for (int64_t t = 0; t < T; t++) {
    Tensor *now = tape_tensor(tape, TENSOR_F32, 3, (int64_t[]){B, 1, 3 * D});
    for (int64_t b = 0; b < B; b++)
      memcpy(tensor_f32(now) + b * 3 * D, tensor_f32(x) + (b * T + t) * 3 * D, 3 * D * sizeof(float));
    op_gru(tape, now, w, bias, h, &h);
  }
  assert_same_row(tensor_f32(h), tensor_f32(h_last), B * D);
  tape_free(tape);
}

/* ---- a wide recurrence, whose steps all threads share, is a narrow one where the rest of it is zeros ----
 */

enum { SEQUENCES = 5, STEPS = 4, NARROW = 7, WIDE = 161 };

/* x [rows, gates * NARROW] -> [rows, gates * width] */
static Tensor *widened(Tape *tape, const Tensor *x, int dims, const int64_t *shape, int64_t gates,
                       int64_t width) {
  Tensor *y = tape_tensor(tape, TENSOR_F32, dims, shape);
  memset(y->data, 0, tensor_bytes(y));
  for (int64_t r = 0; r < tensor_count(x) / (gates * NARROW); r++)
    for (int64_t g = 0; g < gates; g++)
      memcpy(tensor_f32(y) + (r * gates + g) * width, tensor_f32(x) + (r * gates + g) * NARROW,
             NARROW * sizeof(float));
  y->wants_grad = true;
  return y;
}

/* The weight [gates * width, width]: its rows are widened, and then lie further apart. */
static Tensor *widened_weight(Tape *tape, const Tensor *w, int64_t gates, int64_t width) {
  Tensor *y = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){gates * width, width});
  memset(y->data, 0, tensor_bytes(y));
  for (int64_t r = 0; r < gates * NARROW; r++)
    memcpy(tensor_f32(y) + (r / NARROW * width + r % NARROW) * width, tensor_f32(w) + r * NARROW,
           NARROW * sizeof(float));
  y->wants_grad = true;
  return y;
}

typedef struct Learnt {
  Tensor *x, *w;
} Learnt;

static Learnt learn(Tape *tape, bool lstm, int64_t width) {
  const int64_t gates = lstm ? 4 : 3;
  const int32_t ids[SEQUENCES * STEPS] = {0, 1, 2, 3, 2, 1, 0, 3, 1};
  Tensor *x = normal(tape, 1, 3, (int64_t[]){SEQUENCES, STEPS, gates * NARROW}),
         *w = normal(tape, 2, 2, (int64_t[]){gates * NARROW, NARROW}),
         *bias = normal(tape, 3, 1, (int64_t[]){gates * NARROW}),
         *out = normal(tape, 4, 2, (int64_t[]){4, NARROW});
  const Learnt l = {widened(tape, x, 3, (int64_t[]){SEQUENCES, STEPS, gates * width}, gates, width),
                    widened_weight(tape, w, gates, width)};
  bias = widened(tape, bias, 1, (int64_t[]){gates * width}, gates, width);
  out = widened(tape, out, 2, (int64_t[]){4, width}, 1, width);
  Tensor *h =
      lstm ? op_lstm(tape, l.x, l.w, NULL, NULL, NULL, NULL) : op_gru(tape, l.x, l.w, bias, NULL, NULL);
  Tensor *targets = tape_constant(tape, TENSOR_I32, 2, (int64_t[]){SEQUENCES, STEPS}, ids);
  tape_backward(tape, op_cross_entropy(tape, h, out, NULL, targets, 0, 0, 0));
  return l;
}

static void check_wide(bool lstm) {
  Tape *narrow = recording(), *wide = recording();
  const Learnt a = learn(narrow, lstm, NARROW), b = learn(wide, lstm, WIDE);
  const int64_t gates = lstm ? 4 : 3;
  for (int64_t i = 0; i < tensor_count(a.x); i++)
    assert_float_equal(a.x->grad[i], b.x->grad[i / NARROW * WIDE + i % NARROW], 1e-6);
  for (int64_t i = 0; i < gates * NARROW * NARROW; i++) {
    const int64_t row = i / NARROW;
    assert_float_equal(a.w->grad[i], b.w->grad[(row / NARROW * WIDE + row % NARROW) * WIDE + i % NARROW],
                       1e-6);
  }
  assert_true(fabsf(a.w->grad[0]) > 1e-4f);
  tape_free(narrow);
  tape_free(wide);
}

static void a_wide_recurrence_learns_as_a_narrow_one(void **state) {
  (void)state;
  check_wide(true);
  check_wide(false);
}

/* Whichever way the weight lies; and the second time, when it is packed already. */
static void packed_weights_change_no_bit(void **state) {
  enum { M = 17, N = 45, K = 530 };
  Tape *plain = recording(), *packing = recording();
  PackedSet *set = packed_set_new(false);
  tape_pack_weights(packing, set);
  for (int transposed = 0; transposed < 2; transposed++) {
    const int64_t shape[] = {transposed ? K : N, transposed ? N : K};
    Tensor *weight = normal(plain, 2, 2, shape);
    for (int again = 0; again < 2; again++) {
      Tensor *x = normal(plain, 3 + again, 2, (int64_t[]){M, K});
      const Tensor *y = op_linear(plain, x, weight, NULL, transposed);
      const Tensor *z = op_linear(packing, x, weight, NULL, transposed);
      assert_same_row(tensor_f32(y), tensor_f32(z), M * N);
    }
  }
  tape_free(plain);
  tape_free(packing);
  packed_set_free(set);
}

/* Of a set of halves: matrices that are such are packed as such, others as floats, but none when met first.
 */
static void sixteen_bits_change_no_bit(void **state) {
  enum { M = 5, N = 45, K = 300 };
  Tape *plain = recording(), *packing = recording();
  PackedSet *set = packed_set_new(true);
  tape_pack_weights(packing, set);
  for (int kind = 0; kind < 3; kind++) {
    static const float steps[] = {64, 1024, 1 << 20}; /* bf16, f16, neither */
    Tensor *weight = normal(plain, 2, 2, (int64_t[]){N, K});
    float *w = tensor_f32(weight);
    for (int64_t i = 0; i < N * K; i++) w[i] = fminf(fmaxf(rintf(w[i] * steps[kind]) / steps[kind], -1), 1);
    assert_null(packed_set_get(set, true, weight));
    for (int64_t rows = 1; rows <= M; rows += M - 1) {
      Tensor *x = normal(plain, 3, 2, (int64_t[]){rows, K});
      assert_same_row(tensor_f32(op_linear(plain, x, weight, NULL, false)),
                      tensor_f32(op_linear(packing, x, weight, NULL, false)), rows * N);
    }
    static const TensorType types[] = {TENSOR_BF16, TENSOR_F16, TENSOR_F32};
    assert_int_equal(packed_set_get(set, true, weight)->type, types[kind]);
  }
  tape_free(plain);
  tape_free(packing);
  packed_set_free(set);
}

/* A weight of one type, and what it holds, as floats. */
static Tensor stored_as(Tape *tape, TensorType type, const Tensor *weight) {
  Tensor stored = *weight;
  stored.type = type;
  stored.data = arena_alloc(tape_arena(tape), tensor_bytes(&stored));
  kernels->types[type].narrow(stored.data, tensor_f32(weight), tensor_count(weight));
  kernels->types[type].widen(tensor_f32(weight), stored.data, tensor_count(weight));
  return stored;
}

/* One product of several weights has the bits of one product each, whatever their types. */
static void layers_of_one_input_change_no_bit(void **state) {
  (void)state;
  enum { K = 544 };
  static const TensorType types[][3] = {{TENSOR_Q8_0, TENSOR_Q4_0, TENSOR_Q8_0},
                                        {TENSOR_BF16, TENSOR_BF16, TENSOR_F32},
                                        {TENSOR_Q5_1, TENSOR_F32, TENSOR_BF16}};
  static const int64_t widths[] = {45, 8, 130};
  Tape *plain = recording(), *packing = tape_new(false);
  for (size_t kind = 0; kind < sizeof types / sizeof *types; kind++)
    for (int64_t rows = 1; rows < 40; rows += 16) {
      PackedSet *set = packed_set_new(false);
      tape_pack_weights(packing, set);
      Tensor stored[3], *y[3];
      LinearWeight weights[3];
      Tensor *x = normal(plain, 3, 2, (int64_t[]){rows, K});
      for (int i = 0; i < 3; i++) {
        stored[i] = stored_as(plain, types[kind][i], normal(plain, 4 + i, 2, (int64_t[]){widths[i], K}));
        weights[i] = (LinearWeight){&stored[i], i == 1 ? normal(plain, 8, 1, &widths[i]) : NULL};
      }
      op_linears(packing, x, weights, 3, false, y);
      for (int i = 0; i < 3; i++)
        assert_same_row(tensor_f32(op_linear(packing, x, weights[i].weight, weights[i].bias, false)),
                        tensor_f32(y[i]), rows * widths[i]);
      packed_set_free(set);
    }
  tape_free(plain);
  tape_free(packing);
}

/* A value that dominates its run is multiplied as a float, whichever LEVELS_STEPS and row it is in: the rest
 * of the run is rounded as finely as without it. */
static void values_that_dominate_are_exact(void **state) {
  (void)state;
  enum { M = 3, N = 40, K = 3 * LEVELS_STEPS };
  Tape *plain = recording(), *packing = tape_new(false);
  PackedSet *set = packed_set_new(false);
  tape_pack_weights(packing, set);
  Tensor *weight = normal(plain, 4, 2, (int64_t[]){N, K}), *x = normal(plain, 3, 2, (int64_t[]){M, K});
  Tensor stored = stored_as(plain, TENSOR_Q8_0, weight);
  for (int row = 0; row < M; row++) tensor_f32(x)[row * K + row * LEVELS_STEPS + 7 * row + 5] = 1000;
  for (int64_t rows = 1; rows <= M; rows += M - 1) {
    Tensor *some = tape_constant(plain, TENSOR_F32, 2, (int64_t[]){rows, K}, tensor_f32(x));
    const float *exact = tensor_f32(op_linear(plain, some, weight, NULL, false)),
                *got = tensor_f32(op_linear(packing, some, &stored, NULL, false));
    for (int64_t i = 0; i < rows * N; i++)
      if (!(fabsf(got[i] - exact[i]) < 1)) fail_msg("%g instead of %g", (double)got[i], (double)exact[i]);
  }
  packed_set_free(set);
  tape_free(plain);
  tape_free(packing);
}

/* What a set makes of a weight of that type, which lies along k or not. */
static TensorType packed_type(TensorType type, bool along_k, bool compact) {
  if (type_info(type)->block > 1) return along_k ? type : TENSOR_F32;
  return compact || precision_of_weights(type) == PRECISION_BF16 ? type : TENSOR_F32;
}

/* Rounding x to integers moves no sum by more than a tenth of their root mean square; the rows have the bits
 * that they have alone. */
static void check_integers(Tape *packing, Tensor *x, Tensor *stored, const Tensor *exact) {
  const int64_t rows = x->shape[0], k = x->shape[1], n = stored->shape[0];
  const float *want = tensor_f32(exact), *got = tensor_f32(op_linear(packing, x, stored, NULL, false));
  double squares = 0, most = 0;
  for (int64_t i = 0; i < rows * n; i++) {
    squares += (double)want[i] * (double)want[i];
    most = fmax(most, fabs((double)want[i] - (double)got[i]));
  }
  assert_true(most > 0 && most < 0.1 * sqrt(squares / (double)(rows * n)));
  for (int64_t i = 0; i < rows; i++) {
    Tensor row = *x;
    row.shape[0] = 1;
    row.data = (float *)x->data + i * k;
    assert_same_row(tensor_f32(op_linear(packing, &row, stored, NULL, false)), got + i * n, n);
  }
}

/* Stored so, whichever way it lies, and whatever the set makes of it. */
static void check_stored(TensorType type, bool transposed, bool compact, int64_t rows) {
  const int64_t block = type_info(type)->block,
                n = block == 1 || !transposed ? 45
                    : block == 32             ? 64
                                              : block,
                k = block > 32 ? 3 * block : 544;
  Tape *plain = recording(), *packing = tape_new(false);
  PackedSet *set = packed_set_new(compact);
  tape_pack_weights(packing, set);
  Tensor *x = normal(plain, 3, 2, (int64_t[]){rows, k});
  Tensor *weight = normal(plain, 2, 2, (int64_t[]){transposed ? k : n, transposed ? n : k});
  Tensor stored = stored_as(plain, type, weight);
  tape_set_precision(plain, precision_of_weights(type));
  const Tensor *y = op_linear(plain, x, weight, NULL, transposed);
  for (int again = 0; again < 2; again++)
    if (block > 1 && !transposed) /* integers from the first product on */
      check_integers(packing, x, &stored, y);
    else
      assert_same_row(tensor_f32(y), tensor_f32(op_linear(packing, x, &stored, NULL, transposed)), rows * n);
  packed_set_free(set);
  set = packed_set_new(compact);
  const bool at_once = !compact || (block > 1 && !transposed); /* else not when met first */
  assert_true(!packed_set_get(set, !transposed, &stored) == !at_once);
  assert_int_equal(packed_set_get(set, !transposed, &stored)->type, packed_type(type, !transposed, compact));
  tape_free(plain);
  tape_free(packing);
  packed_set_free(set);
}

static void stored_types_are_what_they_stand_for(void **state) {
  (void)state;
  for (int type = 1; type < TENSOR_WEIGHT_TYPES; type++)
    for (int i = 0; i < 8; i++) check_stored((TensorType)type, i & 1, i & 2, i & 4 ? 17 : 1);
}

/* A frozen weight of any type passes the gradient on as its floats do: by a product, and by the loss. */
static void check_frozen(TensorType type, bool transposed, Precision precision) {
  enum { N = 256, K = 256, ROWS = 5 };
  Tape *held = recording();
  float grads[2][ROWS * K];
  const Tensor *weight = normal(held, 2, 2, (int64_t[]){transposed ? K : N, transposed ? N : K});
  const Tensor *table = normal(held, 4, 2, (int64_t[]){70, N});
  Tensor stored[] = {stored_as(held, type, weight), *weight},
         tables[] = {stored_as(held, type, table), *table};
  const int32_t ids[ROWS] = {3, 69, 0, -1, 31};
  for (int i = 0; i < 2; i++) {
    Tape *tape = recording();
    tape_set_precision(tape, precision);
    Tensor *x = normal(tape, 3, 2, (int64_t[]){ROWS, K});
    x->wants_grad = true;
    Tensor *targets = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){ROWS}, ids);
    Tensor *y = op_linear(tape, x, &stored[i], NULL, transposed);
    tape_backward(tape, op_cross_entropy(tape, y, &tables[i], NULL, targets, 0, 0, 0));
    memcpy(grads[i], x->grad, sizeof grads[i]);
    tape_free(tape);
  }
  assert_memory_equal(grads[0], grads[1], sizeof grads[0]);
  tape_free(held);
}

static void frozen_weights_of_any_type_pass_gradients_on(void **state) {
  (void)state;
  for (int type = 0; type < TENSOR_WEIGHT_TYPES; type++)
    for (int i = 0; i < (kernels->has_bf16() ? 4 : 2); i++)
      check_frozen((TensorType)type, i & 1, i & 2 ? PRECISION_BF16 : PRECISION_F32);
}

/* A mean over the same rows is the same in one call, and in two that are given the count of both. */
static void cross_entropy_in_two_halves(void **state) {
  (void)state;
  enum { N = 10, D = 6, V = 9 };
  Tape *tape = recording();
  Tensor *h = normal(tape, 1, 2, (int64_t[]){N, D}), *w = normal(tape, 2, 2, (int64_t[]){V, D});
  int32_t ids[N] = {0, 8, 3, -1, 5, 5, 7, -100, 2, 1};
  Tensor *targets = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){N}, ids);
  const float whole = *tensor_f32(op_cross_entropy(tape, h, w, NULL, targets, 0.2f, 0, 0));
  float halves = 0;
  for (int i = 0; i < 2; i++) {
    Tensor *part = tape_constant(tape, TENSOR_F32, 2, (int64_t[]){N / 2, D}, tensor_f32(h) + i * N / 2 * D);
    Tensor *some = tape_constant(tape, TENSOR_I32, 1, (int64_t[]){N / 2}, ids + i * N / 2);
    halves += *tensor_f32(op_cross_entropy(tape, part, w, NULL, some, 0.2f, 0, 8));
  }
  assert_float_equal(whole, halves, 1e-6);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reshape_shares_data_and_gradient),
      cmocka_unit_test(gradient_reaches_all_uses),
      cmocka_unit_test(nothing_wanted_nothing_recorded),
      cmocka_unit_test(reset_forgets_the_step),
      cmocka_unit_test(dropout_draws_the_right_share),
      cmocka_unit_test(attention_in_pieces),
      cmocka_unit_test(lstm_step_by_step),
      cmocka_unit_test(gru_step_by_step),
      cmocka_unit_test(a_wide_recurrence_learns_as_a_narrow_one),
      cmocka_unit_test(packed_weights_change_no_bit),
      cmocka_unit_test(layers_of_one_input_change_no_bit),
      cmocka_unit_test(values_that_dominate_are_exact),
      cmocka_unit_test(sixteen_bits_change_no_bit),
      cmocka_unit_test(stored_types_are_what_they_stand_for),
      cmocka_unit_test(frozen_weights_of_any_type_pass_gradients_on),
      cmocka_unit_test(cross_entropy_in_two_halves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
