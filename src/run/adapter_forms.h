/* adapter_forms.h - adapters in formats whose tensors have other names and orders of rows than PEFT's. */
#ifndef RUN_ADAPTER_FORMS_H
#define RUN_ADAPTER_FORMS_H

#include "base/arena.h"
#include "io/peft.h"
#include "run/bundle.h"
#include "run/export.h"

/* Fills `plain` with a stored adapter of that model as PEFT has it; what differs lives in the arena, the rest
 * is the stored one's. Caller: json_decref of its configuration, in any case. */
bool adapter_plain(const PeftAdapter *stored, const Model *, Arena *, PeftAdapter *plain, Error *);
/* Writes the adapter of an open model as one file of that format. `type`: f32, f16 or bf16; "": f32. */
bool adapter_export(const Bundle *, const SourceFormat *, const char *path, const char *type, Exported *,
                    Error *);

#endif
