/* Any bytes as a config.json: refused with a sentence, or a network that reads and writes. */
#include "base/threads.h"
#include "fuzz/memory_file.h"
#include "fuzz/small_config.h"
#include "run/session.h"

static void run(const Config *c) {
  enum { SOURCE = 3 };
  const int32_t source[SOURCE] = {0}, token = (int32_t)c->vocabulary - 1;
  const bool encodes = c->arch->encodes;
  Model *m = model_new(c, false);
  params_initialize(m->params, 1);
  Session *s = session_new(m, (StateSize){0});
  const bool reads = !encodes || c->context >= SOURCE;
  const int32_t text = reads ? session_open(s, encodes ? session_add_source(s, source, SOURCE) : -1) : -1;
  for (int i = 0; i < 3 && i < c->context && reads; i++) session_read(s, text, &token, 1);
  session_free(s);
  model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  Error err = {0};
  Config c;
  threads_set(1);
  const bool ok = config_read(&c, as_file(data, size, path), &err);
  CHECK(ok == !err.code && ok == !*err.text);
  if (ok && is_small(&c)) run(&c);
  return 0;
}
