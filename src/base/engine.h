/* engine.h - engines (worker threads, limits) and the work context of a call.
 *
 * Public functions set up a context; worker threads inherit it. So internal functions take no engine
 * argument, engines in one process are independent, and no setting is process-wide. A guard (memory.h)
 * restores the previous context on every exit. */
#ifndef BASE_ENGINE_H
#define BASE_ENGINE_H

#include "base/news.h"
#include "base/pool.h"

struct ink_engine {
  int threads;    /* maximum per call; 0: as many processors as the caller's thread may run on */
  int64_t memory; /* maximum bytes held by the library, checked before large allocations; 0: the process's
                     limit */
  Pool pool;
};

extern _Thread_local Context work_context; /* of this thread */

/* The context's engine, or else the process's shared one. */
ink_engine *engine_now(void);
/* Sets the context's engine until the end of the guard; NULL: keeps the current one. */
void engine_enter(ink_engine *);
/* To be called by public functions after MEM_GUARD: sets up the context given by `call` (NULL: unchanged)
 * and returns its listener in News. `fallback`: the engine of the object involved, or NULL. */
bool call_enter(const ink_call *call, ink_engine *fallback, News *, Error *);
/* The call's text that replaces the file of that name; NULL: none. */
const ink_text *text_in_memory(const char *name);

#endif
