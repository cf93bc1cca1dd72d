/* pair_batches.h - pairs and conversations as token ids, laid out for a model, in batches of like length.
 *
 *                       source                   tokens -> targets
 * separate, pairs       S1 .. Sn END             START T1 .. Tm      -> T1 .. Tm END     (END:
 * `source_behind`) joint, pairs                                   S1 .. Sn SEP T1 .. Tm -> - .. - T1 .. Tm
 * END joint, chat                                    <role> text <end of turn> <role> ..., all turns in one
 * separate, chat        turns before, as above,  as pairs, once for each reply
 *                       then END
 *
 * Only the target, or the replier's turns with their ends, are scored; the first turn is nobody's reply.
 * Where a conversation does not say who speaks, it stands there twice: once with the odd turns as replies,
 * once with the even ones; so each turn but the first is a reply once.
 *
 * What is longer than the model: the beginning of a source is kept (of a conversation: its end); a joint
 * pair's target has half of the room for sure. A target that is cut has no END, which would teach to stop
 * short. A joint conversation goes on in another sequence, which repeats as many turns as half the room
 * holds. `drop_long` leaves such ones out. */
#ifndef DATA_PAIR_BATCHES_H
#define DATA_PAIR_BATCHES_H

#include "base/token_set.h"
#include "data/batches.h"
#include "data/pairs.h"

/* All turns as ids, without anything between. */
typedef struct PairTokens {
  const Pairs *pairs;
  Encoded ids;
} PairTokens;
/* `target` encodes what assistants say; it may be the same tokenizer. Says how long both sides are. */
bool pairs_encode(PairTokens *, const Pairs *, const Tokenizer *source, const Tokenizer *target, const News *,
                  Error *);
/* The same with words cut otherwise (BPE-dropout), each example in `versions` of it: `many` becomes those
 * examples, which hold no text of their own; free it after the tokens, with pairs_free. */
bool pairs_encode_dropping(PairTokens *, const Pairs *, Pairs **many, const Tokenizer *source,
                           const Tokenizer *target, double drop, int64_t versions, uint64_t seed,
                           const News *, Error *);
void pair_tokens_free(PairTokens *);

typedef struct PairLayout {
  bool separate; /* the model has an encoder (Arch's `encodes`) */
  bool chat;     /* turns with their roles; pairs then are conversations of two turns */
  int32_t start, separator,
      end; /* START, SEP, END; those that the layout has no place for are not looked at */
  TokenRun source_before, source_behind; /* around separate sources, whose vocabulary may be another */
  int32_t source_pad;
  TokenRun turn[ROLES],
      turn_end;              /* chat: who speaks, and the end of it, of which the first token is scored */
  int32_t begin;             /* chat, joint: before the first turn; -1: nothing */
  int32_t pad;               /* what stands where nothing is: never scored */
  int64_t time, source_time; /* most tokens of a sequence and of a source */
  bool drop_long;
} PairLayout;

/* Training. Batches of at most `tokens` tokens, padding counted, on either side, and at most `sequences`
 * sequences (0: any number). Sorted by length as fairseq does it, equal ones by chance; batches in an order
 * by chance: the lengths and so the cuts are the same in every epoch. */
Batches *pair_batches(const PairTokens *, const PairLayout *, int64_t sequences, int64_t tokens,
                      uint64_t seed, const News *, Error *);
/* Evaluation: the shortest first, each target once; about `limit` targets spread evenly (0: all). */
Batches *pair_eval_batches(const PairTokens *, const PairLayout *, int64_t sequences, int64_t tokens,
                           int64_t limit, const News *, Error *);

#endif
