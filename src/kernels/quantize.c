/* quantize.c - the search for scales, and with it the quantizers of types/<name>.inc (QUANTIZERS).
 *
 * A run of values x becomes d q + m with levels q of a grid. For levels that are given, the d and m of least
 * error sum w (d q + m - x)^2 solve a linear system; for d and m that are given, the best levels are the
 * nearest. Neither step increases the error. Each of 21 ways to lay the grid over the values is improved so
 * once, the best of them until it stays. A block of 256 rounds the scales of its runs to integers. */
#include "kernels/quantize.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));

/* Levels: the integers low .. high, or the 16 numbers `values` (at most -low in size), of which q is the
 * index. */
typedef struct Grid {
  float low, high;
  bool affine; /* m is not 0 but at most 0 */
  const float *values;
} Grid;

typedef struct Line {
  float d, m;
} Line;

static inline Four load_four(const float *x) {
  Four v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline Four pick(FourInts mask, Four yes, Four no) {
  return (Four)((mask & (FourInts)yes) | (~mask & (FourInts)no));
}

static inline float sum_four(Four v) {
  return (v[0] + v[1]) + (v[2] + v[3]);
}

/* Of numbers below 2^22. What is no number becomes `low`. */
static inline Four nearest_levels(const Grid *g, Four x) {
  const Four zero = {0};
  if (g->values) {
    Four q = zero + g->values[0];
    for (int i = 1; i < 16; i++) q = pick(x > (g->values[i - 1] + g->values[i]) / 2, zero + g->values[i], q);
    return q;
  }
  x = pick(x > g->low, x, zero + g->low);
  x = pick(x < g->high, x, zero + g->high);
  return (x + 0x1.8p23f) - 0x1.8p23f;
}

/* Sums over a run with weights w. */
typedef struct Sums {
  float w, x, q, qq, qx;
} Sums;

static inline Sums sum_run(const Grid *g, const float *x, const float *w, int n, Line at) {
  const float inverse = at.d != 0 ? 1 / at.d : 0;
  Four sw = {0}, sx = {0}, sq = {0}, sqq = {0}, sqx = {0};
  for (int i = 0; i < n; i += 4) {
    const Four each = load_four(x + i), weight = load_four(w + i);
    const Four q = nearest_levels(g, (each - at.m) * inverse), wq = weight * q;
    sw += weight;
    sx += weight * each;
    sq += wq;
    sqq += wq * q;
    sqx += wq * each;
  }
  return (Sums){sum_four(sw), sum_four(sx), sum_four(sq), sum_four(sqq), sum_four(sqx)};
}

/* The line of least error for levels, m <= 0. *gain: by how much less than sum w x^2 the error is. */
static inline Line solve(const Grid *g, Sums s, float *gain) {
  Line line = {s.qq > 0 ? s.qx / s.qq : 0, 0};
  const float determinant = s.w * s.qq - s.q * s.q;
  if (g->affine && determinant > 0) {
    const Line free = {(s.w * s.qx - s.x * s.q) / determinant, (s.qq * s.x - s.q * s.qx) / determinant};
    if (free.m < 0) line = free;
  }
  *gain = line.d * s.qx + line.m * s.x;
  return line;
}

static Line fit(const Grid *g, const float *x, const float *w, int n) {
  enum { WAYS = 10, MOST_ROUNDS = 4 };
  float least = 0, most = x[0], extreme = 0, best_gain = 0;
  for (int i = 0; i < n; i++) {
    least = fminf(least, x[i]);
    most = fmaxf(most, x[i]);
    if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
  }
  const float span = g->affine ? most - least : extreme, to = g->affine ? g->high : g->low;
  Line best = {0, g->affine ? least : 0};
  if (span == 0) return best;
  for (int way = -WAYS; way <= WAYS; way++) {
    float gain;
    const float unit = g->values ? 1 : 0.1f;
    const Line at = {span / (to + (float)way * unit), g->affine ? least : 0};
    const Line line = solve(g, sum_run(g, x, w, n, at), &gain);
    if (gain > best_gain) best = line, best_gain = gain;
  }
  for (int i = 0; i < MOST_ROUNDS; i++) {
    float gain;
    const Line line = solve(g, sum_run(g, x, w, n, best), &gain);
    if (!(gain > best_gain)) break;
    best = line, best_gain = gain;
  }
  return best;
}

/* ---- blocks of 256 ---- */

enum { SUPER = 256, MOST_RUNS = 16 };

typedef struct Block {
  uint16_t d, m; /* f16 */
  int scale[MOST_RUNS], minimum[MOST_RUNS];
  int level[SUPER]; /* from the grid's low on, as stored */
} Block;

static uint16_t round_half(float *x) {
  uint16_t half;
  kernels->types[TENSOR_F16].narrow(&half, x, 1);
  kernels->types[TENSOR_F16].widen(x, &half, 1);
  return half;
}

/* Larger values weigh more: how much more is what ggml's quantizers found to be good. */
static void weigh(const Grid *g, const float *x, int n, float *w) {
  float squares = 0;
  for (int i = 0; i < n; i++) squares += x[i] * x[i];
  const float mean = sqrtf(squares / (float)n);
  for (int i = 0; i < n; i++) w[i] = g->affine ? mean + fabsf(x[i]) : mean * mean + x[i] * x[i];
}

static int clamp_round(float x, int low, int high) {
  return x > (float)low ? x < (float)high ? (int)lrintf(x) : high : low;
}

/* Error with the rounded scales, and the levels. */
static float error_of(const Grid *g, const float *x, const float *w, int n, Line at) {
  const float inverse = at.d != 0 ? 1 / at.d : 0;
  Four sum = {0};
  for (int i = 0; i < n; i += 4) {
    const Four each = load_four(x + i), q = nearest_levels(g, (each - at.m) * inverse);
    const Four off = q * at.d + at.m - each;
    sum += load_four(w + i) * off * off;
  }
  return sum_four(sum);
}

typedef struct Scaling {
  float d, m;
  int low, high; /* of scales; minima are 0 .. high */
} Scaling;

/* The best integers near the scales of a run. */
static void round_scales(const Grid *g, const float *x, const float *w, int n, Scaling s, Line fitted,
                         int *scale, int *minimum) {
  const int near = clamp_round(s.d != 0 ? fitted.d / s.d : 0, s.low, s.high);
  const int near_m = clamp_round(s.m != 0 ? -fitted.m / s.m : 0, 0, s.high);
  const int wide = g->affine ? 1 : 0;
  float least = INFINITY;
  for (int a = near - 1; a <= near + 1; a++)
    for (int b = near_m - wide; b <= near_m + wide; b++) {
      if (a < s.low || a > s.high || b < 0 || b > s.high) continue;
      const float error = error_of(g, x, w, n, (Line){s.d * (float)a, -s.m * (float)b});
      if (!(error < least)) continue;
      least = error;
      *scale = a;
      *minimum = b;
    }
}

static void put_levels(const Grid *g, const float *x, int n, Line at, int *level) {
  const float inverse = at.d != 0 ? 1 / at.d : 0;
  for (int i = 0; i < n; i += 4) {
    const FourInts q =
        __builtin_convertvector(nearest_levels(g, (load_four(x + i) - at.m) * inverse), FourInts);
    for (int k = 0; k < 4; k++) {
      int *to = &level[i + k];
      if (!g->values) *to = q[k] - (int)g->low;
      for (*to = g->values ? 0 : *to; g->values && g->values[*to] < (float)q[k];) ++*to;
    }
  }
}

/* Scales of runs: 0 .. high if the grid is affine, else -high - 1 .. high, where the largest is the lowest.
 */
static void quantize_block(const Grid *g, const float *x, int run, int high, Block *b) {
  float w[SUPER], most_m = 0, extreme = 0;
  Line line[MOST_RUNS];
  for (int r = 0; r < SUPER / run; r++) {
    weigh(g, x + r * run, run, w + r * run);
    line[r] = fit(g, x + r * run, w + r * run, run);
    if (fabsf(line[r].d) > fabsf(extreme)) extreme = line[r].d;
    most_m = fmaxf(most_m, -line[r].m);
  }
  Scaling s = {g->affine ? extreme / (float)high : -extreme / (float)(high + 1), most_m / (float)high,
               g->affine ? 0 : -high - 1, high};
  b->d = round_half(&s.d);
  b->m = round_half(&s.m);
  for (int r = 0; r < SUPER / run; r++) {
    round_scales(g, x + r * run, w + r * run, run, s, line[r], &b->scale[r], &b->minimum[r]);
    put_levels(g, x + r * run, run, (Line){s.d * (float)b->scale[r], -s.m * (float)b->minimum[r]},
               b->level + r * run);
  }
}

/* ---- q8_0 ---- */

/* max |x| / 127 misses the grid of values that had fewer levels, such as 4-bit weights: of the scales that
 * put max |x| on levels 63 to 127, in steps of 1/2, the one of least error often meets it. Then the best
 * scale for its levels, as long as that helps. */
static float fit_eight(const Grid *g, const float *x) {
  enum { RUN = 32, WAYS = 129 };
  static const float w[RUN] = {[0 ... RUN - 1] = 1};
  float extreme = 0;
  for (int i = 0; i < RUN; i++) extreme = fmaxf(extreme, fabsf(x[i]));
  float best = extreme / g->high;
  round_half(&best);
  float least = error_of(g, x, w, RUN, (Line){best, 0});
  for (int way = 1; way < WAYS && least > 0; way++) {
    float d = extreme / (g->high - 0.5f * (float)way);
    if (!(error_of(g, x, w, RUN, (Line){d, 0}) < least)) continue;
    round_half(&d); /* only of good ones: it is slow */
    const float error = error_of(g, x, w, RUN, (Line){d, 0});
    if (error < least) best = d, least = error;
  }
  for (bool better = least > 0; better;) {
    float gain, d = solve(g, sum_run(g, x, w, RUN, (Line){best, 0}), &gain).d;
    round_half(&d);
    const float error = error_of(g, x, w, RUN, (Line){d, 0});
    better = error < least;
    if (better) best = d, least = error;
  }
  return best;
}

void quantize_q8_0(void *y, const float *x, int64_t n) {
  static const Grid grid = {-127, 127, false, NULL};
  char *block = y;
  for (int64_t b = 0; b < n; b += 32, block += 34) {
    int level[32];
    float d = fit_eight(&grid, x + b);
    const uint16_t half = round_half(&d);
    put_levels(&grid, x + b, 32, (Line){d, 0}, level);
    memcpy(block, &half, sizeof half);
    for (int i = 0; i < 32; i++) block[2 + i] = (char)(int8_t)(level[i] + (int)grid.low);
  }
}

#define TYPE(...)
#define QUANTIZERS
#include "kernels/types.def"
