/* layout.h - the special tokens between the parts of an example, and the layout of an input that a model
 * continues: the counterpart of pair_batches.h for using a model.
 *
 *                     Inkstone's special tokens
 * pairs               <|pad|> (separate: also starts a target), <|sep|> (joint)
 * labels              <|pad|>
 * chat                <|pad|>, <|system|> <|user|> <|assistant|>, <|end|> (of a turn)
 * all                 <|endoftext|>
 *
 * An imported tokenizer may have others, or none. Padding is then the token its files name, or the end token
 * (padding is never read). Turns use ChatML or the Llama 3 format if its tokens exist; otherwise the role is
 * spelled out ("<|user|>" as ordinary text), and the end token follows each turn.
 *
 * Another program's model, and one trained from it, has the layout of its chat template (chat_template.h). */
#ifndef DATA_LAYOUT_H
#define DATA_LAYOUT_H

#include "data/pair_batches.h"
#include "data/task.h"

/* The shortest context: source, target and the special tokens around them. */
enum { LAYOUT_LEAST_TIME = 16 };

/* The tokens of a tokenizer for this task in addition to <|endoftext|>, ended by one without a name;
 * `masked`: with those of Material.masked. */
enum { LAYOUT_TOKENS = 32 };
void layout_tokens(const Task *, bool masked, NewToken out[LAYOUT_TOKENS]);

/* encodes: the network has an encoder (separate layout). Fails, naming the token, if the tokenizer lacks one.
 * `where`: the file that gives the context; NULL: the settings. */
bool layout_find(PairLayout *, const Task *, const Tokenizer *, bool encodes, int64_t context,
                 const char *where, Error *);
/* That of labelled texts: the tokens that the tokenizer puts around a text. */
bool layout_of_labels(PairLayout *, const Tokenizer *, int64_t context, Error *);
/* That of a conversation by a model's chat template. */
bool layout_by_template(PairLayout *, const struct ChatTemplate *, const Tokenizer *, int64_t context,
                        Error *);
/* A text that follows its prompt directly, as a model that continues texts reads them; `begin`: the token
 * before it, -1: none. */
bool layout_plain(PairLayout *, const Tokenizer *, int64_t begin, int64_t context, Error *);
/* Sets the tokens around a separate source: those of its tokenizer's post-processor or, without one, `end`
 * after it. */
void layout_frame_source(PairLayout *, const Tokenizer *source, int64_t end);
/* The format of conversations, as a phrase for messages; NULL: Inkstone's own tokens. */
const char *layout_turns(const Tokenizer *);
/* The chat template (Jinja) with which transformers produces the same layout. The caller frees it. */
char *layout_template(const Tokenizer *);
/* Capacity for a separate source in tokens, excluding the tokens around it. */
int64_t layout_source_capacity(const PairLayout *);

/* Whether both put the same tokens around the same texts. */
bool layout_same(const PairLayout *, const PairLayout *);
/* Keeps the start and padding tokens of an already trained model; -1: none. */
void layout_keep(PairLayout *, int64_t start, int64_t pad);

/* The token that ends a generated text, and one that is no part of it: padding, if it is another; -1: none.
 */
int32_t layout_end(const PairLayout *), layout_never(const PairLayout *);

typedef struct Turn {
  Role role;
  const char *text;
  size_t length;
  const TurnMembers *members; /* for a chat template; NULL: none */
} Turn;
/* A turn of an example, said by `role`. */
Turn turn_of(const Pairs *, const Example *, size_t turn, Role);
/* The input of the model: the ids of the source (separate) and of the prompt. A pair has one turn. If a
 * conversation does not fit, its oldest turns are left out, the system turn last; *dropped is their number.
 */
bool layout_input(const PairLayout *, const Tokenizer *, const Turn *, size_t count, Ids *source, Ids *prompt,
                  size_t *dropped, Error *);
/* Capacity for an input text in tokens if `wanted` tokens are to be generated after it. */
int64_t layout_capacity(const PairLayout *, int64_t wanted);

#endif
