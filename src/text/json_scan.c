#include "text/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

static bool refuse(JsonScan *s) {
  s->wrong = true;
  return false;
}

char json_scan_next(JsonScan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) s->at++;
  return s->at < s->end && !s->wrong ? *s->at : '\0';
}

/* Reads the character that must come next. */
static bool take(JsonScan *s, char c) {
  if (json_scan_next(s) != c) return refuse(s);
  s->at++;
  return true;
}

bool json_scan_enter(JsonScan *s, char open) {
  return s->fresh = take(s, open);
}

bool json_scan_more(JsonScan *s, char close) {
  const bool first = s->fresh;
  s->fresh = false;
  if (json_scan_next(s) == close) {
    s->at++;
    return false;
  }
  return first || take(s, ',');
}

/* ---- strings ---- */

/* The four hexadecimal digits of a \u escape. */
static bool take_code(JsonScan *s, uint32_t *code) {
  *code = 0;
  if (s->end - s->at < 4) return refuse(s);
  for (int i = 0; i < 4; i++) {
    const char c = *s->at++, low = c | 0x20;
    if (c >= '0' && c <= '9')
      *code = 16 * *code + (uint32_t)(c - '0');
    else if (low >= 'a' && low <= 'f')
      *code = 16 * *code + (uint32_t)(low - 'a' + 10);
    else
      return refuse(s);
  }
  return true;
}

/* A \u escape, or a surrogate pair of them; unpaired surrogates are refused. */
static bool take_character(JsonScan *s) {
  uint32_t code, low;
  char bytes[4];
  if (!take_code(s, &code)) return false;
  if (code >= 0xdc00 && code < 0xe000) return refuse(s);
  if (code >= 0xd800 && code < 0xdc00) {
    if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u') return refuse(s);
    s->at += 2;
    if (!take_code(s, &low)) return false;
    if (low < 0xdc00 || low >= 0xe000) return refuse(s);
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  buffer_add(&s->text, bytes, utf8_encode(code, bytes));
  return true;
}

/* The part of an escape after the backslash. */
static bool take_escape(JsonScan *s) {
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (s->at == s->end) return refuse(s);
  const char c = *s->at++;
  if (c == 'u') return take_character(s);
  const char *known = c ? strchr(names, c) : NULL;
  if (!known) return refuse(s);
  buffer_add(&s->text, &meanings[known - names], 1);
  return true;
}

/* Text up to the next quote or backslash. */
static bool take_plain(JsonScan *s) {
  const char *begin = s->at;
  while (s->at < s->end && *s->at != '"' && *s->at != '\\') {
    const size_t n = (unsigned char)*s->at < 0x80 ? 1 : utf8_character(s->at, (size_t)(s->end - s->at));
    if (!n || (unsigned char)*s->at < 0x20) return refuse(s);
    s->at += n;
  }
  buffer_add(&s->text, begin, (size_t)(s->at - begin));
  return s->at < s->end || refuse(s);
}

bool json_scan_string(JsonScan *s) {
  buffer_clear(&s->text);
  if (!take(s, '"')) return false;
  for (;;) {
    if (!take_plain(s)) return false;
    if (*s->at++ == '"') return true;
    if (!take_escape(s)) return false;
  }
}

bool json_scan_name(JsonScan *s) {
  return json_scan_string(s) && take(s, ':');
}

/* ---- numbers and skipped values ---- */

static bool is_digit(const JsonScan *s) {
  return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

bool json_scan_integer(JsonScan *s, int64_t *value) {
  *value = 0;
  const bool negative = json_scan_next(s) == '-';
  if (negative) s->at++;
  if (s->wrong || !is_digit(s)) return refuse(s);
  if (*s->at == '0')
    s->at++;
  else
    for (; is_digit(s); s->at++)
      if (__builtin_mul_overflow(*value, 10, value) ||
          __builtin_sub_overflow(*value, (int64_t)(*s->at - '0'), value))
        return refuse(s);
  if (s->at < s->end && (*s->at == '.' || (*s->at | 0x20) == 'e')) return refuse(s); /* not an integer */
  /* accumulated as a negative number, because INT64_MIN has no positive counterpart */
  return negative || !__builtin_sub_overflow(0, *value, value) || refuse(s);
}

static bool take_digits(JsonScan *s) {
  if (!is_digit(s)) return refuse(s);
  while (is_digit(s)) s->at++;
  return true;
}

bool json_scan_real(JsonScan *s, double *value) {
  char copy[128];
  json_scan_next(s);
  const char *begin = s->at;
  if (s->at < s->end && *s->at == '-') s->at++;
  const char *digits = s->at;
  if (s->wrong || !take_digits(s) || (*digits == '0' && s->at - digits > 1)) return refuse(s);
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (!take_digits(s)) return false;
  }
  if (s->at < s->end && (*s->at | 0x20) == 'e') {
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
    if (!take_digits(s)) return false;
  }
  if ((size_t)snprintf(copy, sizeof copy, "%.*s", (int)(s->at - begin), begin) >= sizeof copy)
    return refuse(s);
  *value = strtod(copy, NULL);
  return isfinite(*value) || refuse(s);
}

static void skip_string(JsonScan *s) {
  for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
    if (*s->at == '\\' && s->at + 1 < s->end) s->at++;
}

/* A string, object or list ends where it is closed, any other value before , ] or }. */
size_t json_scan_skip(JsonScan *s) {
  int64_t depth = 0;
  size_t strings = 0;
  for (char c = json_scan_next(s); c && s->at < s->end; s->at++) {
    c = *s->at;
    if (c == '"') strings++, skip_string(s);
    if (s->at == s->end) break;
    if (!depth && (c == ',' || c == ']' || c == '}')) return strings;
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (!depth && (c == '"' || c == '}' || c == ']')) {
      s->at++;
      return strings;
    }
  }
  refuse(s);
  return strings;
}
