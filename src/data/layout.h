/* layout.h - which special tokens stand between the parts of an example, and how an input is laid out to be
 * continued: the counterpart of pair_batches.h for using a model.
 *
 *                     needs
 * pairs               <|pad|> (separate: it starts a target), <|sep|> (joint)
 * chat                <|pad|>, <|system|> <|user|> <|assistant|>, <|end|> (of a turn)
 * all                 <|endoftext|> */
#ifndef DATA_LAYOUT_H
#define DATA_LAYOUT_H

#include "data/pair_batches.h"
#include "data/task.h"

/* The special tokens that a tokenizer for this task has beside <|endoftext|>; ended by NULL. */
const char *const *layout_specials(const Task *);

/* For a network that encodes (separate) or not, of this context. Refuses a tokenizer that lacks a token, by
 * its name. */
bool layout_find(PairLayout *, const Task *, const Tokenizer *, bool encodes, int64_t context, Error *);

/* What ends a text that this layout's model writes. */
int32_t layout_end(const PairLayout *);

typedef struct Turn {
  Role role;
  const char *text;
  size_t length;
} Turn;
/* What the model continues: the ids of a source (separate) and of the beginning of what it writes. A pair has
 * one turn. Of a conversation that does not fit the oldest turns are left out; *dropped says how many. */
bool layout_input(const PairLayout *, const Tokenizer *, const Turn *, size_t count, Ids *source, Ids *prompt,
                  size_t *dropped, Error *);
/* Tokens of a text that an input has room for, where `wanted` are to be written after it. */
int64_t layout_room(const PairLayout *, int64_t wanted);

#endif
