/* adapter.h - stored adapters (io/peft.h) and models: applies one or several, merges them into the weights,
 * describes a trained one. */
#ifndef RUN_ADAPTER_H
#define RUN_ADAPTER_H

#include "io/peft.h"
#include "models/model.h"

/* Identifies a base model by its vectors (norms, biases), which conversions to other types round at most to
 * bf16: equal for the same model in any type, different for models tuned from it. "": they cannot tell,
 * because they are rounded to f16.
 *
 * Where formats store norm weights w as 1 + w, which rounds them, a second hash of 1 + w follows the first:
 * one of both is the same after any one conversion. */
enum { ADAPTER_PRINT = 40 };
void adapter_base(const Model *, char print[ADAPTER_PRINT]);
/* Identifies it by samples of its matrices, as "TYPES-VALUES": of two models of the same types, equal values
 * mean the same base. Values of f32 are rounded to bf16, so that a model that went through bf16 remains the
 * same;
 * "": they cannot tell, because they are rounded to f16. */
void adapter_base_matrices(const Model *, char print[ADAPTER_PRINT]);
/* Where an adapter is that a user names, and its weight: "DIR" or "DIR:WEIGHT"; a name of a downloaded model,
 * too. */
bool adapter_locate(const char *given, char path[PATH_CAPACITY], double *weight, Error *);
/* Adds an adapter, `weight` times, to a model that is not trained. Several are one of the sum of their ranks:
 * their A are stacked, their B beside each other. Fails by name for a layer that the model does not have, or
 * has in another shape. */
bool adapter_apply(Model *, const PeftAdapter *, double weight, Error *);
/* Adds the adapter to the weights of the layers, which become f32. */
void adapter_merge(Model *);

/* Writes the configuration of the adapter that a network is trained with. `base`: path or name of the model
 * below it. */
bool adapter_write_config(const char *directory, const Config *, const Adapter *, const char *base,
                          double alpha, bool rslora, Error *);

#endif
