/* porter.h - stems of English words (M. F. Porter, "An algorithm for suffix stripping", 1980) with NLTK's
 * extensions, which rouge-score uses. */
#ifndef TEXT_PORTER_H
#define TEXT_PORTER_H

#include <stddef.h>

/* Reduces a word of lower-case ASCII letters and digits to its stem, in place; returns the new length, never
 * more than before. */
size_t porter_stem(char *word, size_t length);

#endif
