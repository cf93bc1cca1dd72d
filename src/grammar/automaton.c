#include "grammar/automaton.h"

#include <stdlib.h>
#include <string.h>

/* A stack is its top and the number of the stack below it; 0: the empty one. The top is a return address, or
 * the OP_LOOP of a loop with the number of times that it was begun. */
typedef struct Stack {
  int32_t place, count, below;
} Stack;

typedef struct Way {
  int32_t place, stack;
} Way;

typedef struct State {
  int32_t first, count; /* its ways, sorted */
  int32_t row;          /* of what follows, by column; -1: not needed yet */
  bool accepts;
} State;

/* A hash table of numbers, whose keys the owner compares. */
typedef struct Numbers {
  int32_t *slots; /* number + 1; 0: empty */
  size_t size, count;
} Numbers;

/* What a state leads to by a byte. */
typedef struct Follow {
  int32_t state; /* -1: not computed yet */
  int32_t steps; /* that computing it took */
} Follow;

struct Automaton {
  const Program *program;
  VEC(Stack) stacks;
  VEC(Way) ways; /* of all states */
  VEC(State) states;
  VEC(Follow) rows;
  Numbers by_stack, by_ways;
  /* the state being found */
  VEC(Way) found, todo;
  VEC(Way) met; /* hash table of what was followed: an entry counts if its stamp is the present one */
  VEC(uint32_t) stamps;
  uint32_t stamp;
  int64_t steps;
  bool accepts;
};

enum { MET_SIZE = 1 << 16 }; /* above 2 * AUTOMATON_MOST_STEPS */

static uint64_t mix(uint64_t a, uint64_t b) {
  const uint64_t h = (a ^ b << 32 ^ b >> 32) * 0x9E3779B97F4A7C15U;
  return h ^ h >> 29;
}

/* ---- numbers ---- */

static void numbers_grow(Numbers *n, uint64_t (*hash)(const Automaton *, int32_t), const Automaton *a) {
  const Numbers old = *n;
  n->size = old.size ? 2 * old.size : 1024;
  n->slots = mem_alloc_zeroed(n->size, sizeof *n->slots);
  for (size_t i = 0; i < old.size; i++) {
    if (!old.slots[i]) continue;
    size_t at = hash(a, old.slots[i] - 1) & (n->size - 1);
    while (n->slots[at]) at = (at + 1) & (n->size - 1);
    n->slots[at] = old.slots[i];
  }
  mem_free(old.slots);
}

static void numbers_clear(Numbers *n) {
  mem_free(n->slots);
  *n = (Numbers){NULL, 0, 0};
}

static uint64_t stack_hash(const Automaton *a, int32_t number) {
  const Stack *s = &a->stacks.data[number];
  return mix(mix((uint64_t)s->place, (uint64_t)s->count), (uint64_t)s->below);
}

static int32_t push(Automaton *a, int32_t place, int32_t count, int32_t below) {
  const Stack wanted = {place, count, below};
  if (2 * (a->by_stack.count + 1) > a->by_stack.size) numbers_grow(&a->by_stack, stack_hash, a);
  const int32_t fresh = (int32_t)a->stacks.count;
  vec_push(&a->stacks, wanted);
  size_t at = stack_hash(a, fresh) & (a->by_stack.size - 1);
  for (; a->by_stack.slots[at]; at = (at + 1) & (a->by_stack.size - 1))
    if (!memcmp(&a->stacks.data[a->by_stack.slots[at] - 1], &wanted, sizeof wanted)) {
      a->stacks.count--;
      return a->by_stack.slots[at] - 1;
    }
  a->by_stack.slots[at] = fresh + 1;
  a->by_stack.count++;
  return fresh;
}

static uint64_t ways_hash(const Automaton *a, int32_t number) {
  const State *s = &a->states.data[number];
  uint64_t h = s->accepts;
  for (int32_t i = 0; i < s->count; i++) {
    const Way w = a->ways.data[s->first + i];
    h = mix(h, (uint64_t)w.place << 32 | (uint32_t)w.stack);
  }
  return h;
}

static bool same_ways(const Automaton *a, const State *x, const State *y) {
  return x->accepts == y->accepts && x->count == y->count &&
         (!x->count ||
          !memcmp(a->ways.data + x->first, a->ways.data + y->first, (size_t)x->count * sizeof(Way)));
}

