/* alphabet.h - GPT-2's alphabet: each byte as a printable character. */
#ifndef TEXT_ALPHABET_H
#define TEXT_ALPHABET_H

#include "base/buffer.h"

void alphabet_spell(const char *bytes, size_t length, Buffer *out);
bool alphabet_read(const char *text, size_t length, Buffer *out); /* false: not in the alphabet */

#endif
