/* file_names.h - the texts of a run in its card: names of files are bytes, JSON holds characters. */
#ifndef TRAIN_FILE_NAMES_H
#define TRAIN_FILE_NAMES_H

#include "base/json.h"
#include "base/settings.h"

/* A name that is not UTF-8 is an object: "name", as it can be shown, and "bytes", in hexadecimal. */
json_t *file_names_json(const TextList *);
/* As it can be shown; NULL where it is no name. */
const char *file_name_shown(const json_t *);
/* Adds those there are; what is no name is passed over. */
void file_names_read(const json_t *list, TextList *);

#endif
