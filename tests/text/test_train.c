/* Learning tokenizers: what is learnt, and that nothing about the machine shows in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/scratch.h"
#include "base/engine.h"
#include "base/threads.h"
#include "text/count.h"
#include "text_source.h"

#include <cmocka.h> /* last: it defines fail() */

static const char *const poem[] = {"床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n",
                                   "the cat sat on the mat. the rat sat.\n", NULL};

static uint64_t random_state;
static uint32_t pick(uint32_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 33) % n;
}

/* Words of a made-up language, frequent and rare, separated by spaces (or not). */
static char *babble(size_t length, const char *between) {
  Buffer text = {0};
  for (random_state = 7; text.length < length;) {
    const uint32_t word = pick(2) ? pick(300) : pick(60000);
    buffer_addf(&text, "%s%x", between, word * 2654435761u >> (word % 16));
  }
  return buffer_take(&text);
}

static void expect_round_trip(const Tokenizer *t, const char *text, size_t length) {
  Ids ids = {0};
  Buffer out = {0};
  assert_true(tokenizer_encode(t, text, length, false, &ids, NULL));
  assert_true(tokenizer_decode(t, ids.data, ids.count, false, &out, NULL));
  assert_int_equal(out.length, length);
  if (length) assert_memory_equal(out.data, text, length);
  vec_free(&ids);
  buffer_free(&out);
}

static void any_bytes_round_trip(void **state) {
  static const char *const kinds[] = {"byte", "char", "bpe"};
  random_state = 1;
  for (int k = 0; k < 3; k++) {
    Tokenizer *t = learn(kinds[k], 300, poem, 0, NULL, NULL);
    for (int round = 0; round < 300; round++) {
      char text[3000];
      const size_t length = pick(round % 10 ? 60 : sizeof text);
      for (size_t i = 0; i < length; i++)
        text[i] = pick(3) ? poem[0][pick(60)] : (char)pick(256); /* cut characters */
      expect_round_trip(t, text, length);
    }
    expect_round_trip(t, "\0<|endoftext|>\0\xff\xfe", 18);
    tokenizer_free(t);
  }
}

/* Ids by hand: bytes in GPT-2's order, then the characters by frequency, each after its beginning. */
static void characters(void **state) {
  static const char *const texts[] = {"\xe6\x9c\x88\xe6\x9c\x88\xc3\xa9", NULL}; /* 月月é */
  static const int32_t wanted[] = {257, 258, 64};
  Tokenizer *t = learn("char", 0, texts, 0, NULL, NULL);
  Ids ids = {0};
  assert_int_equal(tokenizer_size(t), 256 + 3 + 1);
  assert_int_equal(tokenizer_end(t), 259);
  assert_true(tokenizer_encode(t,
                               "\xe6\x9c\x88\xc3\xa9"
                               "a\xe4",
                               7, false, &ids, NULL));
  assert_int_equal(ids.count, 4);
  assert_int_equal(ids.data[0], wanted[0]);
  assert_int_equal(ids.data[1], wanted[1]);
  assert_int_equal(ids.data[2], wanted[2]);
  vec_free(&ids);
  tokenizer_free(t);
  t = learn("char", 259, texts, 0, NULL, NULL); /* no room for é */
  assert_int_equal(tokenizer_size(t), 259);
  assert_true(tokenizer_encode(t, "\xe6\x9c\x88\xc3\xa9", 5, false, &ids, NULL));
  assert_int_equal(ids.count, 3);
  vec_free(&ids);
  tokenizer_free(t);
}

/* Of pairs that occur equally often the one with the smaller ids goes first: a space is id 220, after the
 * letters. */
static void merges_by_hand(void **state) {
  static const char *const texts[] = {"ab ab ab cd cd cd x", NULL};
  Tokenizer *t = learn("bpe", 261, texts, 0, NULL, NULL);
  static const char *const wanted[] = {"ab", "cd", " cd", " ab"};
  assert_int_equal(tokenizer_size(t), 261);
  for (int i = 0; i < 4; i++) {
    size_t length;
    const char *piece = tokenizer_piece(t, 256 + i, &length);
    assert_int_equal(length, strlen(wanted[i]));
    assert_memory_equal(piece, wanted[i], length);
  }
  tokenizer_free(t);
}

