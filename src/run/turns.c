#include "run/turns.h"

#include <string.h>

static bool read_role(const char *name, Role *role, Error *err) {
  static const char *const names[SPEAKERS] = {
      [ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant"};
  for (int i = 0; i < SPEAKERS; i++)
    if (!strcmp(names[i], name)) {
      *role = (Role)i;
      return true;
    }
  return fail_usage(err, "the role \"%s\" is unknown: use system, user or assistant", name);
}

bool turns_of(const ink_turn *said, int count, Turn *turns, Error *err) {
  for (int i = 0; i < count; i++) {
    turns[i] = (Turn){.text = said[i].text, .length = said[i].length};
    if (!read_role(said[i].role, &turns[i].role, err)) return false;
  }
  return true;
}
