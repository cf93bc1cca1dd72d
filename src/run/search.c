#include "run/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "run/generator.h"
#include "run/look.h"

#include "base/settings_table.h"

#include "run/search.def"

/* A token that could follow one of the beams. */
typedef struct Step {
  double logprob; /* of the whole text with it */
  int32_t id;
  int32_t beam;
} Step;

/* One input being searched: a row for each text that is followed. */
typedef struct Line {
  const struct Search *search;
  const Input *input;
  int64_t index, most;       /* of the input; tokens there is room for */
  Hypothesis *beams, *found; /* [beam] texts followed; [beam] ended, best first */
  Hypothesis *next;          /* [beam] */
  Step *steps;               /* [steps_kept] best first */
  int64_t ended;             /* texts */
  int64_t best_alive;        /* texts followed that are among the best `beam` steps */
} Line;

typedef struct Search {
  const SearchRequest *request;
  const Input *inputs;
  int64_t beam, vocabulary;
  float *scratch;      /* of each worker, [scratch_floats] */
  Hypothesis *results; /* [inputs, beam] */
} Search;

/* So many that `beam` of them are no ends. */
static int64_t steps_kept(const Search *s) {
  const int64_t ends = s->request->ends.count;
  return (1 + (ends > 1 ? ends : 1)) * s->beam;
}

/* ---- what may follow ---- */

/* Would `id` make n tokens in a row that the text has already? */
static bool repeats(const Ids *text, int32_t id, int64_t n) {
  const int64_t length = (int64_t)text->count;
  const int32_t *tail = text->data + length - (n - 1);
  for (int64_t at = 0; at + n <= length; at++)
    if (text->data[at + n - 1] == id && !memcmp(text->data + at, tail, (size_t)(n - 1) * sizeof *tail))
      return true;
  return false;
}

static bool allowed(const Search *s, const Hypothesis *h, int32_t id) {
  const SearchSettings *o = s->request->settings;
  if (token_set_has(&s->request->ends, id)) return (int64_t)h->ids.count >= o->min_tokens;
  if (id == s->request->never) return false;
  return !o->no_repeat_ngram || (int64_t)h->ids.count < o->no_repeat_ngram ||
         !repeats(&h->ids, id, o->no_repeat_ngram);
}

/* Keeps the best, in order; of equals the one that came first. */
static void keep(Step *steps, int64_t *count, int64_t most, Step step) {
  int64_t at = *count < most ? (*count)++ : most - 1;
  for (; at > 0 && steps[at - 1].logprob < step.logprob; at--) steps[at] = steps[at - 1];
  steps[at] = step;
}

/* Tokens looked at together: few of them hold one that is good enough. */
enum { AT_ONCE = 128 };

static int64_t groups_of(const Search *s) {
  return (s->vocabulary + AT_ONCE - 1) / AT_ONCE;
}

static int64_t group_end(const Search *s, int64_t group) {
  return (group + 1) * AT_ONCE < s->vocabulary ? (group + 1) * AT_ONCE : s->vocabulary;
}

/* The largest of each group of a row, and of all. */
static float find_tops(const Search *s, const float *x, float *tops) {
  const int64_t groups = groups_of(s);
  for (int64_t g = 0; g < groups; g++)
    tops[g] = kernels->maximum(x + g * AT_ONCE, group_end(s, g) - g * AT_ONCE);
  return kernels->maximum(tops, groups);
}

static void weigh_group(const Search *s, Line *line, int32_t beam, const float *x, double base, int64_t group,
                        int64_t *count) {
  const int64_t most = steps_kept(s), stop = group_end(s, group);
  const Hypothesis *h = &line->beams[beam];
  for (int64_t id = group * AT_ONCE; id < stop; id++) {
    const double logprob = base + (double)x[id];
    if (*count == most && logprob <= line->steps[most - 1].logprob) continue;
    if (logprob > -INFINITY && allowed(s, h, (int32_t)id))
      keep(line->steps, count, most, (Step){logprob, (int32_t)id, beam});
  }
}

/* Of each worker: the tops of groups, powers, scores by the rules; and the text they look at, with a score of
 * each token. */
static int64_t scratch_floats(const Search *s) {
  const int64_t context = s->request->model->config.context;
  return groups_of(s) + 2 * s->vocabulary + (rules_any(s->request->rules, true) ? 2 * context : 0);
}

/* ln of the sum of e^x; `tops` as find_tops leaves them. */
static double log_sum_exp(const Search *s, const float *x, float *tops, float *powers) {
  const float top = find_tops(s, x, tops);
  return top + log((double)kernels->exp_shifted(powers, x, top, s->vocabulary));
}