static int by_way(const void *a, const void *b) {
  const Way *x = a, *y = b;
  if (x->stack != y->stack) return x->stack < y->stack ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

/* The number of the state that was found. */
static int32_t state_of_found(Automaton *a) {
  if (a->steps > AUTOMATON_MOST_STEPS || a->found.count > AUTOMATON_MOST_WAYS) return STATE_TANGLE;
  if (!a->found.count && !a->accepts) return STATE_DEAD;
  if (2 * (a->by_ways.count + 1) > a->by_ways.size) numbers_grow(&a->by_ways, ways_hash, a);
  if (a->found.count) qsort(a->found.data, a->found.count, sizeof(Way), by_way);
  const int32_t fresh = (int32_t)a->states.count;
  const State state = {(int32_t)a->ways.count, (int32_t)a->found.count, -1, a->accepts};
  for (size_t i = 0; i < a->found.count; i++) vec_push(&a->ways, a->found.data[i]);
  vec_push(&a->states, state);
  size_t at = ways_hash(a, fresh) & (a->by_ways.size - 1);
  for (; a->by_ways.slots[at]; at = (at + 1) & (a->by_ways.size - 1)) {
    const int32_t known = a->by_ways.slots[at] - 1;
    if (!same_ways(a, &a->states.data[known], &state)) continue;
    a->states.count--;
    a->ways.count = (size_t)state.first;
    return known;
  }
  a->by_ways.slots[at] = fresh + 1;
  a->by_ways.count++;
  return fresh;
}

/* ---- following ways to the next bytes ---- */

static bool is_new(Automaton *a, Way w) {
  size_t at = mix((uint64_t)w.place, (uint64_t)w.stack) & (MET_SIZE - 1);
  for (; a->stamps.data[at] == a->stamp; at = (at + 1) & (MET_SIZE - 1))
    if (a->met.data[at].place == w.place && a->met.data[at].stack == w.stack) return false;
  a->stamps.data[at] = a->stamp;
  a->met.data[at] = w;
  return true;
}

static void later(Automaton *a, int32_t place, int32_t stack) {
  vec_push(&a->todo, ((Way){place, stack}));
}

/* At the front of a loop that was begun `count` times, with the stack around it. Beyond the minimum of one
 * without maximum, times are not counted further. */
static void loop(Automaton *a, int32_t place, int32_t count, int32_t around) {
  const Instruction *i = &a->program->code.data[place];
  if (count >= i->a) later(a, i->c, around);
  if (i->b >= 0 && count >= i->b) return;
  const int32_t next = i->b < 0 && count >= i->a ? i->a : count + 1;
  later(a, place + 1, push(a, place, next, around));
}

/* A call whose return would return at once leaves no trace on the stack, so that rules which end with
 * themselves need none. */
static void call(Automaton *a, int32_t place, int32_t stack) {
  const Instruction *code = a->program->code.data;
  int32_t back = place + 1;
  while (code[back].op == OP_JUMP) back = code[back].a;
  later(a, code[place].a, code[back].op == OP_RETURN ? stack : push(a, back, 0, stack));
}

static void give_back(Automaton *a, int32_t stack) {
  const Stack top = a->stacks.data[stack];
  if (!stack)
    a->accepts = true;
  else
    later(a, top.place, top.below);
}

static void follow(Automaton *a, Way w) {
  const Instruction *i = &a->program->code.data[w.place];
  switch (i->op) {
    case OP_BYTE:
    case OP_SET:
      vec_push(&a->found, w);
      break;
    case OP_SPLIT:
      later(a, i->b, w.stack);
      later(a, i->a, w.stack);
      break;
    case OP_JUMP:
      later(a, i->a, w.stack);
      break;
    case OP_CALL:
      call(a, w.place, w.stack);
      break;
    case OP_RETURN:
      give_back(a, w.stack);
      break;
    case OP_LOOP:
      loop(a, w.place, 0, w.stack);
      break;
    case OP_AGAIN: {
      const Stack top = a->stacks.data[w.stack];
      loop(a, i->a, top.count, top.below);
      break;
    }
    case OP_FAIL:
      break;
  }
}

static void follow_all(Automaton *a) {
  while (a->todo.count && a->steps <= AUTOMATON_MOST_STEPS) {
    const Way w = a->todo.data[--a->todo.count];
    if (!is_new(a, w)) continue;
    a->steps++;
    follow(a, w);
  }
  a->todo.count = 0;
}

static void begin(Automaton *a) {
  a->found.count = a->todo.count = 0;
  a->accepts = false;
  a->steps = 0;
  if (++a->stamp) return;
  memset(a->stamps.data, 0, MET_SIZE * sizeof *a->stamps.data); /* it went round */
  a->stamp = 1;
}

/* Where the instruction at `place` goes on by a byte; -1: it does not read it. */
static int32_t by_byte(const Program *p, int32_t place, unsigned char byte) {
  const Instruction *i = &p->code.data[place];
  if (i->op == OP_BYTE) return i->a == byte ? place + 1 : -1;
  const uint16_t next = p->tables.tables.data[i->a].next[byte];
  if (next == BYTE_NONE) return -1;
  return next == BYTE_DONE ? i->c : i->b + (next - BYTE_TABLE);
}

static int32_t find_next(Automaton *a, int32_t state, unsigned char byte) {
  const State s = a->states.data[state];
  begin(a);
  for (int32_t i = 0; i < s.count; i++) {
    const Way w = a->ways.data[s.first + i];
    const int32_t place = by_byte(a->program, w.place, byte);
    if (place >= 0) later(a, place, w.stack);
  }
  follow_all(a);
  return state_of_found(a);
}

/* ---- the interface ---- */

static int32_t new_row(Automaton *a) {
  const size_t columns = (size_t)a->program->columns, row = a->rows.count;
  vec_reserve(&a->rows, row + columns);
  memset(a->rows.data + row, 0xFF, columns * sizeof *a->rows.data);
  a->rows.count += columns;
  return (int32_t)(row / columns);
}

int32_t automaton_step(Automaton *a, int32_t state, unsigned char byte, int64_t *steps) {
  const size_t columns = (size_t)a->program->columns, column = a->program->column[byte];
  if (state < STATE_START) return state;
  if (a->states.data[state].row < 0) a->states.data[state].row = new_row(a);
  const size_t at = (size_t)a->states.data[state].row * columns + column;
  if (a->rows.data[at].state < 0) {
    const int32_t next = find_next(a, state, byte);
    a->rows.data[at] = (Follow){next, (int32_t)a->steps + 1};
  }
  *steps += a->rows.data[at].steps;
  return a->rows.data[at].state;
}

int32_t automaton_read(Automaton *a, int32_t state, const char *bytes, size_t length) {
  int64_t steps = 0;
  for (size_t i = 0; i < length && state >= STATE_START; i++)
    state = automaton_step(a, state, (unsigned char)bytes[i], &steps);
  return state;
}

bool automaton_accepts(const Automaton *a, int32_t state) {
  return a->states.data[state].accepts;
}

size_t automaton_ways(const Automaton *a, int32_t state) {
  return (size_t)a->states.data[state].count;
}

int64_t automaton_states(const Automaton *a) {
  return (int64_t)a->states.count;
}

size_t automaton_bytes(const Automaton *a) {
  return a->stacks.count * sizeof(Stack) + a->ways.count * sizeof(Way) + a->states.count * sizeof(State) +
         a->rows.count * sizeof(Follow) + (a->by_stack.size + a->by_ways.size) * sizeof(int32_t);
}

/* The first state that is found has the number STATE_START: there is none before it that it could equal. If
 * it is dead or a tangle, a state that stands for it is put there. */
static void find_start(Automaton *a) {
  begin(a);
  later(a, a->program->start, 0);
  follow_all(a);
  const int32_t start = state_of_found(a);
  if (start == STATE_START) return;
  vec_push(&a->states, a->states.data[start]);
}

void automaton_clear(Automaton *a) {
  const State none = {0, 0, -1, false};
  numbers_clear(&a->by_stack);
  numbers_clear(&a->by_ways);
  vec_free(&a->stacks);
  vec_free(&a->ways);
  vec_free(&a->states);
  vec_free(&a->rows);
  vec_push(&a->stacks, ((Stack){0, 0, 0}));
  vec_push(&a->states, none);
  vec_push(&a->states, none);
  find_start(a);
}

Automaton *automaton_new(const Program *p) {
  Automaton *a = mem_alloc_zeroed(1, sizeof *a);
  a->program = p;
  vec_reserve(&a->met, MET_SIZE);
  vec_reserve(&a->stamps, MET_SIZE);
  memset(a->stamps.data, 0, MET_SIZE * sizeof *a->stamps.data);
  automaton_clear(a);
  return a;
}

void automaton_free(Automaton *a) {
  if (!a) return;
  numbers_clear(&a->by_stack);
  numbers_clear(&a->by_ways);
  vec_free(&a->stacks);
  vec_free(&a->ways);
  vec_free(&a->states);
  vec_free(&a->rows);
  vec_free(&a->found);
  vec_free(&a->todo);
  vec_free(&a->met);
  vec_free(&a->stamps);
  mem_free(a);
}
