/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include "base/buffer.h"
#include "base/json.h"

/* Bytes of the character at the front: 1 to 4; 0 where there is none (an invalid byte, or a character cut
 * short). */
size_t utf8_character(const char *text, size_t length);
/* The same, giving its code point. */
size_t utf8_decode(const char *text, size_t length, uint32_t *code);
/* How many of the first bytes are valid: `length` if all are. */
size_t utf8_valid_prefix(const char *text, size_t length);
/* How many characters valid text has. */
int64_t utf8_count(const char *text, size_t length);
/* `length` less an unfinished character at the end: what may be shown before more bytes arrive. */
size_t utf8_whole_prefix(const char *text, size_t length);
/* Adds the text with U+FFFD for each character that is not finished and each other invalid byte, as Python
 * and Rust do; gives how many bytes those were. */
int64_t utf8_repair(const char *text, size_t length, Buffer *out);
/* Text that may hold any bytes, as a file's name does, repaired. */
json_t *utf8_json(const char *text);
/* Writes a code point: 1 to 4 bytes. */
size_t utf8_encode(uint32_t code, char out[4]);

#endif
