/* attention.c - multi-head attention with grouped key/value heads (Ainslie et al. 2023), computed in blocks
 * of query rows, so that T x S scores are never stored. As in FlashAttention (Dao et al. 2022) forward keeps
 * the logarithm of each softmax's sum, and backward recomputes the scores.
 *
 * With P = softmax(s Q K^T), O = P V and s = 1/sqrt(d) or the given scale:
 * dV = P^T dO,  dS = s P (dO V^T - rowsum(dO O)),  dQ = dS K,  dK = dS^T Q.
 * With P = softmax(c tanh(s Q K^T / c)), dS is multiplied by 1 - tanh^2. A bias is added to s Q K^T; its
 * gradient is the sum of dS / s over the scores that it was added to. */
#include <math.h>
#include <string.h>

#include "base/integers.h"
#include "kernels/kernels.h"
#include "ops/gemm.h"
#include "ops/key_pages.h"
#include "ops/loops.h"
#include "ops/sample.h"

enum { BLOCK_ROWS = 64 };

typedef struct Attention {
  Node node; /* in: q, k, v, start, lengths, memory, bias, begins */
  AttentionShape shape;
  KeyPages pages;
  int64_t sequences, rows, keys, size; /* B, T, S, d */
  int64_t block, blocks;               /* rows per block, blocks per sequence */
  float *scratch;                      /* of all workers, see below */
  float *log_sums;                     /* [B,H,T], for backward */
  int64_t *runs, run_count, tasks;     /* first sequence of each run whose rows share blocks; NULL: no runs */
  float *dq, *dk, *dv, *dbias, beta_q;
} Attention;

/* Offset of a head's first row in [B, rows, heads * d]. */
static int64_t head_at(int64_t sequence, int64_t rows, int64_t heads, int64_t head, int64_t size) {
  return (sequence * rows * heads + head) * size;
}

/* One query head of one sequence: offsets of its matrices, and the strides of their rows. */
typedef struct Head {
  int64_t sequence, head;
  bool shared;                      /* rows are heads that share keys and values, of a single token */
  int64_t at, step, kv_at, kv_step; /* kv: unless they are paged */
} Head;

static int64_t element_or(const Tensor *t, int64_t index, int64_t fallback) {
  return t && t->data ? tensor_i32(t)[index] : fallback;
}

static bool is_paged(const Attention *n) {
  return n->pages.keys != NULL;
}

/* Query heads that share a key/value head. */
static int64_t group_of(const Attention *n) {
  return n->shape.heads / n->shape.kv_heads;
}
static Head head_of(const Attention *n, int64_t sequence, int64_t head) {
  const int64_t kv_head = head / group_of(n);
  const int64_t memory = element_or(n->node.in[5], sequence, sequence);
  return (Head){.sequence = sequence,
                .head = head,
                .at = head_at(sequence, n->rows, n->shape.heads, head, n->size),
                .step = n->shape.heads * n->size,
                .kv_at = head_at(memory, n->keys, n->shape.kv_heads, kv_head, n->size),
                .kv_step = n->shape.kv_heads * n->size};
}

enum { QUERY, KEY, VALUE };
static const float *input(const Attention *n, const Head *h, int which) {
  return tensor_f32(n->node.in[which]) + (which == QUERY ? h->at : h->kv_at);
}
static float *output(const Attention *n, const Head *h) {
  return tensor_f32(n->node.out[0]) + h->at;
}
static float *log_sum(const Attention *n, const Head *h) {
  return n->log_sums + (h->sequence * n->shape.heads + h->head) * n->rows;
}
static float scale_of(const Attention *n) {
  return n->shape.scale > 0 ? n->shape.scale : 1 / sqrtf((float)n->size);
}
/* Number of keys per partial sum of values, as in any product (gemm.h). */
static int64_t keys_per_sum(const Attention *n) {
  return n->keys < PACKED_STEPS ? n->keys : PACKED_STEPS;
}
/* Scratch per worker, `block` rows each: scores, their gradients (paged: values gathered from pages), the
 * slopes of the cap if there is one (paged: a page's part of a head, as floats), and scaled queries. */
