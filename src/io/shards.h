/* shards.h - the weights of a Hugging Face directory: model.safetensors or, where they are larger than a file
 * should be, several files ("shards") that model.safetensors.index.json lists. Where both are there, the
 * single file counts, as for transformers. */
#ifndef IO_SHARDS_H
#define IO_SHARDS_H

#include "io/safetensors.h"

#define WEIGHTS_FILE  "model.safetensors"
#define WEIGHTS_INDEX "model.safetensors.index.json"

typedef struct Shards {
  TensorSet tensors; /* of all files, where they are mapped */
  Safetensors *files;
  size_t count;
  const char *remark; /* what in the index is wrong and does no harm; NULL: nothing */
  Arena *arena;
} Shards;

/* An index is believed in nothing: its files are names within the directory, each holds the tensors that it
 * lists for it, and no others. */
bool shards_open(Shards *, const char *directory, Error *);
void shards_close(Shards *);

/* Bytes of a file from which on it is divided, as transformers does. */
static const uint64_t shard_bytes = 5000000000;
/* Replaces the weights of a directory: at any instant the old ones are there, or the new ones. `most`:
 * shard_bytes, or what a test wants. A tensor larger than that has a file of its own. */
bool shards_write(const char *directory, const NamedTensor *, size_t count, uint64_t most, Error *);
/* Is it the name of a file that shards_write gives? */
bool shards_own(const char *name);

#endif
