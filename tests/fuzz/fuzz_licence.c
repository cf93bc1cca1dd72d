/* Any bytes as a model card: what is found in its front matter is short and printable. */
#include <string.h>

#include "base/memory.h"
#include "io/licence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *licence = json_object();
  licence_of_card(licence, (const char *)data, size);
  for (int i = 0; i < LICENCE_PARTS; i++) {
    const json_t *text = json_object_get(licence, licence_parts[i].part);
    CHECK(!text || (json_string_length(text) > 0 && json_string_length(text) <= 500 &&
                    !strchr(json_string_value(text), '\n')));
  }
  json_decref(licence);
  return 0;
}
