/* tokenizer_impl.h - the internals of a tokenizer, for the files of text/ that train, read, write and use it.
 */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include <string.h>

#include "base/arena.h"
#include "text/alphabet.h"
#include "text/pipeline.h"
#include "text/stored_tokenizer.h"
#include "text/tokenizer.h"
#include "text/trie.h"

#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */

typedef enum PieceKind {
  PIECE_TEXT, /* looked up by its bytes */
  PIECE_BYTE, /* <0xXX>: one byte of a character that has no token */
  PIECE_ADDED /* its spelling, not the result of merges */
} PieceKind;

typedef struct Piece {
  const char *bytes; /* while it is read: its key in the vocabulary; then the text that it adds to others */
  size_t length;
  const char *first; /* the text of the first token, if another; else NULL */
  size_t first_length;
  const char *name; /* its spelling in tokenizer.json; NULL: id not assigned yet */
  PieceKind kind;
  bool ends_word;        /* its name has the decoder's suffix */
  bool added;            /* an added token: matched in the text before it is split into words */
  bool special;          /* an added token without text */
  bool single_word;      /* an added token that does not match within a word */
  bool listed_elsewhere; /* an added token listed in tokenizer_config.json or special_tokens_map.json only */
} Piece;

/* ---- added tokens, matched in a text before it is split into words ---- */

/* Matching takes up to as many steps per byte of text as the longest token has bytes. */
enum { LONGEST_ADDED = 1000 };

typedef struct AddedToken {
  const char *content; /* the text to match */
  size_t length;
  int32_t id;
  bool special;
  bool single_word;    /* matches only between non-word characters */
  bool lstrip, rstrip; /* includes the white space before, after it */
} AddedToken;

typedef struct AddedTokens {
  VEC(AddedToken) list;
  Trie trie;        /* of the contents: index in the list */
  size_t specials;  /* number of special tokens in the list */
  bool starts[256]; /* some content starts with this byte */
} AddedTokens;
void added_put(AddedTokens *, AddedToken);
/* An occurrence of a token in a text: [begin, end), including the white space of lstrip and rstrip. */
typedef struct AddedMatch {
  const AddedToken *token;
  size_t begin, end;
} AddedMatch;
/* The first match at or after `from`, the longest if several begin there. Without `specials`, special tokens
 * are ordinary text. False: none; the match is then empty, at the end of the text. */
bool added_find(const AddedTokens *, const char *text, size_t length, size_t from, bool specials,
                AddedMatch *);
/* Whether no word character is next to a place of the text. */
bool added_is_single_word(const char *text, size_t length, size_t begin, size_t end);
/* Whether a special token begins at the beginning of the text. */
bool added_special_here(const AddedTokens *, const char *text, size_t length);
void added_free(AddedTokens *);

struct Tokenizer {
  Arena *arena;
  VEC(Piece) pieces; /* by id */
  Map *by_name;      /* spelling in tokenizer.json -> id */
  Map *by_bytes;     /* byte-level: key -> id, of PIECE_TEXT; see tokenizer_find_text */
  Steps normalizers, cutters, decoders;
  const ModelKind *model;
  Merges merges;        /* of BPE */
  VEC(double) scores;   /* of Unigram, by id */
  Trie trie;            /* of Unigram: name -> id, or -2 - (index of `unlisted`) */
  VEC(double) unlisted; /* of Unigram: scores of pieces that have no id */
  double least_score;
  const char *subword_prefix, *word_suffix; /* of BPE and WordPiece */
  int64_t longest_word;                     /* of WordPiece, in characters */
  size_t longest_piece;                     /* in bytes */
  AddedTokens added;                        /* matched in the original text */
  AddedTokens added_normalized;             /* matched in the normalized text */
  const char *pattern_text;                 /* of the first isolated pattern; NULL: none */
  uint64_t more_steps;   /* hash of the steps that tokenizers trained here cannot have; 0: none */
  Tokenizer *of_sources; /* the tokenizer of a model's sources; NULL: this one */
  bool byte_level;       /* words are bytes, and tokens too: bytes in GPT-2's alphabet; else characters */
  bool byte_fallback;    /* a character without a token becomes its bytes as <0xXX> */
  bool spelled;          /* a step spells words in that alphabet */
  bool whole_words;      /* ignore_merges: a word that is a token becomes that token */
  bool marks_texts;      /* every text begins with Metaspace's mark, also before an added token */
  bool spaced;           /* texts of tokens begin with a space, which counts after a token that ends a word */
  int64_t strip;         /* decoding drops so many leading spaces */
  bool fuse_unknown, lists_unlisted;
  int32_t bytes[256];      /* ids of single bytes; -1: none */
  int32_t unknown;         /* -1: none */
  int32_t begin;           /* put before every text; -1: none */
  Ids behind;              /* put after every text */
  int32_t end, pad;        /* -1: none */
  bool named_end;          /* the end token is named by a file, not guessed */
  bool completed;          /* some pieces come from the files next to tokenizer.json */
  bool reframed;           /* tokenizer_frame changed the tokens around texts */
  Buffer remark;           /* see tokenizer_remark */
  bool cut_before[256];    /* a word may be cut before this byte ... */
  uint64_t joined[256][4]; /* ... unless bit j of joined[i] is set: a merge joins a token that ends in byte i
                              to one that starts with byte j */
  Buffer source;           /* the tokenizer.json it was read from; empty: trained here */
  bool source_is_steps;    /* vocabulary and merges are null there (stored_tokenizer.h) */
  size_t vocabulary;       /* number of tokens in that vocabulary; added tokens may be behind it */
};

