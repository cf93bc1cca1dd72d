/* mismatches.h - says where outputs differ from their sources in what must not change (ink_output.check). */
#ifndef CLI_MISMATCHES_H
#define CLI_MISMATCHES_H

#include "cli/lines.h"

/* Prints a line for each on stderr; returns their number. */
size_t mismatches_say(const LineInput *, int64_t index, const char *check);

#endif