/* No token has both a letter and a sentence's mark. */
static void no_token_crosses_a_sentence(void **state) {
  static const char line[] = "明月光，疑是。the end, then more.\n";
  Buffer text = {0};
  for (int i = 0; i < 50; i++) buffer_adds(&text, line);
  const char *const texts[] = {text.data, NULL};
  Tokenizer *t = learn("bpe", 400, texts, 0, NULL, NULL);
  assert_true(tokenizer_size(t) > 280);
  for (int32_t id = 256; id < tokenizer_end(t); id++) {
    size_t n;
    const char *piece = tokenizer_piece(t, id, &n);
    static const char *const marks[] = {"，", "。", ",", "."};
    for (int m = 0; m < 4; m++) {
      const char *at = memmem(piece, n, marks[m], strlen(marks[m]));
      if (!at) continue;
      assert_true(at == piece);
      for (size_t i = strlen(marks[m]); i < n; i++) assert_int_equal(piece[i], '\n');
    }
  }
  tokenizer_free(t);
  buffer_free(&text);
}

static char *learnt_with(int threads, const char *kind, const char *const *texts) {
  threads_set(threads);
  Error err = {0};
  Tokenizer *t = learn(kind, 2000, texts, 0, NULL, &err);
  const char *path = in_scratch("tokenizer.json");
  FileView file;
  assert_non_null(t);
  assert_true(tokenizer_save(t, path, false, &err) && file_view(path, &file, &err));
  Buffer bytes = {0};
  buffer_add(&bytes, file.data, file.size);
  file_view_close(&file);
  tokenizer_free(t);
  threads_set(0);
  return buffer_take(&bytes);
}

static void the_same_file_for_any_number_of_threads(void **state) {
  char *text = babble(12000000, " ");
  const char *const texts[] = {text, poem[0], text + 5, NULL};
  for (int k = 0; k < 2; k++) {
    const char *kind = k ? "bpe" : "char";
    char *one = learnt_with(1, kind, texts);
    for (int threads = 2; threads < 4; threads++) {
      char *other = learnt_with(threads, kind, texts);
      assert_string_equal(one, other);
      mem_free(other);
    }
    mem_free(one);
  }
  mem_free(text);
}

static void note_warning(void *user, const ink_event *event) {
  *(int *)user += event->kind == INK_EVENT_WARNING;
}

static WordCounts count(const char *text, size_t length, int64_t memory, int threads, int *warnings) {
  const char *const texts[] = {text, NULL};
  Texts t = {.texts = texts, .length = length};
  TextSource source = {&t, texts_rewind, texts_next, 0};
  const News news = {note_warning, warnings};
  WordPattern *pattern = words_compile(words_ours, "ours", NULL);
  WordCounts counts;
  threads_set(threads);
  assert_true(count_words(&counts, &source, pattern, memory, &news, NULL));
  threads_set(0);
  words_free(pattern);
  return counts;
}

/* 20 MB without a space: words are cut, rare ones dropped, the same whatever the threads, and it is said. */
static void memory_is_kept_on_a_line_without_spaces(void **state) {
  static const int64_t limit = 20000000;
  enum { LENGTH = 20000000 };
  char *text = mem_alloc(LENGTH + 1);
  random_state = 3;
  for (size_t i = 0; i < LENGTH; i++) text[i] = (char)('a' + pick(26));
  text[LENGTH] = '\0';
  int warnings = 0;
  const int64_t before = mem_held();
  WordCounts one = count(text, LENGTH, limit, 1, &warnings), two = count(text, LENGTH, limit, 2, &warnings);
  assert_int_equal(warnings, 2);
  assert_true(one.dropped > 0);
  assert_true(mem_held() - before < 2 * limit);
  assert_int_equal(one.text_bytes, LENGTH);
  assert_int_equal(one.words.words.count, two.words.words.count);
  assert_memory_equal(one.words.bytes.data, two.words.bytes.data, one.words.bytes.count);
  assert_int_equal(one.dropped, two.dropped);
  for (size_t i = 0; i < one.words.words.count; i++) assert_true(one.words.words.data[i].length <= 48);
  word_counts_free(&one);
  word_counts_free(&two);
  mem_free(text);
}

