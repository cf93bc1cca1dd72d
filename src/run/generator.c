#include "run/generator.h"

#include <stdatomic.h>
#include <string.h>

#include "base/integers.h"
#include "base/threads.h"

/* A text being continued, with its unread tokens. */
typedef struct Row {
  int32_t sequence;
  Ids unread;
  int64_t begun; /* position of the first of `unread` */
  int64_t read;  /* how many of `unread` were read, the step being planned included */
  bool kept;     /* while rows are replaced: a new row has taken its sequence */
} Row;

/* A running or waiting request. */
typedef struct Task {
  GenerationRequest request;
  int64_t number, written;
  Row *rows;              /* [request.rows], the first `alive` are in use */
  int64_t alive;          /* 0: the request waits */
  Row *next;              /* [request.rows]: the new rows while rows are replaced */
  int32_t *from, *tokens; /* [request.rows]: the choice */
  const float *logits;    /* of this step */
  int64_t chosen;
} Task;

struct Generator {
  const Model *model;
  GeneratorSettings settings;
  Session *session;
  VEC(Task *) tasks;     /* by number: running ones, then waiting ones */
  int64_t last;          /* number assigned */
  VEC(Feed) feeds;       /* of this step */
  VEC(Task *) advancing; /* tasks that get logits in this step */
};

Generator *generator_new(const Model *model, GeneratorSettings settings) {
  Generator *g = mem_alloc_zeroed(1, sizeof *g);
  g->model = model;
  g->settings = settings;
  if (!g->settings.rows) g->settings.rows = GENERATOR_ROWS;
  if (!g->settings.tokens) g->settings.tokens = SESSION_PIECE;
  g->session = session_new(model, settings.expected);
  if (settings.packed) session_pack_weights(g->session, settings.packed);
  return g;
}

/* ---- requests ---- */

int64_t generator_submit(Generator *g, const GenerationRequest *request) {
  CHECK(request->rows > 0 && request->most > 0 && request->input.length > 0);
  CHECK((request->input.source_length > 0) == g->model->config.arch->encodes);
  Task *t = mem_alloc_zeroed(1, sizeof *t);
  const size_t rows = (size_t)request->rows;
  t->request = *request;
  t->rows = mem_alloc_zeroed(rows, sizeof *t->rows);
  t->next = mem_alloc_zeroed(rows, sizeof *t->next);
  t->from = mem_alloc_zeroed(rows, sizeof *t->from);
  t->tokens = mem_alloc_zeroed(rows, sizeof *t->tokens);
  t->number = ++g->last;
  vec_push(&g->tasks, t);
  return t->number;
}

static void end_task(Generator *g, size_t index, GenerationEnd how) {
  Task *t = g->tasks.data[index];
  const int64_t alive = t->alive;
  for (size_t i = 0; i < g->advancing.count; i++)
    if (g->advancing.data[i] == t) g->advancing.data[i] = NULL;
  g->tasks.count--;
  memmove(g->tasks.data + index, g->tasks.data + index + 1, (g->tasks.count - index) * sizeof *g->tasks.data);
  for (int64_t i = 0; i < t->alive; i++) session_close(g->session, t->rows[i].sequence);
  for (int64_t i = 0; i < t->request.rows; i++) {
    vec_free(&t->rows[i].unread);
    vec_free(&t->next[i].unread);
  }
  const GenerationRequest request = t->request;
  mem_free(t->rows);
  mem_free(t->next);
  mem_free(t->from);
  mem_free(t->tokens);
  mem_free(t);
  request.finish(request.user, how, alive);
}

void generator_cancel(Generator *g, int64_t number) {
  for (size_t i = 0; i < g->tasks.count; i++)
    if (g->tasks.data[i]->number == number) {
      end_task(g, i, GENERATION_CANCELLED);
      return;
    }
}

void generator_free(Generator *g) {
  if (!g) return;
  while (g->tasks.count) end_task(g, g->tasks.count - 1, GENERATION_CANCELLED);
  vec_free(&g->tasks);
  vec_free(&g->feeds);
  vec_free(&g->advancing);
  session_free(g->session);
  mem_free(g);
}

bool generator_ok(const Generator *g, Error *err) {
  return session_ok(g->session, err);
}

int64_t generator_unfinished(const Generator *g) {
  return (int64_t)g->tasks.count;
}

int64_t generator_pages(const Generator *g) {
  return session_pages(g->session);
}

/* ---- rows ---- */

static int64_t left_to_read(const Row *row) {
  return (int64_t)row->unread.count - row->read;
}

