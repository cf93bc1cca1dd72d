/* Memory: alignment, growth, the count of what is held, exhaustion, and limits of control groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/scratch.h"

#include <cmocka.h> /* last: it defines fail() */

static void blocks_are_aligned_and_counted(void **state) {
  const int64_t before = mem_held();
  for (size_t bytes = 0; bytes < 6 << 20; bytes = 3 * bytes + 1) {
    char *block = mem_alloc(bytes);
    assert_int_equal((uintptr_t)block % 64, 0);
    memset(block, 1, bytes);
    assert_true(mem_held() >= before + (int64_t)bytes);
    mem_free(block);
    assert_int_equal(mem_held(), before);
  }
  mem_free(NULL);
}

static void resizing_keeps_contents(void **state) {
  char *block = mem_resize(NULL, 3);
  memcpy(block, "abc", 3);
  block = mem_resize(block, 5 << 20);
  assert_memory_equal(block, "abc", 3);
  block = mem_resize(block, 2);
  assert_memory_equal(block, "ab", 2);
  assert_int_equal((uintptr_t)block % 64, 0);
  mem_free(block);
}

static void zeroed_is_zero(void **state) {
  for (int round = 0; round < 10; round++) {
    char *block = mem_alloc_zeroed(10, 100);
    for (int i = 0; i < 1000; i++) assert_int_equal(block[i], 0);
    memset(block, 7, 1000);
    mem_free(block);
  }
}

static void a_vector_grows(void **state) {
  VEC(int) v = {0};
  for (int i = 0; i < 1000; i++) vec_push(&v, i);
  for (int i = 0; i < 1000; i++) assert_int_equal(v.data[i], i);
  assert_int_equal(v.count, 1000);
  vec_free(&v);
  assert_null(v.data);
}

static bool allocate(size_t count, size_t size, Error *err) {
  MEM_GUARD(err, return false);
  mem_free(mem_alloc_zeroed(count, size));
  MEM_GUARD_END();
  return true;
}

static void absurd_sizes_are_an_error_not_a_crash(void **state) {
  const size_t sizes[][2] = {
      {SIZE_MAX, 1}, {SIZE_MAX / 2, 3}, {1ull << 33, 1ull << 33}, {1, (size_t)PTRDIFF_MAX}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    Error err = {0};
    assert_false(allocate(sizes[i][0], sizes[i][1], &err));
    assert_int_equal(err.code, INK_MEMORY);
    assert_memory_equal(err.text, "out of memory", 13);
  }
  Error err = {0};
  assert_true(allocate(10, 10, &err));
}

static bool allocate_from_arena(Arena *arena, size_t bytes, Error *err) {
  MEM_GUARD(err, return false);
  arena_alloc(arena, bytes);
  MEM_GUARD_END();
  return true;
}

static void an_arena_survives_exhaustion(void **state) {
  Arena *arena = arena_new(0);
  Error err = {0};
  assert_false(allocate_from_arena(arena, SIZE_MAX - 10, &err));
  assert_false(allocate_from_arena(arena, PTRDIFF_MAX, &err));
  memset(arena_alloc(arena, 100), 1, 100);
  arena_free(arena);
}

static bool outer(Error *inner_err, Error *err) {
  MEM_GUARD(err, return false);
  const bool inner = allocate(SIZE_MAX, 1, inner_err);
  mem_free(mem_alloc(inner ? 1 : SIZE_MAX));
  MEM_GUARD_END();
  return true;
}

static void guards_nest(void **state) {
  Error inner_err = {0}, err = {0};
  assert_false(outer(&inner_err, &err));
  assert_int_equal(inner_err.code, INK_MEMORY);
  assert_int_equal(err.code, INK_MEMORY);
}

static void the_nth_allocation_fails_once(void **state) {
  Error err = {0};
  mem_fail_after(3);
  assert_true(allocate(1, 1, &err));
  assert_true(allocate(1, 1, &err));
  assert_false(allocate(1, 1, &err));
  assert_true(allocate(1, 1, &err));
}

typedef struct Things {
  VEC(int64_t) vec;
  Buffer buffer;
  Map *map;
} Things;

