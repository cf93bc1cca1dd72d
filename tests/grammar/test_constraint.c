/* Which tokens may follow: by the walk over the vocabulary as by each token alone, whatever was computed
 * before and by whichever thread; ends of texts; tokens that end inside of a character. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "../text/text_source.h"
#include "base/threads.h"
#include "grammar/constraint.h"
#include "reading.h"

#include <cmocka.h> /* last: it defines fail() */

static const char *const learnt[] = {
    "{\"name\": \"Li\", \"age\": 31, \"tags\": [\"a\", \"bc\"]} {\"name\": \"床前明月光\", \"age\": 7, "
    "\"tags\": []}\n",
    "{\"name\": \"😀 疑是地上霜\", \"age\": 120, \"tags\": [\"x\"]}\nthe cat sat on the mat, the rat sat.\n",
    NULL};

typedef struct World {
  Tokenizer *tokenizer;
  TokenTrees *trees;
  TokenSet ends;
  int64_t vocabulary;
} World;

static World open_world(void) {
  World w = {.tokenizer = learn("bpe", 330, learnt, 0, NULL, NULL)};
  w.trees = token_trees_new(w.tokenizer, NULL);
  assert_non_null(w.trees);
  w.ends = token_set_of(tokenizer_end(w.tokenizer));
  w.vocabulary = tokenizer_size(w.tokenizer) + 3; /* the output matrix is larger than the vocabulary */
  return w;
}

static void close_world(World *w) {
  token_trees_free(w->trees);
  tokenizer_free(w->tokenizer);
}

static Constraint *constrain(const World *w, const char *form, const char *text) {
  Error err = {0};
  Grammar *g = grammar_new();
  for (int i = 0; i < forms_count; i++)
    if (!strcmp(forms[i]->name, form)) g->start = forms[i]->read(g, text, strlen(text));
  Constraint *c = constraint_new(g, w->trees, &err);
  if (!c) fail_msg("%s: %s", text, err.text);
  grammar_free(g);
  return c;
}

/* The scores after the constraint, from 0 for each token. */
static float *scores_of(const World *w, Constraint *c, const Ids *ids) {
  float *scores = mem_alloc_zeroed((size_t)w->vocabulary, sizeof *scores);
  const ConstraintText text = {ids->data, (int64_t)ids->count, decode_state_within()};
  constraint_apply(c, &text, &w->ends, scores, w->vocabulary);
  return scores;
}

static uint64_t random_state = 1;
static uint32_t pick(uint32_t n) {
  random_state = random_state * 6364136223846793005U + 1442695040888963407U;
  return (uint32_t)(random_state >> 33) % n;
}

/* Compares the scores with what reading each token alone says; a random token that is allowed, -1: an end. */
static int32_t check_scores(const World *w, const Reading *r, Constraint *c, const Ids *ids, int32_t state) {
  float *scores = scores_of(w, c, ids);
  int32_t chosen = -1;
  uint32_t count = 0;
  for (int64_t id = 0; id < w->vocabulary; id++) {
    size_t length = 0;
    const char *bytes = tokenizer_piece(w->tokenizer, (int32_t)id, &length);
    bool allowed = bytes && length && automaton_read(r->automaton, state, bytes, length) >= STATE_START;
    if (token_set_has(&w->ends, id)) allowed = automaton_accepts(r->automaton, state);
    if (allowed != (scores[id] == 0) || allowed == isinf(scores[id])) fail_msg("token %d", (int)id);
    if (allowed && !pick(++count)) chosen = token_set_has(&w->ends, id) ? -1 : (int32_t)id;
  }
  assert_true(count > 0);
  mem_free(scores);
  return chosen;
}

static const char *const constraints[][2] = {
    {"json_schema", "{}"},
    {"json_schema",
     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":5},\"age\":{\"type\":"
     "\"integer\",\"maximum\":120},\"tags\":{\"type\":\"array\"}},\"required\":[\"name\"]}"},
    {"regex", "[^a-z]{1,20}"},
    {"regex", "(the (cat|rat|mat) ?)*😀?"},
    {"choices", "the cat,the rat,床前,床后"},
    {"grammar", "root ::= [\\u4e00-\\u9fff]+ (\"(\" root \")\")?"},
};

