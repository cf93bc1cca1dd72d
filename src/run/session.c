#include "run/session.h"

#include <string.h>

#include "kernels/kernels.h"

typedef struct Sequence {
  Ids tokens; /* that were read */
  int32_t source;
  bool open;
} Sequence;

typedef struct Source {
  int32_t users; /* number of sequences */
  int32_t length;
} Source;

/* A source to be encoded with the next feed. */
typedef struct NewSource {
  Ids tokens;
  int32_t place;
} NewSource;

struct Session {
  const Model *model;
  State *state;
  Tape *tape;
  VEC(Sequence) sequences; /* by number, as in `state` */
  VEC(Source) sources;     /* by place in `state` */
  VEC(NewSource) fresh;
  VEC(float) logits; /* of a feed in several passes */
  bool not_finite;   /* some logits were not finite, or keys or values exceed the type of the cache */
};

Session *session_new(const Model *model, StateSize expected) {
  Session *s = mem_alloc_zeroed(1, sizeof *s);
  s->model = model;
  expected.cache = model->cache;
  s->state = state_new(expected);
  s->tape = tape_new(false);
  return s;
}

static void forget_fresh(Session *s) {
  for (size_t i = 0; i < s->fresh.count; i++) vec_free(&s->fresh.data[i].tokens);
  s->fresh.count = 0;
}

void session_free(Session *s) {
  if (!s) return;
  for (size_t i = 0; i < s->sequences.count; i++) vec_free(&s->sequences.data[i].tokens);
  forget_fresh(s);
  vec_free(&s->sequences);
  vec_free(&s->sources);
  vec_free(&s->fresh);
  vec_free(&s->logits);
  state_free(s->state);
  tape_free(s->tape);
  mem_free(s);
}

void session_pack_weights(Session *s, PackedSet *set) {
  tape_pack_weights(s->tape, set);
}

/* ---- sequences ---- */

static Sequence *at(const Session *s, int32_t sequence) {
  CHECK(sequence >= 0 && (size_t)sequence < s->sequences.count && s->sequences.data[sequence].open);
  return &s->sequences.data[sequence];
}

static int32_t begin(Session *s, int32_t sequence, int32_t source) {
  while (s->sequences.count <= (size_t)sequence) vec_push(&s->sequences, (Sequence){0});
  Sequence *q = &s->sequences.data[sequence];
  q->tokens.count = 0;
  q->source = source;
  q->open = true;
  if (source >= 0) s->sources.data[source].users++;
  return sequence;
}

int32_t session_open(Session *s, int32_t source) {
  CHECK((source >= 0) == s->model->config.arch->encodes);
  return begin(s, state_open(s->state), source);
}

bool session_shares(const Session *s) {
  return !s->model->config.arch->unlimited_context;
}

bool session_shares_prefixes(const Session *s) {
  return session_shares(s) && !rope_depends_on_length(&s->model->config.rope_scaling);
}

int32_t session_fork(Session *s, int32_t of, int64_t length) {
  CHECK(length <= (int64_t)at(s, of)->tokens.count);
  CHECK(session_shares(s) || length == (int64_t)at(s, of)->tokens.count);
  const int32_t fork = begin(s, state_fork(s->state, of, length), at(s, of)->source);
  Ids *tokens = &at(s, fork)->tokens;
  vec_reserve(tokens, length + 1);
  memcpy(tokens->data, at(s, of)->tokens.data, (size_t)length * sizeof *tokens->data);
  tokens->count = (size_t)length;
  return fork;
}

void session_close(Session *s, int32_t sequence) {
  Sequence *q = at(s, sequence);
  if (q->source >= 0) s->sources.data[q->source].users--;
  q->open = false;
  state_close(s->state, sequence);
}

const Ids *session_tokens(const Session *s, int32_t sequence) {
  return &at(s, sequence)->tokens;
}

int64_t session_pages(const Session *s) {
  return state_pages_used(s->state);
}

int64_t session_cache_bytes(const Session *s) {
  return state_pages_used(s->state) * state_page_bytes(s->state);
}

/* ---- sources ---- */

static bool is_fresh(const Session *s, int32_t place) {
  for (size_t i = 0; i < s->fresh.count; i++)
    if (s->fresh.data[i].place == place) return true;
  return false;
}

static int32_t free_slot(Session *s) {
  for (size_t i = 0; i < s->sources.count; i++)
    if (!s->sources.data[i].users && !is_fresh(s, (int32_t)i)) return (int32_t)i;
  vec_push(&s->sources, (Source){0});
  return (int32_t)s->sources.count - 1;
}

