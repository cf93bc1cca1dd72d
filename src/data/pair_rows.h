/* pair_rows.h - one example laid out as rows of ids; for pair_batches.c. */
#ifndef DATA_PAIR_ROWS_H
#define DATA_PAIR_ROWS_H

#include "data/pair_batches.h"

/* What becomes one sequence: turns first .. stop-1 of an example; replies from `scored` on count. */
typedef struct PairItem {
  uint32_t example, first, scored, stop;
  uint32_t parity;        /* of the replies' numbers, where nothing says who speaks */
  int32_t source, target; /* tokens: lengths of its rows */
} PairItem;

typedef struct PairRow {
  Ids source, ids;          /* targets are the ids one further on */
  VEC(bool) scored;         /* of each id */
  int64_t targets;          /* how many are scored */
  double bytes, characters; /* of the text they spell */
  bool cut;                 /* something did not fit */
} PairRow;
void pair_row(PairRow *, const PairTokens *, const PairLayout *, const PairItem *);
void pair_row_free(PairRow *);

typedef VEC(PairItem) PairItems;
/* All that an example gives: one for a pair; lengths are not yet known. */
void pair_items(PairItems *, const PairTokens *, const PairLayout *, uint32_t example);

#endif
