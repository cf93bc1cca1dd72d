/* Datasets and windows: each target once an epoch, each epoch in an order of its own, any window at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include "base/scratch.h"
#include "base/threads.h"
#include "data/dataset.h"

#include <cmocka.h> /* last: it defines fail() */

static const News nobody;

/* Tokens are their own places, so that a window tells where it came from. */
static Dataset stream(int64_t count, const int64_t *lengths, int64_t documents, bool ended) {
  Dataset d = {.count = count, .documents = documents, .ended = ended};
  d.starts = mem_alloc_zeroed((size_t)documents + 1, sizeof *d.starts);
  for (int64_t i = 0; i < count; i++)
    assert_true(spool_add(&d.store, &(int32_t){(int32_t)i}, sizeof(int32_t), NULL));
  d.tokens = (const int32_t *)(const void *)d.store.data;
  for (int64_t i = 0; i < documents; i++) d.starts[i + 1] = d.starts[i] + lengths[i];
  assert_int_equal(d.starts[documents], count);
  return d;
}

static Dataset one_document(int64_t count) {
  return stream(count, &count, 1, false);
}

static Windows open_windows(const Dataset *d, int64_t time, bool by_document) {
  Windows w;
  Error err = {0};
  if (!windows_open(&w, d, time, by_document, 7, &nobody, &err)) fail_msg("%s", err.text);
  return w;
}

/* Adds to `seen` what a window has as targets; each must follow its token; padding comes last and together.
 */
static void count_targets(const Windows *w, const int32_t *tokens, const int32_t *targets, int *seen) {
  bool padding = false;
  assert_true(targets[0] >= 0);
  for (int64_t t = 0; t < w->time; t++) {
    if (targets[t] < 0) padding = true;
    if (padding) {
      assert_int_equal(targets[t], -1);
      continue;
    }
    assert_int_equal(targets[t], tokens[t] + 1);
    if (t) assert_int_equal(tokens[t], tokens[t - 1] + 1);
    seen[targets[t]]++;
  }
}

enum { MOST = 70 };

static void count_batch(Batches *b, int64_t index, int *seen) {
  Batch batch;
  batches_get(b, index, &batch);
  assert_true(batch.sequences <= b->sequences && batch.time <= b->time);
  assert_true(batch.sequences == 1 || batch.sequences * batch.time <= 100);
  const Windows shape = {.time = batch.time};
  for (int64_t k = 0; k < batch.sequences; k++)
    count_targets(&shape, batch.tokens + k * batch.time, batch.targets + k * batch.time, seen);
}

static void evaluation_scores_each_target_once(void **state) {
  Error err = {0};
  for (int64_t count = 2; count <= MOST; count++)
    for (int64_t time = 1; time <= MOST; time++) {
      int seen[MOST] = {0};
      const int64_t lengths[] = {count / 3, count - count / 3};
      Dataset d = count / 3 ? stream(count, lengths, 2, time % 2) : one_document(count);
      Batches *b = windows_eval_batches(&d, time, 100, 0, &err);
      for (int64_t i = 0; i < b->count; i++) count_batch(b, i, seen);
      for (int64_t i = 1; i < count; i++) {
        const bool first = count / 3 && i == count / 3 && !d.ended; /* nothing predicts it */
        assert_int_equal(seen[i], !first);
      }
      batches_free(b);
      dataset_free(&d);
    }
}

static void a_limit_looks_everywhere(void **state) {
  enum { DOCUMENTS = 100, LENGTH = 10, COUNT = DOCUMENTS * LENGTH };
  int64_t lengths[DOCUMENTS], scored = 0, tenths = 0;
  int seen[COUNT] = {0};
  Error err = {0};
  for (int i = 0; i < DOCUMENTS; i++) lengths[i] = LENGTH;
  Dataset d = stream(COUNT, lengths, DOCUMENTS, false);
  Batches *b = windows_eval_batches(&d, 16, 100, COUNT / 4, &err);
  for (int64_t i = 0; i < b->count; i++) count_batch(b, i, seen);
  for (int i = 0; i < 10; i++) {
    int of_tenth = 0;
    for (int k = 0; k < COUNT / 10; k++) of_tenth += seen[i * (COUNT / 10) + k];
    scored += of_tenth;
    tenths += of_tenth > 0;
  }
  assert_in_range(scored, COUNT / 5, COUNT / 3);
  assert_int_equal(b->tokens, COUNT - DOCUMENTS);
  assert_int_equal(tenths, 10);
  batches_free(b);
  dataset_free(&d);
}

