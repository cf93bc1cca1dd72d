/* model.h - what a program holds of a model; for the files of run/ that implement inkstone.h. */
#ifndef RUN_MODEL_H
#define RUN_MODEL_H

#include "run/bundle.h"
#include "text/handle.h"

struct ink_model {
  Bundle bundle;
  ink_tokenizer written, read; /* its tokenizers: of what it writes, and of sources */
  ink_engine *engine;          /* that it was opened in; NULL: the one that all share */
};

#endif
