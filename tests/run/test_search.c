/* Searching and drawing: against all texts there are, with and without company. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/threads.h"
#include "run/draw.h"
#include "run/look.h"
#include "run/search.h"

#include <cmocka.h> /* last: it defines fail() */

enum { VOCABULARY = 6, END = 0, NEVER = 1, START = 2, LONGEST = 4, INPUTS = 40 };

typedef struct World {
  Model *model;
  Input inputs[INPUTS];
  int32_t sources[INPUTS][8], prompts[INPUTS][5];
} World;

static int64_t pick(int64_t n, const char *what, int64_t index) {
  return (int64_t)random_below((uint64_t)n, 3, random_stream(what), (uint64_t)index);
}

/* A model of random weights, far from uniform, and inputs of many lengths, the short ones first. */
static World *world_of(const char *arch) {
  static const SettingTable *const tables[] = {&model_settings_table};
  World *w = calloc(1, sizeof *w);
  Settings *s = settings_new(tables, 1);
  Error err = {0};
  Config config;
  assert_true(ink_settings_set(s, "arch", arch, &err) && ink_settings_set(s, "layers", "1", &err) &&
              ink_settings_set(s, "width", "8", &err) && ink_settings_set(s, "context", "24", &err));
  if (!strcmp(arch, "llama") || !strcmp(arch, "marian") || !strcmp(arch, "mistral"))
    assert_true(ink_settings_set(s, "heads", "2", &err));
  if (!config_from_settings(&config, settings_part(s, &model_settings_table), VOCABULARY, &err))
    fail_msg("%s", err.text);
  config.decoder_start = START;
  if (!strcmp(arch, "mistral")) layer_set_add(&config.windowed, 0), config.window = 3;
  w->model = model_new(&config, false);
  params_initialize(w->model->params, 7);
  for (int64_t i = 0; i < params_length(w->model->params); i++)
    params_values(w->model->params)[i] += (float)random_normal(5, 1, (uint64_t)i) * 0.7f;
  for (int64_t i = 0; i < INPUTS; i++) {
    const bool encodes = config.arch->encodes;
    const int64_t length = encodes ? 1 : 1 + i / 10, source = encodes ? 1 + i / 6 : 0;
    for (int64_t k = 0; k < length; k++)
      w->prompts[i][k] = encodes ? START : (int32_t)pick(VOCABULARY, "prompt", 9 * i + k);
    for (int64_t k = 0; k < source; k++) w->sources[i][k] = (int32_t)pick(VOCABULARY, "source", 9 * i + k);
    w->inputs[i] = (Input){w->sources[i], w->prompts[i], source, length};
  }
  ink_settings_free(s);
  return w;
}

static void world_free(World *w) {
  model_free(w->model);
  free(w);
}

static SearchSettings plain(int64_t beam) {
  return (SearchSettings){.beam = beam, .length_penalty = 1, .n_best = 1};
}

static SearchRequest request(const World *w, const SearchSettings *s) {
  return (SearchRequest){w->model, s, LONGEST, token_set_of(END), NEVER, NULL};
}

/* ln p of the text and, where it is shorter than the longest, of its end; by one look at all of it. p of a
 * token is of those that are not `without` (-1: of all). */
static double log_probability_among(const World *w, const Input *input, const Ids *ids, bool ended,
                                    int without) {
  Look look;
  double sum = 0;
  look_at(&look, w->model, input, ids);
  for (size_t t = 0; t < ids->count + ended; t++) {
    const float *x = look.logits + t * VOCABULARY;
    double all = 0;
    for (int i = 0; i < VOCABULARY; i++) all += i == without ? 0 : exp((double)x[i]);
    sum += (double)x[t < ids->count ? ids->data[t] : END] - log(all);
  }
  look_free(&look);
  return sum;
}

static double log_probability(const World *w, const Input *input, const Ids *ids, bool ended) {
  return log_probability_among(w, input, ids, ended, -1);
}