static void rare_words_are_dropped_and_the_others_found_again(void **state) {
  WordTable t = {0};
  static const char *const words[] = {"a", "bb", "a", "ccc", "bb", "bb"};
  for (int i = 0; i < 6; i++)
    word_table_add(&t, words[i], strlen(words[i]), word_hash(words[i], strlen(words[i])), 1);
  assert_int_equal(word_table_drop_below(&t, 2), 1);
  assert_int_equal(t.words.count, 2);
  word_table_add(&t, "bb", 2, word_hash("bb", 2), 1);
  assert_int_equal(t.words.count, 2);
  assert_int_equal(t.words.data[0].times, 2);
  assert_int_equal(t.words.data[1].times, 4);
  assert_memory_equal(t.bytes.data, "abb", 3);
  word_table_free(&t);
}

/* Nothing is lost where it fits: every occurrence is counted, over pieces and batches. */
static void every_word_is_counted(void **state) {
  enum { LENGTH = 9000000 };
  char *text = mem_alloc(LENGTH + 1);
  int warnings = 0;
  const size_t length = LENGTH;
  random_state = 5; /* more distinct words than the table of a piece has room for */
  for (size_t i = 0; i < LENGTH; i++) text[i] = (char)(i % 6 ? 'a' + pick(26) : ' ');
  text[LENGTH] = '\0';
  WordCounts c = count(text, length, 1000000000, 2, &warnings);
  int64_t bytes = 0;
  for (size_t i = 0; i < c.words.words.count; i++)
    bytes += c.words.words.data[i].times * c.words.words.data[i].length;
  assert_int_equal(bytes, length);
  assert_int_equal(warnings, 0);
  assert_int_equal(c.dropped, 0);
  word_counts_free(&c);
  mem_free(text);
}

static ink_stop stop;

static void interrupt_at_once(void *user, const ink_event *event) {
  if (event->stage && !strcmp(event->stage, user)) ink_stop_request(&stop);
}

static void interrupted_while(const char *stage, size_t length) {
  char *text = babble(length, " ");
  const char *const texts[] = {text, NULL};
  const News news = {interrupt_at_once, (void *)(uintptr_t)stage};
  Error err = {0};
  work_context.stop = &stop;
  assert_null(learn("bpe", 2000, texts, 0, &news, &err));
  assert_non_null(strstr(err.text, "interrupted"));
  assert_int_equal(err.code, INK_INTERRUPTED);
  work_context.stop = NULL;
  ink_stop_clear(&stop);
  mem_free(text);
}

static void interrupted_training_ends(void **state) {
  interrupted_while("counting words", 10000000);
  interrupted_while("learning merges", 300000);
}

static void too_small_vocabularies_are_refused(void **state) {
  Error err = {0};
  assert_null(learn("byte", 256, poem, 0, NULL, &err));
  assert_int_equal(err.code, INK_USAGE);
  assert_non_null(strstr(err.text, "--vocab 256"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_bytes_round_trip),
      cmocka_unit_test(characters),
      cmocka_unit_test(merges_by_hand),
      cmocka_unit_test(no_token_crosses_a_sentence),
      cmocka_unit_test_setup_teardown(the_same_file_for_any_number_of_threads, scratch_open, scratch_close),
      cmocka_unit_test(memory_is_kept_on_a_line_without_spaces),
      cmocka_unit_test(rare_words_are_dropped_and_the_others_found_again),
      cmocka_unit_test(every_word_is_counted),
      cmocka_unit_test(interrupted_training_ends),
      cmocka_unit_test(too_small_vocabularies_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
