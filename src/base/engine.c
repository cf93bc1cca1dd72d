#include "base/engine.h"

#include <string.h>

#include "base/memory.h"
#include "base/structs.h"

_Thread_local Context work_context;

/* Its threads are started by the first parallel loop. */
static ink_engine shared = {.pool = {.detached = true}};

ink_engine *engine_now(void) {
  return work_context.engine ? work_context.engine : &shared;
}

void engine_enter(ink_engine *engine) {
  if (!engine || engine == work_context.engine) return;
  work_context.engine = engine;
  work_context.threads = 0; /* to be determined for the new engine */
}

bool call_enter(const ink_call *given, ink_engine *fallback, News *news, Error *err) {
  static const ink_call none = INK_CALL_INIT;
  ink_call call;
  *news = (News){0};
  if (!struct_take(&call, sizeof call, given ? given : &none, "ink_call", err)) return false;
  *news = (News){call.listener, call.user};
  engine_enter(call.engine ? call.engine : fallback);
  if (call.stop) work_context.stop = call.stop;
  if (call.text_count) {
    work_context.texts = call.texts;
    work_context.text_count = call.text_count;
  }
  return !interrupted() || fail_interrupted(err);
}

/* ---- stopping ---- */

void ink_stop_request(ink_stop *stop) {
  __atomic_store_n(&stop->requested, 1, __ATOMIC_RELEASE);
}

void ink_stop_clear(ink_stop *stop) {
  __atomic_store_n(&stop->requested, 0, __ATOMIC_RELEASE);
}

bool ink_stop_requested(const ink_stop *stop) {
  return __atomic_load_n(&stop->requested, __ATOMIC_ACQUIRE) != 0;
}

bool interrupted(void) {
  return work_context.stop && ink_stop_requested(work_context.stop);
}

const ink_text *text_in_memory(const char *name) {
  for (size_t i = 0; i < work_context.text_count; i++)
    if (!strcmp(work_context.texts[i].name, name)) return &work_context.texts[i];
  return NULL;
}

/* ---- engines ---- */

ink_engine *ink_engine_open(const ink_engine_options *options, ink_error *err) {
  MEM_GUARD(err, return NULL);
  ink_engine *engine = NULL;
  ink_engine_options wanted = INK_ENGINE_OPTIONS_INIT;
  const bool known = !options || struct_take(&wanted, sizeof wanted, options, "ink_engine_options", err);
  if (known && (wanted.threads < 0 || wanted.memory < 0))
    fail_usage(err, "ink_engine_options: threads and memory must be 0 or more");
  else if (known) {
    engine = mem_alloc_zeroed(1, sizeof *engine);
    engine->threads = wanted.threads < MOST_THREADS ? wanted.threads : MOST_THREADS;
    engine->memory = wanted.memory;
  }
  MEM_GUARD_END();
  return engine;
}

void ink_engine_close(ink_engine *engine) {
  if (!engine) return;
  pool_close(&engine->pool);
  mem_free(engine);
}