static void epochs_cover_the_stream(void **state) {
  enum { COUNT = 1000, TIME = 16, EPOCHS = 30 };
  int32_t tokens[TIME], targets[TIME], first[EPOCHS];
  int seen[COUNT], ever[COUNT] = {0};
  Dataset d = one_document(COUNT);
  Windows w = open_windows(&d, TIME, false);
  assert_int_equal(w.count, (COUNT - 1) / TIME);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    int64_t covered = 0;
    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < w.count; i++) {
      windows_get(&w, epoch * w.count + i, tokens, targets);
      count_targets(&w, tokens, targets, seen);
      if (!i) first[epoch] = tokens[0];
    }
    for (int i = 0; i < COUNT; i++) {
      assert_in_range(seen[i], 0, 1);
      covered += seen[i];
      ever[i] += seen[i];
    }
    assert_int_equal(covered, w.count * TIME); /* all but what whole windows leave over */
  }
  int same = 0;
  for (int e = 1; e < EPOCHS; e++) same += first[e] == first[e - 1];
  assert_true(same < 3);
  for (int i = 1; i < COUNT; i++) assert_true(ever[i] > 0); /* the offset moves */
  windows_free(&w);
  dataset_free(&d);
}

static void a_window_does_not_depend_on_those_before(void **state) {
  enum { TIME = 8 };
  Dataset d = one_document(500);
  Windows w = open_windows(&d, TIME, false), again = open_windows(&d, TIME, false);
  int32_t a[TIME], a_targets[TIME], b[TIME], b_targets[TIME];
  for (int64_t i = 0; i < 3 * w.count; i++) windows_get(&w, i, a, a_targets);
  for (int64_t i = 3 * w.count; i-- > 0;) {
    windows_get(&w, i, a, a_targets);
    windows_get(&again, i, b, b_targets);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_equal(a_targets, b_targets, sizeof a_targets);
  }
  windows_get(&w, (int64_t)1 << 62, a, a_targets); /* far beyond any run */
  windows_free(&w);
  windows_free(&again);
  dataset_free(&d);
}

static void other_seeds_other_orders(void **state) {
  Dataset d = one_document(4001);
  Windows a, b;
  int32_t x[4], y[4], targets[4];
  assert_true(windows_open(&a, &d, 4, false, 1, &nobody, NULL));
  assert_true(windows_open(&b, &d, 4, false, 2, &nobody, NULL));
  int same = 0;
  for (int64_t i = 0; i < 100; i++) {
    windows_get(&a, i, x, targets);
    windows_get(&b, i, y, targets);
    same += x[0] == y[0];
  }
  assert_true(same < 10);
  windows_free(&a);
  windows_free(&b);
  dataset_free(&d);
}

static void documents_never_share_a_window(void **state) {
  static const int64_t lengths[] = {5, 1, 2, 9, 17, 3};
  enum { COUNT = 37, TIME = 4 };
  int32_t tokens[TIME], targets[TIME];
  int seen[COUNT] = {0};
  Dataset d = stream(COUNT, lengths, 6, false);
  Windows w = open_windows(&d, TIME, true);
  assert_int_equal(w.count, 1 + 0 + 1 + 2 + 4 + 1);
  for (int64_t i = 0; i < w.count; i++) {
    windows_get(&w, i, tokens, targets);
    count_targets(&w, tokens, targets, seen);
  }
  for (int64_t i = 0; i < 6; i++)
    for (int64_t k = d.starts[i]; k < d.starts[i + 1]; k++) assert_int_equal(seen[k], k > d.starts[i]);
  windows_free(&w);
  dataset_free(&d);
}

/* Each document but the first also learns its first token, from the end token before. */
static void documents_begin_with_the_end_before(void **state) {
  static const int64_t lengths[] = {5, 2, 9};
  enum { COUNT = 16, TIME = 4 };
  int32_t tokens[TIME], targets[TIME];
  int seen[COUNT] = {0};
  Dataset d = stream(COUNT, lengths, 3, true);
  Windows w = open_windows(&d, TIME, true);
  for (int64_t i = 0; i < w.count; i++) {
    windows_get(&w, i, tokens, targets);
    count_targets(&w, tokens, targets, seen);
    assert_true(tokens[0] != 5 && tokens[0] != 7); /* not at the first token of a later document */
  }
  for (int64_t k = 0; k < COUNT; k++) assert_int_equal(seen[k], k > 0);
  windows_free(&w);
  dataset_free(&d);
}

static void short_texts(void **state) {
  static const int64_t ones[] = {1, 1, 1};
  int32_t tokens[8], targets[8];
  Error err = {0};
  Windows w;
  Dataset d = one_document(1);
  assert_false(windows_open(&w, &d, 8, false, 7, &nobody, &err));
  assert_non_null(strstr(err.text, "1 tokens"));
  dataset_free(&d);
  d = stream(3, ones, 3, false);
  err = (Error){0};
  assert_false(windows_open(&w, &d, 8, true, 7, &nobody, &err));
  assert_non_null(strstr(err.text, "too short"));
  dataset_free(&d);
  d = one_document(3);
  w = open_windows(&d, 8, false);
  assert_int_equal(w.count, 1);
  windows_get(&w, 5, tokens, targets);
  assert_memory_equal(targets, ((int32_t[]){1, 2, -1, -1, -1, -1, -1, -1}), sizeof targets);
  windows_free(&w);
  dataset_free(&d);
}

