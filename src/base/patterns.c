#include "base/patterns.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

bool patterns_at(const char *list, int index, char pattern[PATTERN_CAPACITY]) {
  for (const char *at = list; at && *at;) {
    const size_t length = strcspn(at, ",");
    if (length && index-- == 0) {
      snprintf(pattern, PATTERN_CAPACITY, "%.*s", (int)length, at);
      return true;
    }
    at += length + (at[length] == ',');
  }
  return false;
}

/* Alone, at the end, at the beginning or in the middle. */
static bool matches(const char *pattern, const char *name) {
  static const char *const around[][2] = {{"", ""}, {"*.", ""}, {"", ".*"}, {"*.", ".*"}};
  char full[PATTERN_CAPACITY + 8];
  for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
    snprintf(full, sizeof full, "%s%s%s", around[i][0], pattern, around[i][1]);
    if (!fnmatch(full, name, 0)) return true;
  }
  return false;
}

bool patterns_match(const char *list, const char *name) {
  char pattern[PATTERN_CAPACITY];
  for (int i = 0; patterns_at(list, i, pattern); i++)
    if (matches(pattern, name)) return true;
  return false;
}
