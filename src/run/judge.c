#include "run/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "text/codes.h"

struct Judge {
  JudgeRequest request;
  size_t *chosen; /* indices of examples, ascending */
  size_t count;
  Turn *turns;
  RewriteInput *inputs;
  Metrics metrics;
  double **sums; /* [metrics][statistics] */
  Buffer *outputs;
  double *confidences; /* of the outputs */
};

/* ---- examples ---- */

/* The last reply; for a pair, its target. Without roles, the last turn is the reply. */
static size_t reply_of(const Pairs *p, const Example *e) {
  for (size_t i = e->turns - 1; i > 0; i--)
    if (!e->roles || p->roles[e->first + i] == ROLE_ASSISTANT) return i;
  return e->turns - 1;
}

static Role role_of(const Pairs *p, const Example *e, size_t turn, size_t reply) {
  if (e->roles) return (Role)p->roles[e->first + turn];
  return (reply - turn) % 2 ? ROLE_USER : ROLE_ASSISTANT;
}

static const Example *example_at(const Judge *j, size_t which) {
  return &j->request.pairs->examples[j->chosen[which]];
}

static size_t add_input(Judge *j, size_t which, size_t used) {
  const Pairs *p = j->request.pairs;
  const Example *e = example_at(j, which);
  const size_t reply = reply_of(p, e);
  j->inputs[which] = (RewriteInput){j->turns + used, reply};
  for (size_t i = 0; i < reply; i++) j->turns[used++] = turn_of(p, e, i, role_of(p, e, i, reply));
  return used;
}

static void choose(Judge *j) {
  const size_t all = j->request.pairs->count, most = j->request.most;
  size_t turns = 0, used = 0;
  j->count = most && most < all ? most : all;
  j->chosen = mem_alloc_zeroed(j->count, sizeof *j->chosen);
  for (size_t i = 0; i < j->count; i++) {
    j->chosen[i] = i * all / j->count;
    turns += example_at(j, i)->turns;
  }
  j->turns = mem_alloc_zeroed(turns, sizeof *j->turns);
  j->inputs = mem_alloc_zeroed(j->count, sizeof *j->inputs);
  j->outputs = mem_alloc_zeroed(j->count, sizeof *j->outputs);
  j->confidences = mem_alloc_zeroed(j->count, sizeof *j->confidences);
  for (size_t i = 0; i < j->count; i++) used = add_input(j, i, used);
}

static bool open_metrics(Judge *j, Error *err) {
  if (!j->request.metrics) return true;
  if (!metrics_open(&j->metrics, j->request.metrics, err)) return false;
  j->sums = mem_alloc_zeroed(j->metrics.count, sizeof *j->sums);
  for (size_t i = 0; i < j->metrics.count; i++)
    j->sums[i] = mem_alloc_zeroed(metric_statistics(j->metrics.items[i]), sizeof **j->sums);
  return true;
}

Judge *judge_open(const JudgeRequest *request, Error *err) {
  Judge *j = mem_alloc_zeroed(1, sizeof *j);
  j->request = *request;
  choose(j);
  if (open_metrics(j, err)) return j;
  judge_free(j);
  return NULL;
}

void judge_free(Judge *j) {
  if (!j) return;
  for (size_t i = 0; j->sums && i < j->metrics.count; i++) mem_free(j->sums[i]);
  for (size_t i = 0; i < j->count; i++) buffer_free(&j->outputs[i]);
  metrics_close(&j->metrics);
  mem_free(j->sums);
  mem_free(j->outputs);
  mem_free(j->confidences);
  mem_free(j->chosen);
  mem_free(j->turns);
  mem_free(j->inputs);
  mem_free(j);
}

size_t judge_count(const Judge *j) {
  return j->count;
}

/* ---- scoring ---- */

static bool take_output(void *user, const ink_output *o) {
  Judge *j = user;
  if (o->rank) return true;
  buffer_add(&j->outputs[o->input], o->text, o->length);
  j->confidences[o->input] = o->confidence;
  return true;
}

static RewriteRequest request_for(const Judge *j, const Model *model, ink_output_listener *listener,
                                  void *user) {
  const JudgeRequest *r = &j->request;
  return (RewriteRequest){.model = model,
                          .tokenizer = r->tokenizer,
                          .layout = r->layout,
                          .search = r->search,
                          .sampling = r->sampling,
                          .rules = r->rules,
                          .never = r->never,
                          .seed = r->seed,
                          .max_tokens = r->max_tokens,
                          .protection = r->protection,
                          .listener = listener,
                          .user = user};
}

static Segment segment_of(const Document *d) {
  return (Segment){d->text, d->length};
}

