#include "run/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "run/look.h"

static const Setting items[] = {
#define SETTING(kind, name, otherwise, min, max, arg, help) \
  SETTING_ITEM(SearchSettings, kind, name, otherwise, min, max, arg, help),
#include "run/search.def"
#undef SETTING
};
const SettingTable search_settings_table = {"search", items, sizeof items / sizeof *items,
                                            sizeof(SearchSettings)};

/* A token that could follow one of the beams. */
typedef struct Step {
  double logprob; /* of the whole text with it */
  int32_t id;
  int32_t beam;
} Step;

/* One input being searched. Its beams are neighbouring rows of the session. */
typedef struct Line {
  const Input *input;
  Hypothesis *beams, *found; /* [beam] texts followed; [beam] ended, best first */
  Hypothesis *next;          /* [beam] */
  Step *steps;               /* [2 beam] best first */
  int64_t alive, ended, row; /* beams followed, texts ended, its first row */
  int32_t *from;             /* [beam]: the row that each of the next comes from */
} Line;

typedef struct Search {
  const SearchRequest *request;
  const float *logits; /* [rows, vocabulary] */
  int64_t beam, vocabulary, written;
  float *scratch; /* of each worker, [groups + vocabulary] */
  Line **live;    /* inputs not done yet, in the order of their rows */
  int64_t count;
} Search;

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
  if (id == s->request->never) return false;
  if (id == s->request->end) return s->written >= o->min_tokens;
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

static void weigh_group(const Search *s, Line *line, int32_t beam, double base, int64_t group,
                        int64_t *count) {
  const int64_t most = 2 * s->beam, stop = group_end(s, group);
  const Hypothesis *h = &line->beams[beam];
  const float *x = s->logits + (line->row + beam) * s->vocabulary;
  for (int64_t id = group * AT_ONCE; id < stop; id++) {
    const double logprob = base + (double)x[id];
    if (*count == most && logprob <= line->steps[most - 1].logprob) continue;
    if (allowed(s, h, (int32_t)id)) keep(line->steps, count, most, (Step){logprob, (int32_t)id, beam});
  }
}

static void weigh_beam(const Search *s, Line *line, int32_t beam, int64_t *count) {
  const int64_t most = 2 * s->beam, groups = groups_of(s);
  const float *x = s->logits + (line->row + beam) * s->vocabulary;
  float *tops = s->scratch + parallel_worker() * (s->vocabulary + groups), *powers = tops + groups;
  const float top = find_tops(s, x, tops);
  const double log_sum = top + log((double)kernels->exp_shifted(powers, x, top, s->vocabulary));
  const double base = line->beams[beam].logprob - log_sum;
  for (int64_t g = 0; g < groups; g++)
    if (*count < most || base + (double)tops[g] > line->steps[most - 1].logprob)
      weigh_group(s, line, beam, base, g, count);
}

