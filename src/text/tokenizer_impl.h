/* tokenizer_impl.h - inside of a tokenizer: for the files of text/ that make, read and write one. */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "base/arena.h"
#include "text/bpe.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef enum PieceKind {
  PIECE_TEXT,   /* found by its bytes */
  PIECE_BYTE,   /* <0xXX>: stands for a byte of a character that has no token */
  PIECE_SPECIAL /* stands for no text */
} PieceKind;

typedef struct Piece {
  const char *bytes; /* what the token stands for */
  size_t length;
  const char *name;  /* its spelling in tokenizer.json; NULL: an id nobody has */
  PieceKind kind;
} Piece;

typedef struct AddedToken {
  const char *content;
  size_t length;
  int32_t id;
} AddedToken;

struct Tokenizer {
  Arena *arena;
  VEC(Piece) pieces; /* by id */
  Merges merges;
  VEC(AddedToken) added;
  WordPattern *pattern; /* NULL: the whole text is one word */
  const char *pattern_text;
  bool byte_level;      /* tokens are bytes in GPT-2's alphabet; else characters, and bytes as <0xXX> (SentencePiece) */
  bool by_character;    /* no merge reaches over a character: each can be encoded alone */
  bool whole_words;     /* ignore_merges: a word that is a token is that token */
  bool compose;         /* NFC before anything else */
  bool space_prefix;    /* a space goes before the text */
  bool space_unless;    /* but not where there is one already (ByteLevel's add_prefix_space) */
  bool space_mark;      /* SentencePiece: "▁" is another way to write a space; the table holds the space */
  bool strip_space;     /* decoding leaves out one space at the front */
  int32_t bytes[256];   /* ids of single bytes; -1: none */
  int32_t unknown;      /* -1: none */
  bool fuse_unknown;
  int32_t begin, end;   /* -1: none */
  const char *source;    /* the tokenizer.json it was read from; NULL: learnt here */
  size_t source_length;
  Map *by_bytes;        /* token bytes -> id, of pieces of kind TEXT */
};

Tokenizer *tokenizer_new(void);
/* As tokenizer_open, from memory; `where` names it in errors. */
Tokenizer *tokenizer_parse(const char *text, size_t length, const char *where, Error *);
void tokenizer_put(Tokenizer *, int32_t id, const char *bytes, size_t length, const char *name, PieceKind);
/* Once all pieces and merges are there: finds bytes, ends, by_character. Refuses a byte-level vocabulary that lacks a byte. */
bool tokenizer_finish(Tokenizer *, const char *where, Error *);

/* GPT-2's alphabet: each byte as a printable character. Spelling of bytes, and back (false: not in the alphabet). */
void alphabet_spell(const char *bytes, size_t length, Buffer *out);
bool alphabet_read(const char *text, size_t length, Buffer *out);

#define END_OF_TEXT "<|endoftext|>"

#endif
