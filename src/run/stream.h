/* stream.h - turns the bytes of tokens into text that can be output: whole characters, no part of a stop
 * text.
 *
 * A token may end in the middle of a character, and a stop text may span tokens: such bytes are held back
 * until the following ones decide. */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "base/buffer.h"
#include "base/settings.h"

typedef struct TextStream {
  const TextList *stops;
  Buffer held;  /* not output yet */
  size_t ready; /* length of the prefix of `held` that may be output: set by stream_add */
  bool stopped; /* a stop text was found: nothing follows */
} TextStream;

/* Drops what was ready before and adds bytes; then held.data[0 .. ready-1] may be output. */
void stream_add(TextStream *, const char *bytes, size_t length);
/* Ends the text: all held bytes become ready, an incomplete character included. */
void stream_finish(TextStream *);
void stream_free(TextStream *);

#endif