/* Whether a token is in the prompt or the text: all that a decoder reads counts, as in transformers. */
static bool is_there(const Input *input, const Ids *ids, int32_t id) {
  bool is = false;
  for (int64_t i = 0; i < input->length; i++) is |= input->prompt[i] == id;
  for (size_t i = 0; i < ids->count; i++) is |= ids->data[i] == id;
  return is;
}

/* The best score of all texts, by trying each; -INFINITY: the rules allow none. */
static double best_of_all(const World *w, const Input *input, Ids *ids, const SearchSettings *s) {
  const bool full = ids->count == LONGEST, once = s->no_repeat_ngram == 1;
  const size_t length = ids->count + !full;
  double best = (int64_t)ids->count < s->min_tokens || (!full && once && is_there(input, ids, END))
                    ? -INFINITY
                    : log_probability(w, input, ids, !full) / pow((double)length, s->length_penalty);
  for (int32_t id = 0; id < VOCABULARY && !full; id++) {
    if (id == END || id == NEVER || (once && is_there(input, ids, id))) continue;
    vec_push(ids, id);
    best = fmax(best, best_of_all(w, input, ids, s));
    ids->count--;
  }
  return best;
}

static const char *const archs[] = {"marian", "llama", "gru", "seq2seq"};

/* With room for every continuation nothing is missed. */
static void a_wide_beam_finds_the_best_of_all(void **state) {
  (void)state;
  SearchSettings s[] = {plain(400), plain(400), plain(400), plain(400)};
  int tried = 0;
  s[1].length_penalty = 0.2;
  s[2].min_tokens = 2;
  s[3].no_repeat_ngram = 1;
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    World *w = world_of(archs[a]);
    for (int k = 0; k < 4; k++) {
      const SearchRequest r = request(w, &s[k]);
      for (int i = 0; i < INPUTS; i += 13) {
        Ids ids = {0};
        Hypothesis *found = search_run(&r, &w->inputs[i], 1);
        const double best = best_of_all(w, &w->inputs[i], &ids, &s[k]);
        if (best == -INFINITY) {
          hypotheses_free(found, 400);
          vec_free(&ids);
          continue;
        }
        tried++;
        const bool ended = found[0].ids.count < LONGEST;
        assert_true(fabs(found[0].score - best) < 1e-4);
        assert_true(fabs(found[0].logprob - log_probability(w, &w->inputs[i], &found[0].ids, ended)) < 1e-4);
        for (int b = 1; b < 400; b++) assert_true(found[b].score <= found[b - 1].score);
        hypotheses_free(found, 400);
        vec_free(&ids);
      }
    }
    world_free(w);
  }
  assert_true(tried > 12 * INPUTS / 13);
}

static void expect_same(const Hypothesis *a, const Hypothesis *b) {
  assert_int_equal(a->ids.count, b->ids.count);
  if (a->ids.count) assert_memory_equal(a->ids.data, b->ids.data, a->ids.count * sizeof *a->ids.data);
  assert_true(a->score == b->score && a->logprob == b->logprob);
}

/* Alone or among others, whose lines end before it and which need more than one session. */
static void company_changes_nothing(void **state) {
  (void)state;
  const SearchSettings s = plain(5);
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    World *w = world_of(archs[a]);
    const SearchRequest r = request(w, &s);
    threads_set(2);
    Hypothesis *all = search_run(&r, w->inputs, INPUTS);
    threads_set(1);
    for (int i = 0; i < INPUTS; i++) {
      Hypothesis *one = search_run(&r, &w->inputs[i], 1);
      for (int k = 0; k < 5; k++)
        if (one[k].ids.data || all[5 * i + k].ids.data) expect_same(&one[k], &all[5 * i + k]);
      hypotheses_free(one, 5);
    }
    hypotheses_free(all, 5 * INPUTS);
    world_free(w);
  }
}

