/* A request's text, and every bit of the logits it is made from, is the same alone and among others, with its
 * prefix shared or not, whatever a step reads, on any number of threads, with keys and values of any type. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "base/threads.h"
#include "run/generator.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 40, CONTEXT = 160, LONGEST = 100, ROWS = 4, MOST = 24, REQUESTS = 32, SOURCE = 30 };
static const char *const archs[] = {"llama", "gpt2", "lstm", "gru", "marian", "bart", "seq2seq"};
enum { ARCHS = sizeof archs / sizeof *archs };

/* With heads of 32 values if the type of keys and values is given. */
static Model *network_with(const char *arch, const char *cache) {
  static const SettingTable *const tables[] = {&model_settings_table};
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  Config c;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "size", "nano", &err));
  assert_true(ink_settings_set(s, "context", "160", &err));
  assert_true(!cache || ink_settings_set(s, "heads", "1", &err));
  assert_true(config_from_settings(&c, settings_part(s, &model_settings_table), VOCABULARY, &err));
  Model *m = model_new(&c, false);
  params_initialize(m->params, 3);
  assert_true(!cache || model_cache(m, cache, &err));
  ink_settings_free(s);
  return m;
}

static Model *network(const char *arch) {
  return network_with(arch, NULL);
}

/* A request and what became of it. */
typedef struct Text {
  int32_t prompt[LONGEST], source[SOURCE];
  GenerationRequest request;
  uint64_t seed, hash; /* of all logits and choices */
  int64_t steps, rows; /* rows: when it ended */
  float scores[ROWS];  /* of the rows followed */
  int finished;        /* times */
  GenerationEnd how;
} Text;

static void add(Text *t, const void *data, size_t bytes) {
  t->hash = hash_bytes(data, bytes, t->hash);
}

/* Each row the likeliest token, by logits that are disturbed; token 0 ends a row. */
static int64_t draw(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  Text *t = user;
  const int64_t count = t->steps++ ? rows : t->request.rows, first = t->steps == 1;
  int64_t kept = 0;
  add(t, logits, (size_t)(rows * VOCABULARY) * sizeof *logits);
  for (int64_t i = 0; i < count; i++) {
    const float *x = logits + (first ? 0 : i) * VOCABULARY;
    float best = -INFINITY;
    int32_t id = 0;
    for (int32_t k = 0; k < VOCABULARY; k++) {
      const float score =
          x[k] + 3 * (float)random_unit(t->seed, (uint64_t)(t->steps * ROWS + i), (uint64_t)k);
      if (score > best) best = score, id = k;
    }
    if (!id) continue;
    from[kept] = first ? 0 : (int32_t)i;
    tokens[kept++] = id;
  }
  add(t, tokens, (size_t)kept * sizeof *tokens);
  return kept;
}

/* The best continuations of all rows. */
static int64_t search(void *user, const float *logits, int64_t rows, int32_t *from, int32_t *tokens) {
  Text *t = user;
  float scores[ROWS];
  int64_t kept = 0;
  t->steps++;
  add(t, logits, (size_t)(rows * VOCABULARY) * sizeof *logits);
  for (int64_t i = 0; i < rows * VOCABULARY; i++) {
    const float score = t->scores[i / VOCABULARY] + logits[i];
    int64_t at = kept < t->request.rows ? kept++ : score > scores[kept - 1] ? kept - 1 : kept;
    if (at == kept) continue;
    for (; at > 0 && scores[at - 1] < score; at--)
      scores[at] = scores[at - 1], from[at] = from[at - 1], tokens[at] = tokens[at - 1];
    scores[at] = score, from[at] = (int32_t)(i / VOCABULARY), tokens[at] = (int32_t)(i % VOCABULARY);
  }
  memcpy(t->scores, scores, sizeof scores);
  add(t, tokens, (size_t)kept * sizeof *tokens);
  return kept;
}

static void finish(void *user, GenerationEnd how, int64_t rows) {
  Text *t = user;
  t->finished++;
  t->how = how;
  t->rows = rows;
}

/* The index-th: drawn or searched, its prompt short or long, half of them with a long beginning in common. */
static void make_text(const Model *m, int index, Text *t) {
  const bool encodes = m->config.arch->encodes;
  const int64_t length = encodes ? 1 + index % 2 : 1 + index * 37 % LONGEST;
  memset(t, 0, sizeof *t);
  t->seed = (uint64_t)index;
  for (int i = 0; i < LONGEST; i++) {
    const bool same = index % 2 && i < 70;
    t->prompt[i] = (int32_t)random_below(VOCABULARY, same ? 77 : (uint64_t)index, 1, (uint64_t)i);
  }
  for (int i = 0; i < SOURCE; i++)
    t->source[i] = (int32_t)random_below(VOCABULARY, (uint64_t)index / 2, 2, (uint64_t)i);
  t->request = (GenerationRequest){.input = {.prompt = t->prompt, .length = length},
                                   .rows = 1 + index % ROWS,
                                   .most = 1 + index * 5 % MOST,
                                   .choose = index % 3 ? draw : search,
                                   .finish = finish,
                                   .user = t};
  if (encodes) t->request.input.source = t->source, t->request.input.source_length = 1 + index % SOURCE;
}