/* The references are the reply and, for a pair, further ones that are stored after its turns. */
static void measure(Judge *j, size_t which) {
  const Pairs *p = j->request.pairs;
  const Example *e = example_at(j, which);
  const size_t count = 1 + e->references;
  double row[METRIC_STATISTICS];
  Segment *references = mem_alloc_zeroed(count, sizeof *references);
  references[0] = segment_of(example_turn(p, e, reply_of(p, e)));
  for (size_t i = 1; i < count; i++) references[i] = segment_of(example_turn(p, e, e->turns + i - 1));
  const Segment written = {j->outputs[which].data ? j->outputs[which].data : "", j->outputs[which].length};
  for (size_t i = 0; i < j->metrics.count; i++) {
    Metric *m = j->metrics.items[i];
    metric_measure(m, written, references, count, row);
    for (size_t k = 0; k < metric_statistics(m); k++) j->sums[i][k] += row[k];
  }
  mem_free(references);
}

static void clear_sums(Judge *j) {
  for (size_t i = 0; i < j->metrics.count; i++)
    memset(j->sums[i], 0, metric_statistics(j->metrics.items[i]) * sizeof **j->sums);
}

bool judge_run(Judge *j, const Model *model, Error *err) {
  const RewriteRequest request = request_for(j, model, take_output, j);
  ink_rewritten done = {0};
  for (size_t i = 0; i < j->count; i++) buffer_clear(&j->outputs[i]);
  clear_sums(j);
  if (!rewriter_run(&request, j->inputs, (int64_t)j->count, &done, err)) return false;
  for (size_t i = 0; i < j->count; i++) measure(j, i);
  return true;
}

bool judge_misses_words(const Judge *j) {
  const Pairs *p = j->request.pairs;
  Segment *right = mem_alloc_zeroed(j->count + 1, sizeof *right);
  for (size_t i = 0; i < j->count; i++) {
    const Example *e = example_at(j, i);
    right[i] = segment_of(example_turn(p, e, reply_of(p, e)));
  }
  const bool misses = metrics_miss_words(&j->metrics, j->request.metrics, right, j->count);
  mem_free(right);
  return misses;
}

double judge_score(const Judge *j, size_t metric) {
  return metric_score(j->metrics.items[metric], j->sums[metric]);
}

static json_t *scores(const Judge *j) {
  json_t *list = json_array();
  size_t references = 1;
  for (size_t i = 0; i < j->count; i++)
    if (1 + example_at(j, i)->references > references) references = 1 + example_at(j, i)->references;
  for (size_t i = 0; i < j->metrics.count; i++) {
    char *title = metric_title(j->metrics.items[i]);
    char *signature = metric_signature(j->metrics.items[i], references, "");
    json_push(list, json_build("{s:s, s:s, s:f}", "name", title, "signature", signature, "score",
                               judge_score(j, i)));
    mem_free(title);
    mem_free(signature);
  }
  return list;
}

const char *judge_output(const Judge *j, size_t which, size_t *length) {
  *length = j->outputs[which].length;
  return j->outputs[which].data ? j->outputs[which].data : "";
}

/* ---- checks ---- */

static bool check_one(const Judge *j, size_t which, const char *text, size_t length, size_t *examples,
                      size_t *kept, Error *err) {
  Protection *c = j->request.protection;
  const RewriteInput *input = &j->inputs[which];
  if (!protection_check(c, input->turns, input->count, text, length, err)) return false;
  *examples += c->spans > 0;
  *kept += c->spans > 0 && !c->mismatches.count;
  return true;
}

static json_t *share_of(size_t part, size_t all) {
  return json_number(all ? (double)part / (double)all : NAN);
}

static json_t *checks(const Judge *j, Error *err) {
  size_t examples = 0, kept = 0, references = 0, references_kept = 0;
  for (size_t i = 0; i < j->count; i++) {
    const Example *e = example_at(j, i);
    const Document *right = example_turn(j->request.pairs, e, reply_of(j->request.pairs, e));
    size_t length;
    const char *text = judge_output(j, i, &length);
    if (!check_one(j, i, text, length, &examples, &kept, err) ||
        !check_one(j, i, right->text, right->length, &references, &references_kept, err))
      return NULL;
  }
  return json_build("{s:I, s:o, s:o}", "examples", (json_int_t)examples, "kept", share_of(kept, examples),
                    "kept_in_references", share_of(references_kept, references));
}

/* ---- diversity ---- */

typedef VEC(uint64_t) Hashes;

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static double share_of_distinct(Hashes *h) {
  size_t distinct = 0;
  if (h->count) qsort(h->data, h->count, sizeof *h->data, by_value);
  for (size_t i = 0; i < h->count; i++) distinct += !i || h->data[i] != h->data[i - 1];
  return h->count ? (double)distinct / (double)h->count : 0;
}

