/* pair_masks.c - protected spans of training pairs as tokens (text/masks.h). */
#include <inttypes.h>
#include <string.h>

#include "base/figure.h"
#include "base/language.h"
#include "data/pairs.h"
#include "text/masks.h"

typedef struct PairMasker {
  Pairs *pairs;
  Arena *texts;
  SpanFinder *finder;
  VEC(MapKey) turns; /* of an example */
  Buffer masked;
} PairMasker;

static bool mask_turn(PairMasker *m, Document *turn, bool names, const Masks *masks, Error *err) {
  buffer_clear(&m->masked);
  if (!masks_apply_shared(m->finder, turn->text, turn->length, names, masks, &m->masked, err)) return false;
  if (m->masked.length)
    *turn = (Document){arena_strndup(m->texts, m->masked.data, m->masked.length), m->masked.length};
  return true;
}

/* Which tokens stand for its spans, and whether names are spans, are drawn by the first text: so every token
 * is learnt, and a name both as a token and as itself. */
static bool mask_example(PairMasker *m, const Example *e, bool *any, Error *err) {
  Document *turns = m->pairs->turns + e->first;
  const uint64_t draw = hash_bytes(turns->text, turns->length, 0);
  const bool names = draw >> 32 & 1;
  Masks masks = {.first = (int)(draw % MASKS)};
  m->turns.count = 0;
  for (size_t i = 0; i < e->turns; i++) vec_push(&m->turns, ((MapKey){turns[i].text, turns[i].length}));
  bool ok = masks_shared(m->finder, m->turns.data, m->turns.count, names, &masks, err);
  *any = masks.count > 0;
  for (size_t i = 0; i < e->turns + e->references && ok && *any; i++)
    ok = mask_turn(m, &turns[i], names, &masks, err);
  return ok;
}

bool pairs_mask(Pairs *p, Arena *texts, int64_t *masked, Error *err) {
  PairMasker m = {.pairs = p, .texts = texts, .finder = spans_open(NULL, err)};
  bool ok = m.finder != NULL;
  *masked = 0;
  for (size_t i = 0; i < p->count && ok; i++) {
    bool any;
    ok = mask_example(&m, &p->examples[i], &any, err);
    *masked += any;
  }
  vec_free(&m.turns);
  buffer_free(&m.masked);
  spans_close(m.finder);
  return ok;
}

bool pairs_check_masks(bool masked, const Tokenizer *t, Error *err) {
  if (masked == masks_known(t)) return true;
  return masked
             ? fail_usage(err,
                          "--protect: the tokenizer has no token \"%s\": train a new one (without --from and "
                          "--tokenizer-from), or continue a model that was trained with --protect",
                          mask_name(0))
             : fail_usage(err,
                          "the tokenizer has the token \"%s\", of models that were trained with --protect: "
                          "give --protect, too",
                          mask_name(0));
}