static void run_alone(const Model *m, int index, Text *t) {
  make_text(m, index, t);
  Generator *g = generator_new(m, (GeneratorSettings){0});
  generator_submit(g, &t->request);
  while (generator_step(g)) continue;
  assert_int_equal(generator_pages(g), 0);
  generator_free(g);
  assert_int_equal(t->finished, 1);
}

/* Three at first, one more each step; each tenth is cancelled on the way. */
static void run_among_others(const Model *m, GeneratorSettings settings, Text *texts) {
  Generator *g = generator_new(m, settings);
  int64_t numbers[REQUESTS] = {0};
  int submitted = 0;
  for (int i = 0; i < REQUESTS; i++) make_text(m, i, &texts[i]);
  for (int step = 0; submitted < REQUESTS || generator_unfinished(g); step++) {
    while (submitted < REQUESTS && submitted < 3 + step) {
      numbers[submitted] = generator_submit(g, &texts[submitted].request);
      submitted++;
    }
    generator_step(g);
    for (int i = 9; i < submitted; i += 10)
      if (step == i + 3) generator_cancel(g, numbers[i]);
  }
  assert_int_equal(generator_pages(g), 0);
  generator_cancel(g, numbers[0]); /* no matter */
  generator_free(g);
}

static void expect_alike(const char *arch, const char *what, const Text *alone, const Text *among) {
  for (int i = 0; i < REQUESTS; i++) {
    assert_int_equal(among[i].finished, 1);
    if (among[i].how == GENERATION_CANCELLED) continue;
    if (alone[i].hash != among[i].hash || alone[i].steps != among[i].steps || alone[i].how != among[i].how ||
        alone[i].rows != among[i].rows)
      fail_msg("%s, %s: request %d is not what it is alone", arch, what, i);
  }
}

static void expect_independent(const char *arch, const char *cache, uint64_t *hash) {
  static const struct {
    const char *what;
    int threads;
    GeneratorSettings settings;
  } ways[] = {{"on one thread", 1, {0}},
              {"on two threads", 2, {0}},
              {"on four threads", 4, {0}},
              {"few rows", 2, {.rows = 7}},
              {"few tokens a step", 1, {.tokens = 5}}};
  static Text alone[REQUESTS], among[REQUESTS];
  Model *m = network_with(arch, cache);
  int cancelled = 0;
  threads_set(1);
  for (int i = 0; i < REQUESTS; i++) run_alone(m, i, &alone[i]);
  for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
    threads_set(ways[w].threads);
    run_among_others(m, ways[w].settings, among);
    expect_alike(arch, ways[w].what, alone, among);
    for (int i = 0; i < REQUESTS; i++) cancelled += among[i].how == GENERATION_CANCELLED;
  }
  assert_true(cancelled > 0);
  threads_set(0);
  model_free(m);
  *hash = alone[REQUESTS - 1].hash;
}

static void a_text_does_not_depend_on_others(void **state) {
  (void)state;
  for (int a = 0; a < ARCHS; a++) {
    uint64_t hash;
    expect_independent(archs[a], NULL, &hash);
  }
}

