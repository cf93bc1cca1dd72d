/* tokenizer_impl.h - inside of a tokenizer: for the files of text/ that make, read, write and use one. */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "base/arena.h"
#include "text/bpe.h"
#include "text/normalize.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef enum PieceKind {
  PIECE_TEXT,   /* found by its bytes */
  PIECE_BYTE,   /* <0xXX>: stands for a byte of a character that has no token */
  PIECE_ADDED,  /* stands for its spelling, which no merges make */
  PIECE_SPECIAL /* stands for no text */
} PieceKind;

typedef struct Piece {
  const char *bytes; /* what the token stands for */
  size_t length;
  const char *name; /* its spelling in tokenizer.json; NULL: an id that nothing was given yet */
  PieceKind kind;
} Piece;

/* ---- tokens that are found in a text before it is cut into words ---- */

typedef struct AddedToken {
  const char *content; /* what is looked for */
  size_t length;
  int32_t id;
} AddedToken;

typedef struct AddedTokens {
  VEC(AddedToken) list; /* longest first */
  bool starts[256];     /* some content starts with this byte */
} AddedTokens;
void added_put(AddedTokens *, AddedToken);
/* The first one at or after *at, whose place goes to *at; the longest where several begin there. NULL: none.
 */
const AddedToken *added_find(const AddedTokens *, const char *text, size_t length, size_t *at);
void added_free(AddedTokens *);

struct Tokenizer {
  Arena *arena;
  VEC(Piece) pieces; /* by id */
  Map *by_bytes;     /* token bytes -> id, of pieces of kind TEXT */
  Merges merges;
  Normalizer normalizer;
  AddedTokens added;            /* looked for in the text as it is */
  AddedTokens added_normalized; /* looked for in the normalized text */
  WordPattern *pattern;         /* NULL: the whole text is one word */
  const char *pattern_text;
  Tokenizer *of_sources; /* that of a model's sources; NULL: this one */
  bool byte_level;       /* tokens are bytes in GPT-2's alphabet; else characters (SentencePiece) */
  bool byte_fallback;    /* a character without a token is its bytes as <0xXX> */
  bool space_first;      /* a space goes before a text that has none there (ByteLevel's add_prefix_space) */
  bool whole_words;      /* ignore_merges: a word that is a token is that token */
  bool strip_space;      /* decoding leaves out one space at the front */
  bool fuse_unknown;
  int32_t bytes[256];      /* ids of single bytes; -1: none */
  int32_t unknown;         /* -1: none */
  int32_t begin, end;      /* -1: none */
  bool cut_before[256];    /* a word may be cut before this byte ... */
  uint64_t joined[256][4]; /* ... where no merge joins a token that ends in byte [i] to one that starts with
                              bit j */
  const char *source;      /* the tokenizer.json it was read from; NULL: learnt here */
  size_t source_length;
};

Tokenizer *tokenizer_new(void);
/* As tokenizer_open, from memory; `where` names it in errors. */
Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *);
void tokenizer_put(Tokenizer *, int32_t id, const char *bytes, size_t length, const char *name, PieceKind);
/* Gives an id to a token that is looked for in texts; `normalized`: in normalized texts. */
void tokenizer_put_added(Tokenizer *, int32_t id, const char *content, bool special, bool normalized);
/* Once all pieces and merges are there. Refuses ids without a token, and a vocabulary that cannot spell every
 * text. */
bool tokenizer_finish(Tokenizer *, const char *where, Error *);

/* GPT-2's alphabet: each byte as a printable character. Spelling of bytes, and back (false: not in the
 * alphabet). */
void alphabet_spell(const char *bytes, size_t length, Buffer *out);
bool alphabet_read(const char *text, size_t length, Buffer *out);

#define SPACE_MARK  "\xe2\x96\x81" /* U+2581 */
#define END_OF_TEXT "<|endoftext|>"

#endif
