#include "base/hints.h"

#include <fnmatch.h>
#include <string.h>

#include "base/file.h"
#include "base/language.h"

bool hint_file(const char *path, const FileHint *hints, Error *err) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  for (; hints->pattern; hints++)
    if (!fnmatch(hints->pattern, name, 0)) {
      fail(err, "%s: %s", path, language_text(hints->says));
      return true;
    }
  return false;
}

static const char *first_match(const Names *names, const char *pattern) {
  for (size_t i = 0; i < names->count; i++)
    if (!fnmatch(pattern, names->items[i], 0)) return names->items[i];
  return NULL;
}

bool hint_directory(const char *directory, const FileHint *hints, Error *err) {
  Names names;
  Error unreadable = {0};
  const char *found = NULL;
  if (!dir_list(directory, &names, &unreadable)) return false;
  for (; hints->pattern && !found; hints++)
    if ((found = first_match(&names, hints->pattern)))
      fail(err, "%s/%s: %s", directory, found, language_text(hints->says));
  names_free(&names);
  return found != NULL;
}