static void nor_do_rounded_keys_and_values(void **state) {
  (void)state;
  static const char *const caches[] = {"f32", "f16", "q8_0"}, *const with[] = {"llama", "gpt2", "marian"};
  for (int a = 0; a < 3; a++) {
    uint64_t hashes[3];
    for (int c = 0; c < 3; c++) expect_independent(with[a], caches[c], &hashes[c]);
    assert_true(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
  }
}

/* Many requests with one long prompt: its pages exist once, and it is read once. */
static void expect_shared(const char *cache) {
  static Text texts[REQUESTS], alone;
  Model *m = network_with("llama", cache);
  Generator *g = generator_new(m, (GeneratorSettings){0});
  int64_t most = 0;
  for (int i = 0; i < REQUESTS; i++) {
    make_text(m, 1, &texts[i]);
    texts[i].request.input.length = LONGEST;
    texts[i].request.rows = 1;
    texts[i].request.most = MOST;
    texts[i].seed = (uint64_t)i;
    generator_submit(g, &texts[i].request);
  }
  while (generator_step(g))
    if (generator_pages(g) > most) most = generator_pages(g);
  generator_free(g);
  assert_in_range(most, REQUESTS, LONGEST / STATE_PAGE + REQUESTS); /* 3 in common, not 3 each */
  for (int i = 0; i < REQUESTS; i++) {
    make_text(m, 1, &alone);
    alone.request.input.length = LONGEST;
    alone.request.rows = 1;
    alone.request.most = MOST;
    alone.seed = (uint64_t)i;
    g = generator_new(m, (GeneratorSettings){0});
    generator_submit(g, &alone.request);
    while (generator_step(g)) continue;
    generator_free(g);
    if (alone.hash != texts[i].hash) fail_msg("request %d depends on sharing its prefix", i);
  }
  model_free(m);
}

static void prefixes_are_shared(void **state) {
  (void)state;
  expect_shared("f32");
  expect_shared("q8_0");
}

/* Full windows are shifted, whatever a step reads. */
static void windows_shift(void **state) {
  (void)state;
  Model *m = network("llama");
  uint64_t hash = 0;
  for (int64_t tokens = 3; tokens < 200; tokens += 60) {
    static Text t;
    int64_t shifts = 0;
    make_text(m, 2, &t);
    t.request.rows = 3;
    t.request.most = 90;
    t.request.window = 40;
    t.request.shifts = &shifts;
    t.request.input.length = 25;
    t.request.choose = search;
    Generator *g = generator_new(m, (GeneratorSettings){.tokens = tokens});
    generator_submit(g, &t.request);
    while (generator_step(g)) continue;
    generator_free(g);
    assert_int_equal(t.steps, 90);
    assert_int_equal(shifts, 4); /* after 15 tokens, then each 20; the last needs none */
    if (hash) assert_true(t.hash == hash);
    hash = t.hash;
  }
  model_free(m);
}

static void what_is_unfinished_is_cancelled(void **state) {
  (void)state;
  static Text texts[3];
  Model *m = network("llama");
  Generator *g = generator_new(m, (GeneratorSettings){.rows = 2});
  for (int i = 0; i < 3; i++) {
    make_text(m, i, &texts[i]);
    texts[i].request.most = 1000;
    texts[i].request.rows = 2;
    texts[i].request.input.length = 5;
    texts[i].request.choose = search;
    generator_submit(g, &texts[i].request);
  }
  generator_step(g);
  generator_cancel(g, 1);
  assert_int_equal(texts[0].how, GENERATION_CANCELLED);
  assert_int_equal(texts[0].rows, 2);
  generator_step(g); /* the second has its place now */
  assert_true(texts[1].steps == 1 && texts[2].steps == 0);
  generator_free(g);
  for (int i = 0; i < 3; i++) assert_int_equal(texts[i].finished, 1);
  model_free(m);
}

/* Whoever ends may cancel others, of the same step too, and submit more. */
typedef struct Chain {
  Text text;
  Generator *generator;
  int64_t victim;
  struct Chain *successor;
} Chain;

static void finish_chain(void *user, GenerationEnd how, int64_t rows) {
  Chain *c = user;
  finish(&c->text, how, rows);
  if (c->victim) generator_cancel(c->generator, c->victim);
  if (c->successor) generator_submit(c->generator, &c->successor->text.request);
}

static void endings_may_cancel_and_submit(void **state) {
  (void)state;
  static Chain chains[3];
  Model *m = network("llama");
  Generator *g = generator_new(m, (GeneratorSettings){0});
  for (int i = 0; i < 3; i++) {
    make_text(m, 3 + i, &chains[i].text);
    chains[i].text.request.most = 2;
    chains[i].text.request.choose = search;
    chains[i].text.request.user = &chains[i];
    chains[i].text.request.finish = finish_chain;
    chains[i].generator = g;
  }
  chains[0].successor = &chains[2];
  generator_submit(g, &chains[0].text.request);
  chains[0].victim = generator_submit(g, &chains[1].text.request);
  while (generator_step(g)) continue;
  assert_true(chains[0].text.how == GENERATION_FULL && chains[1].text.how == GENERATION_CANCELLED);
  assert_true(chains[2].text.how == GENERATION_FULL && chains[2].text.finished == 1);
  assert_int_equal(chains[1].text.finished, 1);
  assert_int_equal(generator_pages(g), 0);
  generator_free(g);
  model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_does_not_depend_on_others),
      cmocka_unit_test(nor_do_rounded_keys_and_values),
      cmocka_unit_test(prefixes_are_shared),
      cmocka_unit_test(windows_shift),
      cmocka_unit_test(what_is_unfinished_is_cancelled),
      cmocka_unit_test(endings_may_cancel_and_submit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
