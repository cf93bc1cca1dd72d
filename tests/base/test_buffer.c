/* Buffer, Map and the hash under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

#include <cmocka.h> /* last: it defines fail() */

static void a_buffer_grows_and_stays_terminated(void **state) {
  Buffer b = {0};
  buffer_add(&b, "", 0);
  assert_string_equal(b.data, "");
  for (int i = 0; i < 1000; i++) {
    buffer_addf(&b, "%d,", i);
    assert_int_equal(b.data[b.length], '\0');
  }
  assert_int_equal(b.length, 10 * 2 + 90 * 3 + 900 * 4);
  assert_memory_equal(b.data, "0,1,2,3,", 8);
  assert_string_equal(b.data + b.length - 8, "998,999,");
  buffer_clear(&b);
  assert_int_equal(b.length, 0);
  buffer_add(&b, "a\0b", 3);
  buffer_adds(&b, "c");
  assert_memory_equal(b.data, "a\0bc", 5);
  buffer_free(&b);
  assert_null(b.data);
}

static void a_full_buffer_drops_the_rest(void **state) {
  Buffer b = {.most = 5};
  buffer_adds(&b, "abc");
  buffer_adds(&b, "de");
  assert_false(b.overfull);
  buffer_adds(&b, "f");
  assert_true(b.overfull);
  assert_string_equal(b.data, "abcde");
  buffer_clear(&b);
  buffer_adds(&b, "fits");
  assert_false(b.overfull);
  buffer_add(&b, "", SIZE_MAX);
  assert_true(b.overfull);
  buffer_free(&b);
}

static void taking_empties(void **state) {
  Buffer b = {0};
  char *nothing = buffer_take(&b);
  assert_string_equal(nothing, "");
  buffer_adds(&b, "text");
  char *text = buffer_take(&b);
  assert_string_equal(text, "text");
  assert_true(b.data == NULL && b.length == 0 && b.capacity == 0);
  mem_free(nothing);
  mem_free(text);
}

/* From the definitions of FNV-1a and of splitmix64's finalizer, computed in Python. */
static void the_hash_is_the_same_everywhere(void **state) {
  assert_true(hash_bytes("", 0, 0) == 0xf52a15e9a9b5e89b);
  assert_true(hash_bytes("a", 1, 0) == 0x02c0bdbf481420f8);
  assert_true(hash_bytes("foobar", 6, 0) == 0x404da9e3b74078c2);
  assert_true(hash_bytes("foobar", 6, 1) == 0x7362f8840f0f638f);
  assert_true(hash_bytes("a\0b", 3, 0) == 0xeb38c838c62d597e);
}

enum { KEYS = 100000 };

static size_t key_of(int i, char key[16]) {
  return (size_t)snprintf(key, 16, "%x", i * 2654435761u);
}

static void a_map_of_many_keys(void **state) {
  char key[16];
  Map *map = map_new();
  assert_false(map_get(map, "absent", 6, NULL));
  for (int i = 0; i < KEYS; i++) {
    map_set(map, key, key_of(i, key), i);
    assert_false(
        map_get(map, key, key_of(i + 1, key), NULL)); /* found absent at any size: no table is full */
  }
  for (int i = 0; i < KEYS; i += 3) map_set(map, key, key_of(i, key), -i);
  assert_int_equal(map_count(map), KEYS);
  for (int i = 0; i < KEYS; i++) {
    int64_t value = 0;
    assert_true(map_get(map, key, key_of(i, key), &value));
    assert_int_equal(value, i % 3 ? i : -i);
    assert_false(map_get(map, key, key_of(KEYS + i, key), &value));
  }
  map_free(map);
}

/* Some of which are there; more than are looked up at a time. */
static void several_keys_at_once(void **state) {
  enum { ASKED = 50 };
  char texts[ASKED][16];
  MapKey keys[ASKED];
  int64_t values[ASKED];
  Map *map = map_new();
  for (int i = 0; i < ASKED; i++) keys[i] = (MapKey){texts[i], key_of(i, texts[i])};
  map_get_all(map, keys, ASKED, values);
  for (int i = 0; i < ASKED; i++) assert_int_equal(values[i], -1);
  for (int i = 0; i < ASKED; i += 3) map_set(map, keys[i].bytes, keys[i].length, i);
  map_get_all(map, keys, ASKED, values);
  for (int i = 0; i < ASKED; i++) assert_int_equal(values[i], i % 3 ? -1 : i);
  map_free(map);
}

static void a_map_keeps_the_order_of_insertion(void **state) {
  char key[16];
  Map *map = map_new();
  for (int i = 0; i < 1000; i++) ++*map_slot(map, key, key_of(i, key), 0);
  for (int i = 999; i >= 0; i--) ++*map_slot(map, key, key_of(i, key), 0);
  for (int i = 0; i < 1000; i++) {
    size_t length;
    int64_t value;
    const char *at = map_at(map, (size_t)i, &length, &value);
    assert_int_equal(length, key_of(i, key));
    assert_memory_equal(at, key, length);
    assert_int_equal(value, 2);
  }
  map_free(map);
}

static void any_bytes_are_a_key(void **state) {
  Map *map = map_new();
  map_set(map, "", 0, 1);
  map_set(map, "\0", 1, 2);
  map_set(map, "\0\0", 2, 3);
  int64_t value;
  assert_true(map_get(map, "", 0, &value) && value == 1);
  assert_true(map_get(map, "\0", 1, &value) && value == 2);
  assert_true(map_get(map, "\0\0", 2, &value) && value == 3);
  assert_false(map_get(map, "\0\0\0", 3, &value));
  map_free(map);
  map_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_buffer_grows_and_stays_terminated),
      cmocka_unit_test(a_full_buffer_drops_the_rest),
      cmocka_unit_test(taking_empties),
      cmocka_unit_test(the_hash_is_the_same_everywhere),
      cmocka_unit_test(a_map_of_many_keys),
      cmocka_unit_test(several_keys_at_once),
      cmocka_unit_test(a_map_keeps_the_order_of_insertion),
      cmocka_unit_test(any_bytes_are_a_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
