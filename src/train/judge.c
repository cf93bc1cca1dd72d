#include "train/judge.h"

#include <string.h>

#include "text/metrics.h"

struct Judge {
  const Pairs *pairs;
  RewriteRequest request; /* all but the model and the listener */
  size_t *chosen;         /* examples, in their order */
  size_t count;
  Settings *metric_settings;
  Metrics metrics; /* none: the loss judges */
  /* of the call that runs */
  Turn *turns;
  RewriteInput *inputs;
  double *sum, *row; /* of the metric's statistics */
  Buffer *shown;
};

bool judge_has_metric(const TrainSettings *s) {
  return strcmp(s->best_by, "loss") != 0;
}

/* ---- examples ---- */

/* A conversation is replied to where its last reply stands. */
static size_t turns_before(const Pairs *p, const Example *e) {
  for (size_t i = e->turns - 1; i > 0; i--)
    if (!e->roles || p->roles[e->first + i] == ROLE_ASSISTANT) return i;
  return e->turns - 1;
}

/* Where nothing says who speaks, the reply is the assistant's and turns alternate. */
static Role role_of(const Pairs *p, const Example *e, size_t turn, size_t reply) {
  if (e->roles) return (Role)p->roles[e->first + turn];
  return (reply - turn) % 2 ? ROLE_USER : ROLE_ASSISTANT;
}

static size_t add_input(Judge *j, size_t which, size_t used) {
  const Example *e = &j->pairs->examples[j->chosen[which]];
  const size_t reply = turns_before(j->pairs, e);
  j->inputs[which] = (RewriteInput){j->turns + used, reply};
  for (size_t i = 0; i < reply; i++) {
    const Document *d = example_turn(j->pairs, e, i);
    j->turns[used++] = (Turn){role_of(j->pairs, e, i, reply), d->text, d->length};
  }
  return used;
}

static void choose(Judge *j, size_t most) {
  const size_t all = j->pairs->count;
  size_t turns = 0, used = 0;
  j->count = all < most ? all : most;
  j->chosen = mem_alloc_zeroed(j->count, sizeof *j->chosen);
  for (size_t i = 0; i < j->count; i++) {
    j->chosen[i] = i * all / j->count;
    turns += j->pairs->examples[j->chosen[i]].turns;
  }
  j->turns = mem_alloc_zeroed(turns, sizeof *j->turns);
  j->inputs = mem_alloc_zeroed(j->count, sizeof *j->inputs);
  for (size_t i = 0; i < j->count; i++) used = add_input(j, i, used);
}

/* ---- opening ---- */

static bool open_metric(Judge *j, const char *name, Error *err) {
  static const SettingTable *const tables[] = {&metric_settings_table};
  const bool chinese = !strcmp(name, "bleu-zh") || !strcmp(name, "rougeL-zh");
  char metric[32];
  snprintf(metric, sizeof metric, "%.*s", (int)strcspn(name, "-"), name);
  j->metric_settings = settings_new(tables, 1);
  if (!ink_settings_set(j->metric_settings, "metric", metric, err) ||
      (chinese && !ink_settings_set(j->metric_settings, "tokenize", "zh", err)) ||
      !metrics_open(&j->metrics, settings_part(j->metric_settings, &metric_settings_table), err))
    return false;
  const size_t n = metric_statistics(j->metrics.items[0]);
  j->sum = mem_alloc_zeroed(n, sizeof *j->sum);
  j->row = mem_alloc_zeroed(n, sizeof *j->row);
  return true;
}

Judge *judge_open(const Material *material, const Tokenizer *tokenizer, const TrainSettings *train,
                  const SearchSettings *search, Error *err) {
  Judge *j = mem_alloc_zeroed(1, sizeof *j);
  const PairLayout *layout = material_layout(material);
  j->pairs = material_examples(material);
  j->request = (RewriteRequest){
      .tokenizer = tokenizer, .layout = layout, .search = search, .max_tokens = layout->time};
  choose(j, (size_t)train->eval_examples);
  if (!judge_has_metric(train) || open_metric(j, train->best_by, err)) return j;
  judge_free(j);
  return NULL;
}

void judge_free(Judge *j) {
  if (!j) return;
  metrics_close(&j->metrics);
  ink_settings_free(j->metric_settings);
  mem_free(j->chosen);
  mem_free(j->turns);
  mem_free(j->inputs);
  mem_free(j->sum);
  mem_free(j->row);
  mem_free(j);
}

/* ---- measuring ---- */

static const Document *right_answer(const Judge *j, int64_t which) {
  const Example *e = &j->pairs->examples[j->chosen[which]];
  return example_turn(j->pairs, e, turns_before(j->pairs, e));
}

/* The references of a pair are its target and what stands behind its turns. */
static bool measure_output(void *user, const ink_output *o) {
  Judge *j = user;
  if (o->rank) return true;
  const Example *e = &j->pairs->examples[j->chosen[o->input]];
  const size_t count = 1 + e->references;
  Segment *references = mem_alloc_zeroed(count, sizeof *references);
  for (size_t i = 0; i < count; i++) {
    const Document *d = i ? example_turn(j->pairs, e, e->turns + i - 1) : right_answer(j, o->input);
    references[i] = (Segment){d->text, d->length};
  }
  Metric *metric = j->metrics.items[0];
  metric_measure(metric, (Segment){o->text, o->length}, references, count, j->row);
  for (size_t i = 0; i < metric_statistics(metric); i++) j->sum[i] += j->row[i];
  mem_free(references);
  return true;
}

bool judge_score(Judge *j, const Model *model, double *score, Error *err) {
  Metric *metric = j->metrics.items[0];
  RewriteRequest request = j->request;
  ink_rewritten done = {0};
  request.model = model;
  request.listener = measure_output;
  request.user = j;
  memset(j->sum, 0, metric_statistics(metric) * sizeof *j->sum);
  if (!rewriter_run(&request, j->inputs, (int64_t)j->count, &done, err)) return false;
  *score = metric_score(metric, j->sum);
  return true;
}

/* ---- showing ---- */

static bool show_output(void *user, const ink_output *o) {
  Judge *j = user;
  if (!o->rank) buffer_addf(j->shown, "→ %.*s\n", (int)o->length, o->text);
  return true;
}

enum { SHOWN = 2 };

bool judge_show(Judge *j, const Model *model, int64_t step, Buffer *out, Error *err) {
  RewriteRequest request = j->request;
  ink_rewritten done = {0};
  bool ok = true;
  request.model = model;
  request.listener = show_output;
  request.user = j;
  j->shown = out;
  for (int64_t i = 0; i < SHOWN && ok; i++) {
    const RewriteInput *input = &j->inputs[(uint64_t)(step * SHOWN + i) * 7919 % j->count];
    const Turn *last = &input->turns[input->count - 1];
    buffer_addf(out, "%.*s\n", (int)last->length, last->text);
    ok = rewriter_run(&request, input, 1, &done, err);
  }
  return ok;
}
