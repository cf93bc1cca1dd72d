/* Any bytes as the constraint of --regex (constraint_form.h). */
#include "constraint_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_form(form_regex.read, data, size);
  return 0;
}
