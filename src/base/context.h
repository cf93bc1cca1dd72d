/* context.h - the work context of a thread; worker threads take a copy of their caller's. */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include "inkstone.h"

typedef struct Context {
  ink_engine *engine;    /* NULL: the process's shared one */
  const ink_stop *stop;  /* NULL: cannot be stopped */
  const ink_text *texts; /* read in place of files */
  size_t text_count;
  int threads; /* threads per parallel loop; 0: not determined yet */
} Context;

#endif
