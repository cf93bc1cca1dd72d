#include "text/count.h"

#include <inttypes.h>
#include <string.h>

#include "base/threads.h"
#include "text/utf8.h"

/* The text is counted in batches of PIECES pieces for any number of threads, so that the words dropped to
 * save memory do not depend on it. */
enum { PIECE_BYTES = 1 << 19, PIECES = 16 };
/* Longer words are counted in parts of this size: Chinese text without punctuation is one word. */
enum { LONGEST_WORD = 48 };
/* Capacity of a piece's table: when it is full, counting pauses until the table has been merged. */
enum { TABLE_WORDS = 1 << 15, TABLE_BYTES = 1 << 19 };

/* Estimated memory of distinct words while merges are learnt: symbols, occurrences of pairs, the table of
 * pairs. Measured: with a limit of 1G, 100 MB of text took 0.9 to 1.1 GB, including the text. */
static int64_t cost_of(const WordTable *t) {
  return 70 * (int64_t)t->words.count + 24 * (int64_t)t->bytes.count;
}

typedef struct Span {
  const char *text;
  size_t length;
} Span;

/* Several short documents or a part of a long one, and the position in it. The text is copied, because text
 * from a source is valid only until the next call. */
typedef struct Piece {
  VEC(Span) spans;
  char *copy;   /* [PIECE_BYTES] */
  size_t bytes; /* of all spans */
  size_t next;  /* the next span */
  Span text;    /* the rest of the current span after the valid part in `words` */
  Words words;
  Span word; /* the rest of a long word */
  WordTable table;
} Piece;

typedef struct Counter {
  WordCounts *counts;
  Piece pieces[PIECES];
  size_t count; /* pieces with text */
  int64_t memory;
} Counter;

/* ---- one piece: runs on a worker thread, without allocation ---- */

/* Passes the next valid text to `words`; skips the invalid byte after it. */
static bool next_text(Piece *p) {
  if (!p->text.length) {
    if (p->next == p->spans.count) return false;
    p->text = p->spans.data[p->next++];
  }
  const size_t good = utf8_valid_prefix(p->text.text, p->text.length);
  const size_t n = good < p->text.length ? good + 1 : good;
  words_over(&p->words, p->text.text, good);
  p->text.text += n;
  p->text.length -= n;
  return true;
}

/* Without a pattern the word is a span of text, and each of its characters is counted. */
static bool next_part(Piece *p, const char **part, size_t *length) {
  while (!p->word.length)
    if (!words_next(&p->words, &p->word.text, &p->word.length) && !next_text(p)) return false;
  const size_t most = p->word.length < LONGEST_WORD ? p->word.length : LONGEST_WORD;
  *part = p->word.text;
  *length = p->words.pattern ? utf8_whole_prefix(*part, most) : utf8_character(*part, p->word.length);
  p->word.text += *length;
  p->word.length -= *length;
  return true;
}

static bool has_capacity(const WordTable *t) {
  return t->words.count < TABLE_WORDS && t->bytes.count + LONGEST_WORD <= TABLE_BYTES;
}

static void count_pieces(void *arg, int64_t begin, int64_t end) {
  Counter *c = arg;
  const char *part;
  size_t length;
  for (Piece *p = c->pieces + begin; p < c->pieces + end; p++)
    while (has_capacity(&p->table) && next_part(p, &part, &length))
      word_table_add(&p->table, part, length, word_hash(part, length), 1);
}

static bool is_done(const Piece *p) {
  return !p->word.length && p->words.at == p->words.length && !p->text.length && p->next == p->spans.count;
}

/* ---- all pieces ---- */

static void start(Counter *c, const WordPattern *pattern) {
  for (Piece *p = c->pieces; p < c->pieces + PIECES; p++) words_open(&p->words, pattern);
}

static void stop(Counter *c) {
  for (Piece *p = c->pieces; p < c->pieces + PIECES; p++) {
    words_close(&p->words);
    word_table_free(&p->table);
    vec_free(&p->spans);
    mem_free(p->copy);
  }
}

