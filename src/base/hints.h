/* hints.h - what a directory holds in place of what was looked for: named, with the mend. */
#ifndef BASE_HINTS_H
#define BASE_HINTS_H

#include "error.h"

/* `pattern` as fnmatch(3) has it; `says` follows the path of the file. A list ends with a NULL pattern. */
typedef struct FileHint {
  const char *pattern, *says;
} FileHint;

/* Fails with the first hint that a name in the directory matches: true where one does. */
bool hint_directory(const char *directory, const FileHint *, Error *);
/* The same for the path of a file. */
bool hint_file(const char *path, const FileHint *, Error *);

#endif
