/* alphabet.c - GPT-2's mapping of bytes to characters: printable bytes map to themselves, the others to code
 * points from U+0100 on, in order. */
#include "text/alphabet.h"

#include "text/utf8.h"

static bool prints(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

typedef struct Alphabet {
  uint32_t code[256];
  int16_t byte[512]; /* inverse; -1: none */
} Alphabet;

static const Alphabet *alphabet(void) {
  static _Thread_local Alphabet a;
  if (a.code['!']) return &a;
  uint32_t next = 256;
  for (int i = 0; i < 512; i++) a.byte[i] = -1;
  for (int i = 0; i < 256; i++) {
    a.code[i] = prints(i) ? (uint32_t)i : next++;
    a.byte[a.code[i]] = (int16_t)i;
  }
  return &a;
}

void alphabet_spell(const char *bytes, size_t length, Buffer *out) {
  const Alphabet *a = alphabet();
  for (size_t i = 0; i < length; i++) {
    char text[4];
    buffer_add(out, text, utf8_encode(a->code[(unsigned char)bytes[i]], text));
  }
}

bool alphabet_read(const char *text, size_t length, Buffer *out) {
  const Alphabet *a = alphabet();
  for (size_t at = 0; at < length;) {
    uint32_t code;
    const size_t n = utf8_decode(text + at, length - at, &code);
    if (!n || code >= 512 || a->byte[code] < 0) return false;
    const char byte = (char)a->byte[code];
    buffer_add(out, &byte, 1);
    at += n;
  }
  return true;
}
