/* layout.h - which special tokens stand between the parts of an example, and how an input is laid out to be
 * continued: the counterpart of pair_batches.h for using a model.
 *
 *                     tokens of ours
 * pairs               <|pad|> (separate: it starts a target), <|sep|> (joint)
 * chat                <|pad|>, <|system|> <|user|> <|assistant|>, <|end|> (of a turn)
 * all                 <|endoftext|>
 *
 * A tokenizer from elsewhere has others, or none: padding is then what its files call so, or the end, which
 * does not matter, as it is never looked at; turns are laid out as ChatML or as Llama 3 does it, where its
 * tokens are there, else by words: "<|user|>" in letters, and the end of a text behind each turn. */
#ifndef DATA_LAYOUT_H
#define DATA_LAYOUT_H

#include "data/pair_batches.h"
#include "data/task.h"

/* The special tokens that a tokenizer for this task has beside <|endoftext|>; ended by NULL. */
const char *const *layout_specials(const Task *);

/* For a network that encodes (separate) or not, of this context. Refuses a tokenizer that lacks a token, by
 * its name. */
bool layout_find(PairLayout *, const Task *, const Tokenizer *, bool encodes, int64_t context, Error *);
/* What stands around a separate source: what its tokenizer's post-processor says, or, without one, `end`
 * behind it. */
void layout_frame_source(PairLayout *, const Tokenizer *source, int64_t end);
/* What a conversation is laid out as, in a phrase; NULL: by tokens of ours. */
const char *layout_turns(const Tokenizer *);
/* The template by which transformers lays out a conversation as it is laid out for this tokenizer. The caller
 * frees. */
char *layout_template(const Tokenizer *);
/* Tokens of a separate source that there is room for, without what stands around it. */
int64_t layout_source_capacity(const PairLayout *);

/* What a model that has learnt already begins targets with and fills up with, -1: nothing, stays so. */
void layout_keep(PairLayout *, int64_t start, int64_t pad);

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
int64_t layout_capacity(const PairLayout *, int64_t wanted);

#endif