enum { SCORES, GRADIENTS, SLOPES, QUERIES, WIDENED };
static int64_t page_floats(const Attention *n) {
  return n->pages.size * n->size;
}
static int64_t scratch_floats(const Attention *n) {
  const int64_t scores = n->block * n->keys, queries = n->block * n->size;
  if (is_paged(n)) return scores + int64_max(keys_per_sum(n), n->block) * n->size + page_floats(n) + queries;
  return (n->shape.cap > 0 ? 3 : 2) * scores + queries;
}
static int64_t scratch_of_all(const Attention *n) {
  return threads_count() * scratch_floats(n);
}
static float *worker_scratch(const Attention *n, int which) {
  const int64_t queries = scratch_floats(n) - n->block * n->size;
  return n->scratch + parallel_worker() * scratch_floats(n) +
         (which == QUERIES   ? queries
          : which == WIDENED ? queries - page_floats(n)
                             : which * n->block * n->keys);
}

static int64_t rows_from(const Attention *n, int64_t first) {
  return n->rows - first < n->block ? n->rows - first : n->block;
}

/* Number of keys, from the first, that row t of a sequence sees; does not decrease with t. */
static int64_t seen_keys(const Attention *n, int64_t sequence, int64_t t) {
  const int64_t memory = element_or(n->node.in[5], sequence, sequence);
  const int64_t length = element_or(n->node.in[4], memory, n->keys);
  int64_t seen = length < n->keys ? length : n->keys;
  if (n->shape.causal) {
    const int64_t reach = element_or(n->node.in[3], sequence, 0) + t + 1;
    if (reach < seen) seen = reach;
  }
  return seen > 0 ? seen : 0;
}

/* The first key of the text that row t of a sequence belongs to. */
static int64_t begin_of(const Attention *n, int64_t sequence, int64_t t) {
  return element_or(n->node.in[7], sequence * n->rows + t, 0);
}

/* The first key that row t of a sequence sees; does not decrease with t. */
static int64_t first_key(const Attention *n, int64_t sequence, int64_t t) {
  const int64_t begin = begin_of(n, sequence, t);
  if (!n->shape.window) return begin;
  return int64_max(begin, element_or(n->node.in[3], sequence, 0) + t + 1 - n->shape.window);
}

/* The token, and the query head, of a row of a block. */
static int64_t token_of(const Head *h, int64_t row) {
  return h->shared ? 0 : row;
}
static int64_t head_of_row(const Head *h, int64_t row) {
  return h->shared ? h->head + row : h->head;
}

/* A block of a head's rows, and the keys that any of them sees: `width` from `low`. That is a multiple
 * of PACKED_STEPS, so that a row's partial sums do not depend on the block; where several texts follow each
 * other, which happens in training only, it is the first key of the block's first row. */
typedef struct Block {
  int64_t first, count, low, width;
} Block;

static Block block_of(const Attention *n, const Head *h, int64_t first, int64_t count) {
  const int64_t seen = seen_keys(n, h->sequence, token_of(h, first + count - 1));
  int64_t low = first_key(n, h->sequence, first);
  if (!n->node.in[7]) low = low / PACKED_STEPS * PACKED_STEPS;
  return low < seen ? (Block){first, count, low, seen - low} : (Block){first, count, 0, seen};
}

/* ---- paged keys and values ---- */

static PagedHead paged_head(const Attention *n, const Head *h) {
  return (PagedHead){&n->pages, h->sequence, h->head / group_of(n), n->size, worker_scratch(n, WIDENED)};
}

