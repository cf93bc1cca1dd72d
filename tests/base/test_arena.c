/* Arenas: a pointer bump, and a steady step that asks the system for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

#include <cmocka.h> /* last: it defines fail() */

static void blocks_are_aligned_and_disjoint(void **state) {
  Arena *arena = arena_new(256);
  unsigned char *blocks[200];
  const char *texts[200];
  for (int i = 0; i < 200; i++) {
    texts[i] = arena_strndup(arena, "a string of 27 characters..", (size_t)i % 28);
    blocks[i] = arena_alloc(arena, (size_t)(i * 7 % 500));
    assert_int_equal((uintptr_t)blocks[i] % 64, 0);
    memset(blocks[i], i, (size_t)(i * 7 % 500));
  }
  for (int i = 0; i < 200; i++)
    for (int k = 0; k < i * 7 % 500; k++) assert_int_equal(blocks[i][k], i);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(strlen(texts[i]), i % 28);
    assert_memory_equal(texts[i], "a string of 27 characters..", (size_t)i % 28);
  }
  arena_free(arena);
  arena_free(NULL);
}

static void step(Arena *arena) {
  for (size_t i = 1; i < 100; i++) {
    memset(arena_alloc(arena, 100 * i), 0xff, 100 * i);
    arena_strndup(arena, "odd", i % 3);
  }
}

static void after_a_reset_the_same_step_allocates_nothing(void **state) {
  Arena *arena = arena_new(1000);
  step(arena);
  const size_t used = arena_used(arena);
  assert_true(used >= 100 * 99 * 50);
  arena_reset(arena);
  assert_int_equal(arena_used(arena), 0);
  void *first = arena_alloc(arena, 1);
  arena_reset(arena);
  const int64_t held = mem_held();
  mem_fail_after(1); /* aborts the test if anything is allocated */
  for (int round = 0; round < 3; round++) {
    assert_ptr_equal(arena_alloc(arena, 1), first);
    arena_reset(arena);
    step(arena);
    assert_int_equal(arena_used(arena), used);
    assert_int_equal(arena_peak(arena), used);
    arena_reset(arena);
  }
  mem_fail_after(0);
  assert_int_equal(mem_held(), held);
  arena_free(arena);
}

static void rewound_memory_is_used_again(void **state) {
  Arena *arena = arena_new(1000);
  unsigned char *before = memset(arena_alloc(arena, 700), 7, 700);
  const ArenaMark mark = arena_mark(arena);
  step(arena);
  const size_t peak = arena_peak(arena);
  arena_rewind(arena, mark);
  assert_int_equal(arena_used(arena), mark.used);
  const int64_t held = mem_held();
  for (int round = 0; round < 3; round++) { /* marks within marks, over several chunks */
    step(arena);
    const ArenaMark inner = arena_mark(arena);
    void *place = memset(arena_alloc(arena, 64), 1, 64);
    arena_rewind(arena, inner);
    assert_ptr_equal(arena_alloc(arena, 64), place);
    arena_rewind(arena, mark);
  }
  assert_int_equal(mem_held(), held);
  for (int i = 0; i < 700; i++) assert_int_equal(before[i], 7);
  arena_reset(arena); /* one chunk of all that was needed at once */
  arena_alloc(arena, 1);
  const int64_t joined = mem_held();
  arena_reset(arena);
  arena_alloc(arena, 700);
  step(arena);
  assert_int_equal(mem_held(), joined);
  assert_true(arena_peak(arena) < peak + 128);
  arena_free(arena);
}

static void everything_is_given_back(void **state) {
  const int64_t before = mem_held();
  Arena *arena = arena_new(0);
  step(arena);
  arena_reset(arena);
  step(arena);
  step(arena);
  arena_free(arena);
  assert_int_equal(mem_held(), before);
}

static void zeroed_after_use_is_zero(void **state) {
  Arena *arena = arena_new(0);
  step(arena);
  arena_reset(arena);
  const unsigned char *block = arena_alloc_zeroed(arena, 1000);
  for (int i = 0; i < 1000; i++) assert_int_equal(block[i], 0);
  arena_free(arena);
}

static void texts(void **state) {
  Arena *arena = arena_new(64);
  assert_string_equal(arena_strndup(arena, "hello world", 5), "hello");
  const char *printed = arena_printf(arena, "%0200d|%s", 7, "end");
  assert_int_equal(strlen(printed), 204);
  assert_string_equal(printed + 199, "7|end");
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_aligned_and_disjoint),
      cmocka_unit_test(after_a_reset_the_same_step_allocates_nothing),
      cmocka_unit_test(rewound_memory_is_used_again),
      cmocka_unit_test(everything_is_given_back),
      cmocka_unit_test(zeroed_after_use_is_zero),
      cmocka_unit_test(texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
