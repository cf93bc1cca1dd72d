#include "run/session.h"

#include <string.h>

struct Session {
  const Model *model;
  State *state;
  Tape *tape;
  int64_t sequences, room;
  int32_t *position; /* [sequences]: tokens read */
};

/* Tokens read at once: enough for full-speed products, little enough for short-lived activations. */
enum { PIECE = 256 };

Session *session_new(const Model *model, int64_t sequences, int64_t room) {
  Session *s = mem_alloc_zeroed(1, sizeof *s);
  s->model = model;
  s->sequences = sequences;
  s->room = room;
  s->state = state_new(sequences, room);
  s->tape = tape_new(false);
  s->position = mem_alloc_zeroed((size_t)sequences, sizeof *s->position);
  return s;
}

void session_free(Session *s) {
  if (!s) return;
  state_free(s->state);
  tape_free(s->tape);
  mem_free(s->position);
  mem_free(s);
}

int64_t session_position(const Session *s) {
  return s->position[0];
}
int64_t session_room(const Session *s) {
  return s->room;
}

void session_rewind(Session *s) {
  state_clear(s->state);
  memset(s->position, 0, (size_t)s->sequences * sizeof *s->position);
}

void session_reorder(Session *s, const int32_t *from, int64_t count) {
  CHECK(count <= s->sequences);
  int32_t *old = mem_alloc((size_t)s->sequences * sizeof *old);
  memcpy(old, s->position, (size_t)s->sequences * sizeof *old);
  for (int64_t i = 0; i < count; i++) s->position[i] = old[from[i]];
  mem_free(old);
  state_reorder(s->state, from, count);
}

void session_spread(Session *s) {
  int32_t *from = mem_alloc_zeroed((size_t)s->sequences, sizeof *from); /* all 0 */
  session_reorder(s, from, s->sequences);
  mem_free(from);
}

static const float *feed_piece(Session *s, int64_t first, const int32_t *tokens, int64_t sequences,
                               int64_t time) {
  tape_reset(s->tape, false, 0);
  Net net = {.tape = s->tape, .params = s->model->params, .state = s->state, .first = first};
  net.start = tape_constant(s->tape, TENSOR_I32, 1, &sequences, s->position + first);
  const Batch batch = {.sequences = sequences, .time = time, .tokens = tokens};
  const Tensor *logits = model_last_logits(s->model, &net, &batch);
  for (int64_t i = 0; i < sequences; i++) s->position[first + i] += (int32_t)time;
  return tensor_f32(logits);
}

const float *session_feed_at(Session *s, int64_t first, const int32_t *tokens, int64_t sequences,
                             int64_t time) {
  CHECK(first + sequences <= s->sequences && time > 0);
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