static void set_unread(const Generator *g, Row *row, const int32_t *tokens, int64_t count) {
  row->unread.count = 0;
  row->begun = (int64_t)session_tokens(g->session, row->sequence)->count;
  row->read = 0;
  vec_reserve(&row->unread, count);
  memcpy(row->unread.data, tokens, (size_t)count * sizeof *tokens);
  row->unread.count = (size_t)count;
}

/* The text has filled its window: drops its state and has its later half read again. */
static void shift(Generator *g, const Task *t, Row *row) {
  const int64_t half = (t->request.window + 1) / 2;
  Ids all = {0};
  const Ids *read = session_tokens(g->session, row->sequence);
  vec_reserve(&all, (int64_t)read->count + 1);
  memcpy(all.data, read->data, read->count * sizeof *all.data);
  all.count = read->count;
  vec_push(&all, row->unread.data[0]);
  session_close(g->session, row->sequence);
  row->sequence = session_open(g->session, -1);
  set_unread(g, row, all.data + all.count - half, half);
  vec_free(&all);
}

static void shift_full_rows(Generator *g, const Task *t) {
  bool any = false;
  for (int64_t i = 0; i < t->alive && t->request.window; i++)
    if ((int64_t)session_tokens(g->session, t->rows[i].sequence)->count >= t->request.window) {
      shift(g, t, &t->rows[i]);
      any = true;
    }
  if (any && t->request.shifts) ++*t->request.shifts;
}

/* The parent's sequence for the first row that continues it, a fork for further ones. */
static int32_t take_sequence(Generator *g, Row *parent) {
  if (parent->kept)
    return session_fork(g->session, parent->sequence,
                        (int64_t)session_tokens(g->session, parent->sequence)->count);
  parent->kept = true;
  return parent->sequence;
}

/* Replaces the rows by the chosen ones. */
static void follow(Generator *g, Task *t, int64_t rows) {
  for (int64_t i = 0; i < t->alive; i++) t->rows[i].kept = false;
  for (int64_t i = 0; i < rows; i++) {
    CHECK(t->from[i] >= 0 && t->from[i] < t->alive);
    t->next[i].sequence = take_sequence(g, &t->rows[t->from[i]]);
    set_unread(g, &t->next[i], &t->tokens[i], 1);
  }
  for (int64_t i = 0; i < t->alive; i++)
    if (!t->rows[i].kept) session_close(g->session, t->rows[i].sequence);
  Row *old = t->rows;
  t->rows = t->next;
  t->next = old;
  t->alive = rows;
}

/* ---- beginning ---- */

static int64_t rows_promised(const Generator *g) {
  int64_t rows = 0;
  for (size_t i = 0; i < g->tasks.count && g->tasks.data[i]->alive; i++)
    rows += g->tasks.data[i]->request.rows;
  return rows;
}

/* Source tokens encoded at once, padding included: enough for matrix products at full speed, few enough for
 * the cache. */
enum { SOURCE_TOKENS = 512 };

static void begin(Generator *g, Task *t) {
  const Input *input = &t->request.input;
  const int32_t source =
      input->source_length ? session_add_source(g->session, input->source, input->source_length) : -1;
  t->rows[0].sequence = session_open(g->session, source);
  set_unread(g, &t->rows[0], input->prompt, input->length);
  t->alive = 1;
}

static void admit(Generator *g) {
  int64_t rows = rows_promised(g), longest = 0, count = 0;
  for (size_t i = 0; i < g->tasks.count; i++) {
    Task *t = g->tasks.data[i];
    if (t->alive) continue;
    if (rows && rows + t->request.rows > g->settings.rows) return;
    if (t->request.input.source_length > longest) longest = t->request.input.source_length;
    if (count && longest * (count + 1) > SOURCE_TOKENS) return;
    count++;
    rows += t->request.rows;
    begin(g, t);
  }
}

/* ---- prefixes ---- */

static int64_t common(const int32_t *a, int64_t n, const int32_t *b, int64_t m) {
  int64_t i = 0;
  while (i < n && i < m && a[i] == b[i]) i++;
  return i;
}

/* The longest prefix of a prompt, without its last token, that another sequence has read. */
typedef struct Prefix {
  int32_t sequence;
  int64_t length, after_step; /* after_step: the length once the current step has been read */
} Prefix;

