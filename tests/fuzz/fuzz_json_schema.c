/* Any bytes as the constraint of --json-schema (constraint_form.h). */
#include "constraint_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_form(form_json_schema.read, data, size);
  return 0;
}
