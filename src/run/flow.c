#include "run/flow.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/threads.h"

/* Rows of one session: enough for products at full speed, few enough that their states stay near. */
enum { ROWS_TOGETHER = 80 };

/* Source tokens encoded at once: enough for products at full speed, little enough for a cache. */
enum { SOURCE_TOKENS = 512 };

/* So many rows make packing the weights worth their memory. */
enum { MANY_ROWS = 8 };

/* The inputs, which one or several runs take from the front. */
typedef struct Queue {
  const Input *inputs;
  int64_t count, next; /* the first that waits */
  pthread_mutex_t lock;
} Queue;

/* Lines that go through a session of their own together. */
typedef struct Run {
  Flow *flow;
  Queue *queue;
  int64_t together; /* lines at a time */
  Session *session;
  FlowLine **lines; /* [together] */
  int64_t live, rows;
  FlowLine **moving; /* those that advance, by logits whose first row is `first` */
  const float *logits;
  int64_t first;
  int32_t *from, *tokens; /* [together * each] */
} Run;

static int64_t longest_prompt(const Input *inputs, int64_t count) {
  int64_t longest = 0;
  for (int64_t i = 0; i < count; i++)
    if (inputs[i].length > longest) longest = inputs[i].length;
  return longest;
}

static int64_t longest_source(const Input *inputs, int64_t count) {
  int64_t longest = 0;
  for (int64_t i = 0; i < count; i++)
    if (inputs[i].source_length > longest) longest = inputs[i].source_length;
  return longest;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* ---- lines ---- */

static FlowLine *open_line(const Run *r, int64_t index, int64_t row) {
  Flow *flow = r->flow;
  const Input *input = &r->queue->inputs[index];
  const int64_t room =
      least(rules_room(flow->rules, input->length, flow->most), session_room(r->session) - input->length);
  FlowLine *line = flow->open(flow, index, room);
  *line = (FlowLine){.input = input, .index = index, .room = room, .row = row, .alive = 1};
  line->from = mem_alloc_zeroed((size_t)flow->each, sizeof *line->from);
  line->tokens = mem_alloc_zeroed((size_t)flow->each, sizeof *line->tokens);
  return line;
}

static void close_line(const Run *r, FlowLine *line) {
  mem_free(line->from);
  mem_free(line->tokens);
  r->flow->close(r->flow, line);
}

/* ---- a step ---- */

static void advance_some(void *arg, int64_t begin, int64_t end) {
  const Run *r = arg;
  for (int64_t i = begin; i < end; i++) {
    FlowLine *line = r->moving[i];
    const float *logits = r->logits + (line->row - r->first) * r->flow->model->config.vocabulary;
    line->alive = r->flow->advance(r->flow, line, logits);
    line->written++;
  }
}

/* `count` lines go on by logits of the session's rows from `first`. */
static void advance(Run *r, FlowLine **lines, int64_t count, const float *logits, int64_t first) {
  r->moving = lines;
  r->logits = logits;
  r->first = first;
  parallel_for(count, advance_some, r);
}

/* Lines that are done leave; the last one takes the place of each, so that most rows stay where they are. */
static void let_go(Run *r) {
  for (int64_t i = 0; i < r->live;) {
    FlowLine *line = r->lines[i];
    if (line->alive && line->written < line->room) {
      i++;
      continue;
    }
    close_line(r, line);
    r->lines[i] = r->lines[--r->live];
  }
}

/* The rows that go on, side by side. */
static void close_ranks(Run *r) {
  int64_t rows = 0;
  for (int64_t i = 0; i < r->live; i++) {
    FlowLine *line = r->lines[i];
    for (int64_t k = 0; k < line->alive; k++) {
      r->from[rows + k] = (int32_t)line->row + line->from[k];
      r->tokens[rows + k] = line->tokens[k];
    }
    line->row = rows;
    rows += line->alive;
  }
  session_reorder(r->session, r->from, rows);
  r->rows = rows;
}

/* ---- new lines ---- */

/* How many inputs from the first on are read together: with prompts of one length, and not too much of
 * sources.
 */
static int64_t readable_together(const Input *inputs, int64_t count) {
  int64_t n = 1, longest = inputs[0].source_length;
  for (; n < count && inputs[n].length == inputs[0].length; n++) {
    if (inputs[n].source_length > longest) longest = inputs[n].source_length;
    if (longest * (n + 1) > SOURCE_TOKENS) break;
  }
  return n;
}

/* Into the rows behind those there are; the logits after each prompt. */
static const float *read_prompts(Run *r, const Input *inputs, int64_t count) {
  const int64_t length = inputs[0].length, time = longest_source(inputs, count);
  int32_t *prompts = mem_alloc((size_t)(count * length) * sizeof *prompts);
  int32_t *sources = mem_alloc_zeroed((size_t)(count * time), sizeof *sources);
  int32_t *lengths = mem_alloc((size_t)count * sizeof *lengths);
  for (int64_t i = 0; i < count; i++) {
    memcpy(prompts + i * length, inputs[i].prompt, (size_t)length * sizeof *prompts);
    if (time) memcpy(sources + i * time, inputs[i].source, (size_t)inputs[i].source_length * sizeof *sources);
    lengths[i] = (int32_t)inputs[i].source_length;
  }
  session_begin(r->session, r->rows, count);
  if (time) session_read_sources(r->session, sources, lengths, time);
  const float *logits = session_feed_at(r->session, r->rows, prompts, count, length);
  mem_free(prompts);
  mem_free(sources);
  mem_free(lengths);
  return logits;
}

static void read_some(Run *r, int64_t first, int64_t count) {
  FlowLine **fresh = r->lines + r->live;
  for (int64_t i = 0; i < count; i++) fresh[i] = open_line(r, first + i, r->rows + i);
  advance(r, fresh, count, read_prompts(r, r->queue->inputs + first, count), r->rows);
  r->live += count;
  r->rows += count;
}

/* Inputs from *first on, at most `most`, that nobody else will take; how many. */
static int64_t take_inputs(Queue *q, int64_t most, int64_t *first) {
  pthread_mutex_lock(&q->lock);
  *first = q->next;
  const int64_t left = least(q->count - q->next, most),
                count = left ? readable_together(q->inputs + q->next, left) : 0;
  q->next += count;
  pthread_mutex_unlock(&q->lock);
  return count;
}

/* A few at a time would be read slowly: only where three quarters are free (measured: docs/log.md). */
static void admit(Run *r) {
  int64_t first, count;
  if (r->live && 4 * r->live > r->together) return;
  while (r->live < r->together && (count = take_inputs(r->queue, r->together - r->live, &first)))
    read_some(r, first, count);
}

/* ---- all of it ---- */

static Session *open_session(const Run *r) {
  const Config *c = &r->flow->model->config;
  const Queue *q = r->queue;
  const int64_t wanted = longest_prompt(q->inputs, q->count) + r->flow->most;
  return session_new_sized(r->flow->model, (StateSize){.sequences = r->together * r->flow->each,
                                                       .room = least(wanted, c->context),
                                                       .sources = c->arch->encodes ? r->together : 0,
                                                       .source_room = longest_source(q->inputs, q->count)});
}

static bool run_lines(Run *r, PackedSet *packed) {
  const size_t rows = (size_t)(r->together * r->flow->each);
  r->session = open_session(r);
  if (packed) session_pack_weights(r->session, packed);
  r->lines = mem_alloc_zeroed((size_t)r->together, sizeof *r->lines);
  r->from = mem_alloc_zeroed(rows, sizeof *r->from);
  r->tokens = mem_alloc_zeroed(rows, sizeof *r->tokens);
  do {
    close_ranks(r);
    const int64_t old = r->live, going_on = r->rows;
    admit(r);
    if (going_on) advance(r, r->lines, old, session_feed_at(r->session, 0, r->tokens, going_on, 1), 0);
    let_go(r);
  } while ((r->live || r->rows) && !interrupted() && session_ok(r->session, NULL));
  while (r->live) close_line(r, r->lines[--r->live]);
  const bool ok = session_ok(r->session, NULL);
  session_free(r->session);
  mem_free(r->lines);
  mem_free(r->from);
  mem_free(r->tokens);
  return ok;
}

/* Several runs at once, each on a thread of its own: nothing then has to wait at every step. */
typedef struct Runs {
  Flow *flow;
  Queue queue;
  int64_t together;
  PackedSet *packed; /* of these runs, where the model has none: it is being trained */
  atomic_bool not_finite;
} Runs;

static void run_several(void *arg, int64_t begin, int64_t end) {
  Runs *all = arg;
  for (int64_t i = begin; i < end; i++) {
    Run r = {.flow = all->flow, .queue = &all->queue, .together = all->together};
    if (!run_lines(&r, all->packed)) all->not_finite = true;
  }
}

bool flow_run(Flow *flow, const Input *inputs, int64_t count) {
  const int64_t together = flow->each < ROWS_TOGETHER ? ROWS_TOGETHER / flow->each : 1;
  Runs all = {.flow = flow,
              .queue = {.inputs = inputs, .count = count, .lock = PTHREAD_MUTEX_INITIALIZER},
              .together = least(count, together)};
  if (all.together * flow->each >= MANY_ROWS && !flow->model->packed) all.packed = packed_set_new(false);
  const int64_t full = count / together; /* runs that have all their rows at least at first */
  parallel_guarded(least(threads_count(), full > 1 ? full : 1), run_several, &all);
  packed_set_free(all.packed);
  return !all.not_finite;
}
