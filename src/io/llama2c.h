/* llama2c.h - the files of karpathy/llama2.c, little-endian, as its exporters write them.
 *
 * A model: a header (seven i32 width, ffn, layers, heads, key/value heads, vocabulary, context), then f32
 * arrays in a fixed order, without names. Legacy files begin with the seven numbers; a negative vocabulary
 * says that the output matrix is not the embedding. Version 1 begins with u32 0x616b3432 ("ak42") and i32 1,
 * has a byte for that, and zeros up to byte 256.
 *
 * A tokenizer: u32 length of the longest token, then for each token f32 score, u32 length, bytes. How many
 * they are is in the model's header only.
 *
 * Every number of a header is checked against the length of the file before anything is allocated by it. */
#ifndef IO_LLAMA2C_H
#define IO_LLAMA2C_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "io/tensors.h"
#include "text/stored_tokenizer.h"

typedef struct Llama2c {
  FileView file;
  const char *path;
  int64_t width, ffn, layers, heads, kv_heads, vocabulary, context;
  bool tied;                  /* the output matrix is the embedding */
  const float *cosine, *sine; /* of the angles of rotation [context][width / heads / 2]; NULL: not stored */
  TensorSet tensors;          /* in the file; named as in GGUF files, which store the same matrices */
  Arena *arena;
} Llama2c;

/* Does the file begin with the magic number, or, if named *.bin, as a legacy file may? */
bool llama2c_claims(const char *path);
/* To be closed in any case. */
bool llama2c_open(Llama2c *, const char *path, Error *);
void llama2c_close(Llama2c *);
/* Fails if the stored angles of rotation are not those of Llama: other programs may have computed them
 * otherwise. */
bool llama2c_check_rotation(const Llama2c *, Error *);

/* That of tok<vocabulary>.bin or tokenizer.bin next to the model. `path` receives its path. */
bool llama2c_tokenizer(const Llama2c *, char path[PATH_CAPACITY], StoredTokenizer *out, Error *);

#endif
