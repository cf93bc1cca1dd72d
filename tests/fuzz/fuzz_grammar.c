/* Any bytes as the constraint of --grammar (constraint_form.h). */
#include "constraint_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_form(form_grammar.read, data, size);
  return 0;
}
