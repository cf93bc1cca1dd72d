/* hints.h - error messages for a file that is not what was expected, but of a known kind. */
#ifndef BASE_HINTS_H
#define BASE_HINTS_H

#include "error.h"

/* `pattern`: for fnmatch(3); `says`: the message, in N_(), printed after the path. A list ends with a NULL
 * pattern. */
typedef struct FileHint {
  const char *pattern, *says;
} FileHint;

/* What turns a tokenizer in files that are not read into one that is. */
#define SAVE_TOKENIZER \
  "save it with transformers: AutoTokenizer.from_pretrained(DIRECTORY).save_pretrained(DIRECTORY)"

/* If a name in the directory matches a hint, sets the error to the first such hint and returns true. */
bool hint_directory(const char *directory, const FileHint *, Error *);
/* As above, for one path. */
bool hint_file(const char *path, const FileHint *, Error *);

#endif
