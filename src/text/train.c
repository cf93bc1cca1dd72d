/* train.c - trains tokenizers on a corpus: byte, char and bpe, all of them byte-level BPE. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "text/count.h"
#include "text/learn.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

#include "base/figure.h"
#include "base/settings_table.h"

#include "text/settings.def"

enum { BYTES = 256 };

/* Adds a token of these bytes with the next id. */
static int32_t add_piece(Tokenizer *t, const char *bytes, size_t length) {
  Buffer name = {0};
  const int32_t id = (int32_t)t->pieces.count;
  alphabet_spell(bytes, length, &name);
  tokenizer_put(t, id, bytes, length, name.data, PIECE_TEXT);
  buffer_free(&name);
  return id;
}

/* Ids of bytes are in the order of GPT-2's alphabet: printable bytes, then the others. */
static void add_bytes(Tokenizer *t) {
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < BYTES; i++) {
      const char byte = (char)i;
      Buffer name = {0};
      alphabet_spell(&byte, 1, &name);
      const bool first = (unsigned char)name.data[0] < 0xc4; /* below U+0100: printable */
      buffer_free(&name);
      if (first == (pass == 0)) t->bytes[i] = add_piece(t, &byte, 1);
    }
}

/* END_OF_TEXT and the task's tokens. */
static void add_specials(Tokenizer *t, const NewToken *more) {
  tokenizer_put_added(t, (int32_t)t->pieces.count, END_OF_TEXT, (AddedToken){.special = true}, false);
  for (; more && more->name; more++)
    tokenizer_put_added(t, (int32_t)t->pieces.count, more->name, (AddedToken){.special = more->special},
                        false);
}

static int64_t count_specials(const NewToken *more) {
  int64_t count = 1;
  for (; more && more->name; more++) count++;
  return count;
}

/* ---- char ---- */

typedef struct Character {
  const char *bytes;
  size_t length;
  int64_t times;
} Character;

static int by_frequency(const void *a, const void *b) {
  const Character *x = a, *y = b;
  if (x->times != y->times) return x->times > y->times ? -1 : 1;
  return memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
}

/* The id of a prefix of a character, merged from the prefix one byte shorter and its last byte. */
static int32_t add_prefix(Tokenizer *t, const char *bytes, size_t length) {
  int64_t id;
  if (tokenizer_find_text(t, bytes, length, &id)) return (int32_t)id;
  const int32_t left = add_prefix(t, bytes, length - 1), right = t->bytes[(unsigned char)bytes[length - 1]];
  const int32_t result = add_piece(t, bytes, length);
  merges_add(&t->merges, (Merge){left, right, result});
  return result;
}

/* The number of new tokens for a character: itself, and its prefixes that have no token yet. */
static int64_t cost_of(const Tokenizer *t, const Character *c) {
  int64_t cost = 0, id;
  for (size_t n = c->length; n > 1 && !tokenizer_find_text(t, c->bytes, n, &id); n--) cost++;
  return cost;
}

/* `wanted`: maximal number of tokens; 0: unlimited. */
static void add_characters(Tokenizer *t, const WordCounts *counts, int64_t wanted) {
  const size_t n = counts->words.words.count;
  Character *list = mem_alloc_zeroed(n + 1, sizeof *list);
  for (size_t i = 0; i < n; i++) {
    const CountedWord *w = &counts->words.words.data[i];
    list[i] = (Character){counts->words.bytes.data + w->at, w->length, w->times};
  }
  qsort(list, n, sizeof *list, by_frequency);
  for (size_t i = 0; i < n; i++) {
    if (wanted && (int64_t)t->pieces.count + cost_of(t, &list[i]) > wanted) break;
    add_prefix(t, list[i].bytes, list[i].length);
  }
  mem_free(list);
}

static bool train_char(Tokenizer *t, TextSource *source, const TokenizerSettings *s, int64_t specials,
                       const News *news, Error *err) {
  WordCounts counts;
  const bool ok = count_words(&counts, source, NULL, s->memory, news, err);
  if (ok) add_characters(t, &counts, s->vocab ? s->vocab - specials : 0);
  word_counts_free(&counts);
  return ok;
}

/* ---- bpe ---- */

/* 2 sqrt(bytes), rounded to a power of two: 2,048 for 1 MB, 16,384 for 100 MB. */
static int64_t default_vocabulary(int64_t bytes) {
  const double exact = log2(2 * sqrt((double)(bytes + 1)));
  return (int64_t)1 << (int64_t)fmin(15, fmax(9, floor(exact + 0.5)));
}

static void add_results(Tokenizer *t) {
  Buffer bytes = {0};
  for (size_t i = 0; i < t->merges.list.count; i++) {
    const Merge m = t->merges.list.data[i];
    buffer_clear(&bytes);
    buffer_add(&bytes, t->pieces.data[m.left].bytes, t->pieces.data[m.left].length);
    buffer_add(&bytes, t->pieces.data[m.right].bytes, t->pieces.data[m.right].length);
    if (m.result == (int32_t)t->pieces.count)
      add_piece(t, bytes.data, bytes.length); /* else an earlier merge has the same bytes */
  }
  buffer_free(&bytes);
}

