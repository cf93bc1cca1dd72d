/* export.h - writes an open model as one file of another format (SourceFormat.save). */
#ifndef RUN_EXPORT_H
#define RUN_EXPORT_H

#include "run/bundle.h"

/* What was written: types and shapes; caller: mem_free of items, after export_model in any case. */
typedef struct Exported {
  bool create; /* set before: fails if another process has made the file meanwhile, instead of replacing it */
  NamedTensor *items;
  size_t count;
  const char *finer; /* the type of merged matrices that the base has in blocks; NULL: none */
} Exported;

/* `type`: a name of types.def, or "q4_k_m" for q4_k; "" or NULL: as stored, but merged matrices not in
 * blocks, to which their changes would be lost. Tensors that need more get a larger one. Fails, by name, if
 * the format cannot say what the model computes. */
bool export_model(const Bundle *, const SourceFormat *, const char *path, const char *type, Exported *,
                  Error *);

#endif
