/* config_echo FILE OUT: what this program takes a config.json for, written again. config_echo: the tables of
 * all architectures, as a JSON object a line. test_config.py and test_config_keys.py compare with
 * transformers. */
#include <math.h>
#include <stdio.h>

#include "models/model.h"

static json_t *key_json(const ConfigKey *k) {
  return json_build("{s:s, s:s?, s:o, s:o}", "key", k->key, "alias", k->alias, "otherwise",
                    json_number(k->otherwise), "null", json_number(k->null));
}

static void print_table(const Arch *arch) {
  json_t *keys = json_array();
  for (const ConfigKey *k = arch->keys; k->key; k++) json_push(keys, key_json(k));
  json_t *json =
      json_build("{s:s, s:b, s:o}", "model_type", arch->model_type, "encodes", arch->encodes, "keys", keys);
  char *text = json_text(json, JSON_COMPACT);
  printf("%s\n", text);
  mem_free(text);
  json_decref(json);
}

int main(int argc, char **argv) {
  Config c;
  Error err = {0};
  for (int i = 0; argc == 1 && i < arch_count; i++) print_table(arch_table[i]);
  if (argc == 1) return 0;
  if (argc == 3 && config_read(&c, argv[1], &err) && config_write(&c, argv[2], &err)) return 0;
  fprintf(stderr, "%s\n", argc == 3 ? err.text : "config_echo [FILE OUT]");
  return 1;
}
