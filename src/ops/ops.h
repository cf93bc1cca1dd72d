/* ops.h - the operators: each function computes its output at once and records a node on the tape for
 * backward.
 *
 * Shapes: N rows (any leading dimensions), D columns, B sequences, T tokens each, H query heads, G
 * key/value heads (H a multiple of G), d values per head, V vocabulary. All f32 unless stated. Optional
 * inputs may be NULL. Each operator is in the file of its name. */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "ops/tape.h"

/* Rows of `table` [V,D] at `ids` i32 [...] -> [..., D]. */
Tensor *op_embedding(Tape *, Tensor *table, Tensor *ids);

/* y = x W^T + b: x [..., I], W [O,I] (or [I,O] if transposed, GPT-2's Conv1D), b [O] or NULL -> [..., O]. */
Tensor *op_linear(Tape *, Tensor *x, Tensor *weight, Tensor *bias, bool transposed);
/* The same of up to three weights, of any O; faster while nothing is recorded. */
typedef struct LinearWeight {
  Tensor *weight, *bias;
} LinearWeight;
void op_linears(Tape *, Tensor *x, const LinearWeight *, int count, bool transposed, Tensor **y);

/* y + scale (x A^T) B^T, in the memory of y, whose values must not be read afterwards: y [..., O], the output
 * of a layer for x [..., I]; A [r,I], B [O,r]. */
Tensor *op_low_rank(Tape *, Tensor *y, Tensor *x, Tensor *a, Tensor *b, float scale);

/* Elementwise, same shapes. */
Tensor *op_add(Tape *, Tensor *a, Tensor *b);
/* x + dropout(change), same shapes, in the memory of `change`, whose values must not be read afterwards. */
Tensor *op_residual(Tape *, Tensor *x, Tensor *change, float dropout);
/* factor * x. */
Tensor *op_scale(Tape *, Tensor *x, float factor);
/* Columns first .. first+width-1 of x [..., D] -> [..., width]. */
Tensor *op_slice(Tape *, Tensor *x, int64_t first, int64_t width);
/* Reverses sequences: x [B,S,D], token s < lengths[b] (i32 [B]) becomes token lengths[b]-1-s; padding
 * stays. */
Tensor *op_reverse(Tape *, Tensor *x, Tensor *lengths);

/* y = x / sqrt(mean(x^2) + epsilon) * (offset + weight): x [..., D], weight [D]. */
Tensor *op_rmsnorm(Tape *, Tensor *x, Tensor *weight, float offset, float epsilon);
/* weight and bias [D] may be NULL: 1 and 0. With a weight of H*D values, row i of x uses the D from i % H * D
 * on, and those of a bias of the same size. */
Tensor *op_layernorm(Tape *, Tensor *x, Tensor *weight, Tensor *bias, float epsilon);

typedef enum Activation {
  ACTIVATION_GELU_TANH,
  ACTIVATION_GELU,
  ACTIVATION_RELU,
  ACTIVATION_SILU,
  ACTIVATION_TANH,
  ACTIVATION_RELU_SQUARED,
  ACTIVATION_SIGMOID
} Activation;
Tensor *op_activation(Tape *, Tensor *x, Activation);
/* silu(gate) * up, elementwise: SwiGLU (Shazeer 2020). */
Tensor *op_swiglu(Tape *, Tensor *gate, Tensor *up);
Tensor *op_multiply(Tape *, Tensor *a, Tensor *b); /* elementwise, same shapes */

/* A mixture of E experts, of which each row uses k. op_route chooses those with the largest logits [...,E]
 * (of equal ones the first), in descending order: weights [...,k], the softmax over all experts, or over
 * the chosen ones (normalized), and their numbers, i32 [...,k]. */
typedef struct Routes {
  Tensor *weights, *chosen;
} Routes;
Routes op_route(Tape *, Tensor *logits, int64_t each, bool normalized);
/* y = sum over the chosen experts e of w_e down_e (silu(gate_e x) * up_e x) (Shazeer et al. 2017; Jiang et
 * al. 2024): x [...,D], gate and up [F,D], down [D,F] -> [...,D]. */
typedef struct Expert {
  Tensor *gate, *up, *down;
} Expert;
Tensor *op_experts(Tape *, Tensor *x, Routes, const Expert *, int64_t count);

/* Zeroes each element with probability p and scales the rest by 1/(1-p); returns x if p is 0. The mask is
 * a function of the tape's seed and stream and is not stored. */
Tensor *op_dropout(Tape *, Tensor *x, float p);

