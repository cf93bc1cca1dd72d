/* Any bytes as the body of a request to each endpoint: refused with a sentence, or values of the described
 * kinds, which the settings of the library take or refuse. */
#include <stdint.h>

#include "serve/scheduler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (const Route *r = routes; r->path; r++) {
    Problem p = {0};
    json_t *values = NULL;
    if (!r->params) continue;
    if (params_read(r->params, (const char *)data, size, &values, &p)) {
      ink_settings *s = ink_settings_write();
      if (!params_apply(r->params, values, s, &p)) CHECK(p.status == HTTP_BAD);
      ink_settings_free(s);
    }
    if (p.status) mem_free(problem_text(&p));
    json_decref(values);
  }
  return 0;
}