/* Limit of unassigned ids, so that a single huge id does not exhaust memory. */
enum { MOST_HOLES = 1 << 16 };

Tokenizer *tokenizer_new(void);
/* Reads tokenizer_config.json and special_tokens_map.json in the directory of tokenizer.json: the end and
 * padding tokens, and added tokens that tokenizer.json lacks. Call before tokenizer_finish. */
bool tokenizer_read_config_files(Tokenizer *, const char *path, Error *);
void tokenizer_put(Tokenizer *, int32_t id, const char *bytes, size_t length, const char *name, PieceKind);
/* A token that is in by_name, which holds the name. */
void tokenizer_place(Tokenizer *, int32_t id, const char *name, const char *bytes, size_t length, PieceKind);
/* The id of a token of the kind PIECE_TEXT by its key. `id` may be NULL. */
bool tokenizer_find_text(const Tokenizer *, const char *key, size_t length, int64_t *id);
/* Registers an added token (from `token` all but content, length and id are used); `normalized`: matched in
 * normalized text. */
void tokenizer_put_added(Tokenizer *, int32_t id, const char *content, AddedToken token, bool normalized);
/* The id of any token by its spelling in tokenizer.json; -1 if there is none. */
int32_t tokenizer_find(const Tokenizer *, const char *name);
/* Reads an entry of a list of added tokens: with a new id, or that of the vocabulary's token with the same
 * spelling. */
bool tokenizer_read_added(Tokenizer *, const json_t *entry, int64_t id, const char *where, Error *);
/* Appends a sentence, without a full stop, to tokenizer_remark. */
void tokenizer_remark_on(Tokenizer *, const char *format, ...) PRINTF(2, 3);
/* Makes a tokenizer of what was read, which is emptied. Then tokenizer_complete. */
Tokenizer *tokenizer_assemble(StoredTokenizer *, const char *where, Error *);
/* Adds what the other files in the directory of the path `beside` say (NULL: none), and finishes it. NULL if
 * it fails, or the tokenizer is NULL. */
Tokenizer *tokenizer_complete(Tokenizer *, const char *beside, const char *where, Error *);
/* Completes the tokenizer once all pieces and merges are added. Fails if an id has no token. */
bool tokenizer_finish(Tokenizer *, const char *where, Error *);

/* ---- for the kinds of steps (pipeline.h) ---- */

extern const StepKind pre_tokenizer_ByteLevel, decoder_none, decoder_ByteLevel, decoder_BPEDecoder;
extern const ModelKind model_BPE, model_Unigram;
/* Appends a pre-tokenizer that isolates the matches of a pattern. */
bool push_split(StepReader *, const char *pattern);
/* Replaces a string wherever a token's text has it. */
void token_replace(Buffer *token, const char *from, size_t length, const char *with, size_t with_length);
/* Does a token's name end with the suffix of this decoder? */
bool decoder_ends_word(const Step *, const char *name, size_t length);
/* A character as the tokens of its bytes; false, if there is no byte fallback or one lacks. */
bool encode_bytes(const Tokenizer *, const char *text, size_t length, int32_t *ids);
/* May a model find a token of its vocabulary in [begin, end) of a word? A special token that is not allowed
 * is letters there, but where it does not match because it is within a word, it is a token like any other. */
bool model_finds(const Tokenizer *, int32_t id, const EncodeOptions *, const char *word, size_t length,
                 size_t begin, size_t end);
void unigram_prepare(Tokenizer *); /* once all pieces are there */
/* BPE's first and last characters of a word differ from others. */
bool has_affixes(const Tokenizer *);
/* To find where words may be cut: the byte before or after a place; of U+2581, a space. */
static inline unsigned char cut_class_before(const Tokenizer *t, const char *begin, const char *at) {
  return !t->byte_level && at - begin >= 3 && !memcmp(at - 3, SPACE_MARK, 3) ? ' ' : (unsigned char)at[-1];
}
static inline unsigned char cut_class_after(const Tokenizer *t, const char *at, const char *end) {
  return !t->byte_level && end - at >= 3 && !memcmp(at, SPACE_MARK, 3) ? ' ' : (unsigned char)*at;
}
/* "<0x0A>" -> 10; -1 for anything else. */
int byte_named(const char *name, size_t length);

#define END_OF_TEXT "<|endoftext|>"

#endif
