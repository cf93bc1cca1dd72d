/* Memory runs out at the n-th allocation, for each n until all goes well, as SQLite tests it: every public
 * function that works comes back with an error, leaves no half of a file, and does well when asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"
#include "train/runs.h"

#include <cmocka.h> /* last: it defines fail() */

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What is done again and again; what must be there afterwards or not. */
typedef struct Deed {
  const char *name;
  bool (*act)(Error *);
  const char *result; /* a file that is there, whole, after success only; NULL: none */
  int64_t dense;      /* every n up to this one, then fewer and fewer */
} Deed;

/* What a call held leaks where memory runs out, as memory.h says, on whichever thread. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) {
  return "detect_leaks=0";
}

static const char *threads;
static ink_model *model, *translator, *replier;
static ink_tokenizer *tokenizer;

static ink_settings *set_all(ink_settings *s, const char *const *pairs) {
  Error err = {0};
  for (; *pairs; pairs += 2)
    if (!ink_settings_set(s, pairs[0], pairs[1], &err)) fail_msg("%s", err.text);
  return s;
}

/* Settings are made while there is memory: what makes them has no error to return. */
static ink_settings *training, *writing, *evaluating, *grading, *learning, *pairing, *chatting, *rewriting;

static void make_settings(void) {
  training = small_settings(WITH("steps", "2", "warmup", "0", "eval-every", "1", "sample-tokens", "3", "ema",
                                 "0.5", "optimizer", "muon", "threads", threads, "overwrite", "true"));
  writing = set_all(ink_settings_write(), WITH("max-tokens", "4", "samples", "2", "stop", "qqq", "top-p",
                                               "0.9", "repetition-penalty", "1.1", "threads", threads));
  evaluating = set_all(ink_settings_eval(), WITH("threads", threads));
  grading = set_all(ink_settings_eval(), WITH("max-tokens", "6", "threads", threads));
  pairing = small_settings(WITH("arch", "marian", "heads", "2", "context", "32", "steps", "2", "warmup", "0",
                                "eval-every", "1", "best-by", "chrf", "eval-examples", "3", "threads",
                                threads, "overwrite", "true"));
  chatting = small_settings(WITH("arch", "llama", "heads", "2", "context", "32", "steps", "2", "warmup", "0",
                                 "eval-every", "2", "threads", threads));
  rewriting = set_all(ink_settings_rewrite(), WITH("max-tokens", "6", "beam", "3", "n-best", "2",
                                                   "coverage-penalty", "0.1", "threads", threads));
  learning = set_all(ink_settings_tokenizer(), WITH("vocab", "270", "threads", threads));
}

static void free_settings(void) {
  ink_settings *const all[] = {training, writing, evaluating, grading,
                               learning, pairing, chatting,   rewriting};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) ink_settings_free(all[i]);
}

static bool ignore_token(void *user, const ink_token *token) {
  return true;
}

static bool learn_tokenizer(Error *err) {
  const char *text = in_scratch("text");
  return ink_tokenizer_train(&text, 1, in_scratch("out/tokenizer.json"), learning, NULL, err);
}

static bool open_tokenizer(Error *err) {
  ink_tokenizer *t = ink_tokenizer_open(in_scratch("tokenizer.json"), err);
  ink_tokenizer_close(t);
  return t != NULL;
}

static bool encode_and_decode(Error *err) {
  int32_t *ids;
  char *text;
  size_t count, length;
  if (!ink_tokenizer_encode(tokenizer, "The moon, 明月.", 17, true, &ids, &count, err)) return false;
  const bool ok = ink_tokenizer_decode(tokenizer, ids, count, false, &text, &length, err);
  if (ok) assert_true(length == 17 && !memcmp(text, "The moon, 明月.", 17));
  if (ok) ink_free(text);
  ink_free(ids);
  return ok;
}

static bool learn_model(Error *err) {
  const char *text = in_scratch("text");
  return ink_train("write", &text, 1, in_scratch("out"), training, NULL, err);
}

static bool open_model(Error *err) {
  ink_model *m = ink_model_open(in_scratch("model"), NULL, err);
  ink_model_close(m);
  return m != NULL;
}

static bool describe(Error *err) {
  char *text = ink_model_describe(model, err);
  ink_free(text);
  return text != NULL;
}

static bool write_text(Error *err) {
  ink_written written = INK_WRITTEN_INIT;
  return ink_write(model, "The ", 4, writing, ignore_token, NULL, &written, NULL, err);
}

static bool evaluate(Error *err) {
  const char *text = in_scratch("text");
  ink_scores scores = INK_SCORES_INIT;
  return ink_eval(model, &text, 1, evaluating, &scores, NULL, err);
}

static bool ignore_output(void *user, const ink_output *output) {
  return true;
}

