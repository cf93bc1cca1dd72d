/* source_llama2c.c - one model file of karpathy/llama2.c, with its tokenizer next to it. */
#include <string.h>

#include "io/llama2c.h"
#include "io/source.h"

/* Epsilon and base are constants of llama2.c. Its texts end with the begin token of the next, at which it
 * stops; chats end turns with the end token. */
static json_t *configuration_of(const Llama2c *m) {
  return json_build("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:b, s:i, s:[i, i]}", "model_type",
                    "llama", "hidden_size", (json_int_t)m->width, "intermediate_size", (json_int_t)m->ffn,
                    "num_hidden_layers", (json_int_t)m->layers, "num_attention_heads", (json_int_t)m->heads,
                    "num_key_value_heads", (json_int_t)m->kv_heads, "vocab_size", (json_int_t)m->vocabulary,
                    "max_position_embeddings", (json_int_t)m->context, "rms_norm_eps", 1e-5, "rope_theta",
                    10000.0, "tie_word_embeddings", (int)m->tied, "bos_token_id", 1, "eos_token_id", 2, 1);
}

static bool open_file(ModelSource *s, Error *err) {
  Llama2c *m = mem_alloc_zeroed(1, sizeof *m);
  s->own = m;
  snprintf(s->configuration_at, sizeof s->configuration_at, "%s", s->path);
  if (!llama2c_open(m, s->path, err)) return false;
  s->configuration = configuration_of(m);
  s->card = json_object();
  return true;
}

static bool open_tensors(ModelSource *s, Error *err) {
  const Llama2c *m = s->own;
  s->tensors = m->tensors;
  return llama2c_check_rotation(m, err);
}

static void close_file(ModelSource *s) {
  if (s->own) llama2c_close(s->own);
  mem_free(s->own);
}

static bool find_tokenizer(const ModelSource *s, SourceTokenizer *t, Error *err) {
  return llama2c_tokenizer(s->own, t->path, &t->stored, err);
}

static bool read_template(const ModelSource *s, json_t **out, Error *err) {
  (void)s, (void)out, (void)err; /* the format has none */
  return true;
}

const SourceFormat source_llama2c = {.name = "llama2c",
                                     .claims = llama2c_claims,
                                     .open = open_file,
                                     .open_tensors = open_tensors,
                                     .close = close_file,
                                     .find_tokenizer = find_tokenizer,
                                     .read_template = read_template};
