#include "models/naming.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The digits matched by '#'. */
enum { MOST_NUMBERS = 2 };
typedef struct Number {
  const char *digits;
  int length;
} Number;

static bool matches(const char *pattern, const char *name, Number numbers[MOST_NUMBERS]) {
  int count = 0;
  for (; *pattern; pattern++) {
    if (*pattern != '#') {
      if (*pattern != *name++) return false;
      continue;
    }
    Number *n = &numbers[count++];
    *n = (Number){name, 0};
    while (isdigit((unsigned char)*name)) name++, n->length++;
    if (!n->length) return false;
  }
  return !*name;
}

bool naming_translate(char buf[TENSOR_NAME_CAPACITY], const char *from, const char *to, const char *name) {
  Number numbers[MOST_NUMBERS];
  int count = 0, length = 0;
  if (!matches(from, name, numbers)) return false;
  for (; *to; to++) {
    const Number part = *to == '#' ? numbers[count++] : (Number){to, 1};
    if (length + part.length >= TENSOR_NAME_CAPACITY) return false;
    memcpy(buf + length, part.digits, (size_t)part.length);
    length += part.length;
  }
  buf[length] = '\0';
  return true;
}

static const TensorName *names_of(const Naming *n) {
  static const TensorName none[] = {{NULL, TENSOR_IGNORED, NULL, NULL, FORM_SAME}};
  return n && n->names ? n->names : none;
}

/* The name without the base; NULL if it does not have it. */
static const char *without_base(const Naming *n, const char *name) {
  const size_t length = n ? strlen(n->base) : 0;
  return length && !strncmp(name, n->base, length) ? name + length : NULL;
}

/* Decrements *index for each spelling of a name, with and without base; true at 0, with the spelling in
 * `buf`. */
static bool is_spelling(const Naming *n, const char *name, int *index, char buf[TENSOR_NAME_CAPACITY]) {
  const char *spellings[] = {name, without_base(n, name)};
  for (int i = 0; i < 2; i++)
    if (spellings[i] && (*index)-- == 0) {
      memmove(buf, spellings[i], strlen(spellings[i]) + 1);
      return true;
    }
  return false;
}

bool naming_stored(const Naming *n, const char *parameter, int index, char buf[TENSOR_NAME_CAPACITY]) {
  if (strlen(parameter) >= TENSOR_NAME_CAPACITY) return false;
  if (is_spelling(n, parameter, &index, buf)) return true;
  for (const TensorName *line = names_of(n); line->stored; line++)
    if (line->parameter && naming_translate(buf, line->parameter, line->stored, parameter) &&
        is_spelling(n, buf, &index, buf))
      return true;
  return false;
}

const char *naming_full(const Naming *n, const char *stored, char buf[TENSOR_NAME_CAPACITY]) {
  if (!n || without_base(n, stored)) return stored;
  const int written = snprintf(buf, TENSOR_NAME_CAPACITY, "%s%s", n->base, stored);
  return written >= 0 && written < TENSOR_NAME_CAPACITY ? buf : stored;
}

const TensorName *naming_next(const Naming *n, const TensorName *after, const char *stored,
                              char parameter[TENSOR_NAME_CAPACITY]) {
  char full_name[TENSOR_NAME_CAPACITY];
  const char *full = naming_full(n, stored, full_name);
  for (const TensorName *line = after ? after + 1 : names_of(n); line->stored; line++) {
    const char *to = line->parameter ? line->parameter : "";
    if (naming_translate(parameter, line->stored, to, stored) ||
        naming_translate(parameter, line->stored, to, full))
      return line;
  }
  return NULL;
}

TensorForm naming_form(const Naming *n, const char *stored, const char *parameter) {
  char name[TENSOR_NAME_CAPACITY];
  const TensorName *line = naming_next(n, NULL, stored, name);
  while (line && strcmp(name, parameter)) line = naming_next(n, line, stored, name);
  return line ? line->form : FORM_SAME;
}