static void expect_coverage(const char *arch) {
  SearchSettings s = plain(6), c = plain(6);
  World *w = world_of(arch);
  int changed = 0;
  c.coverage_penalty = 2;
  for (int i = 0; i < INPUTS; i++) {
    const SearchRequest without = request(w, &s), with = request(w, &c);
    Hypothesis *a = search_run(&without, &w->inputs[i], 1), *b = search_run(&with, &w->inputs[i], 1);
    for (int k = 0; k < 6 && b[k].ids.data; k++) {
      const size_t length = b[k].ids.count + (b[k].ids.count < LONGEST);
      const Ids *alone[] = {&b[k].ids}; /* as it was together with the others */
      double coverage;
      look_coverage(w->model, &w->inputs[i], alone, 1, &coverage);
      assert_true(coverage <= 0);
      assert_true(fabs(b[k].score - b[k].logprob / (double)length - 2 * coverage) < 1e-5);
      assert_true(!k || b[k].score <= b[k - 1].score);
    }
    changed += a[0].ids.count != b[0].ids.count;
    hypotheses_free(a, 6);
    hypotheses_free(b, 6);
  }
  assert_true(changed > 0);
  world_free(w);
}

/* Of what an encoder reads, and of the prompt itself. */
static void coverage_orders_anew(void **state) {
  (void)state;
  expect_coverage("marian");
  expect_coverage("llama");
  expect_coverage("mistral"); /* with a window */
}

/* ---- drawing ---- */

/* A search that goes on while it could get better finds nothing worse, and here and there something better.
 */
static void searching_on_finds_nothing_worse(void **state) {
  (void)state;
  static char *const words[] = {"true", "false", "never"};
  int better[3] = {0};
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    World *w = world_of(archs[a]);
    for (int i = 0; i < 2 * INPUTS; i++) {
      double best[3];
      for (int k = 0; k < 3; k++) {
        SearchSettings s = plain(2);
        s.early_stopping = words[k];
        s.length_penalty = i < INPUTS ? 0.2 : 2;
        SearchRequest r = request(w, &s);
        r.most = 12;
        Hypothesis *found = search_run(&r, &w->inputs[i % INPUTS], 1);
        best[k] = found[0].score;
        hypotheses_free(found, 2);
      }
      assert_true(best[0] <= best[1] && best[1] <= best[2]);
      better[1] += best[0] < best[1];
      better[2] += best[1] < best[2];
    }
    world_free(w);
  }
  assert_true(better[1] && better[2]);
}

/* Rules hold in a search as they do in drawing. */
static void rules_hold_in_both(void **state) {
  (void)state;
  Rules rules = {.repetition_penalty = 1, .max_length = 4, .no_repeat_ngram = 1};
  World *w = world_of("llama");
  token_set_add(&rules.ends, END);
  vec_push(&rules.suppressed, 3);
  vec_push(&rules.forced_last, 5);
  for (int i = 0; i < INPUTS; i++) {
    const int64_t number = i, length = w->inputs[i].length;
    SearchSettings s = plain(3);
    SearchRequest r = request(w, &s);
    const DrawRequest d = {
        w->model,
        &(SamplingSettings){
            .temperature = 2, .top_p = 1, .typical = 1, .repetition_penalty = 1, .max_tokens = LONGEST},
        5,
        3,
        token_set_of(END),
        &rules};
    r.rules = &rules;
    r.ends = token_set_of(END);
    Hypothesis *sets[] = {search_run(&r, &w->inputs[i], 1), draw_run(&d, &w->inputs[i], 1, &number)};
    for (int k = 0; k < 6; k++) {
      const Ids *ids = &sets[k / 3][k % 3].ids;
      assert_true((int64_t)ids->count <= (length < 4 ? 4 - length : 1));
      for (size_t t = 0; t < ids->count; t++) {
        assert_int_not_equal(ids->data[t], 3);
        if (length + (int64_t)t == 3) assert_int_equal(ids->data[t], 5);
        for (size_t u = 0; u < t && length + (int64_t)t < 3; u++)
          assert_int_not_equal(ids->data[u], ids->data[t]);
      }
    }
    hypotheses_free(sets[0], 3);
    hypotheses_free(sets[1], 3);
  }
  rules_free(&rules);
  world_free(w);
}

