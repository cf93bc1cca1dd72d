/* text_file.h - a file as checked UTF-8 text, for all that reads text.
 *
 * Refused, with file, line or byte and the mend: missing, unreadable, empty, binary (NUL bytes), UTF-16/32,
 * invalid UTF-8 (unless it is to be repaired). A byte-order mark is dropped and CRLF becomes LF, and both are
 * said. gzip and Zstandard are unpacked.
 *
 * In memory: nothing for a plain file, which stays mapped; all of the text for a packed one, for standard
 * input, and where something had to be mended. */
#ifndef DATA_TEXT_FILE_H
#define DATA_TEXT_FILE_H

#include "base/file.h"
#include "base/news.h"

typedef struct TextFile {
  const char *name; /* the path, or "standard input"; not copied */
  const char *text;
  size_t length;
  FileView view;
  char *copy; /* NULL: nothing had to be mended */
} TextFile;

/* "-" is standard input. Close it also where opening failed. */
bool text_file_open(TextFile *, const char *path, bool repair, const News *, Error *);
void text_file_close(TextFile *);

/* ---- lines ---- */
const char *line_end(const char *text, const char *end); /* the next LF, or `end` */
bool is_blank(const char *text, size_t length);
size_t line_of(const char *text, size_t at); /* number of the line that byte `at` stands in, from 1 */

#endif
