/* masks.h - protected spans as tokens that a model copies: "set %s to 1250" is read as "set <|copy0|> to
 * <|copy1|>", and what stands for them is put back into the output.
 *
 * Masked are terms, addresses, tags, placeholders, part numbers, and of numbers each run of at least two
 * ASCII digits, so that a model still writes 1,250 as 1.250; single digits are left to the model, which
 * inflects words after them, as are numbers before a word such as "million", which other languages count
 * otherwise. Equal spans have the same token. (Placeholder tokens: Crego et al. 2016, "SYSTRAN's Pure Neural
 * Machine Translation Systems"; glossaries likewise: Dinu et al. 2019.) */
#ifndef TEXT_MASKS_H
#define TEXT_MASKS_H

#include "text/spans.h"
#include "text/tokenizer.h"

enum { MASKS = 16 };             /* distinct spans of a text; further ones are left as they are */
const char *mask_name(int mask); /* "<|copy0|>" */
/* Whether a model with this tokenizer knows the tokens, in sources, too: it was trained with them. */
bool masks_known(const Tokenizer *);

typedef struct Mask {
  SpanKind kind;
  const char *text; /* in the source */
  size_t length;
  int32_t term; /* of the glossary; -1: none */
} Mask;

/* What the tokens of a text, or of a conversation, stand for. */
typedef struct Masks {
  Mask items[MASKS];
  int count;
  int first; /* the token of the first item: training uses all tokens alike */
} Masks;

/* Makes items of tokens that a text spells, so that they are not taken for tokens that stand for something
 * else: before anything else of the texts that share the masks. There are at most MASKS. */
void masks_reserve(Masks *, const char *text, size_t length);
/* Appends the text with its spans masked. Those of `masks` keep their tokens, others are added to it, which
 * then points into the text. */
bool masks_apply(SpanFinder *, const char *text, size_t length, Masks *, Buffer *out, Error *);
/* Appends the text with tokens replaced by what they stand for, terms by their translations. A token that
 * stands for nothing is left. counts[i]: how often the i-th item was put back; may be NULL. */
void masks_put_back(const Masks *, const Glossary *, const char *text, size_t length, Buffer *out,
                    int64_t counts[MASKS]);

/* For training: the spans that occur in at least two of the texts, of which the last is the target; with
 * `names`, words with a capital letter that occur in both, too. Fills in `masks`. */
bool masks_shared(SpanFinder *, const MapKey *texts, size_t count, bool names, Masks *, Error *);
/* Appends the text with every occurrence of an item masked, and nothing else. */
bool masks_apply_shared(SpanFinder *, const char *text, size_t length, bool names, const Masks *, Buffer *out,
                        Error *);

#endif
