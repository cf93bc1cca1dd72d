#include "base/engine.h"

#include "base/memory.h"

_Thread_local Context context;

/* Its threads are started by the first loop that wants them. */
static ink_engine shared = {.pool = {.lasting = true}};

ink_engine *engine_now(void) {
  return context.engine ? context.engine : &shared;
}

void engine_enter(ink_engine *engine) {
  if (!engine || engine == context.engine) return;
  context.engine = engine;
  context.threads = 0; /* another engine has another number */
}

ink_engine *ink_engine_open(const ink_engine_options *options, ink_error *err) {
  MEM_GUARD(err, return NULL);
  const ink_engine_options none = INK_ENGINE_OPTIONS_INIT, *given = options ? options : &none;
  ink_engine *engine = NULL;
  if (given->threads < 0 || given->memory < 0)
    fail_usage(err, "an engine's threads and memory are limits: 0 or above");
  else {
    engine = mem_alloc_zeroed(1, sizeof *engine);
    engine->threads = given->threads < MOST_THREADS ? given->threads : MOST_THREADS;
    engine->memory = given->memory;
  }
  MEM_GUARD_END();
  return engine;
}

void ink_engine_close(ink_engine *engine) {
  if (!engine) return;
  pool_close(&engine->pool);
  mem_free(engine);
}