/* Few rows: sums continue across pages. */
static void sum_pages(const Attention *n, const Head *h, Block b, int64_t from, int64_t to,
                      const float *weights, float *out, int64_t step) {
  const PagedHead paged = paged_head(n, h);
  for (int64_t r = 0; r < b.count; r++) memset(out + r * step, 0, (size_t)n->size * sizeof *out);
  for (int64_t at = from, count; at < to; at += count) {
    count = left_in_page(&n->pages, at, to);
    const float *values = paged_values(&paged, at, count);
    for (int64_t r = 0; r < b.count; r++)
      kernels->add_rows(out + r * step, weights + r * b.width + (at - from), values, n->size, count, n->size);
  }
}

/* Several rows: gathers the values first. */
static void gather_values(const Attention *n, const Head *h, int64_t from, int64_t to, float *out) {
  const PagedHead paged = paged_head(n, h);
  for (int64_t at = from, count; at < to; at += count) {
    count = left_in_page(&n->pages, at, to);
    memcpy(out, paged_values(&paged, at, count), (size_t)(count * n->size) * sizeof *out);
    out += count * n->size;
  }
}

/* out = weights V of a block, with the same partial sums as a product with contiguous values. */
static void weigh_pages(const Attention *n, const Head *h, Block b, const float *weights, float *out) {
  float *part = worker_scratch(n, GRADIENTS);
  for (int64_t from = 0; from < b.width; from += PACKED_STEPS) {
    const int64_t steps = from + PACKED_STEPS < b.width ? PACKED_STEPS : b.width - from, at = b.low + from;
    if (!h->shared && b.count > 1) {
      gather_values(n, h, at, at + steps, part);
      gemm_serial(false, false, b.count, n->size, steps, weights + from, b.width, part, n->size, from > 0,
                  out, h->step);
    } else if (!from) {
      sum_pages(n, h, b, at, at + steps, weights, out, h->step);
    } else {
      sum_pages(n, h, b, at, at + steps, weights + from, part, n->size);
      for (int64_t r = 0; r < b.count; r++) kernels->add(out + r * h->step, part + r * n->size, n->size);
    }
  }
}

/* scores = queries K^T */
static void multiply_pages(const Attention *n, const Head *h, Block b, const float *queries, float *scores) {
  const int64_t end = b.low + b.width;
  const PagedHead paged = paged_head(n, h);
  for (int64_t at = b.low, count; at < end; at += count) {
    count = left_in_page(&n->pages, at, end);
    const PagedKeys keys = paged_keys(&paged, at, count);
    gemm_serial(false, !keys.transposed, b.count, count, n->size, queries, n->size, keys.at, keys.ld, 0,
                scores + at - b.low, b.width);
  }
}

/* ---- scores ---- */

/* Caps scores; stores the slopes unless `slopes` is NULL. */
static void cap_scores(const Attention *n, float *scores, float *slopes, int64_t count) {
  kernels->tangent(scores, scores, count);
  for (int64_t i = 0; slopes && i < count; i++) slopes[i] = 1 - scores[i] * scores[i];
  kernels->scale(scores, n->shape.cap, scores, count);
}

/* The elements of a head's bias for row b.first + r: `at` belongs to key b.low + from, those of the next keys
 * follow in steps of the number of heads. Keys before `from` are of another text. */
typedef struct BiasRow {
  int64_t from, at;
} BiasRow;
static BiasRow bias_row(const Attention *n, const Head *h, Block b, int64_t r) {
  const AttentionBias *bias = &n->shape.bias;
  const int64_t token = token_of(h, b.first + r), begin = begin_of(n, h->sequence, token),
                row = element_or(n->node.in[3], h->sequence, 0) + token,
                from = int64_min(int64_max(begin - b.low, 0), b.width),
                at = b.low + from - (bias->by_distance ? row - bias->origin : begin);
  CHECK(at >= 0 && at + b.width - from <= bias->table->shape[0]);
  return (BiasRow){from, at * n->shape.heads + head_of_row(h, b.first + r)};
}

