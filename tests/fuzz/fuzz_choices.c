/* Any bytes as the constraint of --choices (constraint_form.h). */
#include "constraint_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_form(form_choices.read, data, size);
  return 0;
}
