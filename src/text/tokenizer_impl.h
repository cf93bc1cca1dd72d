/* tokenizer_impl.h - inside of a tokenizer: for the files of text/ that make, read, write and use one. */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "base/arena.h"
#include "text/bpe.h"
#include "text/normalize.h"
#include "text/tokenizer.h"
#include "text/words.h"

typedef enum PieceKind {
  PIECE_TEXT, /* found by its bytes */
  PIECE_BYTE, /* <0xXX>: stands for a byte of a character that has no token */
  PIECE_ADDED /* stands for its spelling, which no merges make */
} PieceKind;

typedef struct Piece {
  const char *bytes; /* what the token stands for */
  size_t length;
  const char *name; /* its spelling in tokenizer.json; NULL: an id that nothing was given yet */
  PieceKind kind;
  bool added;            /* looked for in the text before it is cut into words */
  bool special;          /* of these: stands for no text */
  bool listed_elsewhere; /* of these: not in tokenizer.json's list, but in a file beside it */
} Piece;

/* ---- tokens that are found in a text before it is cut into words ---- */

/* Looking for them costs as many steps a byte of text as the longest has: so none is longer. */
enum { LONGEST_ADDED = 1000 };

typedef struct AddedToken {
  const char *content; /* what is looked for */
  size_t length;
  int32_t id;
  bool special;
  bool single_word;    /* only where no letter or digit stands on either side */
  bool lstrip, rstrip; /* takes the white space before it, behind it */
} AddedToken;

typedef struct TrieSlot TrieSlot;

typedef struct AddedTokens {
  VEC(AddedToken) list;
  VEC(int32_t) nodes; /* of a trie of the contents: the token that ends there, or -1; the root is node 0 */
  TrieSlot *slots;    /* hash table (node, byte) -> node */
  size_t slot_count;
  uint64_t multiplier; /* of its hash */
  size_t specials;     /* how many of the list are special */
  bool starts[256];    /* some content starts with this byte */
} AddedTokens;
void added_put(AddedTokens *, AddedToken);
/* A token where the text spells it: [begin, end) with the white space that it takes. */
typedef struct AddedMatch {
  const AddedToken *token;
  size_t begin, end;
} AddedMatch;
/* The first one at or after `from`; the longest where several begin there. Special ones are passed over
 * without `specials`. False: there is none, and the match is nothing at the end of the text. */
bool added_find(const AddedTokens *, const char *text, size_t length, size_t from, bool specials,
                AddedMatch *);
void added_free(AddedTokens *);

struct Tokenizer {
  Arena *arena;
  VEC(Piece) pieces; /* by id */
  Map *by_name;      /* spelling in tokenizer.json -> id */
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
  int32_t begin;           /* stands before every text; -1: none */
  Ids behind;              /* stand behind every text */
  int32_t end, pad;        /* -1: none */
  bool named_end;          /* by a file, not guessed by its spelling */
  bool completed;          /* some pieces are of the files beside tokenizer.json */
  bool reframed;           /* tokenizer_append_end changed what stands around texts */
  Buffer remark;           /* see tokenizer_remark */
  bool cut_before[256];    /* a word may be cut before this byte ... */
  uint64_t joined[256][4]; /* ... where no merge joins a token that ends in byte [i] to one that starts with
                              bit j */
  const char *source;      /* the tokenizer.json it was read from; NULL: learnt here */
  size_t source_length;
};

/* Ids in the vocabulary that only added tokens have: no memory for a single huge id. */
enum { MOST_HOLES = 1 << 16 };

Tokenizer *tokenizer_new(void);
/* Reads what lies beside a tokenizer.json: tokenizer_config.json and special_tokens_map.json, which name the
 * tokens of the end and of padding, and tokens that tokenizer.json lacks. Before tokenizer_finish. */
bool tokenizer_read_config_files(Tokenizer *, const char *path, Error *);
void tokenizer_put(Tokenizer *, int32_t id, const char *bytes, size_t length, const char *name, PieceKind);
/* Gives an id to a token that is looked for in texts (of `token` all but content, length and id);
 * `normalized`: in normalized texts. */
void tokenizer_put_added(Tokenizer *, int32_t id, const char *content, AddedToken token, bool normalized);
/* The id of any token by its spelling in tokenizer.json; -1 if there is none. */
int32_t tokenizer_find(const Tokenizer *, const char *name);
/* An entry of a list of added tokens, `index` in errors: an id of its own, or that of the token of the
 * vocabulary that is spelled so. */
bool tokenizer_read_added(Tokenizer *, const json_t *entry, int64_t id, const char *where, Error *);
/* One sentence more for tokenizer_remark, without a full stop. */
void tokenizer_remark_on(Tokenizer *, const char *format, ...) PRINTF(2, 3);
/* Once all pieces and merges are there. Refuses ids without a token. */
bool tokenizer_finish(Tokenizer *, const char *where, Error *);

/* GPT-2's alphabet: each byte as a printable character. Spelling of bytes, and back (false: not in the
 * alphabet). */
void alphabet_spell(const char *bytes, size_t length, Buffer *out);
bool alphabet_read(const char *text, size_t length, Buffer *out);

#define SPACE_MARK  "\xe2\x96\x81" /* U+2581 */
#define END_OF_TEXT "<|endoftext|>"

#endif
