/* TensorBoard's event files: checksums that others published, frames that hold, and what TensorBoard itself
 * reads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "io/tfevents.h"

#include <cmocka.h> /* last but one: it defines fail() */

#include "io/python.h"

/* RFC 3720, B.4. */
static void checksums(void **state) {
  unsigned char bytes[32] = {0};
  assert_int_equal(crc32c(bytes, 32), 0x8a9136aau);
  memset(bytes, 0xff, 32);
  assert_int_equal(crc32c(bytes, 32), 0x62a8ab43u);
  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(crc32c(bytes, 32), 0x46dd794eu);
  assert_int_equal(crc32c("123456789", 9), 0xe3069283u);
}

static void *checksum(void *barrier) {
  pthread_barrier_wait(barrier);
  return (void *)(uintptr_t)(crc32c("123456789", 9) == 0xe3069283u);
}

/* The first use, by two at once: what is made then is made once (seen by the thread sanitizer). */
static void checksums_of_two_threads(void **state) {
  pthread_barrier_t barrier;
  pthread_t threads[2];
  pthread_barrier_init(&barrier, NULL, 2);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, checksum, &barrier), 0);
  for (int i = 0; i < 2; i++) {
    void *right;
    pthread_join(threads[i], &right);
    assert_non_null(right);
  }
  pthread_barrier_destroy(&barrier);
}

static void write_events(void) {
  Error err = {0};
  TfEvents *t = tfevents_open(scratch, &err);
  if (!t) fail_msg("%s", err.text);
  for (int i = 1; i <= 3; i++)
    assert_true(tfevents_scalar(t, "loss/train", 1000 * i, 4.0 / i, 1e9 + i, &err));
  assert_true(tfevents_scalar(t, "loss/valid", (int64_t)1 << 40, -1e-30, 2e9, &err));
  assert_true(tfevents_text(t, "sample", 7, "春眠不觉晓,\n<b>处处</b>", 1e9, &err));
  assert_true(tfevents_flush(t, &err));
  tfevents_close(t);
}

static uint64_t little_endian(const char *bytes, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; i--) value = value << 8 | (unsigned char)bytes[i];
  return value;
}

static uint32_t masked(const char *bytes, size_t length) {
  const uint32_t crc = crc32c(bytes, length);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void records_hold(void **state) {
  Names names;
  FileView view;
  int records = 0;
  write_events();
  assert_true(dir_list(scratch, &names, NULL));
  assert_int_equal(names.count, 1);
  assert_memory_equal(names.items[0], "events.out.tfevents.", 20);
  assert_true(file_view(in_scratch(names.items[0]), &view, NULL));
  for (size_t at = 0; at < view.size; records++) {
    const char *record = view.data + at;
    assert_true(view.size - at >= 16);
    const uint64_t length = little_endian(record, 8);
    assert_true(length <= view.size - at - 16);
    assert_int_equal(little_endian(record + 8, 4), masked(record, 8));
    assert_int_equal(little_endian(record + 12 + length, 4), masked(record + 12, length));
    at += length + 16;
  }
  assert_int_equal(records, 6); /* the version, four scalars, a text */
  file_view_close(&view);
  names_free(&names);
}

static void tensorboard_reads_it(void **state) {
  static const char script[] =
      "import sys\n"
      "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
      "e = EventAccumulator(sys.argv[1]).Reload()\n"
      "train = e.Scalars('loss/train') if 'loss/train' in e.Tags()['scalars'] else e.Tensors('loss/train')\n"
      "assert [s.step for s in train] == [1000, 2000, 3000], train\n"
      "assert [round(s.value, 5) for s in train] == [4.0, 2.0, 1.33333] and train[0].wall_time == 1e9 + 1\n"
      "valid = e.Scalars('loss/valid')[0]\n"
      "assert valid.step == 2 ** 40 and abs(valid.value + 1e-30) < 1e-36\n"
      "text = e.Tensors('sample')[0]\n"
      "assert text.step == 7\n"
      "assert text.tensor_proto.string_val[0].decode() == '春眠不觉晓,\\n<b>处处</b>'\n"
      "assert e.SummaryMetadata('sample').plugin_data.plugin_name == 'text'\n";
  PYTHON("tensorboard", script, scratch);
}

static void no_place_to_write(void **state) {
  Error err = {0};
  assert_null(tfevents_open("/nowhere/at/all", &err));
  assert_non_null(strstr(err.text, "/nowhere/at/all"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checksums_of_two_threads), /* before any other */
      cmocka_unit_test(checksums),
      cmocka_unit_test(records_hold),
      cmocka_unit_test(tensorboard_reads_it),
      cmocka_unit_test(no_place_to_write),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
