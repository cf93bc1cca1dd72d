/* licence.h - the licence of a model, as its publisher states it: an object of texts, "id" (an identifier of
 * the Hugging Face hub, such as "apache-2.0"; "other": as the rest says), "name", "link" and "text_file".
 * Each may be absent. */
#ifndef IO_LICENCE_H
#define IO_LICENCE_H

#include <stddef.h>

#include "base/json.h"

/* Where each of the first three is stated. */
typedef struct LicencePart {
  const char *part;
  const char *key;  /* in the front matter of a model card, and in config.json of converted models */
  const char *gguf; /* in a GGUF file */
} LicencePart;
enum { LICENCE_PARTS = 3 };
extern const LicencePart licence_parts[LICENCE_PARTS];

/* Adds a part, unless it is empty, long, or no printable UTF-8. */
void licence_put(json_t *licence, const char *part, const char *text, size_t length);
/* As above, of what the front matter (YAML) of a model card states: texts, and lists of them. */
void licence_of_card(json_t *licence, const char *card, size_t length);
/* Of a directory: by its config.json, else by its README.md, and the name of a file such as LICENSE. New. */
json_t *licence_of_directory(const char *directory, const json_t *configuration);
/* Adds the keys of config.json. */
void licence_add_keys(const json_t *licence, json_t *configuration);

#endif
