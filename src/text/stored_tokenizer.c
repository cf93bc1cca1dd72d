#include "text/stored_tokenizer.h"

#include <string.h>

void stored_free(StoredTokenizer *s) {
  buffer_free(&s->steps);
  buffer_free(&s->joined);
  vec_free(&s->tokens);
  vec_free(&s->merges);
  map_free(s->ids);
  *s = (StoredTokenizer){0};
}

void stored_reserve(StoredTokenizer *s, size_t tokens) {
  if (!s->ids) s->ids = map_new();
  map_reserve(s->ids, tokens);
  vec_reserve(&s->tokens, tokens);
}

bool stored_put(StoredTokenizer *s, int64_t id, const char *name, size_t length, double score) {
  CHECK(id >= 0);
  stored_reserve(s, 0);
  while (s->tokens.count <= (size_t)id) vec_push(&s->tokens, (StoredToken){0});
  CHECK(!s->tokens.data[id].name);
  const size_t before = map_count(s->ids);
  map_slot(s->ids, name, length, id);
  if (map_count(s->ids) == before) return false;
  s->tokens.data[id] = (StoredToken){map_at(s->ids, before, NULL, NULL), score};
  return true;
}

/* ---- merges ---- */

NamePair name_pair(const char *text, size_t length) {
  const char *space = length ? memchr(text, ' ', length) : NULL;
  if (!space) return (NamePair){0};
  const size_t left = (size_t)(space - text);
  return (NamePair){text, space + 1, left, length - left - 1};
}

/* The name of the result. */
static bool join(StoredTokenizer *s, NamePair p, const char *prefix, const char *where, Error *err) {
  const size_t n = strlen(prefix);
  if (p.right_length < n || memcmp(p.right, prefix, n))
    return fail_damaged(err, "%s: the right token of merge %zu lacks \"%s\"", where, s->merges.count, prefix);
  buffer_clear(&s->joined);
  buffer_add(&s->joined, p.left, p.left_length);
  buffer_add(&s->joined, p.right + n, p.right_length - n);
  return true;
}

bool stored_merge(StoredTokenizer *s, NamePair p, const char *prefix, const char *where, Error *err) {
  enum { NAMES = 3 };
  if (!p.left) return fail_damaged(err, "%s: merge %zu is not a pair of tokens", where, s->merges.count);
  if (!join(s, p, prefix, where, err)) return false;
  const MapKey names[NAMES] = {
      {p.left, p.left_length}, {p.right, p.right_length}, {s->joined.data, s->joined.length}};
  int64_t ids[NAMES];
  stored_reserve(s, 0);
  map_get_all(s->ids, names, NAMES, ids);
  for (int i = 0; i < NAMES; i++)
    if (ids[i] < 0)
      return fail_damaged(err, "%s: merge %zu uses \"%.*s\", which is not a token", where, s->merges.count,
                          (int)names[i].length, (const char *)names[i].bytes);
  vec_push(&s->merges, ((Merge){(int32_t)ids[0], (int32_t)ids[1], (int32_t)ids[2]}));
  return true;
}