static void tokens_follow_as_each_is_read_alone(void **state) {
  (void)state;
  World w = open_world();
  for (size_t k = 0; k < sizeof constraints / sizeof *constraints; k++) {
    Reading r = reading_open(constraints[k][0], constraints[k][1], strlen(constraints[k][1]));
    Constraint *c = constrain(&w, constraints[k][0], constraints[k][1]);
    for (int round = 0; round < 12; round++) {
      Ids ids = {0};
      int32_t at = STATE_START;
      for (int step = 0; step < 40; step++) {
        const int32_t id = check_scores(&w, &r, c, &ids, at);
        size_t length = 0;
        if (id < 0) break;
        const char *bytes = tokenizer_piece(w.tokenizer, id, &length);
        at = automaton_read(r.automaton, at, bytes, length);
        vec_push(&ids, id);
        const ConstraintText text = {ids.data, (int64_t)ids.count, decode_state_within()};
        assert_int_equal(constraint_matches(c, &text), automaton_accepts(r.automaton, at));
        if (pick(8) == 0) constraint_forget(c);
      }
      vec_free(&ids);
    }
    constraint_free(c);
    reading_close(&r);
  }
  close_world(&w);
}

/* A token that ends inside of a character is allowed, and only the rest of a character that is. */
static void tokens_may_end_inside_of_a_character(void **state) {
  (void)state;
  World w = open_world();
  Constraint *c = constrain(&w, "choices", "床,府"); /* e5 ba 8a, e5 ba 9c */
  Ids ids = {0};
  int32_t bytes[256];
  for (int64_t id = 0; id < tokenizer_size(w.tokenizer); id++) {
    size_t length = 0;
    const char *piece = tokenizer_piece(w.tokenizer, (int32_t)id, &length);
    if (length == 1) bytes[(unsigned char)*piece] = (int32_t)id;
  }
  static const unsigned char way[] = {0xe5, 0xba, 0x9c};
  for (int i = 0; i < 3; i++) {
    float *scores = scores_of(&w, c, &ids);
    assert_true(scores[bytes[way[i]]] == 0);
    assert_true(isinf(scores[bytes[0xe6]]) && isinf(scores[w.ends.ids[0]]));
    assert_int_equal(scores[bytes[0x8a]] == 0, i == 2);
    vec_push(&ids, bytes[way[i]]);
    mem_free(scores);
  }
  float *scores = scores_of(&w, c, &ids);
  for (int64_t id = 0; id < w.vocabulary; id++)
    assert_int_equal(scores[id] == 0, id == w.ends.ids[0]); /* nothing but the end is left */
  mem_free(scores);
  vec_free(&ids);
  constraint_free(c);
  close_world(&w);
}

/* The first token of a text may be written without its space: choices fit what is printed. */
static void the_first_token_is_written_otherwise(void **state) {
  (void)state;
  static const char json[] =
      "{\"version\":\"1.0\",\"added_tokens\":[{\"id\":0,\"content\":\"</"
      "s>\",\"special\":true,\"single_word\":false,"
      "\"lstrip\":false,\"rstrip\":false,\"normalized\":false}],\"normalizer\":null,\"pre_tokenizer\":null,"
      "\"post_processor\":null,\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_"
      "scheme\":"
      "\"always\",\"split\":true},\"model\":{\"type\":\"BPE\",\"vocab\":{\"</"
      "s>\":0,\"a\":1,\"b\":2,\"\u2581\":3,"
      "\"\u2581a\":4,\"\u2581b\":5},\"merges\":[\"\u2581 a\",\"\u2581 b\"]}}";
  static const int before[] = {1, 4}, within[] = {1}, behind[] = {3, 5};
  Error err = {0};
  World w = {.tokenizer = tokenizer_parse(json, sizeof json - 1, "json", &err), .vocabulary = 6};
  if (!w.tokenizer) fail_msg("%s", err.text);
  w.trees = token_trees_new(w.tokenizer, NULL);
  w.ends = token_set_of(0);
  Constraint *c = constrain(&w, "choices", "a b");
  static const struct {
    const int *allowed, count;
    int32_t ids[2];
    int length;
    bool from_nothing;
  } steps[] = {{before, 2, {0}, 0, true},
               {within, 1, {0}, 0, false},
               {behind, 2, {4}, 1, true},
               {behind, 2, {1}, 1, false}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    float scores[6] = {0};
    unsigned expected = 0, allowed = 0;
    const ConstraintText text = {
        steps[i].ids, steps[i].length,
        steps[i].from_nothing ? (DecodeState){.begun = false} : decode_state_within()};
    constraint_apply(c, &text, &w.ends, scores, 6);
    for (int k = 0; k < steps[i].count; k++) expected |= 1U << steps[i].allowed[k];
    for (int id = 0; id < 6; id++) allowed |= (unsigned)(scores[id] == 0) << id;
    assert_int_equal(allowed, expected);
  }
  constraint_free(c);
  close_world(&w);
}