static bool learn_pairs(Error *err) {
  const char *pairs = in_scratch("pairs.tsv");
  return ink_train("translate", &pairs, 1, in_scratch("out"), pairing, NULL, err);
}

/* The second is longer than the model reads: it is cut. */
static const char *const texts[] = {"The moon.",
                                    "One moon sings. Two stones are there. Three rivers, and no end."};
static const size_t lengths[] = {9, 61};

static bool rewrite(Error *err) {
  ink_rewritten done = INK_REWRITTEN_INIT;
  return ink_rewrite(translator, "translate", texts, lengths, 2, rewriting, ignore_output, NULL, &done, NULL,
                     err);
}

static bool explain(Error *err) {
  char *page = ink_explain(translator, "translate", texts, lengths, 1, rewriting, NULL, err);
  ink_free(page);
  return page != NULL;
}

static bool evaluate_pairs(Error *err) {
  const char *pairs = in_scratch("few.tsv");
  ink_scores scores = INK_SCORES_INIT;
  const bool ok = ink_eval(translator, &pairs, 1, grading, &scores, NULL, err);
  if (ok) ink_free(scores.written);
  return ok;
}

static bool converse(Error *err) {
  static const ink_turn turns[] = {{"user", "hello", 5}, {"assistant", "hi", 2}, {"user", "who?", 4}};
  ink_rewritten done = INK_REWRITTEN_INIT;
  return ink_reply(replier, turns, 3, rewriting, ignore_output, NULL, &done, NULL, err);
}

static bool read_in_session(Error *err) {
  static const int32_t ids[] = {84, 104, 101, 32};
  size_t length;
  ink_session *s = ink_session_open(model, NULL, err);
  void *saved = NULL;
  const bool ok = s && ink_session_feed(s, ids, 3, NULL, err) && ink_session_feed(s, ids + 3, 1, NULL, err) &&
                  (saved = ink_session_save(s, &length, err)) &&
                  ink_session_restore(s, saved, length, NULL, NULL, err);
  ink_free(saved);
  ink_session_close(s);
  return ok;
}

static void count_end(void *user, const ink_written *written, const ink_error *why) {
  *(int *)user += why ? 100 : 1;
}

/* Where a step runs out of memory, who waits is told. */
static bool write_in_queue(Error *err) {
  int ends = 0;
  ink_queue *q = ink_queue_open(model, NULL, err);
  const bool first = q && ink_queue_write(q, "The ", 4, writing, ignore_token, count_end, &ends, err),
             second = first && ink_queue_write(q, "A", 1, writing, ignore_token, count_end, &ends, err);
  bool ok = second;
  while (ok && ink_queue_unfinished(q)) ok = ink_queue_step(q, NULL, err);
  assert_int_equal(ends, ok ? 2 : !second ? 0 : ends < 100 ? -1 : ends % 100 ? 101 : 200);
  ink_queue_close(q);
  return ok;
}