/* As transformers does it: rules change the logits where one text is followed, else the logarithms of
 * probabilities, which need not be such any more. *log_sum: what is still to be taken off. */
static void obey(const Search *s, const Line *line, const Ids *written, float *scores, double *log_sum,
                 float *tops, float *powers) {
  const Rules *rules = s->request->rules;
  const Input *input = line->input;
  float *scratch = scores + s->vocabulary;
  int32_t *text = (int32_t *)(void *)(scratch + s->request->model->config.context);
  const RulesText t = {text, input->length, input->length + (int64_t)written->count,
                       input->length + line->most, scratch};
  memcpy(text, input->prompt, (size_t)input->length * sizeof *text);
  memcpy(text + input->length, written->data, written->count * sizeof *text);
  for (int64_t i = 0; i < s->vocabulary && s->beam > 1; i++) scores[i] -= (float)*log_sum;
  rules_apply(rules, &t, scores, s->vocabulary);
  const double sum = log_sum_exp(s, scores, tops, powers);
  *log_sum = s->beam > 1 && !rules->renormalize ? 0 : sum;
}

static void weigh_beam(const Search *s, Line *line, int32_t beam, const float *x, int64_t *count) {
  const int64_t most = steps_kept(s), groups = groups_of(s);
  float *tops = s->scratch + parallel_worker() * scratch_floats(s), *powers = tops + groups;
  double log_sum = log_sum_exp(s, x, tops, powers);
  if (rules_any(s->request->rules, true)) {
    float *scores = powers + s->vocabulary;
    memcpy(scores, x, (size_t)s->vocabulary * sizeof *scores);
    obey(s, line, &line->beams[beam].ids, scores, &log_sum, tops, powers);
    x = scores;
  }
  const double base = line->beams[beam].logprob - log_sum;
  for (int64_t g = 0; g < groups; g++)
    if (*count < most || base + (double)tops[g] > line->steps[most - 1].logprob)
      weigh_group(s, line, beam, x, base, g, count);
}

static int64_t weigh_steps(const Search *s, Line *line, const float *logits, int64_t rows) {
  int64_t count = 0;
  for (int64_t k = 0; k < rows; k++) weigh_beam(s, line, (int32_t)k, logits + k * s->vocabulary, &count);
  return count;
}

/* ---- texts ---- */

static double score_of(const Search *s, double logprob, int64_t length) {
  return logprob / pow((double)length, s->request->settings->length_penalty);
}

static void copy_ids(Ids *to, const Ids *from) {
  to->count = 0;
  vec_reserve(to, from->count + 1);
  if (from->count) memcpy(to->data, from->data, from->count * sizeof *from->data);
  to->count = from->count;
}

/* `length`: tokens that logprob is of, with the end where there is one. */
static void add_found(const Search *s, Line *line, const Ids *ids, double logprob, size_t length) {
  const double score = score_of(s, logprob, (int64_t)length);
  int64_t at = line->ended;
  if (line->ended == s->beam) {
    if (score <= line->found[s->beam - 1].score) return;
    at = s->beam - 1;
  } else {
    line->ended++;
  }
  Hypothesis h = line->found[at];
  copy_ids(&h.ids, ids);
  h.logprob = logprob;
  h.score = score;
  for (; at > 0 && line->found[at - 1].score < score; at--) line->found[at] = line->found[at - 1];
  line->found[at] = h;
}

/* An end counts where it is among the best `beam` steps; the others that are no end are followed. */
static int64_t take_steps(const Search *s, Line *line, int64_t count, int32_t *from, int32_t *tokens) {
  int64_t alive = 0;
  line->best_alive = 0;
  for (int64_t i = 0; i < count && alive < s->beam; i++) {
    const Step *step = &line->steps[i];
    const Hypothesis *parent = &line->beams[step->beam];
    if (token_set_has(&s->request->ends, step->id)) {
      if (i < s->beam) add_found(s, line, &parent->ids, step->logprob, parent->ids.count + 1);
      continue;
    }
    line->best_alive += i < s->beam;
    copy_ids(&line->next[alive].ids, &parent->ids);
    vec_push(&line->next[alive].ids, step->id);
    line->next[alive].logprob = step->logprob;
    from[alive] = step->beam;
    tokens[alive++] = step->id;
  }
  Hypothesis *old = line->beams;
  line->beams = line->next;
  line->next = old;
  return alive;
}

/* Could a text that is followed be better than those that ended? transformers' _check_early_stop_heuristic.
 */