int32_t session_add_source(Session *s, const int32_t *tokens, int64_t length) {
  CHECK(length > 0 && s->model->config.arch->encodes);
  const int32_t place = free_slot(s);
  NewSource fresh = {.place = place};
  vec_reserve(&fresh.tokens, length);
  memcpy(fresh.tokens.data, tokens, (size_t)length * sizeof *tokens);
  fresh.tokens.count = (size_t)length;
  vec_push(&s->fresh, fresh);
  s->sources.data[place].length = (int32_t)length;
  state_hold_sources(s->state, (int64_t)s->sources.count, length);
  return place;
}

static void *step_alloc(const Session *s, int64_t count, size_t each) {
  return arena_alloc_zeroed(tape_arena(s->tape), (size_t)count * each);
}

/* Adds the new sources to this pass. */
static void take_sources(Session *s, Net *net, Batch *batch) {
  const int64_t count = (int64_t)s->fresh.count;
  int64_t longest = 0;
  if (!count) return;
  for (int64_t i = 0; i < count; i++)
    if ((int64_t)s->fresh.data[i].tokens.count > longest) longest = (int64_t)s->fresh.data[i].tokens.count;
  int32_t *tokens = step_alloc(s, count * longest, sizeof *tokens),
          *lengths = step_alloc(s, count, sizeof *lengths), *places = step_alloc(s, count, sizeof *places);
  for (int64_t i = 0; i < count; i++) {
    const NewSource *f = &s->fresh.data[i];
    memcpy(tokens + i * longest, f->tokens.data, f->tokens.count * sizeof *tokens);
    lengths[i] = (int32_t)f->tokens.count;
    places[i] = f->place;
  }
  net->places = places;
  batch->sources = count;
  batch->source_time = longest;
  batch->source = tokens;
  batch->source_lengths = lengths;
  forget_fresh(s);
}

static void add_sources(Session *s, Net *net, Batch *batch, const Feed *feeds, int64_t count,
                        int64_t rows_each) {
  const int64_t places = state_sources(s->state);
  int32_t *of = step_alloc(s, batch->sequences, sizeof *of),
          *lengths = step_alloc(s, places, sizeof *lengths);
  int64_t row = 0;
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = rows_each ? rows_each : feeds[i].count; k > 0; k--)
      of[row++] = at(s, feeds[i].sequence)->source;
  for (size_t i = 0; i < s->sources.count; i++) lengths[i] = s->sources.data[i].length;
  take_sources(s, net, batch);
  net->source_of = tape_constant(s->tape, TENSOR_I32, 1, &batch->sequences, of);
  net->source_lengths = tape_constant(s->tape, TENSOR_I32, 1, &places, lengths);
}

/* ---- logits ---- */

bool fail_not_finite(Error *err) {
  return fail(
      err,
      "the network's outputs are not finite: its weights are damaged or diverged in training; "
      "download the model again, or train with a lower --lr (or, with --cache-type, use one of larger "
      "range: bf16)");
}

bool session_ok(const Session *s, Error *err) {
  return !s->not_finite || fail_not_finite(err);
}

bool are_finite(const float *x, int64_t count) {
  return kernels->all_finite(x, count);
}

/* All logits of generation pass through here. */
static const float *checked(Session *s, const Tensor *logits) {
  if (!logits) return NULL;
  float *x = (float *)(uintptr_t)tensor_f32(logits);
  const int64_t count = tensor_count(logits);
  if (are_finite(x, count)) return x;
  s->not_finite = true;
  memset(x, 0, (size_t)count * sizeof *x);
  return x;
}

/* The rows whose logits are wanted, the last ones of each feed. */
static int64_t wanted_rows(const Feed *feeds, int64_t count, int32_t *rows) {
  int64_t wanted = 0;
  int32_t row = 0;
  for (int64_t i = 0; i < count; i++) {
    row += (int32_t)feeds[i].count;
    for (int64_t k = feeds[i].wanted; k > 0; k--) rows[wanted++] = row - (int32_t)k;
  }
  return wanted;
}

static void advance(Session *s, const Feed *feeds, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    Ids *tokens = &at(s, feeds[i].sequence)->tokens;
    vec_reserve(tokens, (int64_t)tokens->count + feeds[i].count);
    memcpy(tokens->data + tokens->count, feeds[i].tokens, (size_t)feeds[i].count * sizeof *tokens->data);
    tokens->count += (size_t)feeds[i].count;
  }
}

static int64_t tokens_of(const Feed *feeds, int64_t count) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; i++) sum += feeds[i].count;
  return sum;
}

static const int32_t *join_tokens(const Session *s, const Feed *feeds, int64_t count) {
  int32_t *tokens = step_alloc(s, tokens_of(feeds, count), sizeof *tokens), *end = tokens;
  for (int64_t i = 0; i < count; end += feeds[i++].count)
    memcpy(end, feeds[i].tokens, (size_t)feeds[i].count * sizeof *end);
  return tokens;
}

