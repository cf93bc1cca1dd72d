/* Any bytes as a config.json: refused with a sentence, or a network that reads and writes. */
#include "base/threads.h"
#include "fuzz/memory_file.h"
#include "fuzz/small_config.h"
#include "run/session.h"

static void run(const Config *c) {
  enum { SOURCE = 3 };
  const int32_t source[SOURCE] = {0}, length = SOURCE, token = (int32_t)c->vocabulary - 1;
  const bool encodes = c->arch->encodes;
  Model *m = model_new(c, false);
  params_initialize(m->params, 1);
  Session *s = session_new_sized(m, (StateSize){.sequences = 1,
                                                .room = c->context,
                                                .sources = encodes ? 1 : 0,
                                                .source_room = encodes ? SOURCE : 0});
  if (encodes && c->context >= SOURCE) session_read_sources(s, source, &length, SOURCE);
  for (int i = 0; i < 3 && i < c->context && (!encodes || c->context >= SOURCE); i++)
    session_feed(s, &token, 1, 1);
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
