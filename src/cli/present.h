/* present.h - results on stdout: JSON for programs, the same laid out for people. */
#ifndef CLI_PRESENT_H
#define CLI_PRESENT_H

#include "base/json.h"

/* One value: as a JSON text, or names and values in columns and lists of objects as tables. */
void present(const json_t *, bool as_json);

/* The same for JSON text from the library. */
bool present_text(const char *json, bool as_json, Error *);

#endif
