#include "text/count.h"

#include <inttypes.h>
#include <string.h>

#include "base/threads.h"
#include "text/utf8.h"

/* Text is counted in pieces of this size, so many at a time, whatever the number of threads: what is dropped for want of
 * memory must not depend on it. */
enum { PIECE_BYTES = 1 << 19, PIECES = 16, LONGEST_WORD = 48 };

/* What a distinct word costs here and while merges are learnt: table, symbols, places of its pairs. */
static int64_t cost_of(int64_t words, int64_t bytes) { return 120 * words + 20 * bytes; }

typedef struct Piece {
  const char *text;
  size_t length;
  Map *words;
} Piece;

typedef struct Batch {
  Piece pieces[PIECES];
  size_t count;
  const WordPattern *pattern;
} Batch;

static void count_word(Map *words, const char *word, size_t length) {
  while (length > LONGEST_WORD) {
    const size_t n = utf8_whole_prefix(word, LONGEST_WORD);
    ++*map_slot(words, word, n, 0);
    word += n;
    length -= n;
  }
  if (length) ++*map_slot(words, word, length, 0);
}

static void count_characters(Map *words, const char *text, size_t length) {
  for (size_t at = 0; at < length;) {
    const size_t n = utf8_character(text + at, length - at);
    if (n > 1) ++*map_slot(words, text + at, n, 0); /* single bytes are tokens anyway */
    at += n ? n : 1;
  }
}

/* Words of the valid stretches; bytes that are no UTF-8 are left alone. */
static void count_piece(Piece *p, const WordPattern *pattern) {
  const char *text = p->text;
  size_t length = p->length;
  while (pattern && length) {
    const size_t good = utf8_valid_prefix(text, length);
    Words words;
    const char *word;
    size_t n;
    words_begin(&words, pattern, text, good);
    while (words_next(&words, &word, &n)) count_word(p->words, word, n);
    words_end(&words);
    text += good + (good < length);
    length -= good + (good < length);
  }
  if (!pattern) count_characters(p->words, text, length);
}

static void count_pieces(void *arg, int64_t begin, int64_t end) {
  Batch *b = arg;
  for (int64_t i = begin; i < end; i++) count_piece(&b->pieces[i], b->pattern);
}

static void add_words(WordCounts *c, const Map *words) {
  for (size_t i = 0; i < map_count(words); i++) {
    size_t length;
    int64_t times;
    const char *word = map_at(words, i, &length, &times);
    int64_t *slot = map_slot(c->words, word, length, 0);
    if (!*slot) c->bytes += (int64_t)length;
    *slot += times;
  }
}

static void keep_above(WordCounts *c, int64_t least) {
  Map *kept = map_new();
  int64_t bytes = 0;
  for (size_t i = 0; i < map_count(c->words); i++) {
    size_t length;
    int64_t times;
    const char *word = map_at(c->words, i, &length, &times);
    if (times < least) {
      c->dropped++;
      continue;
    }
    map_set(kept, word, length, times);
    bytes += (int64_t)length;
  }
  map_free(c->words);
  c->words = kept;
  c->bytes = bytes;
}

/* Down to half of the memory, so that there is room for the old table beside the new one and for what is to come. */
static void drop_rare(WordCounts *c, int64_t memory) {
  for (int64_t least = 2; cost_of((int64_t)map_count(c->words), c->bytes) > memory / 2; least *= 2) keep_above(c, least);
}

static void count_batch(WordCounts *c, Batch *b, int64_t memory) {
  for (size_t i = 0; i < b->count; i++) b->pieces[i].words = map_new();
  parallel_for((int64_t)b->count, count_pieces, b);
  for (size_t i = 0; i < b->count; i++) {
    add_words(c, b->pieces[i].words);
    map_free(b->pieces[i].words);
  }
  b->count = 0;
  if (cost_of((int64_t)map_count(c->words), c->bytes) > memory / 4 * 3) drop_rare(c, memory);
}

/* Where a piece of a long text ends: after the last line end in it, else after the last space, else between characters. */
static size_t piece_end(const char *text, size_t length) {
  if (length <= PIECE_BYTES) return length;
  const char *at = memrchr(text, '\n', PIECE_BYTES);
  if (!at) at = memrchr(text, ' ', PIECE_BYTES);
  if (at && at > text) return (size_t)(at - text); /* a space belongs to the word after it */
  return utf8_whole_prefix(text, PIECE_BYTES);
}

static bool count_text(WordCounts *c, Batch *b, const char *text, size_t length, int64_t memory, const TextSource *source,
                       const News *news) {
  c->text_bytes += (int64_t)length;
  c->characters += utf8_count(text, length);
  while (length && !interrupted()) {
    const size_t n = piece_end(text, length);
    b->pieces[b->count++] = (Piece){text, n, NULL};
    text += n;
    length -= n;
    if (b->count < PIECES) continue;
    count_batch(c, b, memory);
    news_progress(news, "counting words", c->text_bytes - (int64_t)length, source->bytes, "byte");
  }
  return !interrupted();
}

bool count_words(WordCounts *c, TextSource *source, const WordPattern *pattern, int64_t memory, const News *news, Error *err) {
  Batch batch = {.pattern = pattern};
  const char *text;
  size_t length;
  *c = (WordCounts){.words = map_new()};
  source->rewind(source->self);
  while (source->next(source->self, &text, &length, err)) {
    if (!count_text(c, &batch, text, length, memory, source, news)) return fail(err, "interrupted");
    if (batch.count == PIECES) count_batch(c, &batch, memory);
  }
  count_batch(c, &batch, memory);
  if (c->dropped)
    news_warning(news, "%" PRId64 " rare words did not fit into --memory and were dropped: the vocabulary is learnt from the frequent ones", c->dropped);
  return !err->code;
}

void word_counts_free(WordCounts *c) {
  map_free(c->words);
  *c = (WordCounts){0};
}