/* ---- threads ---- */

typedef struct Sharing {
  const World *w;
  Constraint *c;
  float *scores[64];
  Ids ids[64];
} Sharing;

static void share(void *arg, int64_t begin, int64_t end) {
  Sharing *s = arg;
  for (int64_t i = begin; i < end; i++) s->scores[i] = scores_of(s->w, s->c, &s->ids[i]);
}

static void threads_share_a_constraint(void **state) {
  (void)state;
  World w = open_world();
  static const char text[] = "{\"name\": \"床前明月光\", \"age\": 31, \"tags\": [\"a\", \"bc\"";
  Sharing s = {.w = &w, .c = constrain(&w, "json_schema", "{}")};
  for (int i = 0; i < 64; i++)
    assert_true(tokenizer_encode(w.tokenizer, text, (size_t)i % sizeof text, false, &s.ids[i], NULL));
  threads_set(4);
  parallel_guarded(64, share, &s);
  for (int i = 0; i < 64; i++) {
    constraint_forget(s.c);
    float *alone = scores_of(&w, s.c, &s.ids[i]);
    assert_memory_equal(alone, s.scores[i], (size_t)w.vocabulary * sizeof *alone);
    mem_free(alone);
    mem_free(s.scores[i]);
    vec_free(&s.ids[i]);
  }
  constraint_free(s.c);
  close_world(&w);
}

/* Memory is bounded: a text with many thousands of states in it is followed all the same. */
static void states_are_forgotten_and_found_again(void **state) {
  (void)state;
  World w = open_world();
  Constraint *c =
      constrain(&w, "regex", "(a|b)*a(a|b){20}c|defghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  Ids ids = {0};
  int32_t a = 0, b = 0;
  for (int64_t id = 0; id < tokenizer_size(w.tokenizer); id++) {
    size_t length = 0;
    const char *piece = tokenizer_piece(w.tokenizer, (int32_t)id, &length);
    if (length == 1 && *piece == 'a') a = (int32_t)id;
    if (length == 1 && *piece == 'b') b = (int32_t)id;
  }
  int64_t most = 0;
  for (int i = 0; i < 100000; i++) {
    vec_push(&ids, pick(2) ? a : b);
    if (i % 20000 && i < 99999) continue;
    const ConstraintText text = {ids.data, (int64_t)ids.count, decode_state_within()};
    assert_false(constraint_matches(c, &text));
    const int64_t now = constraint_states(c);
    most = now > most ? now : most;
  }
  const ConstraintText begin = {ids.data, 1, decode_state_within()};
  assert_false(
      constraint_matches(c, &begin)); /* before it, the states of the long text were too many to keep */
  assert_true(most > 50000 && constraint_states(c) < 100);
  ids.data[ids.count - 21] = a;
  float *scores = scores_of(&w, c, &ids);
  int allowed = 0;
  for (int64_t id = 0; id < tokenizer_size(w.tokenizer); id++) {
    size_t length = 0;
    const char *piece = tokenizer_piece(w.tokenizer, (int32_t)id, &length);
    if (length == 1 && *piece == 'c') allowed += scores[id] == 0;
  }
  assert_int_equal(allowed, 1);
  mem_free(scores);
  vec_free(&ids);
  constraint_free(c);
  close_world(&w);
}

/* A text that cannot be followed is told from one that ends. */
static void tangles_are_told(void **state) {
  (void)state;
  World w = open_world();
  Buffer b = {0};
  Error err = {0};
  buffer_adds(&b, "root ::= \"x\" r0\n");
  for (int i = 0; i < 16; i++)
    buffer_addf(&b, "r%d ::= \"a\"? r%d \"b\" | \"a\"? r%d \"c\"\n", i, i + 1, i + 1);
  buffer_adds(&b, "r16 ::= \"a\"");
  Constraint *c = constrain(&w, "grammar", b.data);
  Ids ids = {0};
  const ConstraintText text = {ids.data, 0, decode_state_within()};
  assert_false(constraint_check(c, &text, &err));
  assert_non_null(strstr(err.text, "too ambiguous"));
  constraint_free(c);
  c = constrain(&w, "choices", "a");
  assert_true(constraint_check(c, &text, &err));
  constraint_free(c);
  buffer_free(&b);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_follow_as_each_is_read_alone),
      cmocka_unit_test(tokens_may_end_inside_of_a_character),
      cmocka_unit_test(the_first_token_is_written_otherwise),
      cmocka_unit_test(threads_share_a_constraint),
      cmocka_unit_test(states_are_forgotten_and_found_again),
      cmocka_unit_test(tangles_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
