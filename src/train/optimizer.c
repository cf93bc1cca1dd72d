#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "base/integers.h"
#include "base/threads.h"
#include "kernels/kernels.h"

static bool takes_muon(const Optimizer *o, const Param *p) {
  return o->by_muon && (p->role == PARAM_MATRIX || p->role == PARAM_TRANSPOSED) && p->tensor.dims == 2;
}

static void open_muon(Optimizer *o) {
  int64_t elements = 0, side = 0;
  o->matrices = mem_alloc(params_count(o->params) * sizeof *o->matrices);
  for (size_t i = 0; i < params_count(o->params); i++) {
    const Param *p = params_at(o->params, i);
    const Tensor *t = &p->tensor;
    if (!takes_muon(o, p)) continue;
    o->matrices[o->matrix_count++] = p;
    elements = int64_max(elements, tensor_count(t));
    side = int64_max(side, t->shape[0] < t->shape[1] ? t->shape[0] : t->shape[1]);
  }
  /* With fewer matrices than threads, all threads work on one matrix at a time. */
  o->workers = o->matrix_count < threads_count() ? 1 : threads_count();
  o->muon = mem_alloc_zeroed((size_t)o->workers, sizeof *o->muon);
  for (int i = 0; i < o->workers; i++) muon_open(&o->muon[i], elements, side);
}

void optimizer_open(Optimizer *o, Params *params, const TrainSettings *settings, double decay) {
  const size_t n = (size_t)params_length(params);
  *o = (Optimizer){.params = params,
                   .settings = settings,
                   .decay = decay,
                   .by_muon = !strcmp(settings->optimizer, "muon")};
  if (o->by_muon) open_muon(o);
  o->m = mem_alloc_zeroed(n, sizeof(float));
  o->v = mem_alloc_zeroed(n, sizeof(float));
  if (settings->ema > 0) {
    o->average = mem_alloc(n * sizeof(float));
    memcpy(o->average, params_values(params), n * sizeof(float));
  }
}

void optimizer_close(Optimizer *o) {
  mem_free(o->m);
  mem_free(o->v);
  mem_free(o->average);
  for (int i = 0; i < o->workers; i++) muon_close(&o->muon[i]);
  mem_free(o->muon);
  mem_free(o->matrices);
}

int64_t optimizer_bytes_per_parameter(const TrainSettings *s) {
  return (int64_t)sizeof(float) * (s->ema > 0 ? 3 : 2);
}

float *optimizer_weights(Optimizer *o) {
  return o->average ? o->average : params_values(o->params);
}

/* ---- norm ---- */

/* Sums over pieces of fixed size, added in order, do not depend on the number of threads. */
enum { PIECE = 1 << 16 };

typedef struct NormJob {
  const float *gradients;
  int64_t length;
  double *sums; /* one per piece */
} NormJob;

static void norm_pieces(void *arg, int64_t begin, int64_t end) {
  const NormJob *job = arg;
  for (int64_t i = begin; i < end; i++) {
    const int64_t at = i * PIECE, left = job->length - at;
    job->sums[i] = (double)kernels->sum_squares(job->gradients + at, left < PIECE ? left : PIECE);
  }
}

double gradient_norm(Params *params) {
  NormJob job = {params_gradients(params), params_length(params), NULL};
  const int64_t pieces = (job.length + PIECE - 1) / PIECE;
  job.sums = mem_alloc((size_t)pieces * sizeof *job.sums);
  parallel_for(pieces, norm_pieces, &job);
  double sum = 0;
  for (int64_t i = 0; i < pieces; i++) sum += job.sums[i];
  mem_free(job.sums);
  return sqrt(sum);
}

/* ---- update ---- */

typedef struct UpdateJob {
  Optimizer *optimizer;
  double learning_rate, clip, correction1, correction2;
  double decay;          /* of the parameter being updated by AdamW */
  int64_t offset, count; /* position and size of that parameter */
} UpdateJob;

