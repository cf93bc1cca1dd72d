/* compare.c - the KL divergence of a model's predictions from a reference's,
 *
 *   D(P || Q) = sum(p (ln p - ln q)),   p = softmax(b) of the reference, q = softmax(a)
 *             = sum(p (b - a)) - ln sum(e^b) + ln sum(e^a)
 *
 * per token. Exponentials are floats; sums are doubles, since D is a small difference of large numbers. */
#include "run/compare.h"

#include <math.h>
#include <string.h>

#include "base/integers.h"
#include "base/language.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "run/session.h"

/* Logits of a piece of text take about this many floats per model. */
enum { PIECE_FLOATS = 1 << 22 };

/* ---- the histogram ---- */

/* Positive floats are ordered as the integers with their bits; the upper 18 of 31 bits number a bin. */
enum { BIN_SHIFT = 13, BINS = 1 << 18 };

static int64_t bin_of(double divergence) {
  const float value = (float)divergence;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits >> BIN_SHIFT;
}

static double least_of_bin(int64_t bin) {
  const uint32_t bits = (uint32_t)bin << BIN_SHIFT;
  float value;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}

double comparison_quantile(const Comparison *c, double share) {
  int64_t bin = 0, below = c->bins[0];
  while (bin < BINS - 1 && (double)below < share * (double)c->tokens) below += c->bins[++bin];
  return least_of_bin(bin);
}

void comparison_free(Comparison *c) {
  mem_free(c->bins);
  *c = (Comparison){0};
}

/* ---- a token ---- */

typedef struct Verdict {
  double nats, reference_nats, divergence;
  bool agreed;
} Verdict;

typedef struct Comparer {
  const Model *models[2]; /* the model and its reference */
  Session *sessions[2];
  int count; /* 1: no reference */
  int64_t vocabulary, piece;
  float *scratch;    /* [threads, vocabulary] */
  Verdict *verdicts; /* [piece] */
  const float *logits[2];
  const int32_t *targets;
  Comparison *out;
} Comparer;

/* ln of the sum of e^x; e becomes e^(x - maximum). */
static double log_sum(const float *x, float *e, int64_t n) {
  const float top = kernels->maximum(x, n);
  double sum = 0;
  kernels->exp_shifted(e, x, top, n);
  for (int64_t i = 0; i < n; i++) sum += (double)e[i];
  return (double)top + log(sum);
}

static int64_t first_choice(const float *x, int64_t n) {
  const float top = kernels->maximum(x, n);
  int64_t i = 0;
  while (x[i] != top) i++;
  return i;
}

static Verdict judge(const float *a, const float *b, int32_t target, float *e, int64_t n) {
  const double all = log_sum(a, e, n);
  Verdict v = {.nats = all - (double)a[target]};
  if (!b) return v;
  const double reference = log_sum(b, e, n), scale = exp((double)kernels->maximum(b, n) - reference);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)e[i] * ((double)b[i] - (double)a[i]);
  v.reference_nats = reference - (double)b[target];
  v.divergence = fmax(sum * scale - reference + all, 0); /* rounding may leave -1e-9 of equal predictions */
  v.agreed = first_choice(a, n) == first_choice(b, n);
  return v;
}

static void judge_rows(void *arg, int64_t begin, int64_t end) {
  const Comparer *c = arg;
  const int64_t n = c->vocabulary;
  for (int64_t i = begin; i < end; i++)
    if (c->targets[i] >= 0)
      c->verdicts[i] = judge(c->logits[0] + i * n, c->logits[1] ? c->logits[1] + i * n : NULL, c->targets[i],
                             c->scratch + parallel_worker() * n, n);
}

