/* pair_rows.h - the layout of one example as rows of ids, for pair_batches.c. */
#ifndef DATA_PAIR_ROWS_H
#define DATA_PAIR_ROWS_H

#include "data/pair_batches.h"

/* One sequence: turns first .. stop-1 of an example; replies from turn `scored` on are scored. */
typedef struct PairItem {
  uint32_t example, first, scored, stop;
  uint32_t parity; /* turn index % 2 of the replies, if the speakers are unknown */
  uint32_t row;    /* with a chat template: its index in the TemplateRows; the members above only order */
  int32_t source, target; /* lengths of its rows in tokens */
} PairItem;

typedef struct PairRow {
  Ids source, ids;          /* targets are the ids shifted by one */
  VEC(bool) scored;         /* for each id */
  int64_t targets;          /* number of scored ids */
  double bytes, characters; /* of the text of the targets */
  bool cut;                 /* truncated */
  bool shortened;           /* without the oldest turns */
} PairRow;
void pair_row(PairRow *, const PairTokens *, const PairLayout *, const PairItem *);
void pair_row_free(PairRow *);

typedef VEC(PairItem) PairItems;
/* Appends the items of an example, one for a pair; their lengths are not set. */
void pair_items(PairItems *, const PairTokens *, const PairLayout *, uint32_t example);

#endif