/* Rotary position embedding (Su et al. 2021): the first 2n of the d values of each head of x [B,T,heads*d]
 * are rotated in pairs, value i with value i+n or, interleaved, 2i with 2i+1. Takes the memory of x, as
 * op_residual. turns: cosines and sines of the angles, computed by rope_turns once for all layers. */
typedef struct RopeShape {
  int64_t heads;
  bool interleaved;
} RopeShape;
Tensor *op_rope(Tape *, Tensor *x, Tensor *turns, RopeShape);
/* cos and sin of position * each[i], i < count (n above), times factor: a constant [T or B T, 2, n]. The
 * first token of sequence b is at position start[b] (i32 [B]; NULL: 0). begins as in op_attention: the
 * position of token t is t - begins[b,t]. own: each is [B, n]. */
typedef struct RopeFrequencies {
  const float *each;
  int64_t count;
  float factor;
  bool own; /* each sequence has frequencies of its own; with `start` only */
} RopeFrequencies;
Tensor *rope_turns(Tape *, const Tensor *start, const Tensor *begins, int64_t sequences, int64_t time,
                   RopeFrequencies);

/* Keys and values in pages of `size` positions, which sequences may share (Kwon et al. 2023): each of the
 * B rows, T = 1, is a token of sequence[b] at position start[b]; rows of one sequence are consecutive. The
 * operator first stores k and v [B,1,G*d] in the pages, rounded to their type, and reads them back from
 * there. Without gradients only. */
typedef struct KeyPages {
  int64_t size;
  TensorType type;                   /* whose blocks divide d */
  bool *overflow;                    /* set if a value exceeds the type's range; NULL: not needed */
  void *const *keys, *const *values; /* the pages (key_pages.h); NULL: not paged */
  const int32_t *table;              /* [sequences, each]: page numbers of each sequence, in order */
  int64_t each;
  const int32_t *sequence; /* [B]: row of the table */
} KeyPages;

/* softmax(Q K^T / sqrt(d)) V, one softmax per head; never stores a T x S matrix. q [B,T,H*d], k and v
 * [B,S,G*d] -> [B,T,H*d]. causal: query t of sequence b sees keys 0 .. start[b]+t, with a window W the
 * last W of these. lengths i32 [B] (NULL: S): keys at and after lengths[b] are not seen. start as in
 * op_rope. memory i32 [B]: k and v are [M,S,G*d], lengths [M], and sequence b sees those of memory[b]:
 * several texts generated from one source. Without gradients only. begins i32 [B,T]: several texts follow
 * each other in a sequence; query t sees no key before begins[b,t], the first of its text, from which the
 * rows of a bias by key count. Causal, without start. pages: see KeyPages. */
typedef struct AttentionBias {
  Tensor *table;    /* f32 [n,H]; NULL: none */
  bool by_distance; /* row j - (start[b]+t) + origin is added to the score of key j; else row j */
  int64_t origin;
} AttentionBias;
typedef struct AttentionShape {
  int64_t heads, kv_heads;
  bool causal;
  int64_t window;     /* maximum number of keys a query sees, including its own; 0: all; causal only */
  float scale;        /* of scores; 0: 1/sqrt(d) */
  float cap;          /* scores x become cap tanh(x/cap) (Bello et al. 2017); 0: no cap */
  AttentionBias bias; /* not with a cap (Press et al. 2022; Raffel et al. 2020) */
} AttentionShape;
typedef struct AttentionSight {
  Tensor *start, *lengths, *memory, *begins;
  KeyPages pages;
} AttentionSight;
Tensor *op_attention(Tape *, Tensor *q, Tensor *k, Tensor *v, AttentionSight, AttentionShape);
/* softmax(w . tanh(q[t] + k[s])) V, one softmax per query (Bahdanau et al. 2015). q [B,T,A], k [B,S,A],
 * v [B,S,D], w [A] -> [B,T,D]. lengths and memory as above; never causal. */
Tensor *op_additive_attention(Tape *, Tensor *q, Tensor *k, Tensor *v, Tensor *weight, AttentionSight);

/* Mean of -ln softmax(h W^T + b)[target] over the rows whose target (i32 [N]) is not negative, with label
 * smoothing s: (1-s) * that + s * mean over the vocabulary. h [N,D], W [V,D], b [V] or NULL -> scalar [].
 * cap: logits x become cap tanh(x/cap); 0: no cap. Never stores N x V values. Divides by `divisor` instead
 * of the number of rows if divisor > 0 (for gradient accumulation); 0 rows give 0. When recording, the
 * result must be the loss passed to tape_backward: gradients are computed in forward. */
Tensor *op_cross_entropy(Tape *, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets, float smoothing,
                         float cap, double divisor);