static const float *run(Session *s, Net *net, const Batch *batch, const Feed *feeds, int64_t count) {
  int32_t *rows = step_alloc(s, tokens_of(feeds, count), sizeof *rows);
  const int64_t wanted = wanted_rows(feeds, count, rows);
  const Tensor *logits = model_logits(s->model, net, batch, rows, wanted);
  advance(s, feeds, count);
  return checked(s, logits);
}

/* ---- networks with attention: each token is a row ---- */

/* The pages of the fed sequences, and the sequence of each row. */
static KeyPages *page_table(Session *s, const Feed *feeds, int64_t count, int64_t rows) {
  KeyPages *p = step_alloc(s, 1, sizeof *p);
  p->size = STATE_PAGE;
  p->type = s->model->cache;
  p->overflow = &s->not_finite;
  for (int64_t i = 0; i < count; i++) {
    int64_t pages;
    state_reserve(s->state, feeds[i].sequence, (int64_t)at(s, feeds[i].sequence)->tokens.count,
                  feeds[i].count);
    state_pages(s->state, feeds[i].sequence, &pages);
    if (pages > p->each) p->each = pages;
  }
  int32_t *table = step_alloc(s, count * p->each, sizeof *table),
          *sequence = step_alloc(s, rows, sizeof *sequence);
  int64_t row = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t pages;
    const int32_t *from = state_pages(s->state, feeds[i].sequence, &pages);
    memcpy(table + i * p->each, from, (size_t)pages * sizeof *table);
    for (int64_t t = 0; t < feeds[i].count; t++) sequence[row++] = (int32_t)i;
  }
  p->table = table;
  p->sequence = sequence;
  return p;
}

static const float *feed_rows(Session *s, const Feed *feeds, int64_t count) {
  tape_reset(s->tape, false, 0);
  Net net = {.tape = s->tape, .state = s->state};
  const int64_t rows = tokens_of(feeds, count);
  Batch batch = {.sequences = rows, .time = 1, .tokens = join_tokens(s, feeds, count)};
  int32_t *start = step_alloc(s, rows, sizeof *start), *lengths = step_alloc(s, rows, sizeof *lengths);
  for (int64_t i = 0, row = 0; i < count; i++)
    for (int64_t t = 0, read = (int64_t)at(s, feeds[i].sequence)->tokens.count; t < feeds[i].count; t++) {
      start[row] = (int32_t)(read + t);
      lengths[row++] = (int32_t)(read + feeds[i].count + feeds[i].ahead);
    }
  net.lengths = lengths;
  net.start = tape_constant(s->tape, TENSOR_I32, 1, &rows, start);
  net.pages = page_table(s, feeds, count, rows);
  if (s->model->config.arch->encodes) add_sources(s, &net, &batch, feeds, count, 0);
  return run(s, &net, &batch, feeds, count);
}

/* ---- recurrent networks: adjacent feeds of equal length share a pass ---- */

static const float *feed_equal(Session *s, const Feed *feeds, int64_t count) {
  tape_reset(s->tape, false, 0);
  Net net = {.tape = s->tape, .state = s->state};
  Batch batch = {.sequences = count, .time = feeds[0].count, .tokens = join_tokens(s, feeds, count)};
  int32_t *sequences = step_alloc(s, count, sizeof *sequences);
  for (int64_t i = 0; i < count; i++) sequences[i] = feeds[i].sequence;
  net.sequences = sequences;
  if (s->model->config.arch->encodes) add_sources(s, &net, &batch, feeds, count, 1);
  return run(s, &net, &batch, feeds, count);
}

static const float *feed_by_lengths(Session *s, const Feed *feeds, int64_t count) {
  const int64_t vocabulary = s->model->config.vocabulary;
  const float *logits = NULL;
  s->logits.count = 0;
  for (int64_t i = 0, n; i < count; i += n) {
    int64_t wanted = 0;
    for (n = 0; i + n < count && feeds[i + n].count == feeds[i].count; n++) wanted += feeds[i + n].wanted;
    logits = feed_equal(s, feeds + i, n);
    if (n == count) return logits;
    vec_reserve(&s->logits, (int64_t)s->logits.count + wanted * vocabulary);
    if (wanted)
      memcpy(s->logits.data + s->logits.count, logits, (size_t)(wanted * vocabulary) * sizeof *logits);
    s->logits.count += (size_t)(wanted * vocabulary);
  }
  return s->logits.count ? s->logits.data : NULL;
}

const float *session_feed(Session *s, const Feed *feeds, int64_t count) {
  return session_shares(s) ? feed_rows(s, feeds, count) : feed_by_lengths(s, feeds, count);
}

const float *session_read(Session *s, int32_t sequence, const int32_t *tokens, int64_t count) {
  const float *logits = NULL;
  for (int64_t done = 0; done < count; done += SESSION_PIECE) {
    const int64_t left = count - done, now = left < SESSION_PIECE ? left : SESSION_PIECE;
    logits = session_feed(s, &(Feed){sequence, tokens + done, now, now == left, left - now}, 1);
  }
  return logits;
}
