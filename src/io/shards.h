/* shards.h - the weights of a Hugging Face directory: model.safetensors or, if they exceed the maximum file
 * size, several files ("shards") listed by model.safetensors.index.json. If both exist, the single file is
 * used, as in transformers, and without them PyTorch's pytorch_model.bin or pytorch_model.bin.index.json. */
#ifndef IO_SHARDS_H
#define IO_SHARDS_H

#include "io/safetensors.h"

#define WEIGHTS_FILE  "model.safetensors"
#define WEIGHTS_INDEX "model.safetensors.index.json"

typedef struct Shards {
  TensorSet tensors; /* of all files, pointing into their mappings */
  Safetensors *files;
  size_t count;
  const char *remark; /* a harmless error in the index, or that it is not read; NULL: none */
  Arena *arena;
} Shards;

/* The index is checked: its files must be plain names in the directory, and each must hold exactly the
 * tensors that are listed for it. */
bool shards_exist(const char *directory); /* whether there is a file to open */
/* Marks the weights among the files of a directory, as shards_open would choose them. False: there are none.
 */
bool shards_choose(const char *const *names, size_t count, bool *chosen);
/* Whether a file of weights of any form, an index or a shard has such a name. */
bool shards_may_have(const char *name);
bool shards_open(Shards *, const char *directory, Error *);
void shards_close(Shards *);

/* Maximum bytes of a file, as in transformers. */
static const uint64_t shard_bytes = 5000000000;
/* Replaces the weights of a directory atomically. `most`: maximum bytes of a file, shard_bytes except in
 * tests. A larger tensor has a file to itself. */
bool shards_write(const char *directory, const NamedTensor *, size_t count, uint64_t most, Error *);
/* Whether shards_write uses this file name. */
bool shards_own(const char *name);

#endif