static int64_t weigh_steps(const Search *s, Line *line) {
  int64_t count = 0;
  for (int64_t k = 0; k < line->alive; k++) weigh_beam(s, line, (int32_t)k, &count);
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
static void take_steps(const Search *s, Line *line, int64_t count) {
  int64_t alive = 0;
  for (int64_t i = 0; i < count && alive < s->beam; i++) {
    const Step *step = &line->steps[i];
    const Hypothesis *parent = &line->beams[step->beam];
    if (step->id == s->request->end) {
      if (i < s->beam) add_found(s, line, &parent->ids, step->logprob, parent->ids.count + 1);
      continue;
    }
    copy_ids(&line->next[alive].ids, &parent->ids);
    vec_push(&line->next[alive].ids, step->id);
    line->next[alive].logprob = step->logprob;
    line->from[alive++] = (int32_t)(line->row + step->beam);
  }
  Hypothesis *old = line->beams;
  line->beams = line->next;
  line->next = old;
  line->alive = alive;
}

static bool is_full(const Search *s, const Line *line) {
  return line->ended >= s->beam || line->alive == 0;
}

static void advance(void *arg, int64_t begin, int64_t end) {
  const Search *s = arg;
  for (int64_t i = begin; i < end; i++) take_steps(s, s->live[i], weigh_steps(s, s->live[i]));
}

/* ---- lines ---- */

/* With room for all that will be written: steps need not allocate then. */
static void open_line(Line *line, const Input *input, const Search *s, int64_t most) {
  const size_t beam = (size_t)s->beam;
  *line = (Line){.input = input, .alive = 1};
  Hypothesis **sets[] = {&line->beams, &line->next, &line->found};
  for (int i = 0; i < 3; i++) {
    *sets[i] = mem_alloc_zeroed(beam, sizeof **sets[i]);
    for (size_t k = 0; k < beam; k++) vec_reserve(&(*sets[i])[k].ids, most + 1);
  }
  line->steps = mem_alloc_zeroed(2 * beam, sizeof *line->steps);
  line->from = mem_alloc_zeroed(beam, sizeof *line->from);
}

/* Where less was found than asked for. */
static void mark_missing(const Search *s, const Line *line) {
  for (int64_t i = line->ended; i < s->beam; i++) {
    vec_free(&line->found[i].ids);
    line->found[i].score = -INFINITY;
  }
}

static void close_line(Line *line, int64_t beam) {
  hypotheses_free(line->beams, beam);
  hypotheses_free(line->next, beam);
  mem_free(line->steps);
  mem_free(line->from);
}

/* ---- coverage ---- */

static int by_score(const void *a, const void *b) {
  const double x = ((const Hypothesis *)a)->score, y = ((const Hypothesis *)b)->score;
  return (x < y) - (x > y);
}

/* What was found, ordered anew by how much of the source each text accounts for. */
static void weigh_coverage(const Search *s, const Line *line) {
  const double weight = s->request->settings->coverage_penalty;
  if (weight == 0) return;
  for (int64_t i = 0; i < line->ended; i++) {
    Look look;
    look_at(&look, s->request->model, line->input, &line->found[i].ids);
    line->found[i].score += weight * look_coverage(&look, line->input);
    look_free(&look);
  }
  qsort(line->found, (size_t)line->ended, sizeof *line->found, by_score);
}

/* ---- many at once ---- */

/* Lines that are done leave; the last one takes the place of each, so that most rows stay where they are.
 * Gives the number of rows. */
static int64_t close_ranks(Search *s, int32_t *from, int32_t *tokens) {
  int64_t rows = 0;
  for (int64_t i = 0; i < s->count;) {
    Line *line = s->live[i];
    if (is_full(s, line)) {
      s->live[i] = s->live[--s->count];
      continue;
    }
    line->row = rows;
    for (int64_t k = 0; k < line->alive; k++, rows++) {
      from[rows] = line->from[k];
      tokens[rows] = line->beams[k].ids.data[line->beams[k].ids.count - 1];
    }
    i++;
  }
  return rows;
}

/* Out of room: texts that have not ended count as they are. */
static void end_rest(const Search *s) {
  for (int64_t i = 0; i < s->count; i++)
    for (int64_t k = 0; k < s->live[i]->alive; k++) {
      const Hypothesis *h = &s->live[i]->beams[k];
      add_found(s, s->live[i], &h->ids, h->logprob, h->ids.count);
    }
}

static void follow(Search *s, Session *session, int64_t most) {
  const size_t rows_most = (size_t)(s->count * s->beam);
  int32_t *from = mem_alloc(rows_most * sizeof *from), *tokens = mem_alloc(rows_most * sizeof *tokens);
  for (s->written = 0; s->count && !interrupted(); s->written++) {
    if (s->written == most) {
      end_rest(s);
      break;
    }
    parallel_for(s->count, advance, s);
    const int64_t rows = close_ranks(s, from, tokens);
    if (!rows || s->written + 1 == most) continue;
    session_reorder(session, from, rows);
    s->logits = session_feed_at(session, 0, tokens, rows, 1);
  }
  mem_free(from);
  mem_free(tokens);
}

static void search_together(const SearchRequest *r, Session *session, const Input *inputs, int64_t count,
                            Hypothesis **found) {
  const int64_t most = inputs_room(session, inputs, count, r->most);
  Search s = {
      .request = r, .beam = r->settings->beam, .vocabulary = r->model->config.vocabulary, .count = count};
  Line *lines = mem_alloc_zeroed((size_t)count, sizeof *lines);
  s.live = mem_alloc((size_t)count * sizeof *s.live);
  s.scratch = mem_alloc((size_t)(threads_count() * (s.vocabulary + groups_of(&s))) * sizeof *s.scratch);
  for (int64_t i = 0; i < count; i++) {
    open_line(&lines[i], &inputs[i], &s, most);
    lines[i].row = i;
    s.live[i] = &lines[i];
  }
  float *first = inputs_read(session, r->model, inputs, count);
  s.logits = first;
  follow(&s, session, most);
  for (int64_t i = 0; i < count; i++) {
    weigh_coverage(&s, &lines[i]);
    mark_missing(&s, &lines[i]);
    found[i] = lines[i].found;
    close_line(&lines[i], s.beam);
  }
  mem_free(first);
  mem_free(s.live);
  mem_free(s.scratch);
  mem_free(lines);
}

Hypothesis *search_run(const SearchRequest *r, const Input *inputs, int64_t count) {
  const int64_t beam = r->settings->beam, together = beam < ROWS_TOGETHER ? ROWS_TOGETHER / beam : 1;
  Hypothesis *results = mem_alloc_zeroed((size_t)(count * beam), sizeof *results);
  Hypothesis **found = mem_alloc_zeroed((size_t)together, sizeof *found);
  Session *session = inputs_session(r->model, inputs, count, together, beam, r->most);
  for (int64_t i = 0; i < count; i += together) {
    const int64_t now = count - i < together ? count - i : together;
    search_together(r, session, inputs + i, now, found);
    for (int64_t k = 0; k < now; k++) {
      memcpy(results + (i + k) * beam, found[k], (size_t)beam * sizeof *results);
      mem_free(found[k]);
    }
  }
  session_free(session);
  mem_free(found);
  return results;
}
