/* tfevents.h - TensorBoard event files: TFRecord frames (length, masked CRC32C, data) of hand-encoded
 * protocol buffers. */
#ifndef IO_TFEVENTS_H
#define IO_TFEVENTS_H

#include "base/error.h"

#define TFEVENTS_PREFIX "events.out.tfevents."

typedef struct TfEvents TfEvents;
/* Creates dir/events.out.tfevents.<seconds>.<host>. */
TfEvents *tfevents_open(const char *dir, Error *);
bool tfevents_scalar(TfEvents *, const char *tag, int64_t step, double value, double wall_time, Error *);
bool tfevents_text(TfEvents *, const char *tag, int64_t step, const char *text, double wall_time, Error *);
bool tfevents_flush(TfEvents *, Error *);
void tfevents_close(TfEvents *);
uint32_t crc32c(const void *data, size_t length);

#endif
