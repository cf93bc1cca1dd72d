#include "base/structs.h"

#include <string.h>

static size_t size_of(const void *given) {
  size_t size;
  memcpy(&size, given, sizeof size);
  return size;
}

bool struct_take(void *own, size_t own_size, const void *given, const char *name, Error *err) {
  static const size_t most = 4096;
  const size_t size = size_of(given);
  if (size < sizeof size || size > most)
    return fail_usage(
        err, "%s: %zu is not a valid size for its first member: initialize it with INK_..._INIT", name, size);
  for (size_t i = own_size; i < size; i++)
    if (((const char *)given)[i])
      return fail_usage(err, "%s: a member is set that Inkstone %s does not have: install a newer version",
                        name, INK_VERSION);
  memset(own, 0, own_size);
  memcpy(own, given, size < own_size ? size : own_size);
  memcpy(own, &own_size, sizeof own_size);
  return true;
}

void struct_give(void *given, const void *own, size_t own_size) {
  if (!given) return;
  const size_t size = size_of(given), both = size < own_size ? size : own_size, first = sizeof size;
  if (both > first) memcpy((char *)given + first, (const char *)own + first, both - first);
}
