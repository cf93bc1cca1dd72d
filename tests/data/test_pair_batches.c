/* Batches of pairs and conversations: layouts id by id, every target once an epoch, any batch at any time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "base/threads.h"
#include "data/pair_batches.h"
#include "data/pair_texts.h"

#include <cmocka.h> /* last: it defines fail() */

enum {
  START = 1,
  SEP = 2,
  END = 3,
  SYSTEM = 4,
  USER = 5,
  ASSISTANT = 6,
  OVER = 7,
  SOURCE_END = 8,
  PAD = 9,
  SOURCE_PAD = 0,
  FIRST = 10
};

static PairLayout layout(bool separate, bool chat, int64_t time, int64_t source_time) {
  return (PairLayout){.separate = separate,
                      .chat = chat,
                      .start = START,
                      .separator = SEP,
                      .end = END,
                      .source_behind = token_run_of(SOURCE_END),
                      .source_pad = SOURCE_PAD,
                      .pad = PAD,
                      .turn = {token_run_of(SYSTEM), token_run_of(USER), token_run_of(ASSISTANT)},
                      .turn_end = token_run_of(OVER),
                      .begin = -1,
                      .time = time,
                      .source_time = source_time};
}

/* Turns given by their lengths, 0 between examples, -1 at the end; ids count up from FIRST, so that they tell
 * where they come from. Each is a letter of its own to the counting of bytes. */
typedef struct Made {
  Pairs pairs;
  PairTokens data;
} Made;

static void count_lengths(const int *lengths, size_t *turns, size_t *examples, int64_t *ids) {
  for (*turns = *examples = 0, *ids = 0; *lengths >= 0; lengths++) {
    *examples += *lengths == 0;
    *turns += *lengths > 0;
    *ids += *lengths;
  }
}

static void make(Made *m, const int *lengths, bool roles) {
  static const char letters[2000];
  size_t turns, examples;
  int64_t ids;
  count_lengths(lengths, &turns, &examples, &ids);
  m->pairs = (Pairs){.turn_count = turns};
  m->pairs.turns = mem_alloc_zeroed(turns, sizeof *m->pairs.turns);
  m->pairs.roles = mem_alloc_zeroed(turns, 1);
  m->pairs.examples = mem_alloc_zeroed(examples, sizeof *m->pairs.examples);
  m->data = (PairTokens){.pairs = &m->pairs};
  m->data.ids.starts = mem_alloc_zeroed(turns + 1, sizeof(int64_t));
  for (int64_t i = 0; i < ids; i++)
    assert_true(spool_add(&m->data.ids.store, &(int32_t){FIRST + (int32_t)i}, sizeof(int32_t), NULL));
  m->data.ids.tokens = (const int32_t *)(const void *)m->data.ids.store.data;
  size_t turn = 0;
  Example e = {.roles = roles};
  for (; *lengths >= 0; lengths++) {
    if (*lengths) {
      m->pairs.turns[turn] = (Document){letters, (size_t)*lengths};
      m->pairs.roles[turn] = roles && e.turns % 2 ? ROLE_ASSISTANT : ROLE_USER;
      m->data.ids.starts[turn + 1] = m->data.ids.starts[turn] + *lengths;
      turn++;
      e.turns++;
    } else {
      m->pairs.examples[m->pairs.count++] = e;
      e = (Example){.first = turn, .roles = roles};
    }
  }
}

static void unmake(Made *m) {
  mem_free(m->pairs.turns);
  mem_free(m->pairs.roles);
  mem_free(m->pairs.examples);
  pair_tokens_free(&m->data);
}

static Batches *open_batches(const Made *m, PairLayout l, int64_t tokens, bool training) {
  Error err = {0};
  told[0] = '\0';
  Batches *b = training ? pair_batches(&m->data, &l, 0, tokens, 7, &news, &err)
                        : pair_eval_batches(&m->data, &l, 0, tokens, 0, &news, &err);
  if (!b) fail_msg("%s", err.text);
  return b;
}

