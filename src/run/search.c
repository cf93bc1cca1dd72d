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

/* A candidate: a beam extended by a token. */
typedef struct Step {
  double logprob; /* of the text, this token included */
  int32_t id;
  int32_t beam;
} Step;

/* One input: its rows are the beams. */
typedef struct InputSearch {
  const struct Search *search;
  const Input *input;
  int64_t index, most;       /* index of the input; maximum number of new tokens */
  Hypothesis *beams, *found; /* [beam] unfinished texts; [beam] finished ones, best first */
  Hypothesis *next;          /* [beam] */
  Step *steps;               /* [steps_kept] best first */
  int64_t ended;             /* number of finished texts */
  int64_t best_alive;        /* unfinished texts among the best `beam` steps */
} InputSearch;

typedef struct Search {
  const SearchRequest *request;
  Rules rules; /* the request's, and those that its settings are; owns nothing */
  const Input *inputs;
  int64_t beam, vocabulary;
  float *scratch;      /* [threads, scratch_floats] */
  Hypothesis *results; /* [inputs, beam] */
} Search;

/* Enough steps that at least `beam` of them do not end a text. */
static int64_t steps_kept(const Search *s) {
  const int64_t ends = s->request->ends.count;
  return (1 + (ends > 1 ? ends : 1)) * s->beam;
}

/* ---- candidates ---- */

/* Inserts a step into the best `most`, in order; among equals, the first inserted wins. */
static void keep(Step *steps, int64_t *count, int64_t most, Step step) {
  int64_t at = *count < most ? (*count)++ : most - 1;
  for (; at > 0 && steps[at - 1].logprob < step.logprob; at--) steps[at] = steps[at - 1];
  steps[at] = step;
}

/* Tokens per group: a group is skipped if its maximum is too small, which most are. */
enum { AT_ONCE = 128 };

static int64_t groups_of(const Search *s) {
  return (s->vocabulary + AT_ONCE - 1) / AT_ONCE;
}

static int64_t group_end(const Search *s, int64_t group) {
  return (group + 1) * AT_ONCE < s->vocabulary ? (group + 1) * AT_ONCE : s->vocabulary;
}

/* The maximum of each group of a row, and of all. */
static float find_tops(const Search *s, const float *x, float *tops) {
  const int64_t groups = groups_of(s);
  for (int64_t g = 0; g < groups; g++)
    tops[g] = kernels->maximum(x + g * AT_ONCE, group_end(s, g) - g * AT_ONCE);
  return kernels->maximum(tops, groups);
}

static void score_group(const Search *s, InputSearch *in, int32_t beam, const float *x, double base,
                        int64_t group, int64_t *count) {
  const int64_t most = steps_kept(s), stop = group_end(s, group);
  for (int64_t id = group * AT_ONCE; id < stop; id++) {
    const double logprob = base + (double)x[id];
    if (*count == most && logprob <= in->steps[most - 1].logprob) continue;
    if (logprob > -INFINITY && id != s->request->never)
      keep(in->steps, count, most, (Step){logprob, (int32_t)id, beam});
  }
}

/* Per worker: tops of groups, scores after the rules; for rules also the text and a score of each of
 * its tokens. */
static int64_t scratch_floats(const Search *s) {
  const int64_t context = s->request->model->config.context;
  return groups_of(s) + s->vocabulary + (rules_any(&s->rules, true) ? 2 * context : 0);
}

/* ln of the sum of e^x; fills `tops` by find_tops. */
static double log_sum_exp(const Search *s, const float *x, float *tops) {
  const float top = find_tops(s, x, tops);
  return top + log((double)kernels->sum_exp(x, top, s->vocabulary));
}

/* As in transformers: for greedy search, rules change the logits, else the log-probabilities, which then need
 * not be normalized. *log_sum: what must still be subtracted from the scores. */
static void apply_rules(const Search *s, const InputSearch *in, const Ids *written, float *scores,
                        double *log_sum, float *tops) {
  const Rules *rules = &s->rules;
  const Input *input = in->input;
  float *scratch = scores + s->vocabulary;
  int32_t *text = (int32_t *)(void *)(scratch + s->request->model->config.context);
  const RulesText t = {.ids = text,
                       .prompt = input->length,
                       .length = input->length + (int64_t)written->count,
                       .most = input->length + in->most,
                       .source = input->source,
                       .source_length = input->source_length,
                       .scratch = scratch};
  memcpy(text, input->prompt, (size_t)input->length * sizeof *text);
  memcpy(text + input->length, written->data, written->count * sizeof *text);
  for (int64_t i = 0; i < s->vocabulary && s->beam > 1; i++) scores[i] -= (float)*log_sum;
  rules_apply(rules, &t, scores, s->vocabulary);
  const double sum = log_sum_exp(s, scores, tops);
  *log_sum = s->beam > 1 && !rules->renormalize ? 0 : sum;
}