/* ---- encoding ---- */

static Tokenizer *bytes_tokenizer(void) {
  static const SettingTable *const tables[] = {&tokenizer_settings_table};
  Settings *s = settings_new(tables, 1);
  Corpus one = {.documents = &(Document){"a", 1}, .count = 1, .bytes = 1, .characters = 1};
  TextSource source = corpus_source(&one);
  Error err = {0};
  assert_true(ink_settings_set(s, "tokenizer", "byte", &err));
  Tokenizer *t = tokenizer_train(&source, settings_part(s, &tokenizer_settings_table), NULL, &nobody, &err);
  if (!t) fail_msg("%s", err.text);
  mem_free(source.self);
  ink_settings_free(s);
  return t;
}

/* Enough documents, of many lengths, that threads share them. */
static void encoding_is_the_same_on_any_threads(void **state) {
  enum { DOCUMENTS = 3000 };
  static char text[DOCUMENTS * 2];
  Document documents[DOCUMENTS];
  Corpus c = {.documents = documents, .count = DOCUMENTS};
  Tokenizer *t = bytes_tokenizer();
  for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + i * i % 23);
  for (size_t i = 0; i < DOCUMENTS; i++) {
    documents[i] = (Document){text + i, 1 + i % 1500};
    c.bytes += (int64_t)documents[i].length;
  }
  Dataset one, many, on_disk;
  threads_set(1);
  assert_true(dataset_encode(&one, &c, t, (DocumentTokens){-1, tokenizer_end(t)}, &nobody, NULL));
  threads_set(3);
  assert_true(dataset_encode(&many, &c, t, (DocumentTokens){-1, tokenizer_end(t)}, &nobody, NULL));
  spool_set_in_memory(1 << 17);
  assert_true(dataset_encode(&on_disk, &c, t, (DocumentTokens){-1, tokenizer_end(t)}, &nobody, NULL));
  spool_set_in_memory(0);
  assert_true(on_disk.store.on_disk && !many.store.on_disk);
  assert_memory_equal(one.tokens, on_disk.tokens, (size_t)one.count * sizeof *one.tokens);
  dataset_free(&on_disk);
  assert_int_equal(one.count, c.bytes + (tokenizer_end(t) >= 0 ? DOCUMENTS : 0));
  assert_int_equal(one.count, many.count);
  assert_memory_equal(one.tokens, many.tokens, (size_t)one.count * sizeof *one.tokens);
  assert_memory_equal(one.starts, many.starts, (DOCUMENTS + 1) * sizeof *one.starts);
  for (int64_t i = 0; i < DOCUMENTS; i++) {
    size_t length;
    const char *piece = tokenizer_piece(t, one.tokens[one.starts[i]], &length);
    assert_int_equal(length, 1);
    assert_int_equal(*piece, text[i]);
    if (one.ended) assert_int_equal(one.tokens[one.starts[i + 1] - 1], tokenizer_end(t));
  }
  dataset_free(&one);
  dataset_free(&many);
  tokenizer_free(t);
}

/* As the model writes them: each from the token that begins a text, with an end only where one is wanted. */
static void documents_stand_between_their_tokens(void **state) {
  enum { BEGIN = 3, END = 5 };
  Document documents[] = {{"a", 1}, {"bcd", 3}};
  Corpus c = {.documents = documents, .count = 2, .bytes = 4, .characters = 4};
  Tokenizer *t = bytes_tokenizer();
  static const struct {
    DocumentTokens around;
    int64_t scored, first; /* the least token that predicts one */
  } cases[] = {{{BEGIN, END}, 6, BEGIN}, {{BEGIN, -1}, 4, BEGIN}, {{-1, END}, 5, END}, {{-1, -1}, 2, 65}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Dataset d;
    Error err = {0};
    assert_true(dataset_encode(&d, &c, t, cases[i].around, &nobody, &err));
    Batches *b = windows_eval_batches(&d, 16, 64, 0, &err);
    assert_non_null(b);
    int64_t scored = 0, least = 1000;
    for (int64_t k = 0; k < b->count; k++) {
      Batch batch;
      batches_get(b, k, &batch);
      scored += batch_scored(&batch);
      for (int64_t at = 0; at < batch.sequences; at++)
        if (batch.tokens[at * batch.time] < least) least = batch.tokens[at * batch.time];
    }
    assert_int_equal(scored, cases[i].scored);
    assert_int_equal(b->tokens, scored);
    assert_int_equal(least, cases[i].first);
    batches_free(b);
    dataset_free(&d);
  }
  tokenizer_free(t);
}