/* The same, mixed with the divergence from a teacher's distributions (Hinton et al. 2015): of each row some
 * tokens, which differ, with their probabilities at this temperature; all others together have the rest. The
 * loss is (1 - weight) times the above + weight temperature^2 times the divergence at that temperature. NULL:
 * as above. */
enum { SOFT_TARGETS_MOST = 256 };
typedef struct SoftTargets {
  Tensor *ids, *probabilities; /* constants, i32 and f32 [N,K] */
  float weight, temperature;   /* weight > 0 */
  Tensor *parts;               /* set: both means, the above and the divergence, [2] */
} SoftTargets;
Tensor *op_cross_entropy_softly(Tape *, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets,
                                SoftTargets *, float smoothing, float cap, double divisor);

/* The log-probability of the targets of each sequence: h [B,T,D], targets i32 [B,T], of which those below 0
 * are not scored, W, b and cap as above -> [B]. Never stores N x V values. */
Tensor *op_log_likelihood(Tape *, Tensor *h, Tensor *weight, Tensor *bias, Tensor *targets, float cap);
/* A loss on log-probabilities y [N] of texts, whose rewards are scales (y - reference): of pairs (DPO:
 * Rafailov et al. 2023; 2i is preferred to 2i+1, `smoothing` of the pairs taken to be the other way round),
 * or of texts with a verdict each (KTO: Ethayarajh et al. 2024) -> scalar []. */
typedef struct PreferenceShape {
  const float *scales, *reference; /* [N] */
  double smoothing;
  const int32_t *verdicts; /* [N]: 1 good, 0 bad; NULL: pairs */
  double origin,
      weights[2]; /* of verdicts: the reward that counts as neutral; weights of bad and good ones */
  double divisor;
} PreferenceShape;
Tensor *op_preference(Tape *, Tensor *y, PreferenceShape);

/* One LSTM layer over all T steps (Hochreiter & Schmidhuber 1997, PyTorch's gate order i, f, g, o).
 * x [B,T,4D]: the input products W_ih x + b_ih + b_hh, computed for all steps at once by op_linear;
 * weight W_hh [4D,D]; h0, c0 [B,D] (NULL: zeros) -> h of every step [B,T,D]; *h_last, *c_last [B,D] (both may
 * be NULL) are constants: no gradient flows through them. */
Tensor *op_lstm(Tape *, Tensor *x, Tensor *weight, Tensor *h0, Tensor *c0, Tensor **h_last, Tensor **c_last);

/* One GRU layer (Cho et al. 2014, PyTorch's form and gate order r, z, n): x [B,T,3D] = W_ih x + b_ih,
 * W_hh [3D,D], b_hh [3D] -> [B,T,D]. h0, *h_last as above. */
Tensor *op_gru(Tape *, Tensor *x, Tensor *weight, Tensor *bias, Tensor *h0, Tensor **h_last);

/* Each token's predecessor: x [B,T,D] -> y[b,t] = x[b,t-1], y[b,0] = before[b] (NULL: zeros). *last as above.
 */
Tensor *op_token_shift(Tape *, Tensor *x, Tensor *before, Tensor **last);
/* x + (y - x) share: x and y [..., D], share [D] or of their shape. */
Tensor *op_lerp(Tape *, Tensor *x, Tensor *y, Tensor *share);
/* x w / |x w| for each head: x [..., H*d], weight [H*d]. */
Tensor *op_unit(Tape *, Tensor *x, Tensor *weight, int64_t heads);
/* RWKV-7's recurrence (Peng et al. 2025), all [B,T,H*d]: receptance r, decay z (before its sigmoid), key k,
 * value v, removal key c and the rate a at which it removes. state [B,H*d*d] may be NULL (zeros); *last as
 * above. */
enum { WKV7_LARGEST = 256 }; /* values of a head */
typedef struct Wkv7Inputs {
  Tensor *r, *z, *k, *v, *c, *a;
} Wkv7Inputs;
Tensor *op_wkv7(Tape *, Wkv7Inputs, int64_t heads, Tensor *state, Tensor **last);
/* x + (sum over the head of r k w) v: x, r, k, v [..., H*d], weight [H*d]. */
Tensor *op_bonus(Tape *, Tensor *x, Tensor *r, Tensor *k, Tensor *v, Tensor *weight, int64_t heads);

/* All operators: op_embedding_info, ..., and a table in the order of ops.def. */
#define OP(name) extern const Op op_##name##_info;
#include "ops/ops.def"
#undef OP
extern const Op *const op_table[];
extern const int op_count;

#endif
