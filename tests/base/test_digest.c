/* SHA-1 and SHA-256: the examples of FIPS 180-4, whole and in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/digest.h"

#include <cmocka.h> /* last: it defines fail() */

static const struct {
  const char *text;
  int times;
  const char *sha1, *sha256;
} examples[] = {
    {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"aaaaaaaaaa", 100000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void expect(DigestKind kind, const char *text, int times, size_t piece, const char *hex) {
  Digest d;
  char got[DIGEST_TEXT];
  digest_begin(&d, kind);
  for (int i = 0; i < times; i++)
    for (size_t at = 0, length = strlen(text); at < length; at += piece)
      digest_add(&d, text + at, length - at < piece ? length - at : piece);
  assert_string_equal(digest_end(&d, got), hex);
}

static void published_examples(void **state) {
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    for (size_t piece = 1; piece < 70; piece += 3) {
      if (examples[i].times > 1 && piece != 10) continue;
      expect(DIGEST_SHA1, examples[i].text, examples[i].times, piece, examples[i].sha1);
      expect(DIGEST_SHA256, examples[i].text, examples[i].times, piece, examples[i].sha256);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(published_examples)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