/* A long text is encoded in parts: with the ids that it has as a whole, whatever stands at the cuts. */
static void parts_give_the_ids_of_the_whole(void **state) {
  enum { LINES = 400, DOCUMENTS = 3 };
  static const char *const words[] = {"river", "moon", "墨", "山水", "it's", "3,000",
                                      "  two", "。",   "\t", "x",    "\n",   "ink"};
  Buffer text = {0};
  for (int i = 0; i < LINES; i++)
    for (int k = 0; k < 5 + i % 7; k++)
      buffer_addf(&text, "%s%s", words[(i * 7 + k * k) % 12], k == 4 + i % 7 ? "\n" : i % 3 ? " " : "");
  Document documents[DOCUMENTS] = {{text.data, text.length}, {text.data, 5}, {text.data, text.length - 1}};
  Corpus c = {.documents = documents, .count = DOCUMENTS, .bytes = 2 * (int64_t)text.length + 4};
  static const char *const kinds[] = {"byte", "bpe", "char"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    TextSource source = corpus_source(&c);
    const TokenizerSettings settings = {
        .tokenizer = (char *)(uintptr_t)kinds[i], .vocab = 400, .memory = 1000000};
    Tokenizer *t = tokenizer_train(&source, &settings, NULL, &nobody, NULL);
    Dataset whole, parts;
    const DocumentTokens tokens = {tokenizer_end(t), tokenizer_end(t)};
    assert_true(dataset_encode(&whole, &c, t, tokens, &nobody, NULL));
    encode_set_piece(300);
    assert_true(dataset_encode(&parts, &c, t, tokens, &nobody, NULL));
    encode_set_piece(1 << 18);
    assert_int_equal(whole.count, parts.count);
    assert_memory_equal(whole.tokens, parts.tokens, (size_t)whole.count * sizeof *whole.tokens);
    assert_memory_equal(whole.starts, parts.starts, (DOCUMENTS + 1) * sizeof *whole.starts);
    dataset_free(&whole);
    dataset_free(&parts);
    tokenizer_free(t);
    mem_free(source.self);
  }
  buffer_free(&text);
}

/* A tokenizer that joins letters over the end of a line: a cut there would change the ids. */
static void no_cut_divides_a_token(void **state) {
  static const char json[] =
      "{\"added_tokens\":[],\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"\\n\":1,\"b\":2,\"a\\n\":3,"
      "\"a\\nb\":4},"
      "\"merges\":[[\"a\",\"\\n\"],[\"a\\n\",\"b\"]]}}";
  Error err = {0};
  Buffer text = {0};
  assert_true(file_replace(in_scratch("tokenizer.json"), json, strlen(json), &err));
  Tokenizer *t = tokenizer_open(in_scratch("tokenizer.json"), &err);
  if (!t) fail_msg("%s", err.text);
  for (int i = 0; i < 500; i++) buffer_adds(&text, i % 100 ? "a\nb" : "b\nb");
  Document document = {text.data, text.length};
  Corpus c = {.documents = &document, .count = 1, .bytes = (int64_t)text.length};
  Dataset whole, parts;
  assert_true(dataset_encode(&whole, &c, t, (DocumentTokens){-1, -1}, &nobody, NULL));
  encode_set_piece(100);
  assert_true(dataset_encode(&parts, &c, t, (DocumentTokens){-1, -1}, &nobody, NULL));
  encode_set_piece(1 << 18);
  assert_int_equal(whole.count, 495 + 5 * 3);
  assert_int_equal(whole.count, parts.count);
  assert_memory_equal(whole.tokens, parts.tokens, (size_t)whole.count * sizeof *whole.tokens);
  dataset_free(&whole);
  dataset_free(&parts);
  tokenizer_free(t);
  buffer_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(evaluation_scores_each_target_once),
      cmocka_unit_test(a_limit_looks_everywhere),
      cmocka_unit_test(epochs_cover_the_stream),
      cmocka_unit_test(a_window_does_not_depend_on_those_before),
      cmocka_unit_test(other_seeds_other_orders),
      cmocka_unit_test(documents_never_share_a_window),
      cmocka_unit_test(documents_begin_with_the_end_before),
      cmocka_unit_test(short_texts),
      cmocka_unit_test(encoding_is_the_same_on_any_threads),
      cmocka_unit_test(parts_give_the_ids_of_the_whole),
      cmocka_unit_test_setup_teardown(no_cut_divides_a_token, scratch_open, scratch_close),
      cmocka_unit_test(documents_stand_between_their_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
