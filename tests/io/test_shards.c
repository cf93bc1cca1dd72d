/* Weights in several files: what was written is read, whatever was there before; an index that lies is
 * refused, each time with a sentence that names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scratch.h"
#include "io/shards.h"

#include <cmocka.h> /* last: it defines fail() */

enum { TENSORS = 5, COLUMNS = 6, BYTES = COLUMNS * sizeof(float) };
static float values[TENSORS][COLUMNS];
static const char *const names[TENSORS] = {"a", "b", "c", "d", "e"};

static void fill(NamedTensor items[TENSORS], float first) {
  for (int i = 0; i < TENSORS; i++) {
    for (int k = 0; k < COLUMNS; k++) values[i][k] = first + (float)(i * COLUMNS + k);
    items[i] =
        (NamedTensor){.name = names[i],
                      .tensor = {.type = TENSOR_F32, .dims = 2, .shape = {1, COLUMNS}, .data = values[i]}};
  }
}

static void write_some(float first, uint64_t most) {
  NamedTensor items[TENSORS];
  Error err = {0};
  fill(items, first);
  if (!shards_write(scratch, items, TENSORS, most, &err)) fail_msg("%s", err.text);
}

/* What is there is what was written last, in so many files, and no others are left. */
static void check(float first, size_t files) {
  Shards s;
  Error err = {0};
  Names there;
  if (!shards_open(&s, scratch, &err)) fail_msg("%s", err.text);
  assert_int_equal(s.count, files);
  assert_int_equal(s.tensors.count, TENSORS);
  assert_null(s.remark);
  for (int i = 0; i < TENSORS; i++) {
    const NamedTensor *t = tensors_find(&s.tensors, names[i]);
    assert_non_null(t);
    for (int k = 0; k < COLUMNS; k++)
      assert_true(((const float *)t->tensor.data)[k] == first + (float)(i * COLUMNS + k));
    assert_true(files == 1 ? strstr(t->file, WEIGHTS_FILE) != NULL : strstr(t->file, "/model-") != NULL);
  }
  shards_close(&s);
  assert_true(dir_list(scratch, &there, &err));
  assert_int_equal(there.count, files + (files > 1));
  names_free(&there);
}

static void each_replaces_the_one_before(void **state) {
  (void)state;
  write_some(1, shard_bytes);
  check(1, 1);
  write_some(2, 2 * BYTES);
  check(2, 3);
  write_some(3, 2 * BYTES);
  check(3, 3);
  write_some(4, BYTES - 1); /* each is larger than that */
  check(4, 5);
  write_some(5, TENSORS * BYTES);
  check(5, 1);
}

/* Killed between any two steps: what is read is whole, and the next one written takes its place. */
static void what_a_crash_leaves_is_read(void **state) {
  (void)state;
  write_some(1, 2 * BYTES); /* letter a */
  assert_true(file_exists(in_scratch("model-a-00001-of-00003.safetensors")));
  assert_true(file_replace(in_scratch("model-b-00001-of-00003.safetensors"), "cut", 3, NULL));
  Shards s;
  Error err = {0};
  assert_true(shards_open(&s, scratch, &err)); /* before the index was replaced */
  shards_close(&s);
  write_some(2, 2 * BYTES);
  check(2, 3);
  assert_true(file_exists(in_scratch("model-b-00003-of-00003.safetensors")));
  write_some(3, shard_bytes);
  assert_true(file_replace(in_scratch(WEIGHTS_INDEX), "{}", 2, NULL)); /* before it was removed */
  check(3, 1 + 0 * dir_remove(in_scratch(WEIGHTS_INDEX), NULL));
  assert_false(shards_own("model-00001-of-00002.safetensors"));
  assert_true(shards_own("model-b-00001-of-00003.safetensors") && shards_own(WEIGHTS_INDEX));
}

static void write_index(const char *json) {
  assert_true(file_replace(in_scratch(WEIGHTS_INDEX), json, strlen(json), NULL));
}

static void write_file(const char *name, int first, int count) {
  NamedTensor items[TENSORS];
  fill(items, 1);
  assert_true(safetensors_write(in_scratch(name), items + first, (size_t)count, NULL, NULL));
}

/* x holds a and b, y c and d. */
#define MAP(a, b, c, d) \
  "{\"weight_map\": {\"a\": \"" a "\", \"b\": \"" b "\", \"c\": \"" c "\", \"d\": \"" d "\"}}"
#define X "x.safetensors"
#define Y "y.safetensors"

