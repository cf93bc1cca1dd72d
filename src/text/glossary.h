/* glossary.h - terms and how they are translated. */
#ifndef TEXT_GLOSSARY_H
#define TEXT_GLOSSARY_H

#include "base/buffer.h"
#include "text/trie.h"

typedef struct Term {
  const char *source, *target; /* not owned */
  size_t source_length, target_length;
} Term;

typedef struct Glossary {
  VEC(Term) terms;
  Trie sources, targets; /* -> index in `terms` */
} Glossary;

/* False if the source is a term already. */
bool glossary_add(Glossary *, Term);
void glossary_free(Glossary *);

/* The longest term that begins at byte `at` and is a word there, -1: none; *length: its bytes in the text.
 * Letters count as they are, except that a term that begins with a small Latin letter is also found with a
 * capital one, as at the beginning of a sentence. In scripts without spaces a term may stand within a word;
 * a target may go on, as inflected words do. */
int32_t glossary_find(const Glossary *, const char *text, size_t length, size_t at, bool translated,
                      size_t *found);

#endif