static void look_for_prefix(const Generator *g, const Row *row, const Row *other, Prefix *best) {
  const Ids *read = session_tokens(g->session, other->sequence);
  const int32_t *prompt = row->unread.data;
  const int64_t most = (int64_t)row->unread.count - 1;
  const int64_t length = common(prompt, most, read->data, (int64_t)read->count);
  if (length > best->length) *best = (Prefix){other->sequence, length, best->after_step};
  int64_t after_step = length;
  if (length == (int64_t)read->count) {
    const int64_t done = length - other->begun; /* of `unread`, which this step may read */
    after_step += common(prompt + length, most - length, other->unread.data + done,
                         (int64_t)other->unread.count - done);
  }
  if (after_step > best->after_step) best->after_step = after_step;
}

/* Lets a new prompt share the prefix that others have read, if it fills a page. False if it should wait
 * because this step extends the prefix by a page or more. */
static bool share_prefix(Generator *g, const Task *task) {
  Row *row = &task->rows[0];
  Prefix best = {0};
  const bool begins = !task->written && task->alive == 1 && !session_tokens(g->session, row->sequence)->count;
  if (!begins || !session_shares_prefixes(g->session) || task->request.input.source_length) return true;
  for (size_t i = 0; g->tasks.data[i] != task; i++)
    for (int64_t k = 0; k < g->tasks.data[i]->alive; k++)
      look_for_prefix(g, row, &g->tasks.data[i]->rows[k], &best);
  if (best.after_step >= best.length + STATE_PAGE) return false;
  if (best.length < STATE_PAGE) return true;
  session_close(g->session, row->sequence);
  row->sequence = session_fork(g->session, best.sequence, best.length);
  row->read = best.length;
  return true;
}

/* ---- a step ---- */

static void read_row(Generator *g, Row *row, int64_t count, bool wanted) {
  const int64_t ahead = (int64_t)row->unread.count - row->read - count;
  vec_push(&g->feeds, ((Feed){row->sequence, row->unread.data + row->read, count, wanted, ahead}));
  row->read += count;
}

/* All rows have a single token to read: this step advances them. */
static bool is_ready(const Task *t) {
  for (int64_t i = 0; i < t->alive; i++)
    if (left_to_read(&t->rows[i]) != 1) return false;
  return t->alive > 0;
}

static bool is_reading(const Task *t) {
  for (int64_t i = 0; i < t->alive; i++)
    if (left_to_read(&t->rows[i]) > 1) return true;
  return false;
}

static void advance_task(Generator *g, Task *t) {
  for (int64_t i = 0; i < t->alive; i++) read_row(g, &t->rows[i], left_to_read(&t->rows[i]), true);
  vec_push(&g->advancing, t);
}

/* Reads prompts within the budget. If several rows of a task are reading, each leaves its last token until
 * all are that far. */
static void read_prompt(Generator *g, Task *t, int64_t *budget) {
  if (!share_prefix(g, t)) return;
  if (t->alive == 1 && left_to_read(&t->rows[0]) <= *budget) {
    *budget -= left_to_read(&t->rows[0]);
    advance_task(g, t);
    return;
  }
  for (int64_t i = 0; i < t->alive; i++) {
    const int64_t count = int64_min(left_to_read(&t->rows[i]) - 1, *budget);
    if (count > 0) read_row(g, &t->rows[i], count, false);
    *budget -= count;
  }
}

static void choose_some(void *arg, int64_t begin, int64_t end) {
  Task **tasks = arg;
  for (int64_t i = begin; i < end; i++) {
    Task *t = tasks[i];
    t->chosen = t->request.choose(t->request.user, t->logits, t->alive, t->from, t->tokens);
    t->written++;
  }
}

/* The logits are those of all rows of the tasks in `advancing`, in order. */
static void choose_all(Generator *g, const float *logits) {
  for (size_t i = 0; i < g->advancing.count; i++) {
    g->advancing.data[i]->logits = logits;
    logits += g->advancing.data[i]->alive * g->model->config.vocabulary;
  }
  parallel_guarded((int64_t)g->advancing.count, choose_some, g->advancing.data);
}

static size_t index_of(const Generator *g, const Task *t) {
  size_t i = 0;
  while (g->tasks.data[i] != t) i++;
  return i;
}

/* For the index-th task of `advancing`. Its and earlier tasks' `accept` and `finish` may cancel any task. */
static void take_choice(Generator *g, size_t index) {
  Task *t = g->advancing.data[index];
  if (!t) return;
  const GenerationRequest *r = &t->request;
  const int64_t rows = r->accept ? r->accept(r->user, t->chosen, t->from, t->tokens) : t->chosen;
  if (!g->advancing.data[index]) return;
  follow(g, t, rows);
  if (rows && t->written < r->most)
    shift_full_rows(g, t);
  else
    end_task(g, index_of(g, t), rows ? GENERATION_FULL : GENERATION_DONE);
}