static void add_bias(const Attention *n, const Head *h, Block b, float *scores) {
  for (int64_t r = 0; r < b.count && n->shape.bias.table; r++, scores += b.width) {
    const BiasRow row = bias_row(n, h, b, r);
    const float *bias = tensor_f32(n->shape.bias.table) + row.at;
    for (int64_t j = row.from; j < b.width; j++, bias += n->shape.heads) scores[j] += *bias;
  }
}

static void hide_keys(const Attention *n, const Head *h, Block b, float *scores) {
  for (int64_t r = 0; r < b.count; r++, scores += b.width) {
    const int64_t token = token_of(h, b.first + r), low = first_key(n, h->sequence, token) - b.low,
                  high = seen_keys(n, h->sequence, token) - b.low;
    for (int64_t j = 0; j < low && j < b.width; j++) scores[j] = -INFINITY;
    for (int64_t j = high > 0 ? high : 0; j < b.width; j++) scores[j] = -INFINITY;
  }
}

/* Scaled scores of a block; minus infinity where a row does not see the key. */
static void make_scores(const Attention *n, const Head *h, Block b, float *slopes) {
  float *queries = worker_scratch(n, QUERIES), *scores = worker_scratch(n, SCORES);
  const float cap = n->shape.cap, scale = cap > 0 ? scale_of(n) / cap : scale_of(n);
  for (int64_t r = 0; r < b.count; r++)
    kernels->scale(queries + r * n->size, scale, input(n, h, QUERY) + (b.first + r) * h->step, n->size);
  if (is_paged(n))
    multiply_pages(n, h, b, queries, scores);
  else
    gemm_serial(false, true, b.count, b.width, n->size, queries, n->size,
                input(n, h, KEY) + b.low * h->kv_step, h->kv_step, 0, scores, b.width);
  if (cap > 0) cap_scores(n, scores, slopes, b.count * b.width);
  add_bias(n, h, b, scores);
  hide_keys(n, h, b, scores);
}

/* ---- forward ---- */

/* Scores become exp(score - maximum). Returns the normalization factor; 0 if no key is seen. */
static float softmax(float *score, int64_t width, float *log_total) {
  const float top = width ? kernels->maximum(score, width) : -INFINITY;
  *log_total = 0;
  if (top == -INFINITY) {
    memset(score, 0, (size_t)width * sizeof *score);
    return 0;
  }
  const float total = kernels->exp_shifted(score, score, top, width);
  *log_total = top + logf(total);
  return 1 / total;
}

/* A row's result does not depend on the other rows: keys it does not see have probability zero. */
static void attend_rows(const Attention *n, const Head *h, int64_t first, int64_t count) {
  const Block b = block_of(n, h, first, count);
  const int64_t width = b.width, size = n->size;
  float *scores = worker_scratch(n, SCORES), *out = output(n, h) + first * h->step, factors[BLOCK_ROWS],
        log_total;
  make_scores(n, h, b, NULL);
  for (int64_t r = 0; r < count; r++)
    factors[r] = softmax(scores + r * width, width, n->log_sums ? log_sum(n, h) + first + r : &log_total);
  if (is_paged(n))
    weigh_pages(n, h, b, scores, out);
  else
    gemm_serial(false, false, count, size, width, scores, width, input(n, h, VALUE) + b.low * h->kv_step,
                h->kv_step, 0, out, h->step);
  for (int64_t r = 0; r < count; r++) kernels->scale(out + r * h->step, factors[r], out + r * h->step, size);
}

static void attend_blocks(void *arg, int64_t begin, int64_t end) {
  const Attention *n = arg;
  for (int64_t i = begin; i < end; i++) {
    const int64_t block = i % n->blocks, head = i / n->blocks % n->shape.heads, first = block * n->block;
    const Head h = head_of(n, i / n->blocks / n->shape.heads, head);
    attend_rows(n, &h, first, rows_from(n, first));
  }
}