static void expect_ids(const int32_t *ids, int64_t count, const int32_t *wanted) {
  for (int64_t i = 0; i < count; i++)
    if (ids[i] != wanted[i]) fail_msg("place %d: %d is not %d", (int)i, ids[i], wanted[i]);
}
#define IDS(...) ((const int32_t[]){__VA_ARGS__})

/* ---- layouts ---- */

static void separate_pairs(void **state) {
  Made m;
  Batch b;
  make(&m, (const int[]){2, 3, 0, 1, 1, 0, -1}, true);
  Batches *batches = open_batches(&m, layout(true, false, 8, 8), 100, false);
  assert_int_equal(batches->count, 1);
  assert_int_equal(batches->tokens, 6);
  assert_int_equal(batches->bytes, 4);
  batches_get(batches, 0, &b);
  assert_int_equal(b.sequences, 2);
  assert_int_equal(b.time, 4);
  assert_int_equal(b.source_time, 3);
  expect_ids(b.source, 6, IDS(15, SOURCE_END, SOURCE_PAD, 10, 11, SOURCE_END));
  expect_ids(b.source_lengths, 2, IDS(2, 3));
  expect_ids(b.tokens, 8, IDS(START, 16, PAD, PAD, START, 12, 13, 14));
  expect_ids(b.targets, 8, IDS(16, END, -1, -1, 12, 13, 14, END));
  batches_free(batches);
  unmake(&m);
}

static void joint_pairs(void **state) {
  Made m;
  Batch b;
  make(&m, (const int[]){2, 2, 0, 1, 1, 0, -1}, true);
  Batches *batches = open_batches(&m, layout(false, false, 8, 0), 100, false);
  batches_get(batches, 0, &b);
  assert_null(b.source);
  assert_int_equal(b.time, 5);
  expect_ids(b.tokens, 10, IDS(14, SEP, 15, PAD, PAD, 10, 11, SEP, 12, 13));
  expect_ids(b.targets, 10, IDS(-1, 15, END, -1, -1, -1, -1, 12, 13, END));
  batches_free(batches);
  unmake(&m);
}

static void conversations_with_roles(void **state) {
  Made m;
  Batch b;
  make(&m, (const int[]){1, 2, 1, 1, 0, -1}, true);
  Batches *batches = open_batches(&m, layout(false, true, 20, 0), 100, false);
  batches_get(batches, 0, &b);
  assert_int_equal(b.sequences, 1);
  assert_int_equal(b.time, 12);
  expect_ids(b.tokens, 12, IDS(USER, 10, OVER, ASSISTANT, 11, 12, OVER, USER, 13, OVER, ASSISTANT, 14));
  expect_ids(b.targets, 12, IDS(-1, -1, -1, 11, 12, OVER, -1, -1, -1, -1, 14, OVER));
  assert_int_equal(batches->bytes, 3);
  batches_free(batches);
  batches = open_batches(&m, layout(true, true, 20, 20), 100, false);
  batches_get(batches, 0, &b);
  assert_int_equal(b.sequences, 2);
  assert_int_equal(b.source_time, 11);
  expect_ids(b.source, 4, IDS(USER, 10, OVER, SOURCE_END));
  expect_ids(b.source + 11, 11, IDS(USER, 10, OVER, ASSISTANT, 11, 12, OVER, USER, 13, OVER, SOURCE_END));
  expect_ids(b.tokens, 6, IDS(START, 11, 12, START, 14, PAD));
  expect_ids(b.targets, 6, IDS(11, 12, END, 14, END, -1));
  batches_free(batches);
  unmake(&m);
}

/* Each turn but the first is a reply once. */
static void conversations_without_roles(void **state) {
  Made m;
  Batch b;
  make(&m, (const int[]){1, 1, 1, 0, -1}, false);
  Batches *batches = open_batches(&m, layout(false, true, 20, 0), 100, false);
  batches_get(batches, 0, &b);
  assert_int_equal(b.sequences, 2);
  assert_int_equal(b.time, 8);
  expect_ids(b.tokens, 8, IDS(USER, 10, OVER, ASSISTANT, 11, PAD, PAD, PAD));
  expect_ids(b.targets, 8, IDS(-1, -1, -1, 11, OVER, -1, -1, -1));
  expect_ids(b.tokens + 8, 8, IDS(ASSISTANT, 10, OVER, USER, 11, OVER, ASSISTANT, 12));
  expect_ids(b.targets + 8, 8, IDS(-1, -1, -1, -1, -1, -1, 12, OVER));
  batches_free(batches);
  unmake(&m);
}

