#include "train/teacher.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/integers.h"
#include "base/language.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "ops/logits.h"
#include "run/adapter.h"

#include "base/settings_table.h"

#include "train/distill.def"

/* ---- opening ---- */

bool teacher_open(Teacher *t, const Settings *settings, const Task *task, const News *news, Error *err) {
  const DistillSettings *s = settings_part(settings, &distill_settings_table);
  *t = (Teacher){.settings = s};
  if (!s->teacher) return true;
  t->path = s->teacher;
  if (!bundle_open(&t->bundle, t->path, news, err) || !bundle_check_task(&t->bundle, task, err))
    return fail_prefix(err, "--teacher %s", t->path);
  adapter_merge(t->bundle.model);
  model_unfreeze(t->bundle.model); /* packed weights would be a second copy of them */
  if (t->bundle.source.remark) news_note(news, "%s", t->bundle.source.remark);
  return true;
}

void teacher_close(Teacher *t) {
  if (t->path) bundle_close(&t->bundle);
}

/* ---- is it comparable? ---- */

static bool same_pieces(const Tokenizer *a, const Tokenizer *b) {
  return tokenizer_size(a) == tokenizer_size(b) && tokenizer_same_pieces(a, b, tokenizer_size(a));
}

static bool check_vocabulary(const Teacher *t, const Tokenizer *own, Error *err) {
  const Tokenizer *other = t->bundle.tokenizer;
  return (same_pieces(own, other) && same_pieces(tokenizer_source(own), tokenizer_source(other))) ||
         fail_usage(
             err,
             "--teacher %s has another vocabulary, so that its distributions are of other tokens: "
             "leave out what makes the student's (--from, --tokenizer-from), and it gets the teacher's",
             t->path);
}

static bool check_layout(const Teacher *t, const Material *m, const Config *c, Error *err) {
  const PairLayout *own = material_layout(m);
  PairLayout layout;
  const bool encodes = t->bundle.model->config.arch->encodes;
  if (encodes != c->arch->encodes)
    return fail_usage(err,
                      "--teacher %s %s, and the student %s: they read pairs in different ways, so give both "
                      "the same kind of --arch",
                      t->path, encodes ? _("has an encoder") : _("has no encoder"),
                      encodes ? _("has none") : _("has one"));
  if (!own) return true;
  if (!bundle_layout(&t->bundle, m->task, &layout, err)) return fail_prefix(err, "--teacher %s", t->path);
  return layout_same(own, &layout) ||
         fail_usage(err,
                    "--teacher %s puts other special tokens around texts than the student: train the student "
                    "--from a model of its family, or with the teacher's own tokenizer",
                    t->path);
}

static bool check_context(const Teacher *t, int64_t window, Error *err) {
  const Config *c = &t->bundle.model->config;
  return c->arch->unlimited_context || window <= c->context ||
         fail_usage(err,
                    "--teacher %s reads %" PRId64 " tokens at most, and the student's context is %" PRId64
                    ": give --context %" PRId64 " or less",
                    t->path, c->context, window, c->context);
}

static bool check_packing(const Teacher *t, const Material *m, Error *err) {
  const PairLayout *layout = material_layout(m);
  return !layout || !layout->pack || arch_packs(t->bundle.model->config.arch) ||
         fail_usage(err, "--teacher %s is recurrent and cannot read packed texts: leave out --pack", t->path);
}

bool teacher_fits(Teacher *t, const Config *c, const Tokenizer *tokenizer, const Material *m, int64_t window,
                  Error *err) {
  if (!t->path) return true;
  t->vocabulary = int64_min(c->vocabulary, t->bundle.model->config.vocabulary);
  return check_vocabulary(t, tokenizer, err) && check_layout(t, m, c, err) && check_context(t, window, err) &&
         check_packing(t, m, err);
}

/* ---- distributions ---- */

typedef struct Reading {
  const Teacher *teacher;
  Net net;
  Output out;
  SoftTargets soft;
  int64_t *scored; /* the rows with a target */
  int64_t count, first, beyond;
  float *logits; /* of these rows, from `first` to `beyond` */
} Reading;

static int64_t top_of(const Teacher *t) {
  return int64_min(t->settings->distill_top, t->vocabulary);
}