/* Consecutive single rows that see the same keys form one block: beams with a common source, and tokens of
 * one sequence in pages. */
static const int32_t *keys_of_rows(const Attention *n) {
  if (is_paged(n)) return n->pages.sequence;
  return n->node.in[5] && n->rows == 1 && !n->shape.causal ? tensor_i32(n->node.in[5]) : NULL;
}

static void find_runs(Attention *n) {
  const int32_t *keys = keys_of_rows(n);
  n->run_count = 0;
  for (int64_t b = 0, first = 0; b < n->sequences; b++)
    if (b == 0 || keys[b] != keys[first] || b - first == n->block) n->runs[n->run_count++] = first = b;
  n->runs[n->run_count] = n->sequences;
}

/* A single token's heads that share keys are the rows of one block, so that keys and values are read once. */
static void attend_heads(const Attention *n, int64_t run, int64_t head, int64_t end) {
  const int64_t first = n->runs[run], rows = n->runs[run + 1] - first, group = group_of(n);
  for (int64_t count; head < end; head += count) {
    Head h = head_of(n, first, head);
    h.shared = is_paged(n) && rows == 1 && group <= n->block;
    if (h.shared) h.step = n->size;
    count = h.shared ? int64_min(end, (head / group + 1) * group) - head : 1;
    attend_rows(n, &h, 0, h.shared ? count : rows);
  }
}

/* Tasks are even shares of the heads of all runs. */
static void attend_runs(void *arg, int64_t begin, int64_t end) {
  const Attention *n = arg;
  const int64_t heads = n->shape.heads, all = n->run_count * heads;
  const int64_t last = all * end / n->tasks;
  for (int64_t i = all * begin / n->tasks, count; i < last; i += count) {
    count = int64_min(heads - i % heads, last - i);
    attend_heads(n, i / heads, i % heads, i % heads + count);
  }
}

/* A task for each group of heads that share keys; if these are too few to be shared out evenly, one for each
 * thread, which may divide a group. */
static int64_t tasks_of(const Attention *n) {
  const int64_t groups = n->run_count * n->shape.kv_heads, threads = threads_count();
  return groups < 4 * threads ? threads : groups;
}

static void forward(Node *node) {
  Attention *n = (Attention *)node;
  n->scratch = node->workspace;
  if (is_paged(n))
    key_pages_write(&n->pages, n->sequences, n->shape.kv_heads, n->size, tensor_i32(node->in[3]),
                    tensor_f32(node->in[1]), tensor_f32(node->in[2]));
  if (n->runs) {
    find_runs(n);
    n->tasks = tasks_of(n);
    parallel_for(n->tasks, attend_runs, n);
    return;
  }
  parallel_for(n->sequences * n->shape.heads * n->blocks, attend_blocks, n);
}

/* ---- backward ---- */

/* Recomputes the probabilities from the logarithms of the sums. */
static void recompute_probabilities(const Attention *n, const Head *h, Block b) {
  float *p = worker_scratch(n, SCORES);
  make_scores(n, h, b, n->shape.cap > 0 ? worker_scratch(n, SLOPES) : NULL);
  for (int64_t r = 0; r < b.count; r++)
    kernels->exp_shifted(p + r * b.width, p + r * b.width, log_sum(n, h)[b.first + r], b.width);
}

/* P becomes dS. */
static void score_gradients(const Attention *n, const Head *h, Block b) {
  const float *out = output(n, h), *dout = n->node.out[0]->grad + h->at, scale = scale_of(n);
  float *p = worker_scratch(n, SCORES), *dp = worker_scratch(n, GRADIENTS);
  gemm_serial(false, true, b.count, b.width, n->size, dout + b.first * h->step, h->step,
              input(n, h, VALUE) + b.low * h->kv_step, h->kv_step, 0, dp, b.width);
  for (int64_t r = 0; r < b.count; r++, p += b.width, dp += b.width) {
    const int64_t at = (b.first + r) * h->step;
    const float mean = kernels->dot(dout + at, out + at, n->size);
    for (int64_t j = 0; j < b.width; j++) p[j] *= scale * (dp[j] - mean);
  }
  if (n->shape.cap > 0) {
    const float *slopes = worker_scratch(n, SLOPES);
    p = worker_scratch(n, SCORES);
    for (int64_t i = 0; i < b.count * b.width; i++) p[i] *= slopes[i];
  }
}