static bool train_bpe(Tokenizer *t, TextSource *source, const TokenizerSettings *s, int64_t specials,
                      const News *news, Error *err) {
  WordCounts counts;
  const char *words = s->words && !strcmp(s->words, "gpt-2") ? words_gpt2 : words_ours;
  StepReader r = {.t = t, .path = "words", .err = err, .steps = &t->cutters};
  if (!push_split(&r, words)) return false;
  bool ok = count_words(&counts, source, t->cutters.data[0].pattern, s->memory, news, err);
  const int64_t wanted = s->vocab ? s->vocab : default_vocabulary(counts.text_bytes);
  ok = ok && learn_merges(&t->merges, &counts, t->bytes, BYTES, wanted - specials, news, err);
  word_counts_free(&counts);
  if (ok) add_results(t);
  return ok;
}

/* ---- normalized text ---- */

/* A source that normalizes the pieces of another. */
typedef struct NormalSource {
  TextSource *raw;
  const Steps *normalizers;
  Buffer piece;
} NormalSource;

static void normal_rewind(void *self) {
  const NormalSource *s = self;
  s->raw->rewind(s->raw->self);
}

static bool normal_next(void *self, const char **text, size_t *length, Error *err) {
  NormalSource *s = self;
  if (!s->raw->next(s->raw->self, text, length, err)) return false;
  buffer_clear(&s->piece);
  if (!steps_normalize(s->normalizers, *text, *length, &s->piece, err)) return false;
  *text = s->piece.data ? s->piece.data : "";
  *length = s->piece.length;
  return true;
}

static void add_normalizers(Steps *steps, const TokenizerSettings *s) {
  const char *form = s->normalize ? s->normalize : "none";
  if (strcmp(form, "none")) steps_add_normalizer(steps, strcmp(form, "nfc") ? "NFKC" : "NFC");
  if (s->lowercase) steps_add_normalizer(steps, "Lowercase");
}

/* ---- choice of the type ---- */

/* char for a text too short for words to repeat, or whose characters take more than 1.8 bytes on average, as
 * in Chinese; else bpe. */
static const char *choose_kind(TextSource *source, Error *err) {
  static const int64_t enough = 300000;
  const char *text;
  size_t length;
  int64_t bytes = 0, characters = 0;
  source->rewind(source->self);
  while (bytes < 20000000 && source->next(source->self, &text, &length, err)) {
    bytes += (int64_t)length;
    characters += utf8_count(text, length);
  }
  return bytes < enough || (double)bytes > 1.8 * (double)characters ? "char" : "bpe";
}

static bool train(Tokenizer *t, TextSource *source, const TokenizerSettings *s, const NewToken *more,
                  const char *kind, const News *news, Error *err) {
  const int64_t specials = count_specials(more), least = BYTES + specials;
  if (s->vocab && s->vocab < least)
    return fail_usage(err, "--vocab %" PRId64 " is too small for %d bytes and %s: give %" PRId64 " or more",
                      s->vocab, BYTES, specials > 1 ? _("the special tokens") : _("the end token"), least);
  t->byte_level = true;
  add_bytes(t);
  if (!strcmp(kind, "char") && !train_char(t, source, s, specials, news, err)) return false;
  if (!strcmp(kind, "bpe") && !train_bpe(t, source, s, specials, news, err)) return false;
  add_specials(t, more);
  return tokenizer_finish(t, "tokenizer", err);
}

const SettingNeed tokenizer_needs[] = {{"words", "tokenizer", "auto|bpe", false}, {0}};

Tokenizer *tokenizer_train(TextSource *raw, const TokenizerSettings *s, const NewToken *more,
                           const News *news, Error *err) {
  Tokenizer *t = tokenizer_new();
  add_normalizers(&t->normalizers, s);
  NormalSource normal = {raw, &t->normalizers, {0}};
  TextSource changed = {&normal, normal_rewind, normal_next, raw->bytes};
  TextSource *source = t->normalizers.count ? &changed : raw;
  const char *kind = strcmp(s->tokenizer, "auto") ? s->tokenizer : choose_kind(source, err);
  const bool ok = train(t, source, s, more, kind, news, err);
  buffer_free(&normal.piece);
  if (!ok) {
    tokenizer_free(t);
    return NULL;
  }
  char n[FIGURE_SIZE];
  if (s->vocab && s->vocab != tokenizer_size(t) && !strcmp(kind, "byte"))
    news_warning(news, "--vocab %" PRId64 " has no effect with --tokenizer byte", s->vocab);
  if (strcmp(kind, "bpe") && s->words && strcmp(s->words, "own"))
    news_warning(news, "--words %s has no effect with --tokenizer %s", s->words, kind);
  if (s->vocab > tokenizer_size(t) && !strcmp(kind, "char"))
    news_warning(news,
                 "--vocab %" PRId64
                 " has no effect: the text has fewer characters, and there are no other tokens "
                 "with --tokenizer char%s: give --tokenizer bpe for tokens of several characters",
                 s->vocab, strcmp(s->tokenizer, "auto") ? "" : _(", which is chosen for such text"));
  news_note(news, "vocabulary: %s (%s)", figure_of(n, tokenizer_size(t), "token"), kind);
  return t;
}