/* ---- too long ---- */

static void long_pairs(void **state) {
  Made m;
  Batch b;
  make(&m, (const int[]){9, 9, 0, 1, 1, 0, -1}, true);
  PairLayout l = layout(true, false, 4, 5);
  Batches *batches = open_batches(&m, l, 100, false);
  assert_non_null(
      strstr(told, "1 example longer than the model's context of 5 source or 4 target tokens: truncated"));
  batches_get(batches, 0, &b);
  expect_ids(b.source + 5, 5, IDS(10, 11, 12, 13, SOURCE_END));
  expect_ids(b.tokens + 4, 4, IDS(START, 19, 20, 21));
  expect_ids(b.targets + 4, 4, IDS(19, 20, 21, 22)); /* no END where the text goes on */
  assert_int_equal(batches->bytes, 1 + 4);
  batches_free(batches);
  l.drop_long = true;
  batches = open_batches(&m, l, 100, false);
  batches_get(batches, 0, &b);
  assert_int_equal(b.sequences, 1);
  assert_int_equal(batches->tokens, 2);
  assert_non_null(strstr(told, "dropped"));
  batches_free(batches);
  batches = open_batches(&m, layout(false, false, 8, 0), 100, false);
  batches_get(batches, 0, &b);
  expect_ids(b.tokens + 8, 8, IDS(10, 11, 12, 13, SEP, 19, 20, 21)); /* half for the target */
  expect_ids(b.targets + 8, 8, IDS(-1, -1, -1, -1, 19, 20, 21, 22));
  batches_free(batches);
  unmake(&m);
  make(&m, (const int[]){9, 2, 0, -1}, true);
  batches = open_batches(&m, layout(false, false, 8, 0), 100, false);
  batches_get(batches, 0, &b);
  expect_ids(b.targets, 8, IDS(-1, -1, -1, -1, -1, 19, 20, END)); /* a short one needs less */
  batches_free(batches);
  unmake(&m);
}

static void nothing_short_enough(void **state) {
  Made m;
  Error err = {0};
  PairLayout l = layout(true, false, 4, 4);
  l.drop_long = true;
  make(&m, (const int[]){9, 9, 0, -1}, true);
  assert_null(pair_batches(&m.data, &l, 0, 100, 1, &news, &err));
  assert_non_null(strstr(err.text, "--too-long truncate"));
  unmake(&m);
}

/* In pieces that begin with turns that were there, each reply scored once. */
static void long_conversations(void **state) {
  enum { TURNS = 41 };
  Made m;
  Batch b;
  int lengths[TURNS + 2], seen[FIRST + 4 * TURNS] = {0};
  int64_t ends = 0;
  for (int i = 0; i < TURNS; i++) lengths[i] = 1 + i % 3;
  lengths[TURNS] = 0;
  lengths[TURNS + 1] = -1;
  make(&m, lengths, false);
  for (int separate = 0; separate < 2; separate++) {
    Batches *batches = open_batches(&m, layout(separate, true, 21, 21), 64, false);
    memset(seen, 0, sizeof seen);
    ends = 0;
    for (int64_t i = 0; i < batches->count; i++) {
      batches_get(batches, i, &b);
      assert_true(b.time <= 21 && b.source_time <= 21);
      for (int64_t k = 0; k < b.sequences * b.time; k++) {
        if (b.targets[k] >= FIRST) seen[b.targets[k]]++;
        ends += b.targets[k] == (separate ? END : OVER);
      }
    }
    for (int64_t i = 0; i < m.data.ids.starts[TURNS]; i++) assert_int_equal(seen[FIRST + i], i >= lengths[0]);
    assert_int_equal(ends, TURNS - 1);
    batches_free(batches);
  }
  unmake(&m);
}

/* ---- many ---- */