/* Of dS, which includes the scale. */
static void bias_gradients(const Attention *n, const Head *h, Block b) {
  const float *ds = worker_scratch(n, SCORES), scale = scale_of(n);
  for (int64_t r = 0; r < b.count; r++, ds += b.width) {
    const BiasRow row = bias_row(n, h, b, r);
    float *bias = n->dbias + row.at;
    for (int64_t j = row.from; j < b.width; j++, bias += n->shape.heads) *bias += ds[j] / scale;
  }
}

static void backward_rows(const Attention *n, const Head *h, int64_t first, int64_t count) {
  const Block b = block_of(n, h, first, count);
  const int64_t width = b.width, size = n->size, at = h->at + first * h->step,
                kv_at = h->kv_at + b.low * h->kv_step;
  const float *ds = worker_scratch(n, SCORES);
  recompute_probabilities(n, h, b);
  if (n->dv)
    gemm_serial(true, false, width, size, count, ds, width, n->node.out[0]->grad + at, h->step, 1,
                n->dv + kv_at, h->kv_step);
  if (!n->dq && !n->dk && !n->dbias) return;
  score_gradients(n, h, b);
  if (n->dbias) bias_gradients(n, h, b);
  if (n->dq)
    gemm_serial(false, false, count, size, width, ds, width, tensor_f32(n->node.in[1]) + kv_at, h->kv_step,
                n->beta_q, n->dq + at, h->step);
  if (n->dk)
    gemm_serial(true, false, width, size, count, ds, width, input(n, h, QUERY) + first * h->step, h->step, 1,
                n->dk + kv_at, h->kv_step);
}

/* Of a key/value head of a sequence: one worker sums the gradients of its keys over all queries that saw
 * them. */
static void backward_group(const Attention *n, int64_t sequence, int64_t kv_head) {
  for (int64_t member = 0, group = group_of(n); member < group; member++) {
    const Head h = head_of(n, sequence, kv_head * group + member);
    for (int64_t first = 0; first < n->rows; first += n->block)
      backward_rows(n, &h, first, rows_from(n, first));
  }
}

static void backward_groups(void *arg, int64_t begin, int64_t end) {
  const Attention *n = arg;
  for (int64_t i = begin; i < end; i++) backward_group(n, i / n->shape.kv_heads, i % n->shape.kv_heads);
}

/* With the gradient of a bias, which is summed over sequences, too. */
static void backward_heads(void *arg, int64_t begin, int64_t end) {
  const Attention *n = arg;
  for (int64_t i = begin; i < end; i++)
    for (int64_t b = 0; b < n->sequences; b++) backward_group(n, b, i);
}

static void backward(Node *node) {
  Attention *n = (Attention *)node;
  n->scratch = arena_alloc(tape_arena(node->tape), (size_t)scratch_of_all(n) * sizeof *n->scratch);
  n->dq = grad_beta(node, node->in[0], &n->beta_q);
  n->dk = grad_add(node, node->in[1]);
  n->dv = grad_add(node, node->in[2]);
  n->dbias = node->in[6] ? grad_add(node, node->in[6]) : NULL;
  if (n->dbias)
    parallel_for(n->shape.kv_heads, backward_heads, n);
  else
    parallel_for(n->sequences * n->shape.kv_heads, backward_groups, n);
}

/* ---- the operator ---- */

