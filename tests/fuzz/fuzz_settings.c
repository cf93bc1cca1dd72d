/* Any bytes as a recipe: refused with a sentence, or settings that reload as they are. */
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

#define FUZZ_SETTINGS                               \
  SETTINGS_BEGIN(Fuzzed, table, "fuzzed")           \
  SETTING(INT, layers, "4", 1, 1000, "N", "")       \
  SETTING(REAL, lr, "0.1", 0, 1, "F", "")           \
  SETTING(CHOICE, arch, "a", 0, 0, "a|b", "")       \
  SETTING(SWITCH, tied, "true", 0, 0, "", "")       \
  SETTING(TEXT, out, "", 0, 0, "PATH", "")          \
  SETTING(BYTES, memory, "1G", 0, 1e15, "SIZE", "") \
  SETTING(SECONDS, budget, "0", 0, 1e8, "TIME", "") \
  SETTING(LIST, stop, "", 0, 0, "TEXT", "")         \
  SETTINGS_END

FUZZ_SETTINGS

#include "base/settings_table.h"
FUZZ_SETTINGS
static const SettingTable *const tables[] = {&table};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Error err = {0};
  Settings *s = settings_new(tables, 1), *again = settings_new(tables, 1);
  char *text = mem_alloc(size + 1);
  memcpy(text, data, size);
  text[size] = '\0';
  const bool ok = settings_load_text(s, text, "fuzz.yaml", &err);
  CHECK(ok == !err.code && ok == !*err.text);
  char *yaml = settings_to_yaml(s);
  CHECK(settings_load_text(again, yaml, "again.yaml", NULL));
  char *second = settings_to_yaml(again);
  CHECK(!strcmp(yaml, second));
  mem_free(second);
  mem_free(yaml);
  mem_free(text);
  ink_settings_free(again);
  ink_settings_free(s);
  return 0;
}
