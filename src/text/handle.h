/* handle.h - the public handle of a tokenizer. */
#ifndef TEXT_HANDLE_H
#define TEXT_HANDLE_H

#include "text/tokenizer.h"

struct ink_tokenizer {
  Tokenizer *tokenizer;
};

#endif
