#include "text/numeral.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

/* A number that has been taken apart. */
typedef struct Parts {
  char digits[NUMERAL_CAPACITY];   /* of all groups */
  int count;                       /* number of digits */
  int group_end[NUMERAL_CAPACITY]; /* digits before each separator */
  uint32_t separators[NUMERAL_CAPACITY];
  int groups; /* number of separators */
  bool negative, overlong;
} Parts;

/* The value of a digit, of ordinary or full width; -1: it is none. */
static int digit_of(uint32_t code) {
  if (code >= '0' && code <= '9') return (int)(code - '0');
  return code >= 0xff10 && code <= 0xff19 ? (int)(code - 0xff10) : -1;
}

/* ---- readings ---- */

/* Adds digits * 10^-fraction as a decimal. */
static void add_reading(Numeral *n, const Parts *p, int fraction) {
  char text[2 * NUMERAL_CAPACITY];
  int used = 0;
  if (n->count == NUMERAL_READINGS || p->overlong || fraction < -40 || fraction > 40) return;
  for (int i = p->count; i < fraction + 1; i++) text[used++] = '0';
  for (int i = 0; i < p->count; i++) text[used++] = p->digits[i];
  for (int i = fraction; i < 0; i++) text[used++] = '0';
  const int whole = used - (fraction > 0 ? fraction : 0);
  int first = 0, last = used;
  while (first < whole - 1 && text[first] == '0') first++;
  while (last > whole && text[last - 1] == '0') last--;
  if (last - first + 2 >= NUMERAL_CAPACITY) return;
  const bool zero = last == whole && first == whole - 1 && text[first] == '0';
  snprintf(n->readings[n->count++], NUMERAL_CAPACITY, "%s%.*s%s%.*s", p->negative && !zero ? "-" : "",
           whole - first, text + first, last > whole ? "." : "", last - whole, text + whole);
}

/* With `zeros` from a word such as "million". */
static void add_readings(Numeral *n, const Parts *p, int zeros) {
  const int last = p->groups ? p->count - p->group_end[p->groups - 1] : 0;
  bool grouped = p->groups > 0, decimal = p->groups > 0;
  for (int i = 0; i < p->groups; i++) {
    const int before = p->group_end[i] - (i ? p->group_end[i - 1] : 0);
    grouped &= (i ? before == 3 : before <= 3) && p->separators[i] == p->separators[0];
  }
  grouped &= last == 3;
  for (int i = 0; i + 1 < p->groups; i++) /* the last of several separators is another: a decimal one */
    decimal &= p->separators[i] != p->separators[p->groups - 1];
  if (p->groups) decimal &= p->separators[p->groups - 1] == '.' || p->separators[p->groups - 1] == ',';
  if (!p->groups || grouped) add_reading(n, p, -zeros);
  if (decimal) add_reading(n, p, last - zeros);
}

/* ---- words ---- */

static const struct {
  const char *word;
  int zeros, others; /* by language */
} magnitudes[] = {{"thousand", 3, 3}, {"tausend", 3, 3},  {"milliard", 9, 9},   {"mrd", 9, 9},
                  {"million", 6, 6},  {"mio", 6, 6},      {"millón", 6, 6},     {"millones", 6, 6},
                  {"billion", 9, 12}, {"billón", 12, 12}, {"trillion", 12, 18}, {NULL, 0, 0}};

/* The zeros of 百 千 万 亿; 0: another character. */
static int han_zeros(uint32_t code) {
  static const struct {
    uint32_t code;
    int zeros;
  } all[] = {{0x5341, 1}, {0x767e, 2}, {0x5343, 3}, {0x4e07, 4}, {0x842c, 4}, {0x4ebf, 8}, {0x5104, 8}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].code == code) return all[i].zeros;
  return 0;
}

static int han_digit(uint32_t code) {
  static const uint32_t all[] = {0x96f6, 0x4e00, 0x4e8c, 0x4e09, 0x56db,
                                 0x4e94, 0x516d, 0x4e03, 0x516b, 0x4e5d};
  for (int i = 0; i < 10; i++)
    if (all[i] == code) return i;
  return code == 0x3007 ? 0 : code == 0x4e24 || code == 0x5169 ? 2 : -1; /* 〇 两 兩 */
}

/* What follows the digits: 百千万 multiply; words do, too, but as not all languages' are known, the number
 * without them is a reading as well. */
static void read_magnitude(Numeral *n, const Parts *p, const char *text, size_t length) {
  int zeros = 0;
  uint32_t code;
  while (length && *text == ' ') text++, length--;
  for (size_t at = 0, k; (k = utf8_decode(text + at, length - at, &code)); at += k) zeros += han_zeros(code);
  for (int i = 0; length && !zeros && magnitudes[i].word; i++) {
    if (length < strlen(magnitudes[i].word) || strncmp(text, magnitudes[i].word, strlen(magnitudes[i].word)))
      continue;
    add_readings(n, p, magnitudes[i].zeros);
    if (magnitudes[i].others != magnitudes[i].zeros) add_readings(n, p, magnitudes[i].others);
    break;
  }
  add_readings(n, p, zeros);
}

