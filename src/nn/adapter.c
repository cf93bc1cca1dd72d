#include "nn/adapter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/patterns.h"

static const char before[] = "base_model.model.";
static const char *const after[] = {[ADAPTER_A] = ".lora_A.weight", [ADAPTER_B] = ".lora_B.weight"};

const char *adapter_name(char name[ADAPTER_NAME], const char *layer, AdapterSide side) {
  CHECK(snprintf(name, ADAPTER_NAME, "%s%s%s", before, layer, after[side]) < ADAPTER_NAME);
  return name;
}

const char *adapter_whole_name(char name[ADAPTER_NAME], const char *parameter) {
  CHECK(snprintf(name, ADAPTER_NAME, "%s%s", before, parameter) < ADAPTER_NAME);
  return name;
}

bool adapter_layer(const char *name, AdapterSide *side, char layer[ADAPTER_NAME]) {
  const size_t head = sizeof before - 1, length = strlen(name), tail = strlen(after[ADAPTER_A]);
  if (strncmp(name, before, head) || length <= head + tail || length >= ADAPTER_NAME) return false;
  for (int s = ADAPTER_A; s <= ADAPTER_B; s++)
    if (!strcmp(name + length - tail, after[s])) {
      *side = (AdapterSide)s;
      snprintf(layer, ADAPTER_NAME, "%.*s", (int)(length - head - tail), name + head);
      return true;
    }
  return false;
}

/* NULL: the layer has none. Initially A is as in PEFT, B zero: the change is none. */
static Tensor *matrix(const Net *net, const char *layer, AdapterSide side, int64_t rows, int64_t columns) {
  char name[ADAPTER_NAME];
  adapter_name(name, layer, side);
  if (!net->adapter->rank) {
    Param *p = params_find(net->learned, name);
    return p ? &p->tensor : NULL;
  }
  const Init init = {side == ADAPTER_A ? INIT_UNIFORM : INIT_ZERO, 1 / sqrtf((float)columns)};
  return &params_declare(net->learned, name, 2, (int64_t[]){rows, columns}, init, PARAM_MATRIX)->tensor;
}

static bool is_target(const Adapter *a, const char *layer) {
  return !a->rank || !a->targets || !*a->targets || patterns_match(a->targets, layer);
}

Tensor *adapter_add(Net *net, const char *name, Tensor *x, Tensor *y) {
  const Adapter *adapter = net->adapter;
  char layer[ADAPTER_NAME];
  if (!adapter) return y;
  snprintf(layer, sizeof layer, "%s%s%s", net->scope, *net->scope ? "." : "", name);
  if (!is_target(adapter, layer)) return y;
  Tensor *a = matrix(net, layer, ADAPTER_A, adapter->rank, tensor_columns(x)),
         *b = matrix(net, layer, ADAPTER_B, tensor_columns(y), adapter->rank);
  if (!a || !b) return y;
  x = op_dropout(net->tape, x, net->adapter_dropout);
  return op_low_rank(net->tape, y, x, a, b, adapter->scale);
}

Tensor *adapter_whole(Net *net, const char *parameter, int dims, const int64_t *shape, Init init,
                      ParamRole role) {
  char name[ADAPTER_NAME];
  if (!net->adapter || !net->adapter->rank) return NULL;
  return &params_declare(net->learned, adapter_whole_name(name, parameter), dims, shape, init, role)->tensor;
}
