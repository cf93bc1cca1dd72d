/* template_rows.h - conversations as sequences of ids by a model's chat template, for training and scoring.
 *
 * A conversation is one sequence, in which all replies are scored, if the template lays out its beginnings
 * alike: the ids up to each reply begin the ids of the whole. Some templates treat the last turn otherwise
 * (Qwen3 leaves out the thoughts of earlier ones), and some conversations are longer than the context; then
 * each reply has a sequence of its own, with the turns before it as in a prompt, from which the oldest are
 * left out until it fits. A reply whose end the template does not mark is followed by END. If the speakers
 * are unknown, each turn but the first is a reply once, and a conversation begins with the user. */
#ifndef DATA_TEMPLATE_ROWS_H
#define DATA_TEMPLATE_ROWS_H

#include "data/pair_rows.h"

typedef struct TemplateRow {
  int64_t start, count;     /* of its ids */
  uint32_t example, turns;  /* it has this many turns of the example */
  double bytes, characters; /* of the text of the targets */
  bool cut;                 /* truncated */
  bool shortened;           /* without the oldest turns */
} TemplateRow;

typedef struct TemplateRows {
  Spool store;           /* the ids, which may exceed memory; of a scored one, its complement */
  VEC(TemplateRow) rows; /* in the order of the examples */
} TemplateRows;

/* Fails for a conversation that the template refuses, naming its place. Reports progress. */
bool template_rows(TemplateRows *, const Pairs *, const PairLayout *, const News *, Error *);
void template_rows_free(TemplateRows *);
void template_row(PairRow *, const TemplateRows *, size_t index);

#endif