enum { PAIRS = 3000, LONGEST = 60 };

static void make_many(Made *m) {
  int *lengths = mem_alloc((3 * PAIRS + 1) * sizeof *lengths);
  for (int i = 0; i < PAIRS; i++) {
    lengths[3 * i] = 1 + (int)random_below(LONGEST, 1, 2, (uint64_t)i);
    lengths[3 * i + 1] = 1 + (int)random_below(LONGEST, 1, 3, (uint64_t)i);
    lengths[3 * i + 2] = 0;
  }
  lengths[3 * PAIRS] = -1;
  make(m, lengths, true);
  mem_free(lengths);
}

/* Hash of a batch, counting each target into `seen`. */
static uint64_t look_at(Batches *batches, int64_t index, int *seen) {
  Batch b;
  batches_get(batches, index, &b);
  assert_true(b.sequences <= batches->sequences && b.time <= batches->time &&
              b.source_time <= batches->source_time);
  for (int64_t i = 0; seen && i < b.sequences * b.time; i++)
    if (b.targets[i] >= 0) seen[b.targets[i]]++;
  uint64_t h = hash_bytes(b.tokens, (size_t)(b.sequences * b.time) * sizeof *b.tokens, (uint64_t)b.time);
  h = hash_bytes(b.targets, (size_t)(b.sequences * b.time) * sizeof *b.targets, h);
  return b.source ? hash_bytes(b.source, (size_t)(b.sequences * b.source_time) * sizeof *b.source, h) : h;
}

static void every_target_once_an_epoch(void **state) {
  Made m;
  make_many(&m);
  const int64_t ids = FIRST + m.data.ids.starts[2 * PAIRS];
  int *seen = mem_alloc((size_t)ids * sizeof *seen);
  for (int which = 0; which < 3; which++) { /* separate, joint, packed */
    PairLayout l = layout(which == 0, false, 200, 200);
    l.pack = which == 2;
    Batches *batches = open_batches(&m, l, 1000, true);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
      memset(seen, 0, (size_t)ids * sizeof *seen);
      for (int64_t i = 0; i < batches->count; i++) look_at(batches, epoch * batches->count + i, seen);
      assert_int_equal(seen[END], PAIRS);
      for (int64_t turn = 0; turn < 2 * PAIRS; turn++)
        for (int64_t i = m.data.ids.starts[turn]; i < m.data.ids.starts[turn + 1]; i++)
          assert_int_equal(seen[FIRST + i], turn % 2);
    }
    batches_free(batches);
  }
  mem_free(seen);
  unmake(&m);
}

static void batches_are_small_and_full(void **state) {
  enum { TOKENS = 1000 };
  Made m;
  Batch b;
  make_many(&m);
  PairLayout l = layout(true, false, 200, 200);
  Batches *batches = open_batches(&m, l, TOKENS, true);
  int64_t room = 0, padding = 0;
  for (int64_t i = 0; i < batches->count; i++) {
    batches_get(batches, i, &b);
    assert_true(b.sequences * b.time <= TOKENS && b.sequences * b.source_time <= TOKENS);
    room += b.sequences * b.source_time;
    for (int64_t k = 0; k < b.sequences; k++) padding += b.source_time - b.source_lengths[k];
  }
  assert_true(padding * 10 < room);                /* like lengths are together */
  assert_true(batches->count * TOKENS < room * 2); /* and the batches are not cut too early */
  batches_free(batches);
  batches = pair_batches(&m.data, &l, 4, TOKENS, 7, &news, NULL);
  assert_int_equal(batches->sequences, 4);
  batches_free(batches);
  batches = pair_batches(&m.data, &l, 0, 1, 7, &news, NULL); /* smaller than any pair: one at a time */
  assert_int_equal(batches->sequences, 1);
  assert_int_equal(batches->count, PAIRS);
  batches_free(batches);
  unmake(&m);
}

