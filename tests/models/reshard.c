/* reshard FROM TO BYTES: the weights of a model directory again, in files of that size at most; for
 * test_transformers.py. */
#include <stdio.h>
#include <stdlib.h>

#include "io/shards.h"

int main(int argc, char **argv) {
  Shards s;
  Error err = {0};
  if (argc == 4 && shards_open(&s, argv[1], &err)) {
    const bool ok =
        shards_write(argv[2], s.tensors.items, s.tensors.count, strtoull(argv[3], NULL, 10), &err);
    shards_close(&s);
    if (ok) return 0;
  }
  fprintf(stderr, "%s\n", argc == 4 ? err.text : "reshard FROM TO BYTES");
  return 1;
}
