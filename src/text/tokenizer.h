/* tokenizer.h - text <-> token ids.
 *
 * A tokenizer is a pipeline of steps, as tokenizer.json has them (pipeline.h, steps.def). All that are
 * trained here are byte-pair encoding over bytes: `byte` is BPE without merges, `char` is BPE whose merges
 * only join the bytes of one character, `bpe` learns merges from the corpus within words that a PCRE2 pattern
 * separates. So every one of them is a byte-level tokenizer.json, and any byte string round-trips. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/buffer.h"
#include "base/json.h"
#include "base/news.h"
#include "base/settings.h"
#include "text/stored_tokenizer.h"

typedef struct Tokenizer Tokenizer;

/* Reads tokenizer.json and what tokenizer_config.json and special_tokens_map.json in the same directory add
 * to it. Unsupported content is refused by name, never ignored. */
Tokenizer *tokenizer_open(const char *path, Error *);
/* For tests: the text of a tokenizer.json, without the other files; `where` names it in errors. */
Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *);
/* Makes the tokenizer of what the files of another format say (stored_tokenizer.h), which is emptied; beside:
 * with tokenizer_config.json and special_tokens_map.json in the directory of `where`. */
Tokenizer *tokenizer_build(StoredTokenizer *, const char *where, Error *);
Tokenizer *tokenizer_build_beside(StoredTokenizer *, const char *where, Error *);
Tokenizer *tokenizer_open_at(const char *path, Error *); /* the file, or its directory */
/* The contents of tokenizer.json; of one that was read and complete, byte for byte the original. */
bool tokenizer_text(const Tokenizer *, Buffer *, Error *);
bool tokenizer_save(const Tokenizer *, const char *path, bool create, Error *); /* `create`: file_create */
void tokenizer_free(Tokenizer *);

int64_t tokenizer_size(const Tokenizer *); /* ids are 0 .. size-1 */
/* Appends the ids of the text; no begin- or end-of-text token is added. `specials`: special tokens spelled
 * out in the text become those tokens; if false they are ordinary text, so that untrusted text cannot end a
 * turn or a document. Other added tokens are always recognized. Encoding does not change the tokenizer:
 * threads may share it. */
bool tokenizer_encode(const Tokenizer *, const char *text, size_t length, bool specials, Ids *, Error *);
/* The first special token spelled out in a text; NULL: none. */
const char *tokenizer_special_in(const Tokenizer *, const char *text, size_t length);
/* Appends the text with `mark` inside of every special token that it spells out, after its first character:
 * a template that quotes the text then has no special token from it. */
void tokenizer_break_specials(const Tokenizer *, const char *text, size_t length, const char *mark, Buffer *);
/* For training: encodes with BPE-dropout, skipping merges with probability `drop` (bpe.h), a function of
 * (seed, stream). No specials. Fails for models other than BPE. */
bool tokenizer_encode_dropping(const Tokenizer *, const char *text, size_t length, double drop, uint64_t seed,
                               uint64_t stream, Ids *, Error *);
/* The bytes that a token adds to a text (possibly part of a character); of special tokens: none. NULL if id
 * is out of range. */
const char *tokenizer_piece(const Tokenizer *, int32_t id, size_t *length);
/* Whether the first `count` ids stand for the same text. */
bool tokenizer_same_pieces(const Tokenizer *, const Tokenizer *, int64_t count);
/* As tokenizer_decode has them, which the first token of a text, and those before it, may change. */
typedef struct DecodeState {
  bool begun, after_word;
  bool specials; /* spell special tokens out, instead of leaving them out */
  int64_t stripped;
} DecodeState;                         /* zero-initialized at the start of a text */
DecodeState decode_state_within(void); /* behind the text of a prompt */
const char *tokenizer_next(const Tokenizer *, int32_t id, DecodeState *, size_t *length);
/* Appends the text of the ids, as decoded by tokenizer.json's decoder. */
bool tokenizer_decode(const Tokenizer *, const int32_t *ids, size_t count, bool specials, Buffer *, Error *);
int32_t tokenizer_id(const Tokenizer *,
                     const char *content); /* of a special token such as "<|endoftext|>"; -1 */
bool tokenizer_is_special(const Tokenizer *, int32_t id);
const char *tokenizer_name(const Tokenizer *,
                           int32_t id); /* its spelling in tokenizer.json; NULL: no such id */
/* The end token, which follows documents: "<|endoftext|>" in tokenizers trained here; in others the eos_token
 * of tokenizer_config.json, else that of config.json (tokenizer_offer_end), else one with a common spelling;
 * -1: none. The padding token likewise, but never guessed. */
int32_t tokenizer_end(const Tokenizer *);
void tokenizer_offer_end(Tokenizer *, int64_t end);
int32_t tokenizer_pad(const Tokenizer *);
int32_t tokenizer_unknown(const Tokenizer *);
/* The token that the post-processor puts before every text, -1: none, and those it puts after. */
int32_t tokenizer_begin(const Tokenizer *);
const Ids *tokenizer_behind(const Tokenizer *);
/* Sets the tokens around texts (post-processor) to those that a new model reads, so that other programs give
 * it the same ids. encodes: sources end with the end token, unless tokenizer.json already adds tokens.
 * Otherwise texts start with `begin` (-1: none), and no token follows them. */
void tokenizer_frame(Tokenizer *, bool encodes, int32_t begin);
/* Remarks about ignored parts of the files or lost characters; NULL: none. */
const char *tokenizer_remark(const Tokenizer *);
/* Whether text is changed before byte-level words are cut, as by Qwen's into NFC. */
bool tokenizer_normalizes_bytes(const Tokenizer *);
/* The tokenizer of a model's sources: a separate one, or itself. */
const Tokenizer *tokenizer_source(const Tokenizer *);
void tokenizer_attach_source(Tokenizer *, Tokenizer *source); /* takes ownership */
/* 64-bit hash of vocabulary and merges, including those of the source tokenizer, to identify tokenizers. */
uint64_t tokenizer_fingerprint(const Tokenizer *);

/* ---- training ---- */
#include "base/unused.h"
#include "text/settings.def" /* TokenizerSettings, tokenizer_settings_table */
extern const SettingNeed tokenizer_needs[];

/* A source of text that can be read repeatedly. A piece is a document or a part of one. */
typedef struct TextSource {
  void *self;
  void (*rewind)(void *self);
  /* Next piece, valid until the following call; false at the end or on error (then *err is set). */
  bool (*next)(void *self, const char **text, size_t *length, Error *err);
  int64_t bytes; /* total for the progress bar; 0: unknown */
} TextSource;
/* `more`: tokens in addition to END_OF_TEXT, ended by one without a name; NULL: none. They count towards the
 * vocabulary size. */
typedef struct NewToken {
  const char *name;
  bool special; /* else it is recognized in every text, and is part of what it is decoded to */
} NewToken;
Tokenizer *tokenizer_train(TextSource *, const TokenizerSettings *, const NewToken *more, const News *,
                           Error *);

#endif
