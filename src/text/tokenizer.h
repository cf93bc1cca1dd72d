/* tokenizer.h - text <-> token ids.
 *
 * One engine for all: byte-pair encoding over bytes. `byte` is BPE without merges, `char` is BPE whose merges
 * only put the bytes of one character together, `bpe` learns merges from the corpus inside of words that a
 * PCRE2 pattern cuts. So every tokenizer we train is a byte-level tokenizer.json, and any byte string
 * round-trips. Also read: SentencePiece-style BPE with byte fallback (Llama 2 class: normalizer
 * Prepend/Replace). */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/news.h"
#include "base/settings.h"
#include "text/bpe.h"

typedef struct Tokenizer Tokenizer;

/* tokenizer.json, and of the files beside it (tokenizer_config.json, special_tokens_map.json) what they add
 * to it. Everything in it that is not understood is refused by name, never ignored. */
Tokenizer *tokenizer_open(const char *path, Error *);
/* The text of a tokenizer.json, alone; `where` names it in errors. */
Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *);
Tokenizer *tokenizer_open_at(const char *path, Error *); /* or the directory that holds one */
/* As tokenizer.json; one that was read is as it was, byte for byte, where it was complete. */
bool tokenizer_text(const Tokenizer *, Buffer *, Error *);
bool tokenizer_save(const Tokenizer *, const char *path, Error *);
void tokenizer_free(Tokenizer *);

int64_t tokenizer_size(const Tokenizer *); /* ids are 0 .. size-1 */
/* The one way from text to ids. Appends the ids of the text; no beginning- or end-of-text is added.
 * `specials`: may special tokens appear in the text? Those that it spells out are then these tokens; without,
 * they are letters, as where the text is not ours: it cannot end a turn or a document. Added tokens that are
 * not special are found in any case. A tokenizer is not changed by encoding: several threads may share it. */
bool tokenizer_encode(const Tokenizer *, const char *text, size_t length, bool specials, Ids *, Error *);
/* The first special token that a text spells out; NULL: none. */
const char *tokenizer_special_in(const Tokenizer *, const char *text, size_t length);
/* For training: words cut otherwise than they would be, by leaving out merges with probability `drop`
 * (bpe.h), as drawn from (seed, stream). No specials. */
bool tokenizer_encode_dropping(const Tokenizer *, const char *text, size_t length, double drop, uint64_t seed,
                               uint64_t stream, Ids *, Error *);
/* The bytes a token stands for (may be part of a character); special tokens: empty. NULL if id is out of
 * range. */
const char *tokenizer_piece(const Tokenizer *, int32_t id, size_t *length);
/* Bytes of a run of ids as the tokenizer.json's decoder gives them (a leading space stripped, where it says
 * so). */
bool tokenizer_decode(const Tokenizer *, const int32_t *ids, size_t count, Buffer *, Error *);
int32_t tokenizer_id(const Tokenizer *,
                     const char *content); /* of a special token such as "<|endoftext|>"; -1 */
bool tokenizer_is_special(const Tokenizer *, int32_t id);
const char *tokenizer_name(const Tokenizer *,
                           int32_t id); /* its spelling in tokenizer.json; NULL: no such id */
/* The id behind documents, "<|endoftext|>" in ours; of others the eos_token that tokenizer_config.json names,
 * or what config.json does (tokenizer_offer_end: of less weight than a name), or the one of a common
 * spelling; -1 if there is none. The id of padding, likewise, but never guessed. */
int32_t tokenizer_end(const Tokenizer *);
void tokenizer_offer_end(Tokenizer *, int64_t end);
int32_t tokenizer_pad(const Tokenizer *);
int32_t tokenizer_unknown(const Tokenizer *);
/* What the post-processor puts before every text, -1 if nothing, and behind it. */
int32_t tokenizer_begin(const Tokenizer *);
const Ids *tokenizer_behind(const Tokenizer *);
/* For a new model: with an encoder the end token stands behind every text, as its sources are read, unless
 * the post-processor says otherwise; without one nothing does. tokenizer.json then says so to other programs.
 */
void tokenizer_append_end(Tokenizer *, bool append);
/* A text of its own begins with a space that is not part of it. */
bool tokenizer_strips_space(const Tokenizer *);
/* What was met in the files and is without effect here, or what texts lose; NULL: nothing. */
const char *tokenizer_remark(const Tokenizer *);
/* Of a model whose sources are written otherwise than its targets: the tokenizer of its sources. Else itself.
 */
const Tokenizer *tokenizer_source(const Tokenizer *);
void tokenizer_attach_source(Tokenizer *, Tokenizer *source); /* which it then owns */
/* 64-bit fingerprint of vocabulary and merges, that of sources included, to tell tokenizers apart. */
uint64_t tokenizer_fingerprint(const Tokenizer *);

/* ---- learning one ---- */
#include "text/settings.def" /* TokenizerSettings, tokenizer_settings_table */

/* A source of text that can be read more than once: calls `next` until it gives no more. Pieces end at
 * document ends. */
typedef struct TextSource {
  void *self;
  void (*rewind)(void *self);
  /* Next piece, valid until the following call; false at the end or on error (then *err is set). */
  bool (*next)(void *self, const char **text, size_t *length, Error *err);
  int64_t bytes; /* in all, 0 if unknown: for the progress bar */
} TextSource;
/* `specials`: tokens beside END_OF_TEXT that stand for no text, ended by NULL; NULL: none. They count as part
 * of the vocabulary asked for. */
Tokenizer *tokenizer_train(TextSource *, const TokenizerSettings *, const char *const *specials, const News *,
                           Error *);

#endif
