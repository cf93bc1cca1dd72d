/* chat_template.h - conversations in the format of another program's model: its chat template, rendered as
 * transformers' apply_chat_template does, with the same ids.
 *
 * Special tokens are those that the template writes. Those that a turn spells out are letters, so that a text
 * cannot end its turn or begin another's; transformers would encode them as tokens. */
#ifndef DATA_CHAT_TEMPLATE_H
#define DATA_CHAT_TEMPLATE_H

#include "data/layout.h"

typedef struct ChatTemplate ChatTemplate;

/* `config`: as tokenizer_config.json, with "chat_template" (a text, or a list of named ones) and the names of
 * special tokens. NULL: there is no template. One that cannot be used is an error only once it is used. The
 * tokenizer must live as long. */
ChatTemplate *chat_template_open(const json_t *config, const Tokenizer *);
void chat_template_close(ChatTemplate *);
bool chat_template_same(const ChatTemplate *, const ChatTemplate *);
/* The names of all templates of a list, of which "default" is used; a single one has none. */
const json_t *chat_template_names(const ChatTemplate *);

/* The text of a conversation; `prompt`: followed by the beginning of the assistant's turn. */
bool chat_template_text(const ChatTemplate *, const Turn *, size_t count, bool prompt, Buffer *, Error *);
/* Appends the ids of the prompt for the assistant's next turn. If they are more than `most`, the oldest turns
 * are left out, in rounds and after a system turn; *dropped is their number. */
bool chat_template_fit(const ChatTemplate *, const Turn *, size_t count, int64_t most, Ids *, size_t *dropped,
                       Error *);
/* Removes the oldest round after variables and a system turn: a turn and those before the next one of the
 * user. False: fewer than the `last` ones would be left. */
bool chat_template_shorten(Turn *, size_t *count, size_t last);
/* The ids of a conversation that ends with an assistant's turn, for training: the prompt for it, as above,
 * and from `first` to `stop` what the model writes, its end token included. */
typedef struct ReplySpan {
  size_t first, stop;
  bool ended;    /* the template writes an end token */
  bool prompted; /* the reply follows the prompt; false: the template begins it in another way */
} ReplySpan;
bool chat_template_reply(const ChatTemplate *, const Turn *, size_t count, Ids *, ReplySpan *, Error *);
/* The token that the template writes behind an assistant's turn; -1: none. */
int32_t chat_template_end(const ChatTemplate *);
/* Number of tokens of a prompt for a turn of one letter. */
int64_t chat_template_frame(const ChatTemplate *);

#endif
