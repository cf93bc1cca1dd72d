/* pair_batches.h - pairs and conversations as token ids, laid out for a model, in batches of similar length.
 *
 * layout             source                  tokens -> targets
 *
 * separate, pairs    S1 .. Sn END            START T1 .. Tm -> T1 .. Tm END
 *
 * joint, pairs       -                       S1 .. Sn SEP T1 .. Tm -> - .. - T1 .. Tm END
 *
 * joint, chat        -                       <role> text <end of turn> <role> ..., all turns
 *
 * separate, chat     earlier turns, END      as separate pairs, one sequence per reply
 *
 * labels             -                       BEFORE S1 .. Sn BEHIND -> - .. - LABEL
 *
 * In a source, END is `source_behind`. Only the target, or the assistant's turns with their ends, are scored;
 * the first turn is never a reply. A conversation whose speakers are unknown occurs twice: once with the odd
 * turns as replies, once with the even ones, so that every turn but the first is a reply once.
 *
 * Too long examples: a source is truncated at its end (of a conversation: its beginning); in joint pairs the
 * target gets at least half of the context. A truncated target has no END, which would teach the model to
 * stop early. A joint conversation continues in another sequence, which repeats as many turns as fit into
 * half the context, of the turn before a reply at least the beginning. `drop_long` leaves out examples that
 * were truncated.
 *
 * By a chat template: see template_rows.h. */
#ifndef DATA_PAIR_BATCHES_H
#define DATA_PAIR_BATCHES_H

#include "base/token_set.h"
#include "data/batches.h"
#include "data/pairs.h"

/* All turns as ids, without special tokens. */
typedef struct PairTokens {
  const Pairs *pairs;
  Encoded ids;
  int32_t *labels; /* of each example; NULL: targets are texts */
} PairTokens;
/* `target` encodes the assistants' turns; it may be the same tokenizer. Reports the lengths of both sides. */
bool pairs_encode(PairTokens *, const Pairs *, const Tokenizer *source, const Tokenizer *target, const News *,
                  Error *);
/* As above with BPE-dropout, each example in `versions` segmentations: `many` becomes the repeated examples,
 * which share the texts of the original; free it after the tokens, with pairs_free. */
bool pairs_encode_dropping(PairTokens *, const Pairs *, Pairs **many, const Tokenizer *source,
                           const Tokenizer *target, double drop, int64_t versions, uint64_t seed,
                           const News *, Error *);
/* Replaces the tokens of prompts and targets that follow each other directly by those of both as one text, as
 * TRL and transformers cut it: the target begins where the tokens differ from those of the prompt alone. Of
 * `together` examples in succession, which have the same prompt, at the first such place. Says which targets
 * have a token of their prompt. */
bool pairs_join(PairTokens *, size_t together, const Tokenizer *, const News *, Error *);
void pair_tokens_free(PairTokens *);

typedef struct PairLayout {
  bool separate; /* the model has an encoder (Arch's `encodes`) */
  bool chat;     /* turns with roles; pairs are conversations of two turns */
  bool labels;   /* the target is the label's index, at the text's last token: a classifier's only output */
  int32_t start, separator, end; /* START, SEP, END; unused ones are ignored; no SEP (-1): the target follows
                                    the source directly, behind `begin` */
  TokenRun source_before, source_behind; /* tokens around separate sources and labelled texts */
  TokenRun target_before;                /* separate: behind START; generation is forced to begin with it */
  int32_t source_pad;
  TokenRun turn[SPEAKERS], turn_end; /* chat: role headers and end of a turn, whose first token is scored */
  int32_t begin;                     /* joint, of chat or without SEP: the first token; -1: none */
  int32_t pad;                       /* padding, never scored */
  int64_t time, source_time;         /* maximal length of a sequence and of a source */
  bool drop_long;
  bool pack; /* training batches: several sequences follow each other in a window; joint only */
  const struct ChatTemplate *template; /* chat: the model's; NULL: the tokens above */
} PairLayout;

/* Training: batches of at most `tokens` tokens on either side, including padding, and at most `sequences`
 * sequences (0: any number). Examples are sorted by length as in fairseq, with equal lengths in random order;
 * the order of batches is random. Lengths, and so batch boundaries, are the same in every epoch.
 *
 * With `pack`, batches of windows (packing.h) of `time` tokens, or `tokens` if that is less, with
 * Batch.begins: what is in a window changes with each epoch among sequences of equal length, and so do the
 * windows of a batch. `sequences` then is the number of windows. */
Batches *pair_batches(const PairTokens *, const PairLayout *, int64_t sequences, int64_t tokens,
                      uint64_t seed, const News *, Error *);
/* Evaluation: shortest first, each target once, or about `limit` targets spread evenly (0: all). */
Batches *pair_eval_batches(const PairTokens *, const PairLayout *, int64_t sequences, int64_t tokens,
                           int64_t limit, const News *, Error *);

#endif
