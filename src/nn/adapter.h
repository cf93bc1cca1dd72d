/* adapter.h - low-rank adapters (LoRA: Hu et al. 2021): a linear layer's output for x gets s (x A^T) B^T
 * added, A [r,in] and B [out,r] being all that is trained; s is alpha / r, or alpha / sqrt(r) (rsLoRA:
 * Kalajdzievski 2023).
 *
 * nn_linears asks for each layer whether it has one. The parameters are those of the net's learned set, under
 * PEFT's names: "base_model.model.<layer>.lora_A.weight". */
#ifndef NN_ADAPTER_H
#define NN_ADAPTER_H

#include "nn/net.h"

typedef struct Adapter {
  bool present;
  int64_t rank; /* of what the net declares; 0: it uses what the set contains */
  const char
      *targets;  /* patterns (base/patterns.h) of the layers for which it declares one; NULL or "": all */
  float scale;   /* s; 1 if B contains it */
  float dropout; /* for Net.adapter_dropout, while training */
} Adapter;

enum { ADAPTER_NAME = 1024 };
typedef enum AdapterSide { ADAPTER_A, ADAPTER_B } AdapterSide;
/* The name of the matrix of a layer. */
const char *adapter_name(char name[ADAPTER_NAME], const char *layer, AdapterSide);
/* The layer that a matrix of that name belongs to; false: it is no such name. */
bool adapter_layer(const char *name, AdapterSide *, char layer[ADAPTER_NAME]);

/* The name of a parameter that an adapter has as a whole, as PEFT's modules_to_save: of a new head. */
const char *adapter_whole_name(char name[ADAPTER_NAME], const char *parameter);
/* Declares it in the learned set, while an adapter is trained; NULL: none is. */
Tensor *adapter_whole(Net *, const char *parameter, int dims, const int64_t *shape, Init, ParamRole);

/* The layer's output with the adapter's part, if it has one; `layer`: its name in the current scope. */
Tensor *adapter_add(Net *, const char *layer, Tensor *x, Tensor *y);

#endif
