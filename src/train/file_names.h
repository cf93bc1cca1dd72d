/* file_names.h - file names in a run's card: names are bytes, JSON strings are UTF-8. */
#ifndef TRAIN_FILE_NAMES_H
#define TRAIN_FILE_NAMES_H

#include "base/json.h"
#include "base/settings.h"

/* A name that is not UTF-8 becomes an object: "name" for display, and "bytes" in hexadecimal. */
json_t *file_names_json(const TextList *);
/* The name for display; NULL if the value is not a name. */
const char *file_name_shown(const json_t *);
/* Adds the names of the list; other values are skipped. */
void file_names_read(const json_t *list, TextList *);

#endif