static void average_range(const Optimizer *o, int64_t at, int64_t n) {
  const float keep = (float)o->settings->ema;
  float *average = o->average + at;
  const float *w = params_values(o->params) + at;
  for (int64_t i = 0; i < n; i++) average[i] = keep * average[i] + (1 - keep) * w[i];
}

/* Pieces of fixed size, so that the tails of vector loops do not depend on the number of threads. */
static void update_pieces(void *arg, int64_t begin, int64_t end) {
  const UpdateJob *job = arg;
  Optimizer *o = job->optimizer;
  const TrainSettings *s = o->settings;
  for (int64_t i = begin; i < end; i++) {
    const int64_t at = job->offset + i * PIECE, left = job->offset + job->count - at;
    const int64_t n = left < PIECE ? left : PIECE;
    kernels->adamw(params_values(o->params) + at, o->m + at, o->v + at, params_gradients(o->params) + at,
                   (float)job->clip, (float)job->learning_rate, (float)s->beta1, (float)s->beta2,
                   (float)job->correction1, (float)job->correction2, (float)s->epsilon, (float)job->decay, n);
    if (o->average) average_range(o, at, n);
  }
}

static void update_matrices(void *arg, int64_t begin, int64_t end) {
  const UpdateJob *job = arg;
  Optimizer *o = job->optimizer;
  const MuonStep step = {o->settings->momentum, job->learning_rate, o->decay, job->clip};
  for (int64_t i = begin; i < end; i++) {
    const Param *p = o->matrices[i];
    muon_step(&o->muon[parallel_worker()], params_values(o->params) + p->offset, o->m + p->offset,
              params_gradients(o->params) + p->offset, p->tensor.shape[0], p->tensor.shape[1], step);
    if (o->average) average_range(o, p->offset, tensor_count(&p->tensor));
  }
}

void optimizer_step(Optimizer *o, int64_t step, double learning_rate, double clip) {
  const TrainSettings *s = o->settings;
  UpdateJob job = {.optimizer = o,
                   .learning_rate = learning_rate,
                   .clip = clip,
                   .correction1 = 1 - pow(s->beta1, (double)step),
                   .correction2 = 1 - pow(s->beta2, (double)step)};
  for (size_t i = 0; i < params_count(o->params); i++) {
    const Param *p = params_at(o->params, i);
    if (takes_muon(o, p)) continue;
    job.offset = p->offset;
    job.count = tensor_count(&p->tensor);
    job.decay = p->role != PARAM_VECTOR ? o->decay : 0;
    parallel_for((job.count + PIECE - 1) / PIECE, update_pieces, &job);
  }
  if (o->workers > 1)
    parallel_guarded(o->matrix_count, update_matrices, &job);
  else
    update_matrices(&job, 0, o->matrix_count);
}

/* ---- schedule ---- */

/* Warmup-stable-decay (Hu et al. 2024): share of the run that decays. */
static const double wsd_decay = 0.2;

double schedule_share(const TrainSettings *s, int64_t step, int64_t steps, int64_t warmup) {
  if (step <= warmup) return (double)step / (double)warmup;
  const double rest = steps > warmup ? (double)(step - warmup) / (double)(steps - warmup) : 1; /* 0..1 */
  const double low = s->min_lr;
  if (!strcmp(s->schedule, "cosine")) return low + (1 - low) * 0.5 * (1 + cos(3.14159265358979323846 * rest));
  if (!strcmp(s->schedule, "linear")) return 1 - (1 - low) * rest;
  if (!strcmp(s->schedule, "inverse-sqrt")) return sqrt((warmup > 0 ? (double)warmup : 1) / (double)step);
  if (!strcmp(s->schedule, "wsd"))
    return rest <= 1 - wsd_decay ? 1 : low + (1 - low) * (1 - rest) / wsd_decay;
  return 1; /* constant */
}