/* Nothing of a file that was not finished. */
static void expect_no_temporaries(const char *name) {
  Names names;
  Error err = {0};
  if (!dir_list(in_scratch("out"), &names, &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < names.count; i++)
    if (strstr(names.items[i], ".tmp") && strcmp(names.items[i], "checkpoint.tmp"))
      fail_msg("%s leaves %s", name, names.items[i]);
  names_free(&names);
}

static void expect_exhaustion(const Deed *d, int64_t n, const Error *err) {
  if (err->code != INK_MEMORY || !strstr(err->text, "out of memory"))
    fail_msg("%s, allocation %d: error %d, \"%s\"", d->name, (int)n, err->code, err->text);
  if (d->result && file_exists(in_scratch(d->result)))
    fail_msg("%s, allocation %d: a result", d->name, (int)n);
  expect_no_temporaries(d->name);
}

/* Until it goes well, and that with a failure still to come: no allocation was left out. */
static void try_all(const Deed *d) {
  bool done = false;
  int64_t n = 1;
  for (; !done; n += n < d->dense ? 1 : 1 + n / 24) {
    Error err = {0};
    mem_fail_after(n);
    done = d->act(&err);
    mem_fail_after(0);
    if (!done) expect_exhaustion(d, n, &err);
  }
  if (d->result) assert_true(file_exists(in_scratch(d->result)));
  printf("%s: fewer than %d allocations\n", d->name, (int)n);
}

/* And a model of pairs, and one of conversations. */
static bool some_pairs(Error *err) {
  Buffer pairs = {0}, talk = {0};
  for (int i = 0; i < 40; i++) {
    buffer_addf(&pairs, "%d moons sing\tmany sing: %d\n", i, i);
    buffer_addf(&talk, "are you %d?\nno, %d.\n\n", i, i + 1);
  }
  const char *pairs_file = in_scratch("pairs.tsv"), *talk_file = in_scratch("talk.txt");
  bool ok = file_replace(pairs_file, pairs.data, pairs.length, err) &&
            file_replace(in_scratch("few.tsv"), "2 moons sing\tmany sing: 2\nstones\tmany\n", 38, err) &&
            file_replace(talk_file, talk.data, talk.length, err);
  buffer_free(&pairs);
  buffer_free(&talk);
  return ok && ink_train("translate", &pairs_file, 1, in_scratch("translator"), pairing, NULL, err) &&
         ink_train("reply", &talk_file, 1, in_scratch("replier"), chatting, NULL, err);
}

static int open_all(void **state) {
  Error err = {0};
  threads = *state;
  if (scratch_open(state)) return -1;
  some_text();
  make_settings();
  const char *text = in_scratch("text");
  ink_settings_set(training, "tokenizer", "byte", &err);
  if (!dir_make(in_scratch("out"), &err) ||
      !ink_train("write", &text, 1, in_scratch("model"), training, NULL, &err) ||
      !ink_tokenizer_train(&text, 1, in_scratch("tokenizer.json"), learning, NULL, &err))
    return -1;
  if (!some_pairs(&err)) return -1;
  model = ink_model_open(in_scratch("model"), NULL, &err);
  translator = ink_model_open(in_scratch("translator"), NULL, &err);
  replier = ink_model_open(in_scratch("replier"), NULL, &err);
  tokenizer = ink_tokenizer_open(in_scratch("tokenizer.json"), &err);
  return model && translator && replier && tokenizer ? 0 : -1;
}

static int close_all(void **state) {
  ink_model_close(model);
  ink_model_close(translator);
  ink_model_close(replier);
  ink_tokenizer_close(tokenizer);
  free_settings();
  threads_set(0);
  return scratch_close(state);
}

static void learning_a_tokenizer(void **state) {
  try_all(&(Deed){"learning a tokenizer", learn_tokenizer, .result = "out/tokenizer.json", .dense = 200});
}

static void opening_a_tokenizer(void **state) {
  try_all(&(Deed){"opening a tokenizer", open_tokenizer, .dense = 200});
}

static void encoding(void **state) {
  try_all(&(Deed){"encoding", encode_and_decode, .dense = 200});
}

static void opening_a_model(void **state) {
  try_all(&(Deed){"opening a model", open_model, .dense = 200});
}

static void describing(void **state) {
  try_all(&(Deed){"describing", describe, .dense = 200});
}

static void writing_text(void **state) {
  try_all(&(Deed){"writing", write_text, .dense = 200});
}

static void reading_in_a_session(void **state) {
  try_all(&(Deed){"reading in a session", read_in_session, .dense = 200});
}

static void writing_in_a_queue(void **state) {
  try_all(&(Deed){"writing in a queue", write_in_queue, .dense = 300});
}

static void scoring(void **state) {
  try_all(&(Deed){"scoring", evaluate, .dense = 200});
}

static void learning_a_model(void **state) {
  try_all(&(Deed){"training", learn_model, .dense = 100});
}

static void learning_from_pairs(void **state) {
  try_all(&(Deed){"training on pairs", learn_pairs, .dense = 100});
}

static void rewriting_texts(void **state) {
  try_all(&(Deed){"rewriting", rewrite, .dense = 200});
}

static void explaining(void **state) {
  try_all(&(Deed){"explaining", explain, .dense = 200});
}

static void judging(void **state) {
  try_all(&(Deed){"judging", evaluate_pairs, .dense = 200});
}

static void replying(void **state) {
  try_all(&(Deed){"replying", converse, .dense = 200});
}

#define EXHAUST(test, count) \
  { #test ", " count " threads", test, open_all, close_all, (void *)(uintptr_t)(count) }

int main(void) {
  const struct CMUnitTest tests[] = {
      EXHAUST(learning_a_tokenizer, "1"),
      EXHAUST(opening_a_tokenizer, "1"),
      EXHAUST(encoding, "1"),
      EXHAUST(opening_a_model, "1"),
      EXHAUST(describing, "1"),
      EXHAUST(writing_text, "1"),
      EXHAUST(reading_in_a_session, "1"),
      EXHAUST(writing_in_a_queue, "1"),
      EXHAUST(scoring, "1"),
      EXHAUST(learning_a_model, "1"),
      EXHAUST(learning_from_pairs, "1"),
      EXHAUST(rewriting_texts, "1"),
      EXHAUST(explaining, "1"),
      EXHAUST(judging, "1"),
      EXHAUST(replying, "1"),
      EXHAUST(rewriting_texts, "3"),
      EXHAUST(learning_from_pairs, "3"),
      EXHAUST(learning_a_tokenizer, "3"),
      EXHAUST(writing_text, "3"),
      EXHAUST(scoring, "3"),
      EXHAUST(learning_a_model, "3"),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
