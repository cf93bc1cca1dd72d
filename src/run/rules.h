/* rules.h - what a model's generation_config.json forbids and forces, token by token, as transformers' logits
 * processors do it (generation/logits_process.py there). Drawing and searching pass the scores of a step
 * through them. */
#ifndef RUN_RULES_H
#define RUN_RULES_H

#include "base/token_set.h"
#include "text/bpe.h"

typedef struct Rules {
  TokenSet ends;                    /* tokens that end a text */
  int64_t max_length;               /* tokens of prompt and text at most; 0: no rule */
  int64_t min_length, min_new;      /* before so many, the prompt counted or not, no text ends */
  int64_t no_repeat_ngram;          /* never so many tokens in a row twice; 0: may repeat */
  double repetition_penalty;        /* of searching (drawing has its own setting); 1: none */
  Ids forced_first;                 /* what a prompt of one token is followed by; at most one */
  Ids forced_last;                  /* what the last token there is room for must be one of */
  Ids suppressed, suppressed_first; /* never; not as the first token of a text */
  VEC(Ids) bad_words;               /* the last of each does not follow the others */
  int64_t decay_start;              /* from so many new tokens on ends gain, */
  double decay_factor;              /* by this to the power of how many more there are; 0: no rule */
  bool renormalize;                 /* the scores that are left are made probabilities again */
} Rules;
void rules_free(Rules *);

/* A text: `prompt` tokens given, then what was written, `length` in all; `most` tokens there is room for. */
typedef struct RulesText {
  const int32_t *ids;
  int64_t prompt, length, most;
  float *scratch; /* [length], for the penalty of repetition; NULL: who calls sees to that */
} RulesText;

/* Changes the scores of the next token, [vocabulary]; what may not follow gets -INFINITY. */
void rules_apply(const Rules *, const RulesText *, float *scores, int64_t vocabulary);
/* Would it change any, with or without the penalty of repetition? Of NULL: no. */
bool rules_any(const Rules *, bool penalize);
/* Of `wanted` new tokens, those that a prompt of that length leaves. */
int64_t rules_most_tokens(const Rules *, int64_t prompt, int64_t wanted);

#endif
