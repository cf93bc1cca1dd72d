/* stream.h - from the bytes of tokens to text that may be shown: whole characters, nothing of a stop text.
 *
 * A token may end in the middle of a character, and a stop text may begin at the end of one token and end in
 * the next: such bytes are held back until what follows decides. */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "base/buffer.h"
#include "base/settings.h"

typedef struct TextStream {
  const TextList *stops;
  Buffer held;  /* not given out yet */
  size_t ready; /* of these, the first that may be shown: set by stream_add */
  bool stopped; /* a stop text came: nothing follows */
} TextStream;

/* Takes back what was ready before, adds bytes; then held.data[0 .. ready-1] may be shown. */
void stream_add(TextStream *, const char *bytes, size_t length);
/* The text is over: all that is held becomes ready (a character that never was finished, too). */
void stream_finish(TextStream *);
void stream_free(TextStream *);

#endif