/* Each sequence of a window begins where the one before it ends, with its END; padding sees itself. */
static void check_window(const int32_t *begins, const int32_t *targets, int64_t time, int64_t *used) {
  int64_t t = 0;
  while (t < time && !(begins[t] == t && targets[t] < 0 && (t + 1 == time || begins[t + 1] != t))) {
    const int64_t begin = t;
    assert_int_equal(begins[begin], begin);
    while (t < time && begins[t] == begin) {
      assert_true((targets[t] == END) == (t + 1 == time || begins[t + 1] != begin));
      t++;
    }
  }
  *used += t;
  for (; t < time; t++) assert_true(begins[t] == t && targets[t] < 0);
}

static void packed_windows_are_full(void **state) {
  enum { TOKENS = 1000, TIME = 200 };
  Made m;
  Batch b;
  make_many(&m);
  PairLayout l = layout(false, false, TIME, 0);
  l.pack = true;
  Batches *batches = open_batches(&m, l, TOKENS, true);
  int64_t room = 0, used = 0;
  assert_non_null(strstr(told, "packed: 3,000 sequences in"));
  assert_true(batches->sequences == TOKENS / TIME && batches->time == TIME);
  for (int64_t i = 0; i < batches->count; i++) {
    batches_get(batches, i, &b);
    for (int64_t k = 0; k < b.sequences; k++)
      check_window(b.begins + k * b.time, b.targets + k * b.time, b.time, &used);
    room += b.sequences * b.time;
  }
  assert_true((double)used > 0.99 * (double)room);
  assert_true(fabs(batches->step_positions * (double)batches->count - (double)used) < 1);
  const Batch piece = batch_piece(&b, 1, 1);
  assert_true(piece.begins == b.begins + b.time);
  batches_free(batches);
  l.time = 1000; /* a window has no more tokens than a batch, unless a sequence has */
  batches = open_batches(&m, l, 300, true);
  assert_true(batches->sequences == 1 && batches->time == 300);
  batches_free(batches);
  batches = open_batches(&m, l, 50, true);
  assert_true(batches->sequences == 1 && batches->time > 100 && batches->time <= 2 * LONGEST + 1);
  batches_free(batches);
  batches = open_batches(&m, l, TOKENS, false); /* evaluation is not packed */
  batches_get(batches, 0, &b);
  assert_null(b.begins);
  batches_free(batches);
  unmake(&m);
}

static void order_is_drawn_by_epoch_and_seed_if(bool pack) {
  Made m;
  make_many(&m);
  PairLayout l = layout(!pack, false, 200, 200);
  l.pack = pack;
  Batches *a = open_batches(&m, l, 1000, true), *b = pair_batches(&m.data, &l, 0, 1000, 8, &news, NULL);
  int same_epoch = 0, same_seed = 0, in_order = 0;
  Map *first = map_new();
  for (int64_t i = 0; i < a->count; i++) {
    const uint64_t h = look_at(a, i, NULL);
    map_set(first, &h, sizeof h, 1);
    same_epoch += h == look_at(a, a->count + i, NULL);
    same_seed += h == look_at(b, i, NULL);
  }
  for (int64_t i = 0; i < a->count; i++) { /* mixed anew, not only in another order */
    const uint64_t h = look_at(a, a->count + i, NULL);
    in_order += map_get(first, &h, sizeof h, NULL);
  }
  assert_true(same_epoch <= 2 && same_seed <= 2);
  assert_true(in_order < a->count / 4);
  map_free(first);
  batches_free(a);
  batches_free(b);
  unmake(&m);
}

static void orders_are_drawn_by_epoch_and_seed(void **state) {
  order_is_drawn_by_epoch_and_seed_if(false);
  order_is_drawn_by_epoch_and_seed_if(true);
}

/* Resuming asks for any batch, in any order, of batches made anew. */
static void any_batch_at_any_time_if(bool pack) {
  Made m;
  make_many(&m);
  PairLayout l = layout(!pack, false, 200, 200);
  l.pack = pack;
  Batches *a = open_batches(&m, l, 1000, true), *b = open_batches(&m, l, 1000, true);
  uint64_t hashes[50];
  for (int64_t i = 0; i < 50; i++) hashes[i] = look_at(a, a->count + 17 * i, NULL);
  for (int64_t i = 49; i >= 0; i--) assert_int_equal(look_at(b, b->count + 17 * i, NULL), hashes[i]);
  batches_free(a);
  batches_free(b);
  unmake(&m);
}

