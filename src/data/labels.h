/* labels.h - the labels of texts, of which a classifier chooses one: their names, in the order of its scores.
 * In config.json they are transformers' "id2label" and "label2id". */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include "data/pair_batches.h"

typedef struct Labels {
  char **names;
  int64_t count;
  Map *ids; /* name -> index */
} Labels;   /* zero-initialized: none */

void labels_free(Labels *);
int64_t labels_find(const Labels *, const char *name, size_t length); /* -1: no such label */
bool labels_add(Labels *, const char *name, size_t length);           /* false: it is there already */
/* Whether both have the same names, in any order. */
bool labels_same(const Labels *, const Labels *);

/* The `count` labels of a config.json; numbered names if it does not name them. */
bool labels_read(Labels *, const json_t *configuration, int64_t count, const char *where, Error *);
void labels_write(const Labels *, json_t *configuration);

/* The labels of labelled texts: numbers by value if all are, else in the order of their bytes. Fails for a
 * single one. Reports how many texts each has, and what is unusual about that. */
bool labels_of(Labels *, const Pairs *train, const News *, Error *);
/* The label of an example; -1: it is not in the list. */
int64_t label_of(const Labels *, const Pairs *, const Example *);
/* Fails, with the place, for an example whose label is not in the list. */
bool labels_check(const Labels *, const Pairs *, Error *);
/* Sets the labels of encoded texts, all of which labels_check knows. */
void labels_index(const Labels *, PairTokens *);
/* Moves held-out examples back to the training set that has none of their label. Their number. */
int64_t labels_return(Pairs *train, Pairs *held);

#endif
