/* trace_branch.c - continues alternatives to the tokens of a text. One sequence reads the text; at each
 * position it is forked for every alternative, and the forks of several positions advance together. */
#include "base/integers.h"
#include "base/threads.h"
#include "run/session.h"
#include "run/trace.h"

typedef struct Fork {
  int32_t sequence;
  int64_t position; /* of the token before the branch */
  Branch *branch;
} Fork;

typedef struct Branching {
  Trace *trace;
  Session *session;
  int32_t text;         /* the sequence that reads it */
  int64_t each, length; /* alternatives of a token, and new tokens of each at most */
  VEC(Fork) forks;      /* those that still grow */
  VEC(Feed) feeds;      /* of a step */
  VEC(int32_t) unread;  /* the last token of each fork */
} Branching;

/* Reads the text up to `length` tokens. */
static void read_text(Branching *b, int64_t length) {
  const int64_t read = (int64_t)session_tokens(b->session, b->text)->count;
  if (length > read) session_read(b->session, b->text, b->trace->ids.data + read, length - read);
}

static bool ends(const Branching *b, int32_t id) {
  return token_set_has(&b->trace->model->config.ends, id);
}

/* Whether the model can read the branch's last token. */
static bool fits(const Branching *b, const Fork *fork) {
  const Config *c = &b->trace->model->config;
  return c->arch->unlimited_context || fork->position + (int64_t)fork->branch->tokens.count < c->context;
}

/* Forks the text for the alternatives to the token after `position`, which are not that token. */
static void fork_at(Branching *b, int64_t position) {
  const Trace *t = b->trace;
  const Prediction *p = trace_prediction(t, position, t->depths - 1);
  const bool last = position + 1 == (int64_t)t->ids.count;
  for (int64_t i = 0, forks = 0; i < p->count && forks < b->each; i++) {
    if (!last && p->best[i].id == t->ids.data[position + 1]) continue;
    forks++;
    if (ends(b, p->best[i].id)) continue;
    Fork fork = {.position = position, .branch = trace_branch_at(t, position, i)};
    vec_push(&fork.branch->tokens, p->best[i]);
    if (!fits(b, &fork)) continue;
    fork.sequence = session_fork(b->session, b->text, position + 1);
    vec_push(&b->forks, fork);
  }
}

/* Adds a token to the branch; false if that was the last. */
static bool grow(const Branching *b, const Fork *fork, const float *logits) {
  Choice next;
  choices_find(logits, b->trace->model->config.vocabulary, &next, 1);
  fork->branch->ended = ends(b, next.id);
  if (!fork->branch->ended) vec_push(&fork->branch->tokens, next);
  return !fork->branch->ended && (int64_t)fork->branch->tokens.count <= b->length && fits(b, fork);
}

static void feed_forks(Branching *b) {
  b->feeds.count = b->unread.count = 0;
  vec_reserve(&b->unread, b->forks.count);
  for (size_t i = 0; i < b->forks.count; i++) {
    const Fork *f = &b->forks.data[i];
    vec_push(&b->unread, f->branch->tokens.data[f->branch->tokens.count - 1].id);
    vec_push(&b->feeds, ((Feed){f->sequence, &b->unread.data[i], 1, 1, 0}));
  }
}

/* Advances all forks until none grows. */
static void grow_all(Branching *b) {
  while (b->forks.count && !interrupted()) {
    feed_forks(b);
    const float *logits = session_feed(b->session, b->feeds.data, (int64_t)b->feeds.count);
    size_t left = 0;
    for (size_t i = 0; i < b->forks.count; i++, logits += b->trace->model->config.vocabulary)
      if (grow(b, &b->forks.data[i], logits))
        b->forks.data[left++] = b->forks.data[i];
      else
        session_close(b->session, b->forks.data[i].sequence);
    b->forks.count = left;
  }
}

/* A network that keeps only its last state is forked where it stands, another at any earlier token. */
static void branch_from(Branching *b, int64_t first, int64_t stop) {
  const bool shares = session_shares(b->session);
  for (int64_t position = first; position < stop; position++) {
    read_text(b, shares ? stop : position + 1);
    fork_at(b, position);
  }
  grow_all(b);
}

bool trace_branch(Trace *t, int64_t each, int64_t length, const News *news, Error *err) {
  enum { TOGETHER = 80 }; /* forks: enough for matrix products at full speed */
  const int64_t count = (int64_t)t->ids.count;
  t->branches = mem_alloc_zeroed((size_t)count * TRACE_CHOICES, sizeof *t->branches);
  if (!each) return true;
  Branching b = {
      .trace = t, .session = session_new(t->model, (StateSize){0}), .each = each, .length = length};
  const int64_t step = int64_max(1, TOGETHER / each);
  b.text = session_open(b.session, -1);
  for (int64_t first = 0; first < count && !interrupted(); first += step) {
    news_progress(news, "continuing alternatives", first, count, "token");
    branch_from(&b, first, int64_min(first + step, count));
  }
  news_progress(news, "continuing alternatives", count, count, "token");
  const bool ok = session_ok(b.session, err) && (!interrupted() || fail_interrupted(err));
  session_free(b.session);
  vec_free(&b.forks);
  vec_free(&b.feeds);
  vec_free(&b.unread);
  return ok;
}