static bool add(Things *t, int i, Error *err) {
  MEM_GUARD(err, return false);
  vec_push(&t->vec, i);
  buffer_addf(&t->buffer, "%03d", i % 1000);
  map_set(t->map, &i, sizeof i, i);
  MEM_GUARD_END();
  return true;
}

/* Whatever allocation fails, the containers are as before that call or with its item: never half made. */
static void containers_survive_exhaustion(void **state) {
  Things t = {.map = map_new()};
  leaks_allowed(true);
  int failures = 0;
  for (int i = 0; i < 3000; i++) {
    mem_fail_after(1 + i % 3);
    failures += !add(&t, i, NULL);
    mem_fail_after(0);
    assert_true(t.vec.count <= t.vec.capacity && t.buffer.length <= t.buffer.capacity);
    for (size_t k = 0; k < t.vec.count; k += 97) assert_true(t.vec.data[k] <= i);
  }
  assert_true(failures > 10);
  for (size_t k = 0; k < map_count(t.map); k++) {
    int64_t value, found;
    size_t length;
    const char *key = map_at(t.map, k, &length, &value);
    assert_true(map_get(t.map, key, length, &found) && found == value);
  }
  leaks_allowed(false);
  vec_free(&t.vec);
  buffer_free(&t.buffer);
  map_free(t.map);
}

static void without_a_guard_it_aborts(void **state) {
  const pid_t child = fork();
  if (!child) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    mem_alloc(SIZE_MAX);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
}

static void put(const char *name, const char *text) {
  assert_true(file_replace(in_scratch(name), text, strlen(text), NULL));
}

static void the_smallest_group_limit_counts(void **state) {
  dir_make(in_scratch("v2/a/b"), NULL);
  put("none", "0::/\n");
  put("two", "0::/a/b\n");
  put("one", "9:cpu:/z\n4:memory:/elsewhere/c\n0::/\n");
  char mount[PATH_CAPACITY];
  path_join(mount, scratch, "v2");
  assert_true(mem_group_limit(in_scratch("absent"), mount) == INT64_MAX);
  assert_true(mem_group_limit(in_scratch("none"), mount) == INT64_MAX);
  put("v2/a/b/memory.max", "max\n");
  assert_true(mem_group_limit(in_scratch("two"), mount) == INT64_MAX);
  put("v2/a/memory.max", "4096000\n"); /* the group above */
  assert_int_equal(mem_group_limit(in_scratch("two"), mount), 4096000);
  assert_true(mem_group_limit(in_scratch("none"), mount) == INT64_MAX);
  put("v2/memory.max", "1000\n"); /* a container sees its own group as the root */
  assert_int_equal(mem_group_limit(in_scratch("two"), mount), 1000);
  dir_remove(in_scratch("v2"), NULL);
  dir_make(in_scratch("v2/memory"), NULL);
  put("v2/memory/memory.limit_in_bytes", "777\n"); /* version 1 in a container: the path is not there */
  assert_int_equal(mem_group_limit(in_scratch("one"), mount), 777);
}

static void memory_available_obeys_the_address_space(void **state) {
  struct rlimit before;
  getrlimit(RLIMIT_AS, &before);
  const int64_t all = mem_available();
  assert_true(all > 1 << 20);
  assert_true(mem_resident() > 1 << 16 && mem_resident() <= all);
  const pid_t child = fork();
  if (!child) {
    const struct rlimit limit = {100 << 20, before.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
    _exit(mem_available() == 100 << 20 ? 0 : 1);
  }
  int status;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_aligned_and_counted),
      cmocka_unit_test(resizing_keeps_contents),
      cmocka_unit_test(zeroed_is_zero),
      cmocka_unit_test(a_vector_grows),
      cmocka_unit_test(absurd_sizes_are_an_error_not_a_crash),
      cmocka_unit_test(an_arena_survives_exhaustion),
      cmocka_unit_test(guards_nest),
      cmocka_unit_test(the_nth_allocation_fails_once),
      cmocka_unit_test(containers_survive_exhaustion),
      cmocka_unit_test(without_a_guard_it_aborts),
      cmocka_unit_test_setup_teardown(the_smallest_group_limit_counts, scratch_open, scratch_close),
      cmocka_unit_test(memory_available_obeys_the_address_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