static bool goes_on(const Search *s, const Line *line) {
  const SearchSettings *o = s->request->settings;
  if (line->ended < s->beam) return true;
  if (!o->early_stopping || !strcmp(o->early_stopping, "true")) return false;
  const Hypothesis *best = &line->beams[0];
  const bool longest = !strcmp(o->early_stopping, "never") && o->length_penalty > 0;
  return score_of(s, best->logprob, longest ? line->most : (int64_t)best->ids.count) >
         line->found[s->beam - 1].score;
}

static int64_t choose(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  Line *line = user;
  const Search *s = line->search;
  const int64_t count = weigh_steps(s, line, logits, rows);
  if (!count && !line->ended) { /* rules forbid all that could follow: the text ends */
    const Hypothesis *best = &line->beams[0];
    add_found(s, line, &best->ids, best->logprob, best->ids.count + 1);
  }
  const int64_t alive = take_steps(s, line, count, from, tokens);
  return alive && goes_on(s, line) ? alive : 0;
}

/* ---- coverage ---- */

/* What was found, ordered by how much of the source each text accounts for, too. */
static void weigh_coverage(const Search *s, const Line *line) {
  const double weight = s->request->settings->coverage_penalty;
  if (weight == 0 || !line->ended) return;
  const Ids **texts = mem_alloc_zeroed((size_t)line->ended, sizeof *texts);
  double *coverage = mem_alloc_zeroed((size_t)line->ended, sizeof *coverage);
  for (int64_t i = 0; i < line->ended; i++) texts[i] = &line->found[i].ids;
  look_coverage(s->request->model, line->input, texts, line->ended, coverage);
  for (int64_t i = 0; i < line->ended; i++) line->found[i].score += weight * coverage[i];
  mem_free(texts);
  mem_free(coverage);
  qsort(line->found, (size_t)line->ended, sizeof *line->found, hypothesis_order);
}

/* ---- lines ---- */

/* Out of room: texts that have not ended count as they are. */
static void end_rest(const Search *s, Line *line, int64_t rows) {
  for (int64_t k = 0; k < rows && k < line->best_alive; k++) {
    const Hypothesis *h = &line->beams[k];
    add_found(s, line, &h->ids, h->logprob, h->ids.count);
  }
}

/* Where less was found than asked for. */
static void mark_missing(const Search *s, const Line *line) {
  for (int64_t i = line->ended; i < s->beam; i++) {
    vec_free(&line->found[i].ids);
    line->found[i].score = -INFINITY;
  }
}

static void finish(void *user, GenerationEnd how, int64_t rows) {
  Line *line = user;
  const Search *s = line->search;
  (void)how;
  end_rest(s, line, rows);
  weigh_coverage(s, line);
  mark_missing(s, line);
  memcpy(s->results + line->index * s->beam, line->found, (size_t)s->beam * sizeof *line->found);
  hypotheses_free(line->beams, s->beam);
  hypotheses_free(line->next, s->beam);
  mem_free(line->found);
  mem_free(line->steps);
  mem_free(line);
}

/* With room for all that will be written: steps need not allocate then. */
static void open_line(void *user, int64_t index, GenerationRequest *request) {
  const Search *s = user;
  const SearchRequest *r = s->request;
  const int64_t length = s->inputs[index].length;
  Line *line = mem_alloc_zeroed(1, sizeof *line);
  *line = (Line){
      .search = s,
      .input = &s->inputs[index],
      .index = index,
      .most = input_most_tokens(&r->model->config, length, rules_most_tokens(r->rules, length, r->most))};
  Hypothesis **sets[] = {&line->beams, &line->next, &line->found};
  for (int i = 0; i < 3; i++) {
    *sets[i] = mem_alloc_zeroed((size_t)s->beam, sizeof **sets[i]);
    for (int64_t k = 0; k < s->beam; k++) vec_reserve(&(*sets[i])[k].ids, line->most + 1);
  }
  line->steps = mem_alloc_zeroed((size_t)steps_kept(s), sizeof *line->steps);
  request->most = line->most > 1 ? line->most : 1;
  request->choose = choose;
  request->finish = finish;
  request->user = line;
}

Hypothesis *search_run(const SearchRequest *r, const Input *inputs, int64_t count) {
  const int64_t beam = r->settings->beam;
  Search s = {.request = r, .inputs = inputs, .beam = beam, .vocabulary = r->model->config.vocabulary};
  s.results = mem_alloc_zeroed((size_t)(count * beam), sizeof *s.results);
  s.scratch = mem_alloc((size_t)(threads_count() * scratch_floats(&s)) * sizeof *s.scratch);
  const bool ok = generate_all(r->model, beam, inputs, count, open_line, &s);
  mem_free(s.scratch);
  if (ok) return s.results;
  hypotheses_free(s.results, count * beam);
  return NULL;
}
