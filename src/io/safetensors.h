/* safetensors.h - named tensors in one file: 8 bytes of header length, a JSON header, raw little-endian data.
 * https://github.com/huggingface/safetensors . Sizes and offsets are checked against the size of the file. */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "io/tensors.h"

typedef struct Safetensors {
  TensorSet tensors;
  json_t *metadata; /* the "__metadata__" object, or NULL */
  FileView file;
  Arena *arena;
} Safetensors;

/* The advice on weights in other formats. */
#define AS_SAFETENSORS \
  "save them as safetensors with transformers: AutoModel...from_pretrained(DIRECTORY).save_pretrained(NEW)"

bool safetensors_open(Safetensors *, const char *path, Error *);
/* The same for a file of another format: `read` gets the view and an arena. */
bool safetensors_open_as(Safetensors *, const char *path,
                         bool (*read)(Safetensors *, const char *path, Error *), Error *);
void safetensors_close(Safetensors *);

/* Replaces the file atomically; keeps the order of items (callers sort); metadata may be NULL. */
bool safetensors_write(const char *path, const NamedTensor *items, size_t count, const json_t *metadata,
                       Error *);

#endif
