/* model.h - struct ink_model, for the files of run/ that implement inkstone.h. */
#ifndef RUN_MODEL_H
#define RUN_MODEL_H

#include "run/bundle.h"
#include "text/handle.h"

struct ink_model {
  Bundle bundle;
  ink_tokenizer written, read; /* tokenizers of outputs and of sources */
  ink_engine *engine;          /* the engine it was opened in; NULL: the shared one */
};

#endif
