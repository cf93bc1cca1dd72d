/* context.h - what a thread works for: copied to the threads that help it. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "inkstone.h"

typedef struct Context {
  ink_engine *engine;    /* NULL: the one that all share who opened none */
  const ink_stop *stop;  /* NULL: nobody stops it */
  const ink_text *texts; /* that stand for files */
  size_t text_count;
  int threads; /* how many work for this thread; 0: not asked yet */
} Context;

#endif
