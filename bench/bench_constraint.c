/* bench_constraint.c - what a constraint costs at each token of a text.
 *
 *   bench_constraint MODEL FORM CONSTRAINT TEXT
 *
 * FORM: json_schema, regex, grammar or choices; TEXT: begins a text that CONSTRAINT matches.
 *
 * Prints one JSON object. Times in milliseconds: `trees`, to sort the vocabulary, once per model; `compile`;
 * of a step, `cold`: in a state that is new, without anything that earlier ones left; `on`: new, behind the
 * earlier ones; `cached`: known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "grammar/constraint.h"
#include "grammar/forms.h"
#include "run/bundle.h"

static Error error;

static void give_up(void) {
  fprintf(stderr, "bench_constraint: %s\n", error.text);
  exit(1);
}

static Constraint *compile(const char *form, const char *text, const TokenTrees *trees) {
  Grammar *g = grammar_new();
  for (int i = 0; i < forms_count; i++)
    if (!strcmp(forms[i]->name, form)) g->start = forms[i]->read(g, text, strlen(text));
  Constraint *c = g->start < 0 ? NULL : constraint_new(g, trees, &error);
  if (!c) give_up();
  grammar_free(g);
  return c;
}

typedef struct Times {
  double sum, most;
} Times;

static void step(Constraint *c, const Ids *ids, int64_t count, float *scores, int64_t vocabulary,
                 Times *times) {
  const TokenSet ends = {.count = 0};
  const ConstraintText text = {ids->data, count, decode_state_within()};
  memset(scores, 0, (size_t)vocabulary * sizeof *scores);
  const double start = clock_seconds();
  constraint_apply(c, &text, &ends, scores, vocabulary);
  const double now = 1e3 * (clock_seconds() - start);
  times->sum += now;
  if (now > times->most) times->most = now;
}

static void print_times(const char *name, Times t, int64_t count) {
  printf(", \"%s\": {\"mean\": %.3f, \"most\": %.3f}", name, t.sum / (double)count, t.most);
}

static void measure(Constraint *c, const Ids *ids, int64_t vocabulary) {
  const int64_t count = (int64_t)ids->count + 1;
  float *scores = mem_alloc((size_t)vocabulary * sizeof *scores);
  Times cold = {0}, on = {0}, cached = {0};
  for (int64_t i = 0; i < count; i++) {
    constraint_forget(c);
    step(c, ids, i, scores, vocabulary, &cold);
  }
  constraint_forget(c);
  for (int64_t i = 0; i < count; i++) step(c, ids, i, scores, vocabulary, &on);
  for (int64_t i = 0; i < count; i++) step(c, ids, i, scores, vocabulary, &cached);
  print_times("cold", cold, count);
  print_times("on", on, count);
  print_times("cached", cached, count);
  mem_free(scores);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: bench_constraint MODEL FORM CONSTRAINT TEXT\n");
    return 2;
  }
  Ids ids = {0};
  Tokenizer *tokenizer = bundle_tokenizer_at(argv[1], &error);
  if (!tokenizer || !tokenizer_encode(tokenizer, argv[4], strlen(argv[4]), false, &ids, &error)) give_up();
  const double start = clock_seconds();
  TokenTrees *trees = token_trees_new(tokenizer, &error);
  if (!trees) give_up();
  const double sorted = clock_seconds();
  Constraint *c = compile(argv[2], argv[3], trees);
  printf("{\"vocabulary\": %lld, \"tokens\": %zu, \"trees\": %.3f, \"compile\": %.3f", (long long)trees->size,
         ids.count, 1e3 * (sorted - start), 1e3 * (clock_seconds() - sorted));
  measure(c, &ids, trees->size);
  printf(", \"states\": %lld}\n", (long long)constraint_states(c));
  constraint_free(c);
  token_trees_free(trees);
  tokenizer_free(tokenizer);
  vec_free(&ids);
  return 0;
}
