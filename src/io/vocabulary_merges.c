/* vocabulary_merges.c - the merges of a vocabulary with scores, as SentencePiece's BPE uses it: every way to
 * put a piece together from two others is a merge, and merges go by the scores of what they make. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "io/vocabulary.h"

/* The pieces by their scores, the best first; of equal scores, the earlier ids. */
typedef struct Piece {
  double score;
  int32_t id;
} Piece;

static int by_rank(const void *a, const void *b) {
  const Piece *x = a, *y = b;
  return x->score != y->score ? (x->score > y->score ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

typedef VEC(Piece) Pieces;

/* Most files list them in this order, which is not worth sorting. */
static void sort_pieces(Pieces *pieces) {
  size_t i = 1;
  while (i < pieces->count && by_rank(&pieces->data[i - 1], &pieces->data[i]) < 0) i++;
  if (i < pieces->count) qsort(pieces->data, pieces->count, sizeof *pieces->data, by_rank);
}

enum { LONGEST_PIECE = 1024 };

/* Splitting takes the square of the length; a score that is no number has no place in the order. */
static bool check_piece(const Vocabulary *v, size_t id, Error *err) {
  const VocabularyToken *t = &v->tokens[id];
  if (t->length > LONGEST_PIECE)
    return fail_damaged(err, "%s: token %zu has %zu bytes, more than %d", v->path, id, t->length,
                        LONGEST_PIECE);
  return !isnan(t->score) || fail_damaged(err, "%s: the score of token %zu is not a number", v->path, id);
}

/* A part of the pieces, whose merges are found on any thread. */
enum { PART = 1 << 12 };

typedef struct Search {
  const Vocabulary *vocabulary;
  const Map *ids;
  const Pieces *pieces;
  const bool *parts_of_merges; /* by id: may the token be one? */
  MergeList *parts;
} Search;

/* The places of a piece where it may be split. */
typedef struct Places {
  size_t count;
  MapKey keys[LONGEST_PIECE]; /* the left parts, then the right ones */
  int64_t lefts[LONGEST_PIECE], rights[LONGEST_PIECE];
} Places;

/* Ids of the tokens that merges may take; -1: none. */
static void find_parts(const Search *s, const Places *p, int64_t *ids) {
  map_get_all(s->ids, p->keys, p->count, ids);
  for (size_t i = 0; i < p->count; i++)
    if (ids[i] >= 0 && !s->parts_of_merges[ids[i]]) ids[i] = -1;
}

/* Between characters, where the left part is a token. */
static void find_lefts(const Search *s, const VocabularyToken *t, Places *p) {
  p->count = 0;
  for (size_t at = 1; at < t->length; at++)
    if (((unsigned char)t->text[at] & 0xc0) != 0x80) p->keys[p->count++] = (MapKey){t->text, at};
  find_parts(s, p, p->lefts);
  size_t found = 0;
  for (size_t i = 0; i < p->count; i++)
    if (p->lefts[i] >= 0) p->keys[found] = p->keys[i], p->lefts[found++] = p->lefts[i];
  p->count = found;
}

/* Merges of one piece go by the ids of the left parts, which are all different. */
static void insert(MergeList *merges, size_t first, Merge m) {
  vec_push(merges, m);
  size_t at = merges->count - 1;
  for (; at > first && merges->data[at - 1].left > m.left; at--) merges->data[at] = merges->data[at - 1];
  merges->data[at] = m;
}

static void split_piece(const Search *s, int32_t id, Places *p, MergeList *merges) {
  const VocabularyToken *t = &s->vocabulary->tokens[id];
  const size_t first = merges->count;
  find_lefts(s, t, p);
  for (size_t i = 0; i < p->count; i++) {
    const size_t at = p->keys[i].length;
    p->keys[i] = (MapKey){t->text + at, t->length - at};
  }
  find_parts(s, p, p->rights);
  for (size_t i = 0; i < p->count; i++)
    if (p->rights[i] >= 0) insert(merges, first, (Merge){(int32_t)p->lefts[i], (int32_t)p->rights[i], id});
}

static void search_parts(void *arg, int64_t begin, int64_t end) {
  const Search *s = arg;
  Places *places = mem_alloc(sizeof *places);
  for (int64_t part = begin; part < end; part++)
    for (size_t i = (size_t)part * PART; i < s->pieces->count && i < (size_t)(part + 1) * PART; i++)
      split_piece(s, s->pieces->data[i].id, places, &s->parts[part]);
  mem_free(places);
}

static void find_merges(const Vocabulary *v, const Pieces *pieces, StoredTokenizer *out) {
  const size_t parts = (pieces->count + PART - 1) / PART;
  bool *may = mem_alloc_zeroed(v->count, sizeof *may);
  for (size_t i = 0; i < v->count; i++)
    may[i] = v->tokens[i].kind == TOKEN_NORMAL || v->tokens[i].kind == TOKEN_USER_DEFINED;
  Search search = {v, out->ids, pieces, may, mem_alloc_zeroed(parts, sizeof *search.parts)};
  parallel_guarded((int64_t)parts, search_parts, &search);
  size_t count = 0;
  for (size_t i = 0; i < parts; i++) count += search.parts[i].count;
  vec_reserve(&out->merges, count);
  for (size_t i = 0; i < parts; i++) {
    const MergeList *part = &search.parts[i];
    if (part->count)
      memcpy(out->merges.data + out->merges.count, part->data, part->count * sizeof *part->data);
    out->merges.count += part->count;
    vec_free(&search.parts[i]);
  }
  mem_free(search.parts);
  mem_free(may);
}

bool vocabulary_merges(const Vocabulary *v, StoredTokenizer *out, Error *err) {
  Pieces pieces = {0};
  bool ok = true;
  vec_reserve(&pieces, v->count);
  for (size_t i = 0; ok && i < v->count; i++) {
    if (v->tokens[i].kind != TOKEN_NORMAL) continue;
    ok = check_piece(v, i, err);
    vec_push(&pieces, ((Piece){v->tokens[i].score, (int32_t)i}));
  }
  sort_pieces(&pieces);
  if (ok) find_merges(v, &pieces, out);
  vec_free(&pieces);
  return ok;
}
