/* peft.h - low-rank adapters in the layout of Hugging Face's PEFT: a directory with adapter_config.json and
 * adapter_model.safetensors, whose tensors are base_model.model.<layer>.lora_A.weight [r,in] and
 * lora_B.weight [out,r]. https://huggingface.co/docs/peft
 *
 * Those of llama.cpp, GGUF files, are read to the same configuration, but keep the names of their tensors and
 * the order of their rows, which the base's architecture tells (run/adapter_forms.h). */
#ifndef IO_PEFT_H
#define IO_PEFT_H

#include "io/gguf.h"
#include "io/safetensors.h"

#define PEFT_CONFIG  "adapter_config.json"
#define PEFT_WEIGHTS "adapter_model.safetensors"

typedef struct PeftAdapter {
  char path[PATH_CAPACITY]; /* of the directory, or the file */
  json_t *configuration;
  json_t *card; /* inkstone.json of an adapter that Inkstone trained; else empty */
  TensorSet tensors;
  const char *names; /* the format whose names these have; NULL: PEFT's */
  Safetensors weights;
  Gguf file; /* of a directory: empty */
} PeftAdapter;

/* Whether the directory contains an adapter. */
bool peft_exists(const char *directory);
/* Of a directory, or a GGUF file. Fails for settings that change results and are not supported, by name.
 * Close it in any case. */
bool peft_open(PeftAdapter *, const char *path, Error *);
void peft_close(PeftAdapter *);

/* Finds the base model that it names: a path from the directory, or from here, or a downloaded model. */
bool peft_find_base(const PeftAdapter *, char path[PATH_CAPACITY], Error *);
/* The head of a classifier, which it has as a whole (modules_to_save): [labels, width], with the name of its
 * parameter, PEFT_HEAD; false: none. */
#define PEFT_HEAD "score.weight"
bool peft_head(const PeftAdapter *, NamedTensor *head);
/* The factor of the change of a layer. */
double peft_scale(const PeftAdapter *, const char *layer, int64_t rank);

/* Whether a layer may be of this rank: of "r", unless some layers have one of their own (rank_pattern). */
bool peft_has_rank(const PeftAdapter *, int64_t rank);

/* adapter_config.json of a new adapter. */
typedef struct PeftSettings {
  const char *base; /* path or name of the base model */
  int64_t rank;
  double alpha, dropout;
  bool rslora, transposed, encodes; /* of the base: weights stored [in,out]; it has an encoder */
  bool labels;                      /* with a head */
  const json_t *targets;            /* names of layers, or their last parts */
} PeftSettings;
bool peft_write_config(const char *directory, const PeftSettings *, Error *);

#endif