static void take_verdicts(const Comparer *c, int64_t count) {
  Comparison *out = c->out;
  for (int64_t i = 0; i < count; i++) {
    const Verdict *v = &c->verdicts[i];
    if (c->targets[i] < 0) continue;
    out->tokens++;
    out->agreed += v->agreed;
    out->nats += v->nats;
    out->reference_nats += v->reference_nats;
    out->divergence += v->divergence;
    out->largest = fmax(out->largest, v->divergence);
    out->bins[bin_of(v->divergence)]++;
  }
}

/* ---- a sequence ---- */

/* Up to the last token that is scored. */
static int64_t scored_length(const int32_t *targets, int64_t count) {
  while (count > 0 && targets[count - 1] < 0) count--;
  return count;
}

static int32_t open_sequence(Session *s, const Batch *b, int64_t index) {
  if (!b->source_time) return session_open(s, -1);
  return session_open(s, session_add_source(s, b->source + index * b->source_time, b->source_lengths[index]));
}

/* Both models read tokens first .. first + count - 1 of `length`. */
static void compare_piece(Comparer *c, const int32_t *sequences, const int32_t *tokens, int64_t count,
                          int64_t ahead) {
  const int64_t wanted = scored_length(c->targets, count) ? count : 0;
  for (int m = 0; m < c->count; m++)
    c->logits[m] = session_feed(c->sessions[m], &(Feed){sequences[m], tokens, count, wanted, ahead}, 1);
  if (!wanted) return;
  parallel_for(count, judge_rows, c);
  take_verdicts(c, count);
}

static void compare_sequence(Comparer *c, const Batch *b, int64_t index) {
  const int32_t *tokens = b->tokens + index * b->time, *targets = b->targets + index * b->time;
  const int64_t length = scored_length(targets, b->time);
  int32_t sequences[2];
  if (!length) return;
  for (int m = 0; m < c->count; m++) sequences[m] = open_sequence(c->sessions[m], b, index);
  for (int64_t at = 0, count; at < length; at += count) {
    count = int64_min(c->piece, length - at);
    c->targets = targets + at;
    compare_piece(c, sequences, tokens + at, count, length - at - count);
  }
  for (int m = 0; m < c->count; m++) session_close(c->sessions[m], sequences[m]);
}

/* ---- all ---- */

static void open_comparer(Comparer *c) {
  c->vocabulary = c->models[0]->config.vocabulary;
  c->piece = int64_min(int64_max(PIECE_FLOATS / c->vocabulary, 1), SESSION_PIECE);
  c->scratch = mem_alloc((size_t)(threads_count() * c->vocabulary) * sizeof *c->scratch);
  c->verdicts = mem_alloc((size_t)c->piece * sizeof *c->verdicts);
  c->out->bins = mem_alloc_zeroed(BINS, sizeof *c->out->bins);
  for (int m = 0; m < c->count; m++) c->sessions[m] = session_new(c->models[m], (StateSize){0});
}

static void close_comparer(Comparer *c) {
  for (int m = 0; m < c->count; m++) session_free(c->sessions[m]);
  mem_free(c->scratch);
  mem_free(c->verdicts);
}

static bool sessions_ok(const Comparer *c, Error *err) {
  if (!session_ok(c->sessions[0], err)) return false;
  return c->count < 2 || session_ok(c->sessions[1], err) || fail_prefix(err, "the model of --against");
}

bool compare_batches(const Model *model, const Model *reference, Batches *batches, const News *news,
                     Comparison *out, Error *err) {
  Comparer c = {.models = {model, reference}, .count = reference ? 2 : 1, .out = out};
  Batch batch;
  bool ok = true;
  *out = (Comparison){0};
  open_comparer(&c);
  for (int64_t i = 0; i < batches->count && ok && !interrupted(); i++) {
    batches_get(batches, i, &batch);
    for (int64_t k = 0; k < batch.sequences && !interrupted(); k++) compare_sequence(&c, &batch, k);
    ok = sessions_ok(&c, err);
    news_progress(news, reference ? N_("comparing") : N_("scoring"), i + 1, batches->count, "batch");
  }
  close_comparer(&c);
  return ok;
}
