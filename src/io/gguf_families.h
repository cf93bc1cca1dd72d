/* gguf_families.h - the architectures of GGUF files, and what transformers calls their keys. To add one: a
 * line in `gguf_families`, with its keys that the common ones do not cover, and a table of tensor names in
 * its own file (models/naming.h, "gguf"). Files are read and written by the same lines. */
#ifndef IO_GGUF_FAMILIES_H
#define IO_GGUF_FAMILIES_H

#include "base/json.h"
#include "io/gguf.h"

/* How a value goes over. */
typedef enum Use {
  COUNT,   /* a whole number */
  REAL,    /* a number */
  SWITCH,  /* true or false */
  LAYERS,  /* true or false for each layer: whether it has a window */
  FIXED,   /* a number that is always this one, and that files must have */
  TENSOR,  /* the key is a tensor's name: whether there is one */
  COMPUTED /* read elsewhere, or of no effect */
} Use;

/* "<architecture>.<key>" and what transformers calls it; NULL: nothing. Of FIXED, the number. */
typedef struct KeyName {
  const char *key;
  Use use;
  const char *name;
} KeyName;

extern const KeyName gguf_common_keys[];

/* Of families that share a name, the first is read that fits the file. */
typedef struct Family {
  const char *name, *model_type;
  const KeyName *keys; /* besides the common ones, and instead of those with the same key; NULL: none */
  const char *always;  /* what all its models have, as JSON; NULL: nothing */
  const char *with;    /* only files in which this key is a positive number; NULL: all */
  bool (*complete)(const Gguf *, json_t *config, Error *); /* what takes more than names; NULL: nothing */
  void (*write)(GgufValues *, const json_t *config);       /* and back */
} Family;

extern const Family gguf_families[]; /* ends with a NULL name */

/* The line of that key; NULL: none. */
const KeyName *gguf_find_key(const KeyName *, const char *key);

#endif