static double flops(const Node *node) {
  const Attention *n = (const Attention *)node;
  double pairs = 0;
  for (int64_t b = 0; b < n->sequences; b++)
    for (int64_t t = 0; t < n->rows; t++) {
      const int64_t seen = seen_keys(n, b, t) - first_key(n, b, t);
      pairs += seen > 0 ? (double)seen : 0;
    }
  return 4 * pairs * (double)(n->shape.heads * n->size);
}

/* The largest number over the rows. */
static int64_t positions_read(const Tensor *start) {
  int64_t most = 0;
  for (int64_t b = 0; b < tensor_count(start); b++)
    if (tensor_i32(start)[b] >= most) most = tensor_i32(start)[b] + 1;
  return most;
}

Tensor *op_attention(Tape *tape, Tensor *q, Tensor *k, Tensor *v, AttentionSight sight,
                     AttentionShape shape) {
  CHECK(q->dims == 3 && k->dims == 3 && tensor_same_shape(k, v));
  CHECK(sight.memory || q->shape[0] == k->shape[0]);
  CHECK(shape.kv_heads > 0 && shape.heads % shape.kv_heads == 0 && q->shape[2] % shape.heads == 0);
  CHECK(k->shape[2] * shape.heads == q->shape[2] * shape.kv_heads);
  CHECK(shape.window >= 0 && (!shape.window || shape.causal));
  CHECK(!sight.begins ||
        (shape.causal && !sight.start && tensor_count(sight.begins) == q->shape[0] * q->shape[1]));
  CHECK(!shape.bias.table || (shape.cap == 0 && shape.bias.table->shape[1] == shape.heads));
  Attention *n = node_new(tape, &op_attention_info, sizeof *n);
  n->shape = shape;
  n->sequences = q->shape[0];
  n->rows = q->shape[1];
  n->pages = sight.pages;
  n->keys = is_paged(n) ? positions_read(sight.start) : k->shape[1];
  n->size = q->shape[2] / shape.heads;
  CHECK(n->rows > 0);
  node_input(&n->node, q);
  node_input(&n->node, k);
  node_input(&n->node, v);
  node_input(&n->node, sight.start);
  node_input(&n->node, sight.lengths);
  node_input(&n->node, sight.memory);
  node_input(&n->node, shape.bias.table);
  node_input(&n->node, sight.begins);
  CHECK((!sight.memory && !is_paged(n)) ||
        !node_records(&n->node)); /* shared keys would need concurrent sums into one gradient */
  CHECK(!is_paged(n) || (n->rows == 1 && shape.causal && !sight.lengths && !sight.memory));
  CHECK(!is_paged(n) || n->size % type_info(n->pages.type)->block == 0);
  const bool shares = keys_of_rows(n) != NULL;
  int64_t most = shares ? n->sequences : n->rows; /* rows per block */
  if (is_paged(n)) most = int64_max(most, group_of(n));
  n->block = most < BLOCK_ROWS ? most : BLOCK_ROWS;
  n->blocks = (n->rows + n->block - 1) / n->block;
  node_workspace(&n->node, scratch_of_all(n));
  if (shares) n->runs = node_scratch(&n->node, (size_t)(n->sequences + 1) * sizeof *n->runs);
  if (node_records(&n->node)) n->log_sums = node_floats(&n->node, n->sequences * shape.heads * n->rows);
  return node_run(&n->node, node_output(&n->node, 3, q->shape));
}

/* Texts of 1, 2, 3, ... tokens; the second sequence of 4, 5, ... */
static Tensor *sample_begins(OpSampler *s, int64_t sequences, int64_t time) {
  Tensor *begins = tape_tensor(sample_tape(s), TENSOR_I32, 2, (int64_t[]){sequences, time});
  for (int64_t b = 0; b < sequences; b++)
    for (int64_t t = 0, begin = 0, length = 1 + 3 * b; t < time && begins->data; t++) {
      if (t == begin + length) begin = t, length++;
      tensor_i32(begins)[b * time + t] = (int32_t)begin;
    }
  return begins;
}

