/* lines.h - the input of commands that process texts: one text, or the lines of standard input or of the file
 * of -i, as they arrive. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "cli/command.h"

/* Processes texts; false ends the input. */
typedef bool LineUser(void *user, const char *const *texts, const size_t *lengths, int64_t count, Error *);

typedef struct LineInput {
  const Call *call;
  int64_t line; /* number of the first text that is being processed, from 0 */
  bool lines;   /* texts are lines */
  bool stopped; /* set by the user: no more is wanted, as writing to stdout failed */
  int64_t failed;
  Error problem; /* the first one of a text */
  LineUser *use;
  void *user;
} LineInput; /* zero-initialized but for `call` */

bool lines_read(LineInput *, LineUser *, void *user, Error *);
/* Before the message about the index-th of the texts: "words.txt:3: ", "line 3: ", or nothing for a single
 * text. */
void lines_print_location(const LineInput *, int64_t index);
/* Why the index-th of the texts has no result; of lines it is reported. The user writes an empty line, or an
 * object with "error". */
void lines_take_problem(LineInput *, int64_t index, const char *problem);
/* Fails if a text had a problem: with that of a single text, else with the number of lines. */
bool lines_done(const LineInput *, Error *);
enum { MOST_REPORTED = 10 }; /* faulty lines reported one by one; the rest is only counted */

#endif