static void add_word(const Codes *codes, size_t begin, size_t end, Hashes *words, Hashes *pairs,
                     uint64_t *before) {
  if (begin == end) return;
  const uint64_t hash = hash_bytes(codes->data + begin, (end - begin) * sizeof *codes->data, 1);
  vec_push(words, hash);
  if (*before) vec_push(pairs, hash_bytes(before, sizeof *before, hash));
  *before = hash;
}

static void add_words(const Codes *codes, Hashes *words, Hashes *pairs) {
  uint64_t before = 0;
  size_t begin = 0;
  for (size_t i = 0; i < codes->count; i++) {
    const bool space = code_is_space(codes->data[i]), han = code_is_han(codes->data[i]);
    if (!space && !han) continue;
    add_word(codes, begin, i, words, pairs, &before);
    if (han) add_word(codes, i, i + 1, words, pairs, &before);
    begin = i + 1;
  }
  add_word(codes, begin, codes->count, words, pairs, &before);
}

static void distinct(const Judge *j, double *words, double *pairs) {
  Hashes one = {0}, two = {0};
  Codes codes = {0};
  for (size_t i = 0; i < j->count; i++) {
    size_t length;
    const char *text = judge_output(j, i, &length);
    codes_decode(&codes, text, length);
    add_words(&codes, &one, &two);
  }
  *words = share_of_distinct(&one);
  *pairs = share_of_distinct(&two);
  vec_free(&one);
  vec_free(&two);
  vec_free(&codes);
}

/* ---- coverage ---- */

typedef struct Sure {
  double confidence;
  size_t which;
} Sure;

static int by_confidence(const void *a, const void *b) {
  const Sure *x = a, *y = b;
  if (x->confidence != y->confidence) return x->confidence > y->confidence ? -1 : 1;
  return (x->which > y->which) - (x->which < y->which);
}

static json_t *coverage_row(const Judge *j, size_t covered, double confidence) {
  json_t *row =
      json_build("{s:f, s:f}", "share", (double)covered / (double)j->count, "confidence", confidence);
  for (size_t i = 0; i < j->metrics.count; i++) {
    char *title = metric_title(j->metrics.items[i]);
    json_put(row, title, json_number(judge_score(j, i)));
    mem_free(title);
  }
  return row;
}

/* The metrics of the first tenth, two tenths and so on, of which the last are all: the sums are as before. */
static json_t *coverage_of(Judge *j) {
  enum { ROWS = 10 };
  json_t *rows = json_array();
  Sure *order = mem_alloc_zeroed(j->count + 1, sizeof *order);
  for (size_t i = 0; i < j->count; i++) order[i] = (Sure){j->confidences[i], i};
  qsort(order, j->count, sizeof *order, by_confidence);
  clear_sums(j);
  for (size_t i = 0, row = 1; i < j->count; i++) {
    measure(j, order[i].which);
    if (i + 1 < (j->count * row + ROWS - 1) / ROWS) continue;
    json_push(rows, coverage_row(j, i + 1, order[i].confidence));
    while (row <= ROWS && (j->count * row + ROWS - 1) / ROWS <= i + 1) row++;
  }
  mem_free(order);
  return rows;
}

json_t *judge_json(Judge *j, bool coverage, Error *err) {
  double words, two;
  json_t *checked = NULL;
  if (protection_checks(j->request.protection) && !(checked = checks(j, err))) return NULL;
  distinct(j, &words, &two);
  json_t *json = json_build("{s:I, s:o, s:f, s:f}", "examples", (json_int_t)j->count, "metrics", scores(j),
                            "distinct_1", words, "distinct_2", two);
  if (checked) json_put(json, "checked", checked);
  if (coverage) json_put(json, "coverage", coverage_of(j));
  return json;
}

/* ---- showing ---- */

static bool show_output(void *user, const ink_output *o) {
  if (!o->rank) buffer_addf(user, "→ %.*s\n", (int)o->length, o->text);
  return true;
}

enum { SHOWN = 2 };

bool judge_show(Judge *j, const Model *model, int64_t step, Buffer *out, Error *err) {
  const RewriteRequest request = request_for(j, model, show_output, out);
  ink_rewritten done = {0};
  for (int64_t i = 0; i < SHOWN; i++) {
    const uint64_t which =
        random_below(j->count, j->request.seed, random_stream("shown"), (uint64_t)(step * SHOWN + i));
    const RewriteInput *input = &j->inputs[which];
    const Turn *last = &input->turns[input->count - 1];
    Error why = {0};
    buffer_addf(out, "%.*s\n", (int)last->length, last->text);
    if (rewriter_run(&request, input, 1, &done, &why)) continue;
    if (interrupted()) return fail_from(err, &why);
    buffer_addf(out, "→ (%s)\n", why.text);
  }
  return true;
}