/* 三百二十 by its units; 二〇二六, without units, digit by digit. */
static void read_han(Numeral *n, const char *text, size_t length) {
  Parts p = {0};
  int64_t total = 0, section = 0, digit = 0;
  bool units = false;
  uint32_t code;
  for (size_t at = 0, k; (k = utf8_decode(text + at, length - at, &code)); at += k) {
    const int value = han_digit(code), zeros = han_zeros(code);
    int64_t unit = 1;
    for (int i = 0; i < zeros; i++) unit *= 10;
    if (value >= 0) {
      if (p.count < NUMERAL_CAPACITY - 1) p.digits[p.count++] = (char)('0' + value);
      digit = value;
    } else if (zeros >= 4) { /* 万, 亿: multiplies what has been read */
      if (total > INT64_MAX / 1000000000) return;
      total = (total + section + digit ? total + section + digit : 1) * unit;
      section = digit = 0;
      units = true;
    } else {
      section += (digit || section ? digit : 1) * unit;
      digit = 0;
      units = true;
    }
  }
  if (units) p.count = snprintf(p.digits, sizeof p.digits, "%lld", (long long)(total + section + digit));
  add_reading(n, &p, 0);
}

static void read_word(Numeral *n, const char *text, size_t length) {
  static const char *const words[][2] = {
      {"zero", "null"}, {"one", "ein"},    {"two", "zwei"},     {"three", "drei"}, {"four", "vier"},
      {"five", "fünf"}, {"six", "sechs"},  {"seven", "sieben"}, {"eight", "acht"}, {"nine", "neun"},
      {"ten", "zehn"},  {"eleven", "elf"}, {"twelve", "zwölf"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    for (int k = 0; k < 2; k++) {
      const char *word = words[i][k];
      const size_t most = strlen(word) + (!strcmp(word, "ein") ? 2 : 0); /* eins, eine, einer */
      size_t same = 0;
      while (word[same] && same < length && (text[same] | 0x20) == (word[same] | 0x20)) same++;
      if (word[same] || length > most) continue;
      Parts p = {.count = 0};
      p.count = snprintf(p.digits, sizeof p.digits, "%zu", i);
      add_reading(n, &p, 0);
      return;
    }
}

/* ---- digits ---- */

static void add_digit(Parts *p, int digit) {
  if (p->count < NUMERAL_CAPACITY - 1)
    p->digits[p->count++] = (char)('0' + digit);
  else
    p->overlong = true;
}

static bool is_separator(uint32_t code) {
  static const uint32_t all[] = {'.', ',', '\'', 0x2019, 0xa0, 0x202f, 0x2009};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] == code) return true;
  return false;
}

/* Reads digits and the separators between them; returns the bytes read. */
static size_t read_digits(Parts *p, const char *text, size_t length) {
  size_t at = 0;
  uint32_t code, next;
  for (size_t k; (k = utf8_decode(text + at, length - at, &code)); at += k) {
    if (digit_of(code) >= 0) {
      add_digit(p, digit_of(code));
      continue;
    }
    if (!is_separator(code) || !utf8_decode(text + at + k, length - at - k, &next) || digit_of(next) < 0)
      break;
    if (p->groups == NUMERAL_CAPACITY) break;
    p->group_end[p->groups] = p->count;
    p->separators[p->groups++] = code == 0x2019 ? '\'' : code;
  }
  return at;
}

/* The first digit; `length`: there is none. */
static size_t digits_begin(const char *text, size_t length) {
  uint32_t code;
  size_t at = 0;
  for (size_t k; at < length; at += k)
    if (!(k = utf8_decode(text + at, length - at, &code)) || digit_of(code) >= 0) break;
  return at;
}

void numeral_read(Numeral *n, const char *text, size_t length) {
  Parts p = {0};
  *n = (Numeral){0};
  const size_t begin = digits_begin(text, length);
  if (begin == length && length) {
    if ((unsigned char)*text >= 0x80) read_han(n, text, length);
    if (!n->count) read_word(n, text, length);
    return;
  }
  p.negative = begin > 0;
  const size_t end = begin + read_digits(&p, text + begin, length - begin);
  memcpy(n->digits, p.digits, (size_t)p.count);
  read_magnitude(n, &p, text + end, length - end);
}

bool numerals_equal(const Numeral *a, const Numeral *b) {
  for (int i = 0; i < a->count; i++)
    for (int k = 0; k < b->count; k++)
      if (!strcmp(a->readings[i], b->readings[k])) return true;
  return !a->count && !b->count && *a->digits && !strcmp(a->digits, b->digits);
}
