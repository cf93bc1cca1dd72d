/* vocabulary.h - the tokenizer of a vocabulary that another format stores as a list of tokens. */
#ifndef IO_VOCABULARY_H
#define IO_VOCABULARY_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "text/stored_tokenizer.h"

/* As SentencePiece numbers them. */
typedef enum TokenKind {
  TOKEN_NORMAL = 1,
  TOKEN_UNKNOWN,
  TOKEN_CONTROL,
  TOKEN_USER_DEFINED,
  TOKEN_UNUSED,
  TOKEN_BYTE
} TokenKind;

typedef struct VocabularyToken {
  const char *text; /* not NUL-terminated */
  size_t length;
  TokenKind kind;
  double score; /* of SentencePiece */
} VocabularyToken;

/* Where `add_space` puts spaces in texts with user-defined symbols. */
typedef enum SpaceRule {
  SPACE_BEFORE_TEXT,    /* SentencePiece: before the text */
  SPACE_BEFORE_LETTERS, /* LlamaTokenizer: before the text, unless it begins with such a symbol or a space */
  SPACE_BEHIND_SYMBOLS, /* T5Tokenizer, llama.cpp: before the text and behind each symbol */
  SPACE_NOWHERE         /* GemmaTokenizer */
} SpaceRule;

enum { MOST_PATTERNS = 5 };

typedef struct Vocabulary {
  const char *path; /* for messages */
  VocabularyToken *tokens;
  size_t count;
  int64_t begin, end, unknown; /* -1: none */
  bool add_begin, add_end;     /* around every text */
  bool add_space;              /* before every text */
  SpaceRule space_rule;
  bool joins_spaces; /* several are one, and none are at the ends */
  bool unigram;      /* scores are those of a unigram model, not the order of merges */
  const char *map;   /* compiled replacements of characters (normalizer Precompiled) */
  size_t map_length; /* 0: none */
  const VocabularyToken
      *unlisted;         /* pieces of the unigram model that are not among the tokens, of which those */
  size_t unlisted_count; /* that are not of the kind TOKEN_NORMAL are then no pieces */
  bool mapped;           /* the tokens are not the model's own */
  const char *patterns[MOST_PATTERNS + 1]; /* of byte-level BPE: how words are cut, one after the other;
                                              none: as GPT-2 */
  bool composes, whole_words;              /* texts are in NFC; a word that is a token is that token */
} Vocabulary;

/* Stores the tokens. Refuses those that are empty, not UTF-8, or the same as another; `name`: what messages
 * call a token. Then one of the following. */
bool vocabulary_store(const Vocabulary *, const char *name, StoredTokenizer *out, Error *);
/* SentencePiece's unigram model, or its BPE, whose merges follow from the scores. */
bool vocabulary_sentencepiece(const Vocabulary *, StoredTokenizer *out, Error *);
/* Merges: every pair of tokens that makes a token, by the scores of these. */
bool vocabulary_merges(const Vocabulary *, StoredTokenizer *out, Error *);
/* The steps of byte-level BPE. Its space is ByteLevel's. */
void vocabulary_byte_level(const Vocabulary *, Buffer *steps);
/* The steps of tokens over bytes, among them all bytes, of which the longest is taken from left to right. Its
 * unknown token, which never occurs, is the end token. */
void vocabulary_longest_first(const Vocabulary *, Buffer *steps);

/* Gives a token without a text its bytes, in base64, and its score; false: it has one, or these are no bytes.
 */
bool vocabulary_put_bytes(Vocabulary *, Arena *, int64_t id, const char *base64, size_t length, double score);
/* Tokens of vocab.json, {"token": id}, which must outlive them. */
bool vocabulary_fill(Vocabulary *, const json_t *, Error *);
/* SentencePiece's .model, which must outlive the tokens. Its compiled replacements go to `map`. */
bool vocabulary_read_sentencepiece(Vocabulary *, FileView, Buffer *map, Error *);

/* Patterns of words. */
#define CONTRACTIONS "'s|'t|'re|'ve|'m|'ll|'d"
#define BEHIND_WORDS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORDS_GPT2   "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define WORDS_CL100K "(?i:" CONTRACTIONS ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" BEHIND_WORDS
#define WORDS_QWEN2  "(?i:" CONTRACTIONS ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" BEHIND_WORDS
#define UPPER        "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER        "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define WORDS_O200K                                                                                         \
  "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+(?i:" CONTRACTIONS ")?|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
  "*(?i:" CONTRACTIONS ")?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Parts of tokenizer.json, of tokens that are stored. */
void vocabulary_add_text(Buffer *, const char *text, size_t length); /* with its quotes */
void vocabulary_add_frame(const Vocabulary *, Buffer *);             /* "added_tokens" and "post_processor" */

#endif
