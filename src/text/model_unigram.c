/* model_unigram.c - a unigram language model (Kudo 2018): the segmentation of a word whose tokens have the
 * largest sum of scores (log-probabilities), found by Viterbi's algorithm over the byte positions.
 *
 * Of a vocabulary that is not the model's own (Marian's, io/tokenizer_marian.c), "unlisted" has the pieces
 * that are not in it, each of which becomes the unknown token, and tokens that are no pieces have no score.
 */
#include <math.h>

#include "text/tokenizer_impl.h"
#include "text/utf8.h"

/* An unknown character scores less than any token. */
static const double unknown_penalty = 10;

static bool read_unlisted(StepReader *r, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *piece = json_array_get(list, i);
    const char *name = json_string_value(json_array_get(piece, 0));
    const json_t *score = json_array_get(piece, 1);
    if (!name || !*name || !json_is_number(score) || json_array_size(piece) != 2)
      return fail_damaged(r->err, "%s: entry %zu of \"unlisted\" is not a piece and its score", r->path, i);
    *trie_put(&r->t->trie, name, strlen(name)) = -2 - (int32_t)i;
    vec_push(&r->t->unlisted, json_number_value(score));
  }
  return !list || r->t->unknown >= 0 ||
         fail(r->err, "%s: a model with \"unlisted\" pieces must have an \"unk_id\"", r->path);
}

static bool read(StepReader *r, const json_t *model) {
  int64_t unknown;
  if (!json_get_int(model, "unk_id", -1, &unknown, r->path, r->err) ||
      !step_bool(r, model, "byte_fallback", false, &r->t->byte_fallback))
    return false;
  if (unknown < -1 || unknown > INT32_MAX)
    return fail_damaged(r->err, "%s: the model's \"unk_id\" is out of range", r->path);
  r->t->unknown = (int32_t)unknown; /* compared with the vocabulary's size later (tokenizer_finish) */
  r->t->fuse_unknown = true;
  const json_t *unlisted = json_object_get(model, "unlisted");
  r->t->lists_unlisted = json_is_array(unlisted);
  return (!unlisted || r->t->lists_unlisted ||
          fail_damaged(r->err, "%s: \"unlisted\" is not a list", r->path)) &&
         read_unlisted(r, unlisted);
}

/* The best segmentation of the text up to a place ends with [begin, place). */
typedef struct Path {
  double score;
  uint32_t begin;
  int32_t id; /* -1: the place is not reached; -2: an unknown character */
} Path;

static void offer(Path *p, double score, size_t begin, int32_t id) {
  if (p->id == -1 || score > p->score) *p = (Path){score, (uint32_t)begin, id};
}

/* Extends the paths that end at `at` by each token that begins there, or by one unknown character. */
static size_t extend(const Tokenizer *t, const char *word, size_t length, size_t at, const EncodeOptions *o,
                     Path *paths) {
  const size_t character = utf8_character(word + at, length - at), n = character ? character : 1;
  bool known = false;
  uint32_t node = 0;
  for (size_t i = at; i < length && (node = trie_child(&t->trie, node, word[i])); i++) {
    const int32_t id = t->trie.values.data[node];
    if (id == -1 || (id >= 0 && !model_finds(t, id, o, word, length, at, i + 1))) continue;
    const double score = id >= 0 ? t->scores.data[id] : t->unlisted.data[-2 - id];
    offer(&paths[i + 1], paths[at].score + score, at, id < 0 ? t->unknown : id == t->unknown ? -2 : id);
    known |= i + 1 - at == n;
  }
  if (!known) offer(&paths[at + n], paths[at].score + t->least_score - unknown_penalty, at, -2);
  return n;
}

/* A stretch of unknown characters becomes bytes, or one unknown token. */
static void add_stretch(const Tokenizer *t, const char *text, size_t length, Ids *out) {
  int64_t id;
  vec_reserve(out, out->count + length);
  if (tokenizer_find_text(t, text, length, &id) && !t->pieces.data[id].special)
    vec_push(out, (int32_t)id);
  else if (encode_bytes(t, text, length, out->data + out->count))
    out->count += length;
  else if (t->unknown >= 0)
    vec_push(out, t->unknown);
}

static void encode(const Tokenizer *t, const char *word, size_t length, EncodeOptions *o, Ids *out) {
  enum { SHORT = 128 };
  Path few[SHORT + 1], *paths = length <= SHORT ? few : mem_alloc((length + 1) * sizeof *paths);
  size_t *ends = mem_alloc((length + 1) * sizeof *ends), count = 0;
  for (size_t i = 0; i <= length; i++) paths[i] = (Path){0, 0, -1};
  for (size_t at = 0; at < length;) at += extend(t, word, length, at, o, paths);
  for (size_t at = length; at; at = paths[at].begin) ends[count++] = at;
  while (count) {
    size_t end = ends[--count];
    const size_t begin = paths[end].begin;
    if (paths[end].id >= 0) {
      vec_push(out, paths[end].id);
      continue;
    }
    while (count && paths[ends[count - 1]].id == -2) end = ends[--count];
    add_stretch(t, word + begin, end - begin, out);
  }
  mem_free(ends);
  if (paths != few) mem_free(paths);
}

void unigram_prepare(Tokenizer *t) {
  t->least_score = INFINITY;
  for (size_t i = 0; i < t->scores.count; i++) t->least_score = fmin(t->least_score, t->scores.data[i]);
  for (size_t i = 0; i < t->unlisted.count; i++) t->least_score = fmin(t->least_score, t->unlisted.data[i]);
  for (size_t i = 0; i < t->scores.count; i++)
    if (!isnan(t->scores.data[i]) && t->pieces.data[i].kind == PIECE_TEXT)
      *trie_put(&t->trie, t->pieces.data[i].name, strlen(t->pieces.data[i].name)) = (int32_t)i;
}

const ModelKind model_Unigram = {
    .type = "Unigram", .members = "unk_id|vocab|byte_fallback|unlisted|", .read = read, .encode = encode};
