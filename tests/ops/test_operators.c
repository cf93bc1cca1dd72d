/* Every operator of ops.def against itself, by its own sample(): gradients by finite differences, frozen
 * inputs, instruction sets, numbers of threads, and dry runs. What it should compute is pinned by
 * test_golden.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/sample.h"

#include <cmocka.h> /* last: it defines a macro `fail` */

static OpSampler sampler_new(int which) {
  return (OpSampler){.tape = tape_new(false), .which = which, .frozen = -1, .moved = -1};
}

static void run(OpSampler *s, const Op *op) {
  sample_run(s, op);
  sample_backward(s);
}

typedef void CaseTest(const Op *, int which);

static void each_case(CaseTest *test) {
  for (int i = 0; i < op_count; i++) {
    OpSampler s = sampler_new(0);
    sample_run(&s, op_table[i]);
    for (int which = 0; which < s.cases; which++) test(op_table[i], which);
    tape_free(s.tape);
  }
}

/* ---- gradients ---- */

static double loss_at(OpSampler *s, const Op *op, int input, int64_t element, float by) {
  s->moved = input;
  s->element = element;
  s->by = by;
  sample_run(s, op);
  return s->loss;
}

enum { ELEMENTS = 24 };
static const float STEP = 0.03f;

/* The slope by differences of fourth order. Returns false at a kink: the slopes on both sides differ. */
static bool measured_slope(OpSampler *s, const Op *op, int input, int64_t element, double *slope) {
  const double up = loss_at(s, op, input, element, STEP), down = loss_at(s, op, input, element, -STEP);
  const double up2 = loss_at(s, op, input, element, 2 * STEP),
               down2 = loss_at(s, op, input, element, -2 * STEP);
  const double third = up2 - 2 * up + 2 * down - down2, right = up2 - up, left = down - down2;
  *slope = (8 * (up - down) - (up2 - down2)) / (12 * (double)STEP);
  return fabs(right - left) <= 0.5 * (fabs(right) + fabs(left)) || fabs(third) < 0.2 * fabs(up - down);
}

static double largest(const float *x, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; i++) most = fabs((double)x[i]) > most ? fabs((double)x[i]) : most;
  return most;
}

typedef struct Tally {
  int checked, kinks;
} Tally;

static void check_slope(const Op *op, int which, int input, const char *name, int64_t element, double given,
                        double scale, bool scalar, Tally *tally) {
  OpSampler s = sampler_new(which);
  double slope;
  s.forward_only = true;
  const bool smooth = measured_slope(&s, op, input, element, &slope);
  /* a scalar output is rounded as a whole */
  const double noise = scalar ? 4 * 0x1p-24 * fabs(s.loss) / (double)STEP : 0;
  if (smooth)
    tally->checked++;
  else
    tally->kinks++;
  if (smooth && !(fabs(slope - given) <= 2e-3 * fabs(given) + 1e-3 * scale + noise))
    fail_msg("%s, case %d: d/d%s[%lld] is %.7g by differences, backward gives %.7g", op->name, which, name,
             (long long)element, slope, given);
  tape_free(s.tape);
}

static void check_gradients(const Op *op, int which) {
  OpSampler s = sampler_new(which);
  run(&s, op);
  for (int i = 0; i < s.inputs; i++) {
    const int64_t count = tensor_count(s.in[i]);
    Tally tally = {0};
    assert_non_null(s.in[i]->grad);
    for (int64_t e = 0; e < (count < ELEMENTS ? count : ELEMENTS); e++) {
      const int64_t at =
          count <= ELEMENTS ? e : (int64_t)random_below((uint64_t)count, 7, (uint64_t)i, (uint64_t)e);
      check_slope(op, which, i, s.names[i], at, (double)s.in[i]->grad[at], largest(s.in[i]->grad, count),
                  !s.out->dims, &tally);
    }
    if (tally.kinks * 4 > tally.checked)
      fail_msg("%s, case %d: %s has %d kinks", op->name, which, s.names[i], tally.kinks);
  }
  tape_free(s.tape);
}

