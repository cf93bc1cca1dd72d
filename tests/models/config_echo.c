/* config_echo FILE OUT: what this program takes a config.json for, written again; test_config.py compares. */
#include <stdio.h>

#include "models/model.h"

int main(int argc, char **argv) {
  Config c;
  Error err = {0};
  if (argc == 3 && config_read(&c, argv[1], &err) && config_write(&c, argv[2], &err)) return 0;
  fprintf(stderr, "%s\n", argc == 3 ? err.text : "config_echo FILE OUT");
  return 1;
}
