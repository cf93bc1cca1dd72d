/* normalize.h - Unicode's normal forms, and lower case. Invalid UTF-8 is passed through unchanged. */
#ifndef TEXT_NORMALIZE_H
#define TEXT_NORMALIZE_H

#include "base/buffer.h"

typedef enum NormalForm {
  FORM_NFC,
  FORM_NFD,
  FORM_NFKC, /* U+FF21 becomes A, U+FB01 becomes fi */
  FORM_NFKD
} NormalForm;
void normalize_form(NormalForm, const char *text, size_t length, Buffer *out);
void normalize_lower(const char *text, size_t length, Buffer *out);
/* To compare texts: NFKC, then lower case. */
void normalize_loosely(const char *text, size_t length, Buffer *out);

#endif
