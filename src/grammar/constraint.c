#include "grammar/constraint.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "grammar/automaton.h"

/* The tokens that may follow in a state: a bit each. */
typedef struct Mask {
  int users;    /* threads that read it now, and the table of masks */
  bool tangled; /* too ambiguous: no token may follow */
  uint64_t bits[];
} Mask;

/* Where a text has led to, found again by the hash of its tokens. */
typedef struct Place {
  uint64_t hash[2];
  int64_t count; /* of tokens; -1: none is here */
  int32_t state;
  DecodeState decode;
} Place;

enum {
  PLACES = 4096,
  KEPT_BYTES = 32 << 20,     /* of states and masks: beyond, all are computed anew */
  MOST_BYTES = 128 << 20,    /* in one walk: beyond, the text cannot be followed */
  MOST_WALK_STEPS = 40000000 /* of one walk, about a second */
};

struct Constraint {
  Program *program;
  Automaton *automaton;
  const TokenTrees *trees;
  pthread_mutex_t lock;                /* of all below */
  VEC(Mask *) masks[TOKEN_MOST_TREES]; /* by tree and state; NULL: not computed yet */
  size_t mask_bytes;
  Place *places; /* [PLACES] */
  uint64_t secret;
};

/* ---- opening and closing ---- */

static void let_go(Mask *m) {
  if (m && !--m->users) mem_free(m);
}

static void drop_masks(Constraint *c) {
  for (int t = 0; t < TOKEN_MOST_TREES; t++) {
    for (size_t i = 0; i < c->masks[t].count; i++) let_go(c->masks[t].data[i]);
    vec_free(&c->masks[t]);
  }
  c->mask_bytes = 0;
}

void constraint_free(Constraint *c) {
  if (!c) return;
  drop_masks(c);
  automaton_free(c->automaton);
  program_free(c->program);
  mem_free(c->places);
  pthread_mutex_destroy(&c->lock);
  mem_free(c);
}

void constraint_forget(Constraint *c) {
  drop_masks(c);
  automaton_clear(c->automaton);
  for (int i = 0; i < PLACES; i++) c->places[i].count = -1;
}

static bool fail_tangled(Error *err) {
  return fail_usage(err,
                    "the constraint is too ambiguous: a text can be read in more ways than can be followed; "
                    "make its repeats and branches differ by their first characters");
}

Constraint *constraint_new(const Grammar *g, const TokenTrees *trees, Error *err) {
  Program *p = program_compile(g, err);
  if (!p) return NULL;
  Constraint *c = mem_alloc_zeroed(1, sizeof *c);
  pthread_mutex_init(&c->lock, NULL);
  c->program = p;
  c->automaton = automaton_new(p);
  c->trees = trees;
  c->places = mem_alloc(PLACES * sizeof *c->places);
  c->secret = hash_secret();
  constraint_forget(c);
  if (automaton_ways(c->automaton, STATE_START) || automaton_accepts(c->automaton, STATE_START)) return c;
  constraint_free(c);
  fail_tangled(err);
  return NULL;
}

int64_t constraint_states(const Constraint *c) {
  return automaton_states(c->automaton);
}

static void keep_small(Constraint *c) {
  if (automaton_bytes(c->automaton) + c->mask_bytes > KEPT_BYTES) constraint_forget(c);
}

/* ---- places ---- */

static uint64_t mixed(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9E3779B97F4A7C15U;
  return h ^ h >> 32;
}

/* A key of 128 bits, by a secret of the process: two texts with the same are not to be expected. */
typedef struct Key {
  uint64_t hash[2];
} Key;

static Key key_begin(const Constraint *c, const DecodeState *before) {
  const uint64_t start = (uint64_t)token_trees_at(c->trees, before) + 1;
  return (Key){{mixed(c->secret, start), mixed(~c->secret * 31, start)}};
}

static Key key_add(Key k, int32_t id) {
  return (Key){
      {mixed(k.hash[0], (uint64_t)id + 1), mixed(k.hash[1], (uint64_t)id * 0xD6E8FEB86659FD93U + 7)}};
}

static Place *place_of(const Constraint *c, const Key *k) {
  return &c->places[(k->hash[0] ^ k->hash[1] >> 20) % PLACES];
}

static bool find(const Constraint *c, const Key *k, int64_t count, Place *found) {
  *found = *place_of(c, k);
  return found->count == count && !memcmp(found->hash, k->hash, sizeof k->hash);
}

static void read_token(Constraint *c, Place *p, int32_t id) {
  size_t length = 0;
  const char *bytes = tokenizer_next(c->trees->tokenizer, id, &p->decode, &length);
  if (bytes) p->state = automaton_read(c->automaton, p->state, bytes, length);
}

/* Mostly the text without its last token is known. */
static Place find_place(Constraint *c, const ConstraintText *t) {
  Key before = key_begin(c, &t->before), all = before;
  Place p = {.state = STATE_START, .decode = t->before};
  for (int64_t i = 0; i < t->count; i++) before = all, all = key_add(all, t->ids[i]);
  if (find(c, &all, t->count, &p)) return p;
  if (t->count && find(c, &before, t->count - 1, &p))
    read_token(c, &p, t->ids[t->count - 1]);
  else {
    p = (Place){.state = STATE_START, .decode = t->before};
    for (int64_t i = 0; i < t->count; i++) read_token(c, &p, t->ids[i]);
  }
  memcpy(p.hash, all.hash, sizeof p.hash);
  p.count = t->count;
  *place_of(c, &all) = p;
  return p;
}