/* Cases: 0 causal; 1 all keys; 2 grouped heads, several blocks of rows; 3 later rows over a partly filled
 * cache; 4 padded keys; 5 one row, as in decoding; 6 some rows see no key; 7 a window, over several
 * blocks; 8 capped scores; 9 a window far from the first key, capped, with a given scale; 10 a bias by
 * distance between all keys, over several blocks; 11 a bias by key, over a cache; 12 several texts in a row;
 * 13 the same with a window, 14 with a bias by key. */
static void sample(OpSampler *s) {
  static const int64_t times[] = {7, 7, 70, 7, 7, 1, 1, 70, 7, 6, 70, 7, 70, 70, 70},
                       all_keys[] = {7, 7, 70, 15, 8, 15, 4, 70, 7, 310, 9, 15, 70, 70, 70};
  const int which = sample_case(s, 15);
  const bool large = sample_large(s), cache = which == 3 || which == 5 || which == 9 || which == 11;
  const int64_t sequences = large ? 8 : 2, size = large ? 64 : 5, heads = large ? 8 : 6,
                kv_heads = which < 2 ? heads : 2, time = large ? 512 : times[which],
                keys = large ? time + (which == 4) + 3 * (which == 6) : all_keys[which];
  const int64_t biases = which == 10 ? time + keys - 1 : keys;
  const bool biased = which == 10 || which == 11 || which == 14;
  const AttentionBias bias = {!biased ? NULL : sample_normal(s, "bias", 2, (int64_t[]){biases, heads}),
                              which == 10, time - 1};
  const AttentionShape shape = {.heads = heads,
                                .kv_heads = kv_heads,
                                .bias = bias,
                                .causal = which != 1 && which != 4 && which != 6 && which != 10,
                                .window = which == 7 || which == 13 ? 5
                                          : which == 9              ? 20
                                                                    : 0,
                                .scale = which == 9 ? 0.7f : 0,
                                .cap = which == 8 || which == 9 ? 1.5f : 0};
  Tensor *q = sample_normal(s, "q", 3, (int64_t[]){sequences, time, heads * size});
  Tensor *k = sample_normal(s, "k", 3, (int64_t[]){sequences, keys, kv_heads * size});
  Tensor *v = sample_normal(s, "v", 3, (int64_t[]){sequences, keys, kv_heads * size});
  Tensor *start = cache ? sample_ids(s, "start", 1, &sequences, which == 9 && !large ? 280 : 1,
                                     which == 9 && !large ? 304 : 8)
                        : NULL;
  Tensor *lengths =
      which == 4 || which == 6 ? sample_ids(s, "lengths", 1, &sequences, which == 6 ? 0 : 2, 5) : NULL;
  Tensor *begins = which < 12 ? NULL : sample_begins(s, sequences, time);
  const AttentionSight sight = {.start = start, .lengths = lengths, .begins = begins};
  sample_output(s, op_attention(sample_tape(s), q, k, v, sight, shape));
}

const Op op_attention_info = {
    .name = "attention",
    .formula =
        "y = softmax(Q K^T / sqrt(d)) V, for each head; head h of H shares key/value head h / (H/G):\n"
        "q [B,T,H*d], k and v [B,S,G*d] -> y [B,T,H*d]. Query t of sequence b sees keys 0 .. start[b]+t if\n"
        "causal (with a window W, those after start[b]+t-W only), and only keys before lengths[b] (i32 [B],\n"
        "both optional); with begins (i32 [B,T]) none before begins[b,t], the first of its text. A given "
        "scale\n"
        "replaces 1/sqrt(d); with a cap c a score x becomes c tanh(x/c). A bias [n,H] is added to scores, by "
        "the\n"
        "position of the key in its text or by its distance from the query\n"
        "(Vaswani et al. 2017; Ainslie et al. 2023; computed as Dao et al. 2022)",
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .sample = sample,
};
