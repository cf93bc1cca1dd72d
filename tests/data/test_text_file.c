/* Texts in files: what is packed is unpacked, whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/scratch.h"
#include "data/text_file.h"

#include <cmocka.h> /* last: it defines fail() */

static const char poem[] = "a text to pack, a text to pack,\r\nand one that packs badly: \xe6\x9c\x88\n";
static const char unpacked[] = "a text to pack, a text to pack,\nand one that packs badly: \xe6\x9c\x88\n";

static const News nobody;

static Buffer gzip(const char *text, size_t length) {
  Buffer out = {0};
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const size_t capacity = deflateBound(&z, length);
  char *bytes = mem_alloc(capacity);
  z.next_in = (Bytef *)(uintptr_t)text;
  z.avail_in = (uInt)length;
  z.next_out = (Bytef *)bytes;
  z.avail_out = (uInt)capacity;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  buffer_add(&out, bytes, z.total_out);
  deflateEnd(&z);
  mem_free(bytes);
  return out;
}

static Buffer zstd(const char *text, size_t length) {
  Buffer out = {0};
  char *bytes = mem_alloc(ZSTD_compressBound(length));
  buffer_add(&out, bytes, ZSTD_compress(bytes, ZSTD_compressBound(length), text, length, 3));
  mem_free(bytes);
  return out;
}

typedef Buffer Packer(const char *, size_t);
static Packer *const packers[] = {gzip, zstd};

static const TextSettings usual = {.invalid = "refuse"};

static const char *put(const char *bytes, size_t length) {
  assert_true(file_replace(in_scratch("packed"), bytes, length, NULL));
  return in_scratch("packed");
}

static void expect_text(const char *bytes, size_t length, const char *text) {
  TextFile f;
  Error err = {0};
  if (!text_file_open(&f, put(bytes, length), &usual, &nobody, &err)) fail_msg("%s", err.text);
  assert_int_equal(f.length, strlen(text));
  assert_memory_equal(f.text, text, f.length);
  text_file_close(&f);
}

static void expect_refused(const char *bytes, size_t length, const char *why) {
  TextFile f;
  Error err = {0};
  assert_false(text_file_open(&f, put(bytes, length), &usual, &nobody, &err));
  if (!strstr(err.text, why) || !strstr(err.text, "packed:"))
    fail_msg("\"%s\" does not say \"%s\"", err.text, why);
  text_file_close(&f);
}

static void packed_texts_are_read(void **state) {
  for (size_t i = 0; i < 2; i++) {
    Buffer packed = packers[i](poem, strlen(poem));
    expect_text(packed.data, packed.length, unpacked);
    Buffer twice = {0}; /* members and frames may follow one another */
    for (int k = 0; k < 2; k++) buffer_add(&twice, packed.data, packed.length);
    Buffer both = {0};
    for (int k = 0; k < 2; k++) buffer_adds(&both, unpacked);
    expect_text(twice.data, twice.length, both.data);
    buffer_free(&packed);
    buffer_free(&twice);
    buffer_free(&both);
  }
}

/* Larger than the pieces in which it is unpacked. */
static void long_packed_texts(void **state) {
  Buffer text = {0};
  for (int i = 0; i < 60000; i++) buffer_addf(&text, "line %d of many\n", i);
  for (size_t i = 0; i < 2; i++) {
    Buffer packed = packers[i](text.data, text.length);
    expect_text(packed.data, packed.length, text.data);
    buffer_free(&packed);
  }
  buffer_free(&text);
}

static void damaged_ones_are_refused(void **state) {
  for (size_t i = 0; i < 2; i++) {
    Buffer packed = packers[i](poem, strlen(poem));
    for (size_t cut = 4; cut < packed.length; cut++) expect_refused(packed.data, cut, "damaged");
    packed.data[packed.length / 2] ^= 0x55;
    TextFile f;
    Error err = {0};
    const bool ok = text_file_open(&f, put(packed.data, packed.length), &usual, &nobody, &err);
    assert_true(i == 1 || !ok); /* ZSTD_compress adds no checksum */
    text_file_close(&f);
    buffer_free(&packed);
  }
  expect_refused("\x1f\x8b\x08packed", 9, "damaged");
}

/* Zeros fill up blocks of some devices. */
static void what_follows_packed_text_is_not_left_out(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    Buffer packed = packers[i]("fine\n", 5);
    const size_t length = packed.length;
    buffer_adds(&packed, "garbage");
    expect_refused(packed.data, packed.length, "damaged");
    packed.length = length;
    buffer_add(&packed, "\0\0\0", 3);
    if (i == 0) expect_text(packed.data, packed.length, "fine\n");
    buffer_free(&packed);
  }
}

static void what_is_packed_is_checked_like_any_text(void **state) {
  Buffer packed = gzip("fine\nnot\xff", 9);
  expect_refused(packed.data, packed.length, "packed:2: byte 9 (0xff)");
  buffer_free(&packed);
  packed = zstd("", 0);
  expect_refused(packed.data, packed.length, "empty");
  buffer_free(&packed);
}

/* Nothing of this is plain text; but a text may begin with the same letters. */
static void documents_are_told_from_texts(void **state) {
#define IS(bytes, why) expect_refused(bytes, sizeof(bytes) - 1, why)
#define IS_TEXT(text)  expect_text(text, sizeof(text) - 1, text)
  (void)state;
  IS("GGUF\3\0\0\0\1\0", "a GGUF model");
  IS("GGUF\0\0\0\3", "a GGUF model");
  IS("BZh91AY&SY\xd1\x02", "bzip2");
  IS("{\\rtf1\\ansi Hello \\par}\r\n", "RTF");
  IS("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF");
  IS("%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n", "a PDF");
  IS("PAR1\x15\0\x15 abc PAR1", "Parquet");
  IS("SQLite format 3\0\x10", "SQLite");
  IS("ARROW1\0\0", "Arrow");
  IS_TEXT("GGUF is a format of files.\n");
  IS_TEXT("BZh is how files of bzip2 begin, BZh91AY the first letters.\n");
  IS_TEXT("{\\rtf1 is how RTF begins, and it ends otherwise.\n");
  IS_TEXT("{\\rtf\n");
  IS_TEXT("%PDF-1.4 is the first line of a PDF.\n");
  IS_TEXT("PAR1 and PAR2 are formats.\n");
  IS_TEXT("SQLite format 3 has been there since 2004.\n");
  IS_TEXT("ARROW1\n");
#undef IS
#undef IS_TEXT
}

static void bombs_are_refused(void **state) {
  enum { SIZE = 40 << 20 };
  char *zeros = mem_alloc_zeroed(SIZE, 1);
  for (size_t i = 0; i < 2; i++) {
    Buffer packed = packers[i](zeros, SIZE);
    expect_refused(packed.data, packed.length, "unpacks to more than 16 MB");
    buffer_free(&packed);
  }
  mem_free(zeros);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packed_texts_are_read),
      cmocka_unit_test(long_packed_texts),
      cmocka_unit_test(damaged_ones_are_refused),
      cmocka_unit_test(what_follows_packed_text_is_not_left_out),
      cmocka_unit_test(what_is_packed_is_checked_like_any_text),
      cmocka_unit_test(bombs_are_refused),
      cmocka_unit_test(documents_are_told_from_texts),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
