/* rules.h - rules for the next token: those of a model's generation_config.json, equivalent to transformers'
 * logits processors (generation/logits_process.py there), and after them the copies of --protect and the
 * caller's constraint on the text. Sampling and beam search apply them to the scores of each step. */
#ifndef RUN_RULES_H
#define RUN_RULES_H

#include "base/token_set.h"
#include "grammar/constraint.h"
#include "text/bpe.h"

typedef struct Rules {
  TokenSet ends;                    /* tokens that end a text */
  int64_t max_length;               /* maximum number of tokens, prompt included; 0: no rule */
  int64_t min_length, min_new;      /* minimum number of tokens, with and without the prompt */
  int64_t no_repeat_ngram;          /* no n-gram of this size twice; 0: no rule */
  double repetition_penalty;        /* of beam search (sampling has its own setting); 1: none */
  Ids forced_first;                 /* the token after a prompt of one token; at most one */
  Ids forced_last;                  /* the last possible token must be one of these */
  Ids suppressed, suppressed_first; /* never generated; not as the first token of a text */
  VEC(Ids) bad_words;               /* sequences: the last token of each must not follow the others */
  int64_t decay_start;              /* after this many new tokens, the scores of ends are raised */
  double decay_factor;              /* by this factor to the power of the excess; 0: no rule */
  Ids copies;                       /* tokens that a text has only if its input does (text/masks.h), and */
  bool copy_all;                    /* then as often, before it ends; false: at will */
  bool renormalize;                 /* normalize the remaining scores to probabilities */
  Constraint *constraint;           /* on the text (constraints.h), not owned; NULL: none */
  DecodeState before;               /* of decoding, in front of a generated text */
} Rules;
void rules_free(Rules *);

/* A text of `length` tokens, the first `prompt` of them given; `most`: its maximum length. */
typedef struct RulesText {
  const int32_t *ids;
  int64_t prompt, length, most;
  const int32_t *source; /* of an encoder; it is input, too */
  int64_t source_length;
  float *scratch; /* [length], for the repetition penalty; NULL: the caller applies that penalty */
} RulesText;

/* Changes the scores of the next token, [vocabulary]; forbidden tokens get -INFINITY. */
void rules_apply(const Rules *, const RulesText *, float *scores, int64_t vocabulary);
/* Whether any rule is set; `penalize`: the repetition penalty counts, too. False for NULL. */
bool rules_any(const Rules *, bool penalize);
/* Whether the first `count` generated tokens are a text that the constraint matches; true without one. */
bool rules_match(const Rules *, const int32_t *ids, int64_t count);
/* Of `wanted` new tokens, the number that max_length allows after a prompt of that length. */
int64_t rules_most_tokens(const Rules *, int64_t prompt, int64_t wanted);

#endif