/* Where several texts are followed what a rule leaves keeps its probability, or shares those of the rest. */
static void probabilities_by_rules(void **state) {
  (void)state;
  Rules rules = {.repetition_penalty = 1};
  SearchSettings s = plain(3);
  s.length_penalty = 0;
  World *w = world_of("marian");
  vec_push(&rules.suppressed, 3);
  for (int i = 0; i < 2 * INPUTS; i++) {
    SearchRequest r = request(w, &s);
    rules.renormalize = i % 2;
    r.rules = &rules;
    const Input *input = &w->inputs[i / 2];
    Hypothesis *found = search_run(&r, input, 1);
    const Ids *ids = &found[0].ids;
    const double right =
        log_probability_among(w, input, ids, ids->count < LONGEST, rules.renormalize ? 3 : -1);
    assert_true(fabs(found[0].score - right) < 1e-4);
    hypotheses_free(found, s.beam);
  }
  rules_free(&rules);
  world_free(w);
}

static void greedy_is_beam_1(void **state) {
  (void)state;
  const SearchSettings s = plain(1);
  const SamplingSettings greedy = {.greedy = true,
                                   .top_p = 1,
                                   .typical = 1,
                                   .temperature = 1,
                                   .repetition_penalty = 1,
                                   .max_tokens = LONGEST};
  const int64_t numbers[INPUTS] = {0};
  int long_ones = 0;
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    World *w = world_of(archs[a]);
    const SearchRequest r = {w->model, &s, LONGEST, token_set_of(END), -1, NULL};
    const DrawRequest d = {w->model, &greedy, 1, 1, token_set_of(END), NULL};
    Hypothesis *found = search_run(&r, w->inputs, INPUTS), *drawn = draw_run(&d, w->inputs, INPUTS, numbers);
    for (int i = 0; i < INPUTS; i++) {
      assert_int_equal(found[i].ids.count, drawn[i].ids.count);
      assert_true(fabs(found[i].logprob - drawn[i].logprob) < 1e-5);
      long_ones += found[i].ids.count > 1;
    }
    hypotheses_free(found, INPUTS);
    hypotheses_free(drawn, INPUTS);
    world_free(w);
  }
  assert_true(long_ones > 10);
}

/* The first token of many texts, against the model's own probabilities; each text the same with and without
 * the others. */
static void texts_are_drawn_as_likely_as_they_are(void **state) {
  (void)state;
  enum { EACH = 4000 };
  const SamplingSettings s = {
      .top_p = 1, .typical = 1, .temperature = 1, .repetition_penalty = 1, .max_tokens = 2};
  World *w = world_of("llama");
  const Input *input = &w->inputs[20];
  const int64_t numbers[2] = {0, 1};
  const DrawRequest r = {w->model, &s, 11, EACH, token_set_of(END), NULL};
  const Ids none = {0};
  Look look;
  look_at(&look, w->model, input, &none);
  Hypothesis *drawn = draw_run(&r, input, 1, numbers),
             *again = draw_run(&r, (Input[]){*input, w->inputs[21]}, 2, numbers);
  int times[VOCABULARY] = {0};
  for (int i = 0; i < EACH; i++) {
    times[drawn[i].ids.count ? drawn[i].ids.data[0] : END]++;
    expect_same(&drawn[i], &again[i]);
  }
  double all = 0, chi = 0;
  for (int i = 0; i < VOCABULARY; i++) all += exp((double)look.logits[i]);
  for (int i = 0; i < VOCABULARY; i++) {
    const double wanted = EACH * exp((double)look.logits[i]) / all;
    chi += (times[i] - wanted) * (times[i] - wanted) / wanted;
  }
  assert_true(chi < 20.5); /* 5 degrees of freedom: one in a thousand is above */
  look_free(&look);
  hypotheses_free(drawn, EACH);
  hypotheses_free(again, 2 * EACH);
  world_free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_wide_beam_finds_the_best_of_all),
                                     cmocka_unit_test(company_changes_nothing),
                                     cmocka_unit_test(coverage_orders_anew),
                                     cmocka_unit_test(greedy_is_beam_1),
                                     cmocka_unit_test(searching_on_finds_nothing_worse),
                                     cmocka_unit_test(rules_hold_in_both),
                                     cmocka_unit_test(probabilities_by_rules),
                                     cmocka_unit_test(texts_are_drawn_as_likely_as_they_are)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
