/* trace.h - what a decoder computes at every position of a text: the predictions of every layer (the "logit
 * lens": nostalgebraist 2020), the attention of every head, and how the text would go on after other tokens.
 */
#ifndef RUN_TRACE_H
#define RUN_TRACE_H

#include "base/news.h"
#include "models/model.h"
#include "run/choices.h"
#include "text/bpe.h"

enum { TRACE_CHOICES = 8 }; /* alternatives of a prediction */

/* Of the token after a position. */
typedef struct Prediction {
  Choice best[TRACE_CHOICES];
  int64_t count;
  double probability; /* of the token that does follow; after the last token 0, like rank */
  int64_t rank;       /* 1: no token is likelier */
} Prediction;

/* Another token in place of the one that follows, and what the model would go on with. None follows an end
 * token. */
typedef struct Branch {
  VEC(Choice) tokens; /* empty: this alternative was not continued */
  bool ended;         /* the model ends the text behind them */
} Branch;

typedef struct Trace {
  const Model *model;
  Ids ids;
  int64_t prompt; /* the first of `ids`; the others were generated */
  bool ended;     /* the model ended the text */
  /* [ids, depths]: of the values that enter the first layer, then of those after each; the last ones are the
   * model's. */
  Prediction *predictions;
  int64_t depths;
  int64_t layers, heads; /* of attention; 0 for networks without */
  float *attention;      /* [layers, heads, trace_pairs(ids)]: by query, of its own and all earlier tokens */
  Branch *branches;      /* [ids, TRACE_CHOICES] */
} Trace;

/* The longest text that a trace holds: some hundred tokens, fewer for a model of many heads. */
int64_t trace_most_tokens(const Config *);

/* Pairs of a query and a key in a text of that length; also the place of a query's first weight. */
static inline int64_t trace_pairs(int64_t length) {
  return length * (length + 1) / 2;
}

/* Reads `ids`, of a decoder, and fills in predictions and attention. */
bool trace_read(Trace *, Error *);
/* Continues the `each` likeliest alternatives to each token by up to `length` tokens, always the likeliest.
 */
bool trace_branch(Trace *, int64_t each, int64_t length, const News *, Error *);
void trace_free(Trace *);

static inline const Prediction *trace_prediction(const Trace *t, int64_t position, int64_t depth) {
  return &t->predictions[position * t->depths + depth];
}
static inline Branch *trace_branch_at(const Trace *t, int64_t position, int64_t choice) {
  return &t->branches[position * TRACE_CHOICES + choice];
}

#endif
