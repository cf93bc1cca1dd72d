/* intake.h - standard input as it arrives, read as all text is: a byte-order mark, compression and another
 * encoding are seen by their first bytes or told by --encoding and --invalid. */
#ifndef CLI_INTAKE_H
#define CLI_INTAKE_H

#include "base/buffer.h"

typedef struct Intake {
  const ink_settings *settings; /* with those of text */
  bool quiet;
  Buffer held; /* text that was read and not dropped */
  bool begun, over;
} Intake;

/* Waits for more; false on an error. At the end of the input, and where streams_stopped, `over` is set. */
bool intake_more(Intake *, Error *);
/* Whether more can be read without waiting. */
bool intake_is_ready(void);
/* Removes the first bytes of `held`. */
void intake_drop(Intake *, size_t bytes);
/* Whether text must be decoded as a whole: compressed text, or another encoding. Otherwise lines can be
 * checked one by one, so that an invalid one fails alone. Removes a byte-order mark. */
bool intake_is_whole(const ink_settings *, Buffer *beginning);
/* Decodes the text. */
bool intake_decode(const ink_settings *, bool quiet, const char *name, Buffer *text, Error *);

#endif