static void hostile_indices_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *index, *says;
  } cases[] = {
      {MAP(X, X, Y, Y), NULL},
      {MAP(X, X, Y, "../y.safetensors"),
       "\"../y.safetensors\" is not the name of a safetensors file in the same directory"},
      {MAP(X, X, Y, "/etc/y.safetensors"), "is not the name"},
      {MAP(X, X, Y, ".safetensors"), "is not the name"},
      {MAP(X, X, Y, "sub/y.safetensors"), "is not the name"},
      {MAP(X, X, Y, "passwd"), "is not the name"},
      {MAP(X, X, Y, ""), "is not the name"},
      {MAP(X, X, Y, "z.safetensors"), "\"z.safetensors\", one of 3 files of weights, is missing"},
      {MAP(X, X, Y, X), "tensor \"d\" is listed in \"x.safetensors\", but stored in \"y.safetensors\""},
      {"{\"weight_map\": {\"a\": \"x.safetensors\", \"b\": \"x.safetensors\", \"c\": \"y.safetensors\"}}",
       "\"y.safetensors\" contains a tensor \"d\" that is not listed"},
      {"{\"weight_map\": {\"a\": \"x.safetensors\", \"b\": \"x.safetensors\", \"z\": \"x.safetensors\"}}",
       "tensor \"z\" is listed in \"x.safetensors\", which does not contain it"},
      {MAP(X, X, "w.safetensors", "w.safetensors"), "w.safetensors: the file has 3 bytes"},
      {"{\"weight_map\": {\"a\": 7}}", "the file name of tensor \"a\" is not a string"},
      {"{\"weight_map\": {}}", "lists no tensors"},
      {"{\"weight_map\": [\"x.safetensors\"]}", "\"weight_map\" is not an object"},
      {"{}", "\"weight_map\" is not an object"},
      {"[]", "JSON object"},
      {"{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}}", "duplicate"},
  };
  write_file(X, 0, 2);
  write_file(Y, 2, 2);
  assert_true(file_replace(in_scratch("w.safetensors"), "cut", 3, NULL));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Shards s;
    Error err = {0};
    write_index(cases[i].index);
    if (shards_open(&s, scratch, &err) != !cases[i].says) fail_msg("%s: %s", cases[i].index, err.text);
    if (!cases[i].says)
      shards_close(&s);
    else if (!strstr(err.text, cases[i].says))
      fail_msg("%s: %s", cases[i].index, err.text);
  }
}

static void a_tensor_that_is_there_twice_is_refused(void **state) {
  (void)state;
  Shards s;
  Error err = {0};
  write_file(X, 0, 3);
  write_file(Y, 2, 2);
  write_index(MAP(X, X, X, Y));
  assert_false(shards_open(&s, scratch, &err));
  assert_non_null(strstr(err.text, "\"c\" is stored twice, in \"x.safetensors\" and in \"y.safetensors\""));
}

/* Programs count in several ways: it is told, and nothing depends on it. */
static void a_wrong_total_is_told(void **state) {
  (void)state;
  static const struct {
    const char *total;
    bool right;
  } cases[] = {{"96", true},      {"96.0", true}, {"95", false},    {"1e300", false},
               {"\"96\"", false}, {"-1", false},  {"[1,2]", false}, {"null", false}};
  write_file(X, 0, 2);
  write_file(Y, 2, 2);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char json[512];
    Shards s;
    Error err = {0};
    snprintf(json, sizeof json, "{\"metadata\": {\"total_size\": %s}, %s", cases[i].total,
             &MAP(X, X, Y, Y)[1]); /* without its first brace */
    write_index(json);
    if (!shards_open(&s, scratch, &err)) fail_msg("%s", err.text);
    assert_int_equal(s.remark == NULL, cases[i].right);
    if (s.remark) assert_non_null(strstr(s.remark, cases[i].total));
    shards_close(&s);
  }
}

/* As in transformers, a single file comes first. */
static void an_index_that_is_not_read_is_told(void **state) {
  (void)state;
  Shards s;
  Error err = {0};
  write_file(WEIGHTS_FILE, 0, 2);
  write_file(Y, 2, 2);
  write_index(MAP(Y, Y, Y, Y));
  if (!shards_open(&s, scratch, &err)) fail_msg("%s", err.text);
  assert_int_equal(s.tensors.count, 2);
  assert_non_null(strstr(s.remark, WEIGHTS_INDEX " and its files are not read"));
  shards_close(&s);
}

/* Neither is waited for nor read without end. */
static void what_is_no_regular_file_is_refused(void **state) {
  (void)state;
  Shards s;
  Error err = {0};
  alarm(20); /* waiting would be for ever */
  assert_int_equal(mkfifo(in_scratch(WEIGHTS_FILE), 0600), 0);
  assert_false(shards_open(&s, scratch, &err));
  assert_non_null(strstr(err.text, "not a regular file"));
  assert_true(dir_remove(in_scratch(WEIGHTS_FILE), NULL));
  assert_int_equal(symlink("/dev/zero", in_scratch(WEIGHTS_INDEX)), 0);
  err = (Error){0};
  assert_false(shards_open(&s, scratch, &err));
  assert_non_null(strstr(err.text, "not a regular file"));
  alarm(0);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)
int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(each_replaces_the_one_before),
      IN_SCRATCH(what_a_crash_leaves_is_read),
      IN_SCRATCH(hostile_indices_are_refused),
      IN_SCRATCH(a_tensor_that_is_there_twice_is_refused),
      IN_SCRATCH(a_wrong_total_is_told),
      IN_SCRATCH(what_is_no_regular_file_is_refused),
      IN_SCRATCH(an_index_that_is_not_read_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