/* The largest of n values in descending order, of equal ones the first. */
static void choose_top(const float *z, int64_t n, int64_t most, int32_t *ids) {
  int64_t count = 0;
  for (int64_t j = 0; j < n; j++) {
    if (count == most && z[j] <= z[ids[most - 1]]) continue;
    int64_t at = count < most ? count++ : most - 1;
    for (; at > 0 && z[j] > z[ids[at - 1]]; at--) ids[at] = ids[at - 1];
    ids[at] = (int32_t)j;
  }
}

static void read_rows(void *arg, int64_t begin, int64_t end) {
  const Reading *r = arg;
  const Teacher *t = r->teacher;
  const int64_t vocabulary = t->bundle.model->config.vocabulary, most = top_of(t);
  const float temperature = (float)t->settings->distill_temperature;
  for (int64_t i = begin; i < end; i++) {
    float *z = r->logits + (i - r->first) * vocabulary;
    int32_t *ids = tensor_i32(r->soft.ids) + r->scored[i] * most;
    float *p = tensor_f32(r->soft.probabilities) + r->scored[i] * most;
    choose_top(z, t->vocabulary, most, ids);
    kernels->scale(z, 1 / temperature, z, vocabulary);
    const float top = kernels->maximum(z, vocabulary), total = kernels->sum_exp(z, top, vocabulary);
    for (int64_t k = 0; k < most; k++) p[k] = expf(z[ids[k]] - top) / total;
  }
}

static void read_shifted(void *arg, int64_t begin, int64_t end) {
  const Reading *r = arg;
  read_rows(arg, begin + r->first, end + r->first);
}

/* A part of the tape, which frees the logits. */
static Tensor *read_block(void *arg, Tensor *hidden) {
  Reading *r = arg;
  Tape *tape = r->net.tape;
  const int64_t width = tensor_columns(hidden), rows = r->beyond - r->first;
  Tensor *h = tape_tensor(tape, TENSOR_F32, 2, (int64_t[]){rows, width});
  for (int64_t i = 0; i < rows; i++)
    memcpy(tensor_f32(h) + i * width, tensor_f32(hidden) + r->scored[r->first + i] * width,
           (size_t)width * sizeof(float));
  r->logits = tensor_f32(output_logits(&r->net, &r->out, h));
  parallel_for(rows, read_shifted, r);
  return h;
}

static void find_scored(Reading *r, const Batch *batch) {
  const int64_t rows = batch->sequences * batch->time;
  r->scored = arena_alloc(tape_arena(r->net.tape), (size_t)rows * sizeof *r->scored);
  for (int64_t i = 0; i < rows; i++)
    if (batch->targets[i] >= 0) r->scored[r->count++] = i;
}

SoftTargets teacher_targets(const Teacher *t, const Net *net, const Batch *batch) {
  const int64_t shape[] = {batch->sequences * batch->time, top_of(t)},
                vocabulary = t->bundle.model->config.vocabulary;
  Reading r = {.teacher = t, .net = {.tape = net->tape}};
  r.soft = (SoftTargets){.ids = tape_tensor(net->tape, TENSOR_I32, 2, shape),
                         .probabilities = tape_tensor(net->tape, TENSOR_F32, 2, shape),
                         .weight = (float)t->settings->distill_weight,
                         .temperature = (float)t->settings->distill_temperature};
  find_scored(&r, batch);
  r.out = model_forward(t->bundle.model, &r.net, batch);
  while (r.first < r.count) {
    r.beyond = int64_min(r.count, r.first + logits_block(r.count, vocabulary));
    tape_part(net->tape, read_block, &r, r.out.hidden, NULL);
    r.first = r.beyond;
  }
  return r.soft;
}

Cost teacher_cost(const Teacher *t, int64_t sequences, int64_t time, int64_t source_time) {
  const Config *c = &t->bundle.model->config;
  const int64_t rows = sequences * time;
  Cost cost = model_forward_cost(t->bundle.model, sequences, time, source_time);
  cost.activation_bytes +=
      (logits_block(rows, c->vocabulary) * (c->vocabulary + 2 * c->width) + rows * (2 * top_of(t) + 2)) *
      (int64_t)sizeof(float);
  cost.forward_flops += 2 * (double)rows * (double)c->width * (double)c->vocabulary;
  return cost;
}