static void add_table(WordCounts *c, const WordTable *t) {
  for (size_t i = 0; i < t->words.count; i++) {
    const CountedWord *w = &t->words.data[i];
    word_table_add(&c->words, t->bytes.data + w->at, w->length, w->hash, w->times);
    c->occurrences += w->times;
  }
}

/* Drops down to half of the limit, so that the next drop is not due immediately. */
static void drop_rare(WordCounts *c, int64_t memory) {
  if (cost_of(&c->words) <= memory) return;
  for (int64_t least = 2; cost_of(&c->words) > memory / 2; least *= 2)
    c->dropped += word_table_drop_below(&c->words, least);
}

/* Counts all pieces completely. False if the pattern failed. */
static bool count_batch(Counter *c, Error *err) {
  bool done = false, ok = true;
  while (!done && ok) {
    parallel_for((int64_t)c->count, count_pieces, c);
    done = true;
    for (Piece *p = c->pieces; p < c->pieces + c->count; p++) {
      add_table(c->counts, &p->table);
      word_table_clear(&p->table);
      drop_rare(c->counts, c->memory);
      ok = ok && words_ok(&p->words, err);
      done = done && is_done(p);
    }
  }
  for (Piece *p = c->pieces; p < c->pieces + c->count; p++) p->spans.count = p->bytes = p->next = 0;
  c->count = 0;
  return ok;
}

/* Where a piece of a long text ends: before the last line end in it, else before the last space, else at a
 * character boundary. */
static size_t piece_end(const char *text, size_t length) {
  if (length <= PIECE_BYTES) return length;
  const char *at = memrchr(text, '\n', PIECE_BYTES);
  if (!at) at = memrchr(text, ' ', PIECE_BYTES);
  if (at && at > text) return (size_t)(at - text); /* a space belongs to the word after it */
  return utf8_whole_prefix(text, PIECE_BYTES);
}

static bool flush(Counter *c, const News *news, int64_t total, Error *err) {
  if (interrupted()) return fail_interrupted(err);
  if (!count_batch(c, err)) return false;
  news_progress(news, "counting words", c->counts->text_bytes, total, "byte");
  return true;
}

static bool take_text(Counter *c, const char *text, size_t length, const News *news, int64_t total,
                      Error *err) {
  while (length) {
    const size_t n = piece_end(text, length);
    const bool fits = c->count && c->pieces[c->count - 1].bytes + n <= PIECE_BYTES;
    if (!fits && c->count == PIECES && !flush(c, news, total, err)) return false;
    if (!fits) c->count++;
    Piece *p = &c->pieces[c->count - 1];
    word_table_reserve(&p->table, TABLE_WORDS, TABLE_BYTES);
    if (!p->copy) p->copy = mem_alloc(PIECE_BYTES);
    vec_push(&p->spans, ((Span){memcpy(p->copy + p->bytes, text, n), n}));
    p->bytes += n;
    c->counts->text_bytes += (int64_t)n;
    text += n;
    length -= n;
  }
  return true;
}

static bool count_source(Counter *c, TextSource *source, const News *news, Error *err) {
  const char *text;
  size_t length;
  Error problem = {0};
  source->rewind(source->self);
  while (source->next(source->self, &text, &length, &problem))
    if (!take_text(c, text, length, news, source->bytes, err)) return false;
  return problem.code ? fail_from(err, &problem) : flush(c, news, source->bytes, err);
}

bool count_words(WordCounts *counts, TextSource *source, const WordPattern *pattern, int64_t memory,
                 const News *news, Error *err) {
  Counter *c = mem_alloc_zeroed(1, sizeof *c);
  *counts = (WordCounts){0};
  c->counts = counts;
  c->memory = memory;
  start(c, pattern);
  const bool ok = count_source(c, source, news, err);
  stop(c);
  mem_free(c);
  if (ok && counts->dropped)
    news_warning(
        news, "the distinct words do not fit into --memory: rare words, %.1f %% of the text's, were dropped",
        100.0 * (double)counts->dropped / (double)counts->occurrences);
  return ok;
}

void word_counts_free(WordCounts *c) {
  word_table_free(&c->words);
}