static void gradients(void **state) {
  (void)state;
  each_case(check_gradients);
}

/* ---- bits ---- */

static void assert_same_floats(const Op *op, int which, const char *what, const float *a, const float *b,
                               int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (memcmp(a + i, b + i, sizeof *a))
      fail_msg("%s, case %d: %s[%lld] is %.9g or %.9g", op->name, which, what, (long long)i, (double)a[i],
               (double)b[i]);
}

static void assert_same_gradients(const Op *op, int which, const OpSampler *a, const OpSampler *b,
                                  int except) {
  for (int i = 0; i < a->inputs; i++)
    if (i != except)
      assert_same_floats(op, which, a->names[i], a->in[i]->grad, b->in[i]->grad, tensor_count(a->in[i]));
}

static void assert_same_output(const Op *op, int which, const OpSampler *a, const OpSampler *b) {
  assert_same_floats(op, which, "output", tensor_f32(a->out), tensor_f32(b->out), tensor_count(a->out));
}

static void check_frozen(const Op *op, int which) {
  OpSampler all = sampler_new(which), some = sampler_new(which);
  run(&all, op);
  for (int i = 0; i < all.inputs; i++) {
    some.frozen = i;
    run(&some, op);
    if (some.in[i]->grad) fail_msg("%s, case %d: frozen %s got a gradient", op->name, which, some.names[i]);
    assert_same_output(op, which, &all, &some);
    assert_same_gradients(op, which, &all, &some, i);
  }
  tape_free(all.tape);
  tape_free(some.tape);
}

static void frozen_inputs(void **state) {
  (void)state;
  each_case(check_frozen);
}

/* A gradient is added to one that is there already: accumulation over batches, weights used twice. */
static void check_accumulation(const Op *op, int which) {
  OpSampler once = sampler_new(which), again = sampler_new(which);
  run(&once, op);
  sample_run(&again, op);
  for (int i = 0; i < again.inputs; i++) {
    const int64_t count = tensor_count(again.in[i]);
    again.in[i]->grad = arena_alloc(tape_arena(again.tape), tensor_bytes(again.in[i]));
    for (int64_t e = 0; e < count; e++) again.in[i]->grad[e] = 1;
  }
  sample_backward(&again);
  for (int i = 0; i < again.inputs; i++)
    for (int64_t e = 0; e < tensor_count(again.in[i]); e++) {
      const double got = (double)again.in[i]->grad[e], expected = 1 + (double)once.in[i]->grad[e];
      if (!(fabs(got - expected) <= 1e-5 * (1 + largest(once.in[i]->grad, tensor_count(once.in[i])))))
        fail_msg("%s, case %d: %s[%lld] is %g rather than 1 + %g", op->name, which, again.names[i],
                 (long long)e, got, expected - 1);
    }
  tape_free(once.tape);
  tape_free(again.tape);
}

static void accumulation(void **state) {
  (void)state;
  each_case(check_accumulation);
}

/* Parameters: to what an earlier batch of the step gave is added, what an earlier step left is overwritten.
 */
static void check_parameters(const Op *op, int which) {
  for (int forgotten = 0; forgotten < 2; forgotten++) {
    OpSampler once = sampler_new(which), learnt = sampler_new(which);
    run(&once, op);
    learnt.parameters = true;
    learnt.forgotten = forgotten;
    learnt.held = forgotten ? NAN : 1;
    run(&learnt, op);
    for (int i = 0; i < learnt.inputs; i++) {
      const Tensor *plain = once.in[i], *x = learnt.in[i];
      const int64_t count = x->forgotten ? 0 : tensor_count(x); /* nothing was added */
      for (int64_t e = 0; e < count; e++) {
        const double want = (double)(forgotten ? 0 : 1) + (plain->grad ? (double)plain->grad[e] : 0);
        if (!(fabs((double)x->grad[e] - want) <=
              1e-5 * (1 + (plain->grad ? largest(plain->grad, count) : 0))))
          fail_msg("%s, case %d: %s[%lld] of a parameter is %g rather than %g", op->name, which,
                   learnt.names[i], (long long)e, (double)x->grad[e], want);
      }
      assert_true(!x->forgotten || !plain->grad);
    }
    tape_free(once.tape);
    tape_free(learnt.tape);
  }
}

