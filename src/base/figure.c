#include "base/figure.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/language.h"

const char *figure_count(char buffer[FIGURE_SIZE], int64_t value) {
  char digits[24];
  const int64_t most = INT64_MAX;
  const int n = snprintf(digits, sizeof digits, "%" PRId64,
                         value < -most ? most
                         : value < 0   ? -value
                                       : value);
  char *to = buffer;
  if (value < 0) *to++ = '-';
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) *to++ = ',';
    *to++ = digits[i];
  }
  *to = '\0';
  return buffer;
}

const char *figure_of(char buffer[FIGURE_SIZE], int64_t value, const char *noun) {
  figure_count(buffer, value);
  const size_t length = strlen(buffer);
  const char *local = language_text(noun);
  const bool plural = value != 1 && local == noun; /* in English */
  snprintf(buffer + length, FIGURE_SIZE - length, " %s%s", local, plural ? "s" : "");
  return buffer;
}

const char *figure_time(char buffer[FIGURE_SIZE], double seconds) {
  const int64_t s = seconds < 0 ? 0 : seconds > 1e15 ? (int64_t)1e15 : (int64_t)(seconds + 0.5);
  if (s < 60)
    snprintf(buffer, FIGURE_SIZE, "%" PRId64 "s", s);
  else if (s < 3600)
    snprintf(buffer, FIGURE_SIZE, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
  else if (s < 86400)
    snprintf(buffer, FIGURE_SIZE, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
  else
    snprintf(buffer, FIGURE_SIZE, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
  return buffer;
}

const char *figure_bytes(char buffer[FIGURE_SIZE], int64_t bytes) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++) value /= 1000;
  if (bytes == 1) return "1 byte";
  snprintf(buffer, FIGURE_SIZE, value < 9.95 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return buffer;
}
