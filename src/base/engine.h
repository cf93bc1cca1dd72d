/* engine.h - what a call runs in: an engine (threads, limits), and who may stop it.
 *
 * Each public function that works enters a context; the threads that help it inherit it. So no function below
 * takes an engine, two engines in one process do not feel each other, and there is nothing process-wide to
 * set. A guard (memory.h) restores the context that it found, on every way out. */
#ifndef BASE_ENGINE_H
#define BASE_ENGINE_H

#include "base/news.h"
#include "base/pool.h"

struct ink_engine {
  int threads;    /* at most so many work for one call; 0: as many as the caller's thread may run on */
  int64_t memory; /* bytes that the library may hold for a call to begin; 0: what the process may have */
  Pool pool;
};

extern _Thread_local Context work_context; /* of this thread */

/* The context's engine, or else the one that all share who opened none. */
ink_engine *engine_now(void);
/* From here to the end of the guard: calls work in `engine`; NULL: in the one that is current. */
void engine_enter(ink_engine *);
/* A public function begins, inside its guard: enters what `call` says (NULL: nothing) and gives its listener.
 * `otherwise`: the engine of the object that it is about, or NULL. */
bool call_enter(const ink_call *call, ink_engine *otherwise, News *, Error *);
/* The text that stands for the file of that name in this call; NULL: none does. */
const ink_text *text_in_memory(const char *name);

#endif
