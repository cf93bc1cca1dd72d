/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include "base/buffer.h"
#include "base/json.h"

/* Size in bytes of the first character: 1 to 4; 0 if invalid or truncated. */
size_t utf8_character(const char *text, size_t length);
/* As utf8_character, and sets *code. */
size_t utf8_decode(const char *text, size_t length, uint32_t *code);
/* Size of the last character, sets *code; 0: none. */
size_t utf8_decode_last(const char *text, size_t length, uint32_t *code);
/* Unicode's White_Space. */
bool is_white_space(uint32_t code);
/* Length of the longest valid prefix: `length` if all is valid. */
size_t utf8_valid_prefix(const char *text, size_t length);
/* Number of characters in valid text. */
int64_t utf8_count(const char *text, size_t length);
/* `length` without an incomplete character at the end. */
size_t utf8_whole_prefix(const char *text, size_t length);
/* Appends the text with U+FFFD for each incomplete character and each other invalid byte, as Python and Rust
 * do; returns the number of bytes replaced. */
int64_t utf8_repair(const char *text, size_t length, Buffer *out);
/* A JSON string of arbitrary bytes, such as a file name, repaired. */
json_t *utf8_json(const char *text);
/* Writes a code point: 1 to 4 bytes. */
size_t utf8_encode(uint32_t code, char out[4]);

#endif
