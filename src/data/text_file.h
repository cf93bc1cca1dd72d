/* text_file.h - the reader of all input text: a file, standard input or an argument as validated UTF-8.
 *
 * Refused, with file, line or byte and the remedy: missing, unreadable, empty, binary (NUL bytes), UTF-16/32
 * without a mark, invalid UTF-8 (unless it is to be repaired). A byte-order mark is dropped, CRLF becomes LF;
 * both are reported. gzip and Zstandard files are decompressed.
 *
 * Memory: none for a plain file, which stays mapped; the whole text if it is compressed, read from standard
 * input, or had to be repaired. */
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
  char *copy; /* NULL: nothing had to be repaired */
} TextFile;

/* The bytes of a file, or of the text in memory that replaces it in this call (ink_call). */
bool text_file_view(const char *path, FileView *, Error *);
/* "-" is standard input; an empty file is refused. Call text_file_close after a failure, too. */
bool text_file_open(TextFile *, const char *path, const TextSettings *, const News *, Error *);
/* As above for bytes from elsewhere, possibly none; takes ownership of `view`. */
bool text_file_take(TextFile *, const char *name, FileView *view, const TextSettings *, const News *,
                    Error *);
void text_file_close(TextFile *);

/* Several, opened together. */
typedef struct TextFiles {
  TextFile *items;
  size_t count;
} TextFiles;
/* On failure, none are left open. */
bool text_files_open(TextFiles *, const char *const *paths, size_t count, const TextSettings *, const News *,
                     Error *);
void text_files_close(TextFiles *); /* also of those that were moved away, which are none */

/* ---- lines ---- */
const char *line_end(const char *text, const char *end); /* the next LF, or `end` */
/* Size in bytes of the first character if it is white space or has no width; else 0. */
size_t blank_character(const char *text, size_t length);
bool is_blank(const char *text, size_t length); /* nothing but such characters */
size_t line_of(const char *text, size_t at);    /* number of the line that contains byte `at`, from 1 */

#endif