static void score_beam(const Search *s, InputSearch *in, int32_t beam, const float *x, int64_t *count) {
  const int64_t most = steps_kept(s), groups = groups_of(s);
  float *tops = s->scratch + parallel_worker() * scratch_floats(s);
  double log_sum = log_sum_exp(s, x, tops);
  if (rules_any(&s->rules, true)) {
    float *scores = tops + groups;
    memcpy(scores, x, (size_t)s->vocabulary * sizeof *scores);
    apply_rules(s, in, &in->beams[beam].ids, scores, &log_sum, tops);
    x = scores;
  }
  const double base = in->beams[beam].logprob - log_sum;
  for (int64_t g = 0; g < groups; g++)
    if (*count < most || base + (double)tops[g] > in->steps[most - 1].logprob)
      score_group(s, in, beam, x, base, g, count);
}

static int64_t score_steps(const Search *s, InputSearch *in, const float *logits, int64_t rows) {
  int64_t count = 0;
  for (int64_t k = 0; k < rows; k++) score_beam(s, in, (int32_t)k, logits + k * s->vocabulary, &count);
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

/* `length`: tokens counted in logprob, including the end if any. */
static void add_found(const Search *s, InputSearch *in, const Ids *ids, double logprob, size_t length) {
  const double score = score_of(s, logprob, (int64_t)length);
  int64_t at = in->ended;
  if (in->ended == s->beam) {
    if (score <= in->found[s->beam - 1].score) return;
    at = s->beam - 1;
  } else {
    in->ended++;
  }
  Hypothesis h = in->found[at];
  copy_ids(&h.ids, ids);
  h.logprob = logprob;
  h.score = score;
  h.unended = length == ids->count;
  h.stuck = false;
  for (; at > 0 && in->found[at - 1].score < score; at--) in->found[at] = in->found[at - 1];
  in->found[at] = h;
}

/* A text is finished if its end is among the best `beam` steps. The best steps that do not end a text become
 * the new beams. */
static int64_t take_steps(const Search *s, InputSearch *in, int64_t count, int32_t *from, int32_t *tokens) {
  int64_t alive = 0;
  in->best_alive = 0;
  for (int64_t i = 0; i < count && alive < s->beam; i++) {
    const Step *step = &in->steps[i];
    const Hypothesis *parent = &in->beams[step->beam];
    if (token_set_has(&s->request->ends, step->id)) {
      if (i < s->beam) add_found(s, in, &parent->ids, step->logprob, parent->ids.count + 1);
      continue;
    }
    in->best_alive += i < s->beam;
    copy_ids(&in->next[alive].ids, &parent->ids);
    vec_push(&in->next[alive].ids, step->id);
    in->next[alive].logprob = step->logprob;
    from[alive] = step->beam;
    tokens[alive++] = step->id;
  }
  Hypothesis *old = in->beams;
  in->beams = in->next;
  in->next = old;
  return alive;
}

/* Whether a beam could still beat the finished texts: transformers' _check_early_stop_heuristic. */
static bool should_continue(const Search *s, const InputSearch *in) {
  const SearchSettings *o = s->request->settings;
  if (in->ended < s->beam) return true;
  if (!o->early_stopping || !strcmp(o->early_stopping, "true")) return false;
  const Hypothesis *best = &in->beams[0];
  const bool longest = !strcmp(o->early_stopping, "never") && o->length_penalty > 0;
  return score_of(s, best->logprob, longest ? in->most : (int64_t)best->ids.count) >
         in->found[s->beam - 1].score;
}

/* The rules forbid every token: the best text ends, of those that match a constraint if there is one. */
static void end_best(const Search *s, InputSearch *in, int64_t rows) {
  int64_t k = 0;
  while (k < rows && !rules_match(&s->rules, in->beams[k].ids.data, (int64_t)in->beams[k].ids.count)) k++;
  const Hypothesis *best = &in->beams[k < rows ? k : 0];
  add_found(s, in, &best->ids, best->logprob, best->ids.count + 1);
  in->found[0].stuck = k == rows;
}

static int64_t choose(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  InputSearch *in = user;
  const Search *s = in->search;
  const int64_t count = score_steps(s, in, logits, rows);
  if (!count && !in->ended) end_best(s, in, rows);
  const int64_t alive = take_steps(s, in, count, from, tokens);
  return alive && should_continue(s, in) ? alive : 0;
}

/* ---- coverage ---- */

/* Adds the coverage penalty to the scores and sorts again. */
static void add_coverage(const Search *s, const InputSearch *in) {
  const double weight = s->request->settings->coverage_penalty;
  if (weight == 0 || !in->ended) return;
  const Ids **texts = mem_alloc_zeroed((size_t)in->ended, sizeof *texts);
  double *coverage = mem_alloc_zeroed((size_t)in->ended, sizeof *coverage);
  for (int64_t i = 0; i < in->ended; i++) texts[i] = &in->found[i].ids;
  look_coverage(s->request->model, in->input, texts, in->ended, coverage);
  for (int64_t i = 0; i < in->ended; i++) in->found[i].score += weight * coverage[i];
  mem_free(texts);
  mem_free(coverage);
  qsort(in->found, (size_t)in->ended, sizeof *in->found, hypothesis_order);
}

/* ---- inputs ---- */

/* At the maximum length, unfinished texts count as finished. */
static void end_rest(const Search *s, InputSearch *in, int64_t rows) {
  for (int64_t k = 0; k < rows && k < in->best_alive; k++) {
    const Hypothesis *h = &in->beams[k];
    add_found(s, in, &h->ids, h->logprob, h->ids.count);
  }
}

/* Marks results that are missing because fewer texts were found. */
static void mark_missing(const Search *s, const InputSearch *in) {
  for (int64_t i = in->ended; i < s->beam; i++) {
    vec_free(&in->found[i].ids);
    in->found[i].score = -INFINITY;
  }
}

static void finish(void *user, GenerationEnd how, int64_t rows) {
  InputSearch *in = user;
  const Search *s = in->search;
  (void)how;
  end_rest(s, in, rows);
  add_coverage(s, in);
  mark_missing(s, in);
  memcpy(s->results + in->index * s->beam, in->found, (size_t)s->beam * sizeof *in->found);
  hypotheses_free(in->beams, s->beam);
  hypotheses_free(in->next, s->beam);
  mem_free(in->found);
  mem_free(in->steps);
  mem_free(in);
}

/* Reserves memory for the longest text, as steps must not allocate. */
static void open_search(void *user, int64_t index, GenerationRequest *request) {
  const Search *s = user;
  const SearchRequest *r = s->request;
  const int64_t length = s->inputs[index].length;
  InputSearch *in = mem_alloc_zeroed(1, sizeof *in);
  *in = (InputSearch){
      .search = s,
      .input = &s->inputs[index],
      .index = index,
      .most = input_most_tokens(&r->model->config, length, rules_most_tokens(r->rules, length, r->most))};
  Hypothesis **sets[] = {&in->beams, &in->next, &in->found};
  for (int i = 0; i < 3; i++) {
    *sets[i] = mem_alloc_zeroed((size_t)s->beam, sizeof **sets[i]);
    for (int64_t k = 0; k < s->beam; k++) vec_reserve(&(*sets[i])[k].ids, in->most + 1);
  }
  in->steps = mem_alloc_zeroed((size_t)steps_kept(s), sizeof *in->steps);
  request->most = in->most > 1 ? in->most : 1;
  request->choose = choose;
  request->finish = finish;
  request->user = in;
}

/* As in transformers the settings are rules, so they count the prompt of a decoder, too. */
static Rules rules_of(const SearchRequest *r) {
  Rules rules = r->rules ? *r->rules : (Rules){.repetition_penalty = 1};
  rules.ends = r->ends;
  if (r->settings->no_repeat_ngram) rules.no_repeat_ngram = r->settings->no_repeat_ngram;
  if (r->settings->min_tokens) rules.min_new = r->settings->min_tokens;
  return rules;
}

Hypothesis *search_run(const SearchRequest *r, const Input *inputs, int64_t count) {
  const int64_t beam = r->settings->beam;
  Search s = {.request = r,
              .rules = rules_of(r),
              .inputs = inputs,
              .beam = beam,
              .vocabulary = r->model->config.vocabulary};
  s.results = mem_alloc_zeroed((size_t)(count * beam), sizeof *s.results);
  s.scratch = mem_alloc((size_t)(threads_count() * scratch_floats(&s)) * sizeof *s.scratch);
  const bool ok = generate_all(r->model, beam, inputs, count, open_search, &s);
  mem_free(s.scratch);
  if (ok) return s.results;
  hypotheses_free(s.results, count * beam);
  return NULL;
}
