/* present.h - prints results on stdout, as JSON or as readable text. */
#ifndef CLI_PRESENT_H
#define CLI_PRESENT_H

#include "base/json.h"

/* Prints a value: as JSON, or as names and values in columns, with lists of objects as tables. */
void present(const json_t *, bool as_json);

/* The same for JSON text returned by the library. */
bool present_text(const char *json, bool as_json, Error *);

#endif