/* Plans what this step reads: a token of each running text, then prompts. */
static void plan(Generator *g) {
  int64_t budget = g->settings.tokens;
  g->feeds.count = g->advancing.count = 0;
  for (size_t i = 0; i < g->tasks.count; i++)
    if (is_ready(g->tasks.data[i])) advance_task(g, g->tasks.data[i]);
  for (size_t i = 0; i < g->tasks.count && budget > 0; i++) {
    Task *t = g->tasks.data[i];
    if (is_reading(t)) read_prompt(g, t, &budget);
  }
}

bool generator_step(Generator *g) {
  if (!g->tasks.count || !session_ok(g->session, NULL)) return false;
  admit(g);
  plan(g);
  CHECK(g->feeds.count);
  const float *logits = session_feed(g->session, g->feeds.data, (int64_t)g->feeds.count);
  if (!session_ok(g->session, NULL)) return false;
  choose_all(g, logits);
  for (size_t i = 0; i < g->advancing.count; i++) take_choice(g, i);
  return g->tasks.count > 0;
}

/* ---- many requests known in advance ---- */

/* Rows from which packed weights are worth their memory. */
enum { MANY_ROWS = 8 };

typedef struct BulkRun {
  const Model *model;
  const Input *inputs;
  int64_t count, rows, together; /* together: requests per generator */
  GenerationOpen *open;
  void *user;
  PackedSet *packed; /* if the model has none because it is being trained */
  atomic_int_fast64_t next;
  atomic_bool not_finite;
} BulkRun;

static int64_t longest_source(const Input *inputs, int64_t count) {
  int64_t longest = 0;
  for (int64_t i = 0; i < count; i++)
    if (inputs[i].source_length > longest) longest = inputs[i].source_length;
  return longest;
}

/* New prompts can join running texts. But encoding few sources at a time is slow, and recurrent networks
 * would need many passes: these wait until three quarters of the requests have finished (measured:
 * docs/log.md). */
static bool accepts_more(const BulkRun *e, const Generator *g) {
  const Arch *arch = e->model->config.arch;
  const bool patient = arch->encodes || arch->unlimited_context;
  return !patient || 4 * generator_unfinished(g) <= e->together;
}

static void submit_some(BulkRun *e, Generator *g) {
  if (!accepts_more(e, g)) return;
  while (generator_unfinished(g) < e->together) {
    const int64_t index = e->next++;
    if (index >= e->count) return;
    GenerationRequest request = {.input = e->inputs[index], .rows = e->rows};
    e->open(e->user, index, &request);
    generator_submit(g, &request);
  }
}

static void run_generators(void *arg, int64_t begin, int64_t end) {
  BulkRun *e = arg;
  const bool encodes = e->model->config.arch->encodes;
  for (int64_t i = begin; i < end; i++) {
    const StateSize expected = {.sequences = e->together * e->rows,
                                .sources = encodes ? e->together : 0,
                                .source_tokens = longest_source(e->inputs, e->count)};
    Generator *g = generator_new(e->model, (GeneratorSettings){.packed = e->packed, .expected = expected});
    do submit_some(e, g);
    while ((generator_step(g) || e->next < e->count) && generator_ok(g, NULL) && !interrupted());
    if (!generator_ok(g, NULL)) e->not_finite = true;
    generator_free(g);
  }
}

/* Requests per generator: as many as their rows allow, but so that all generators have the same share if each
 * starts equally often. */
static int64_t shared_evenly(int64_t count, int64_t rows) {
  const int64_t most = rows < GENERATOR_ROWS ? GENERATOR_ROWS / rows : 1, generators = threads_count();
  if (count <= most * generators) return int64_min(count, most);
  return ceil_div(count, generators * ceil_div(count, generators * most));
}

bool generate_all(const Model *model, int64_t rows, const Input *inputs, int64_t count, GenerationOpen *open,
                  void *user) {
  const int64_t together = shared_evenly(count, rows);
  BulkRun e = {.model = model,
               .inputs = inputs,
               .count = count,
               .rows = rows,
               .together = together,
               .open = open,
               .user = user};
  if (e.together * rows >= MANY_ROWS && !model->packed) e.packed = packed_set_new(false);
  parallel_guarded(int64_min(threads_count(), ceil_div(count, together)), run_generators, &e);
  packed_set_free(e.packed);
  return !e.not_finite;
}