/* ---- masks ---- */

static void allow(uint64_t *bits, int32_t id) {
  bits[id / 64] |= (uint64_t)1 << id % 64;
}

/* Walks the tree with the state of each node's text; below a node that leads nowhere there is nothing.
 * False: it is too ambiguous. */
static bool walk(Constraint *c, const TokenTree *tree, int32_t start, uint64_t *bits) {
  int32_t states[TOKEN_MOST_BYTES + 1] = {start};
  int64_t steps = 0;
  for (int32_t i = 0; i < tree->count;) {
    const TokenNode *n = &tree->nodes[i];
    const int32_t state = automaton_step(c->automaton, states[n->depth], n->byte, &steps);
    if (state == STATE_TANGLE || steps > MOST_WALK_STEPS || automaton_bytes(c->automaton) > MOST_BYTES)
      return false;
    states[n->depth + 1] = state;
    for (int32_t k = n->first; k < n[1].first && state != STATE_DEAD; k++) allow(bits, tree->tokens[k]);
    i = state == STATE_DEAD ? n->behind : i + 1;
  }
  return true;
}

static Mask *compute(Constraint *c, int tree, int32_t state) {
  const size_t words = (size_t)(c->trees->size + 63) / 64, bytes = sizeof(Mask) + words * sizeof(uint64_t);
  Mask *m = mem_alloc_zeroed(1, bytes);
  m->users = 1;
  if (state != STATE_TANGLE && walk(c, &c->trees->trees[tree], state, m->bits)) return m;
  memset(m->bits, 0, words * sizeof *m->bits);
  m->tangled = true;
  return m;
}

static Mask *mask_of(Constraint *c, int tree, int32_t state) {
  while (c->masks[tree].count <= (size_t)state) vec_push(&c->masks[tree], NULL);
  if (c->masks[tree].data[state]) return c->masks[tree].data[state];
  Mask *m = compute(c, tree, state);
  c->masks[tree].data[state] = m;
  c->mask_bytes += sizeof *m + (size_t)(c->trees->size + 63) / 64 * sizeof(uint64_t);
  return m;
}

static void forbid_by(const uint64_t *bits, int64_t size, float *scores) {
  for (int64_t first = 0; first < size; first += 64) {
    const uint64_t allowed = bits[first / 64];
    const int64_t end = first + 64 < size ? first + 64 : size;
    for (int64_t id = first; id < end && ~allowed; id++)
      if (!(allowed >> (id - first) & 1)) scores[id] = -INFINITY;
  }
}

/* ---- the interface ---- */

/* What is needed of a place, with the lock. */
typedef struct Look {
  Mask *mask;
  bool matches;
} Look;

static Look look(Constraint *c, const ConstraintText *t, bool with_mask) {
  keep_small(c);
  const Place p = find_place(c, t);
  Look l = {NULL, p.state >= STATE_START && automaton_accepts(c->automaton, p.state)};
  if (!with_mask) return l;
  l.mask = mask_of(c, token_trees_at(c->trees, &p.decode), p.state);
  l.mask->users++;
  return l;
}

/* If memory runs out, what is known may be incomplete: it is forgotten. */
static Look look_locked(Constraint *c, const ConstraintText *t, bool with_mask) {
  Error err = {0};
  pthread_mutex_lock(&c->lock);
  MEM_GUARD(&err, {
    c->mask_bytes = 2 * (size_t)KEPT_BYTES;
    pthread_mutex_unlock(&c->lock);
    mem_exhausted(mem_guard_.wanted);
  });
  const Look l = look(c, t, with_mask);
  MEM_GUARD_END();
  pthread_mutex_unlock(&c->lock);
  return l;
}

static void release(Constraint *c, Mask *m) {
  pthread_mutex_lock(&c->lock);
  let_go(m);
  pthread_mutex_unlock(&c->lock);
}

void constraint_apply(Constraint *c, const ConstraintText *t, const TokenSet *ends, float *scores,
                      int64_t vocabulary) {
  float kept[MOST_TOKENS];
  const Look l = look_locked(c, t, true);
  const int64_t size = c->trees->size < vocabulary ? c->trees->size : vocabulary;
  for (int32_t i = 0; i < ends->count; i++) kept[i] = scores[ends->ids[i]];
  forbid_by(l.mask->bits, size, scores);
  for (int64_t id = size; id < vocabulary; id++) scores[id] = -INFINITY;
  for (int32_t i = 0; i < ends->count; i++) scores[ends->ids[i]] = l.matches ? kept[i] : -INFINITY;
  release(c, l.mask);
}

bool constraint_matches(Constraint *c, const ConstraintText *t) {
  return look_locked(c, t, false).matches;
}

bool constraint_check(Constraint *c, const ConstraintText *t, Error *err) {
  const Look l = look_locked(c, t, true);
  const bool tangled = l.mask->tangled;
  release(c, l.mask);
  return !tangled || fail_tangled(err);
}