static void any_batch_at_any_time(void **state) {
  any_batch_at_any_time_if(false);
  any_batch_at_any_time_if(true);
}

static void evaluation_may_look_at_a_part(void **state) {
  Made m;
  make_many(&m);
  PairLayout l = layout(true, false, 200, 200);
  Batches *all = open_batches(&m, l, 1000, false),
          *part = pair_eval_batches(&m.data, &l, 0, 1000, 9000, &news, NULL);
  assert_in_range(part->tokens, 8000, 12000);
  assert_true(part->bytes < all->bytes / 5);
  assert_int_equal(look_at(all, 0, NULL), look_at(all, 0, NULL));
  Batch b;
  int64_t scored = 0;
  for (int64_t i = 0; i < part->count; i++) {
    batches_get(part, i, &b);
    scored += batch_scored(&b);
  }
  assert_int_equal(scored, part->tokens);
  batches_free(all);
  batches_free(part);
  unmake(&m);
}

/* ---- from texts ---- */

static void tokens_of_conversations_are_told_by_turns(void **state) {
  const char *text =
      "{\"source\":\"ab\",\"target\":\"cde\"}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},"
      "{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"}]}\n";
  Error err = {0};
  Pairs *p = try_texts(&text, 1, true, NULL, &err);
  TextSource source = pairs_source(p, ~0u);
  const TokenizerSettings s = {.tokenizer = "byte", .memory = 1000000};
  Tokenizer *t = tokenizer_train(&source, &s, NULL, &news, &err);
  mem_free(source.self);
  PairTokens data;
  *told = '\0';
  assert_true(pairs_encode(&data, p, t, t, &news, &err));
  assert_non_null(strstr(told, "a turn: 1 tokens at the median, 1.5 on average"));
  assert_null(strstr(told, "source"));
  pair_tokens_free(&data);
  tokenizer_free(t);
  pairs_free(p);
}

static void texts_become_ids(void **state) {
  const char *text = "ab\tc\n{x\ty\nheld\tout\n";
  Error err = {0};
  Pairs *p = try_texts(&text, 1, false, NULL, &err);
  TextSource source = pairs_source(p, ~0u);
  const TokenizerSettings s = {.tokenizer = "byte", .memory = 1000000};
  Tokenizer *t = tokenizer_train(&source, &s, NULL, &news, &err);
  mem_free(source.self);
  PairTokens data;
  p->count = 2; /* the third example is another's */
  assert_true(pairs_encode(&data, p, t, t, &news, &err));
  assert_int_equal(data.ids.count, 6);
  assert_int_equal(data.ids.starts[6], 6);
  assert_int_equal(data.ids.starts[4], 6);
  assert_non_null(strstr(told, "source: 2 tokens at the median"));
  Buffer back = {0};
  assert_true(tokenizer_decode(t, data.ids.tokens, 6, false, &back, &err));
  assert_string_equal(back.data, "abc{xy");
  buffer_free(&back);
  pair_tokens_free(&data);
  tokenizer_free(t);
  pairs_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(separate_pairs),
      cmocka_unit_test(joint_pairs),
      cmocka_unit_test(conversations_with_roles),
      cmocka_unit_test(conversations_without_roles),
      cmocka_unit_test(long_pairs),
      cmocka_unit_test(nothing_short_enough),
      cmocka_unit_test(long_conversations),
      cmocka_unit_test(every_target_once_an_epoch),
      cmocka_unit_test(batches_are_small_and_full),
      cmocka_unit_test(packed_windows_are_full),
      cmocka_unit_test(orders_are_drawn_by_epoch_and_seed),
      cmocka_unit_test(any_batch_at_any_time),
      cmocka_unit_test(evaluation_may_look_at_a_part),
      cmocka_unit_test(texts_become_ids),
      cmocka_unit_test(tokens_of_conversations_are_told_by_turns),
  };
  const int failed = cmocka_run_group_tests(tests, scratch_open, scratch_close);
  ink_settings_free(settings);
  return failed;
}
