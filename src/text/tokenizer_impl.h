/* tokenizer_impl.h - the internals of a tokenizer, for the files of text/ that train, read, write and use it.
 */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "base/arena.h"
#include "text/bpe.h"
#include "text/normalize.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef enum PieceKind {
  PIECE_TEXT, /* looked up by its bytes */
  PIECE_BYTE, /* <0xXX>: one byte of a character that has no token */
  PIECE_ADDED /* its spelling, not the result of merges */
} PieceKind;

typedef struct Piece {
  const char *bytes; /* the text of the token */
  size_t length;
  const char *name; /* its spelling in tokenizer.json; NULL: id not assigned yet */
  PieceKind kind;
  bool added;            /* an added token: matched in the text before it is split into words */
  bool special;          /* an added token without text */
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

typedef struct TrieSlot TrieSlot;

typedef struct AddedTokens {
  VEC(AddedToken) list;
  VEC(int32_t) nodes; /* of a trie of the contents: index of the token that ends there, or -1; root: node 0 */
  TrieSlot *slots;    /* hash table (node, byte) -> node */
  size_t slot_count;
  uint64_t multiplier; /* of its hash */
  size_t specials;     /* number of special tokens in the list */
  bool starts[256];    /* some content starts with this byte */
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
void added_free(AddedTokens *);

struct Tokenizer {
  Arena *arena;
  VEC(Piece) pieces; /* by id */
  Map *by_name;      /* spelling in tokenizer.json -> id */
  Map *by_bytes;     /* token bytes -> id, of PIECE_TEXT */
  Merges merges;
  Normalizer normalizer;
  AddedTokens added;            /* matched in the original text */
  AddedTokens added_normalized; /* matched in the normalized text */
  WordPattern *pattern;         /* NULL: the whole text is one word */
  const char *pattern_text;
  Tokenizer *of_sources; /* the tokenizer of a model's sources; NULL: this one */
  bool byte_level;       /* tokens are bytes in GPT-2's alphabet; else characters (SentencePiece) */
  bool byte_fallback;    /* a character without a token becomes its bytes as <0xXX> */
  bool space_first;      /* add a space before a text without one (ByteLevel's add_prefix_space) */
  bool whole_words;      /* ignore_merges: a word that is a token becomes that token */
  bool strip_space;      /* decoding drops one leading space */
  bool fuse_unknown;
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
  const char *source;      /* the tokenizer.json it was read from; NULL: trained here */
  size_t source_length;
};

/* Limit of unassigned ids, so that a single huge id does not exhaust memory. */
enum { MOST_HOLES = 1 << 16 };

Tokenizer *tokenizer_new(void);
/* Reads tokenizer_config.json and special_tokens_map.json in the directory of tokenizer.json: the end and
 * padding tokens, and added tokens that tokenizer.json lacks. Call before tokenizer_finish. */
bool tokenizer_read_config_files(Tokenizer *, const char *path, Error *);
void tokenizer_put(Tokenizer *, int32_t id, const char *bytes, size_t length, const char *name, PieceKind);
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
/* Completes the tokenizer once all pieces and merges are added. Fails if an id has no token. */
bool tokenizer_finish(Tokenizer *, const char *where, Error *);

/* GPT-2's alphabet: each byte as a printable character. Encodes bytes, and decodes (false: not in the
 * alphabet). */
void alphabet_spell(const char *bytes, size_t length, Buffer *out);
bool alphabet_read(const char *text, size_t length, Buffer *out);

#define SPACE_MARK  "\xe2\x96\x81" /* U+2581 */
#define END_OF_TEXT "<|endoftext|>"

#endif