static void parameters(void **state) {
  (void)state;
  each_case(check_parameters);
}

static void check_threads(const Op *op, int which) {
  static const int counts[] = {2, 3, 8};
  OpSampler one = sampler_new(which), many = sampler_new(which);
  threads_set(1);
  run(&one, op);
  for (int i = 0; i < 3; i++) {
    threads_set(counts[i]);
    run(&many, op);
    assert_same_output(op, which, &one, &many);
    assert_same_gradients(op, which, &one, &many, -1);
  }
  threads_set(0);
  tape_free(one.tape);
  tape_free(many.tape);
}

static void any_number_of_threads(void **state) {
  (void)state;
  each_case(check_threads);
}

static void check_forward_only(const Op *op, int which) {
  OpSampler recorded = sampler_new(which), plain = sampler_new(which);
  plain.forward_only = true;
  run(&recorded, op);
  run(&plain, op);
  assert_same_output(op, which, &recorded, &plain);
  for (int i = 0; i < plain.inputs; i++) assert_null(plain.in[i]->grad);
  tape_free(recorded.tape);
  tape_free(plain.tape);
}

static void forward_without_recording(void **state) {
  (void)state;
  each_case(check_forward_only);
}

/* ---- instruction sets ---- */

static void assert_close(const Op *op, int which, const char *what, const float *a, const float *b,
                         int64_t count) {
  const double scale = largest(a, count);
  for (int64_t i = 0; i < count; i++)
    if (!(fabs((double)a[i] - (double)b[i]) <= 1e-5 * scale))
      fail_msg("%s, case %d, %s: %s[%lld] is %.9g, scalar %.9g", op->name, which, kernels->isa, what,
               (long long)i, (double)b[i], (double)a[i]);
}

static void check_isa(const Op *op, int which) {
  OpSampler scalar = sampler_new(which), fast = sampler_new(which);
  assert_true(kernels_select("scalar"));
  run(&scalar, op);
  for (int k = 1; kernels_available(k); k++) {
    assert_true(kernels_select(kernels_available(k)->isa));
    run(&fast, op);
    assert_close(op, which, "output", tensor_f32(scalar.out), tensor_f32(fast.out), tensor_count(fast.out));
    for (int i = 0; i < fast.inputs; i++)
      assert_close(op, which, fast.names[i], scalar.in[i]->grad, fast.in[i]->grad, tensor_count(fast.in[i]));
  }
  kernels_select(NULL);
  tape_free(scalar.tape);
  tape_free(fast.tape);
}

static void every_instruction_set(void **state) {
  (void)state;
  each_case(check_isa);
}

/* ---- dry runs ---- */

static void check_dry(const Op *op, int which) {
  OpSampler wet = sampler_new(which), dry = sampler_new(which);
  tape_free(dry.tape);
  dry.tape = tape_new(true);
  sample_run(&wet, op);
  sample_run(&dry, op);
  assert_true(tensor_same_shape(wet.out, dry.out));
  assert_null(dry.out->data);
  assert_int_equal(tape_bytes(wet.tape), tape_bytes(dry.tape));
  assert_true((tape_flops(dry.tape) > 0) == (op->flops != NULL));
  tape_free(wet.tape);
  tape_free(dry.tape);
}

static void dry_runs(void **state) {
  (void)state;
  each_case(check_dry);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients),
      cmocka_unit_test(frozen_inputs),
      cmocka_unit_test(accumulation),
      cmocka_unit_test(parameters),
      cmocka_unit_test(any_number_of_threads),
      cmocka_unit_test(forward_without_recording),
      cmocka_unit_test(every_instruction_set),
      cmocka_unit_test(dry_runs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
