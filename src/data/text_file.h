/* text_file.h - a file, standard input or an argument as checked UTF-8 text, for all that reads text.
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
#include "base/settings.h"

#include "data/text.def" /* TextSettings, text_settings_table */

typedef struct TextFile {
  const char *name; /* the path, or "standard input"; not copied */
  const char *text;
  size_t length;
  FileView view;
  char *copy; /* NULL: nothing had to be mended */
} TextFile;

/* The bytes of a file, or of the text in memory that stands for it in this call (ink_call). */
bool text_file_view(const char *path, FileView *, Error *);
/* "-" is standard input; an empty file is refused. Close it also where opening failed. */
bool text_file_open(TextFile *, const char *path, const TextSettings *, const News *, Error *);
/* The same of bytes that came in otherwise, which may be none; `view` becomes the file's. */
bool text_file_take(TextFile *, const char *name, FileView *view, const TextSettings *, const News *,
                    Error *);
void text_file_close(TextFile *);

/* ---- lines ---- */
const char *line_end(const char *text, const char *end); /* the next LF, or `end` */
/* Bytes of the character at the front, if it is white space or has no width; else 0. */
size_t blank_character(const char *text, size_t length);
bool is_blank(const char *text, size_t length); /* nothing but such characters */
size_t line_of(const char *text, size_t at);    /* number of the line that byte `at` stands in, from 1 */

#endif
