#include "run/session.h"

#include <float.h>
#include <math.h>
#include <string.h>

struct Session {
  const Model *model;
  State *state;
  Tape *tape;
  StateSize size;
  int32_t *position;       /* [sequences]: tokens read */
  int32_t *source_of;      /* [sequences] */
  int32_t *source_lengths; /* [sources] */
  Batch sources;           /* of the next feed */
  bool not_finite;         /* some logits were no numbers */
};

/* Tokens read at once: enough for full-speed products, little enough for short-lived activations. */
enum { PIECE = 256 };

/* Caches begin small and double: most texts end long before the room does, and fresh memory has to be
 * cleared. */
enum { FIRST_ROOM = 32 };

static StateSize first_size(StateSize size) {
  if (size.room > FIRST_ROOM) size.room = FIRST_ROOM;
  return size;
}

Session *session_new_sized(const Model *model, StateSize size) {
  Session *s = mem_alloc_zeroed(1, sizeof *s);
  s->model = model;
  s->size = size;
  s->state = state_new(first_size(size));
  s->tape = tape_new(false);
  s->position = mem_alloc_zeroed((size_t)size.sequences, sizeof *s->position);
  s->source_of = mem_alloc_zeroed((size_t)size.sequences, sizeof *s->source_of);
  s->source_lengths = mem_alloc_zeroed((size_t)size.sources, sizeof *s->source_lengths);
  return s;
}

Session *session_new(const Model *model, int64_t sequences, int64_t room) {
  return session_new_sized(model, (StateSize){.sequences = sequences, .room = room});
}

void session_free(Session *s) {
  if (!s) return;
  state_free(s->state);
  tape_free(s->tape);
  mem_free(s->position);
  mem_free(s->source_of);
  mem_free(s->source_lengths);
  mem_free(s);
}

void session_pack_weights(Session *s, PackedSet *set) {
  tape_pack_weights(s->tape, set);
}

int64_t session_position(const Session *s) {
  return s->position[0];
}
int64_t session_room(const Session *s) {
  return s->size.room;
}

void session_rewind(Session *s) {
  session_begin(s, 0, s->size.sequences);
}

void session_begin(Session *s, int64_t first, int64_t count) {
  state_begin(s->state, first, count);
  memset(s->position + first, 0, (size_t)count * sizeof *s->position);
}

static void reorder_ids(int32_t *ids, const int32_t *from, int64_t count, int64_t all) {
  int32_t *old = mem_alloc((size_t)all * sizeof *old);
  memcpy(old, ids, (size_t)all * sizeof *old);
  for (int64_t i = 0; i < count; i++) ids[i] = old[from[i]];
  mem_free(old);
}

static int64_t furthest(const Session *s) {
  int64_t most = 0;
  for (int64_t i = 0; i < s->size.sequences; i++)
    if (s->position[i] > most) most = s->position[i];
  return most;
}

void session_reorder(Session *s, const int32_t *from, int64_t count) {
  CHECK(count <= s->size.sequences);
  reorder_ids(s->position, from, count, s->size.sequences);
  reorder_ids(s->source_of, from, count, s->size.sequences);
  memset(s->position + count, 0, (size_t)(s->size.sequences - count) * sizeof *s->position);
  state_reorder(s->state, from, count, furthest(s));
}

void session_spread(Session *s) {
  int32_t *from = mem_alloc_zeroed((size_t)s->size.sequences, sizeof *from); /* all 0 */
  session_reorder(s, from, s->size.sequences);
  mem_free(from);
}

void session_read_sources(Session *s, const int32_t *sources, const int32_t *lengths, int64_t time) {
  CHECK(time > 0 && time <= s->size.source_room);
  s->sources = (Batch){.source = sources, .source_lengths = lengths, .source_time = time};
}

/* Is one of the first `count` sequences written from it? */
static bool in_use(const Session *s, int32_t source, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (s->source_of[i] == source) return true;
  return false;
}

/* The sources of this feed become those of its sequences. */
static Batch take_sources(Session *s, int64_t first, int64_t sequences) {
  const Batch sources = s->sources;
  int32_t place = 0;
  for (int64_t i = first; i < first + sequences && sources.source_time; i++, place++) {
    while (in_use(s, place, first)) place++;
    CHECK(place < s->size.sources);
    s->source_of[i] = place;
    s->source_lengths[place] = sources.source_lengths[i - first];
  }
  s->sources = (Batch){0};
  return sources;
}

bool fail_not_finite(Error *err) {
  return fail(
      err,
      "what the network computes are no finite numbers: its weights are damaged or diverged in training; "
      "fetch them again, or train at a lower --lr");
}

bool session_ok(const Session *s, Error *err) {
  return !s->not_finite || fail_not_finite(err);
}

bool are_finite(const float *x, int64_t count) {
  int64_t finite = 0;
  for (int64_t i = 0; i < count; i++) finite += fabsf(x[i]) <= FLT_MAX;
  return finite == count;
}

/* Logits end here for all that generate. */
static const float *checked(Session *s, const Tensor *logits) {
  float *x = (float *)(uintptr_t)tensor_f32(logits);
  const int64_t count = tensor_count(logits);
  if (are_finite(x, count)) return x;
  s->not_finite = true;
  memset(x, 0, (size_t)count * sizeof *x);
  return x;
}

static const float *feed_piece(Session *s, int64_t first, const int32_t *tokens, int64_t sequences,
                               int64_t time) {
  tape_reset(s->tape, false, 0);
  Net net = {.tape = s->tape, .params = s->model->params, .state = s->state, .first = first};
  Batch batch = take_sources(s, first, sequences);
  batch.sequences = sequences;
  batch.time = time;
  batch.tokens = tokens;
  net.start = tape_constant(s->tape, TENSOR_I32, 1, &sequences, s->position + first);
  if (s->size.sources) {
    net.source_of = tape_constant(s->tape, TENSOR_I32, 1, &sequences, s->source_of + first);
    net.source_lengths = tape_constant(s->tape, TENSOR_I32, 1, &s->size.sources, s->source_lengths);
  }
  const Tensor *logits = model_last_logits(s->model, &net, &batch);
  for (int64_t i = 0; i < sequences; i++) s->position[first + i] += (int32_t)time;
  return checked(s, logits);
}

static void make_room(Session *s, int64_t time) {
  int64_t room = state_room(s->state);
  const int64_t wanted = furthest(s) + time;
  if (wanted <= room) return;
  while (room < wanted) room *= 2;
  state_grow(s->state, room < s->size.room || wanted > s->size.room ? room : s->size.room);
}

const float *session_feed_at(Session *s, int64_t first, const int32_t *tokens, int64_t sequences,
                             int64_t time) {
  CHECK(first + sequences <= s->size.sequences && time > 0);
  make_room(s, time);
  if (time <= PIECE) return feed_piece(s, first, tokens, sequences, time);
  int32_t *piece = mem_alloc((size_t)(sequences * PIECE) * sizeof *piece);
  const float *logits = NULL;
  for (int64_t done = 0; done < time; done += PIECE) {
    const int64_t now = time - done < PIECE ? time - done : PIECE;
    for (int64_t i = 0; i < sequences * now; i++) piece[i] = tokens[i / now * time + done + i % now];
    logits = feed_piece(s, first, piece, sequences, now);
  }
  mem_free(piece);
  return logits;
}

const float *session_feed(Session *s, const int32_t *tokens, int64_t sequences, int64_t time) {
  return session_feed_at(s, 0, tokens, sequences, time);
}
