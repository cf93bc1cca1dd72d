#include "data/pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/pairs_impl.h"
#include "text/normalize.h"

#include "base/settings_table.h"

#include "data/pair_settings.def"

void pairs_free(Pairs *p) {
  if (!p) return;
  for (size_t i = 0; i < p->file_count; i++) {
    text_file_close(&p->files[i].text);
    mem_free(p->files[i].decoded);
    mem_free(p->file_names[i]);
  }
  if (!p->borrows) {
    mem_free(p->turns);
    mem_free(p->roles);
    mem_free(p->file_names);
    for (size_t i = 0; i < p->member_count; i++) mem_free(p->members[i].json);
    mem_free(p->members);
  }
  mem_free(p->files);
  mem_free(p->examples);
  mem_free(p);
}

const TurnMembers *turn_members(const Pairs *p, size_t turn) {
  size_t low = 0, high = p->member_count;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (p->members[middle].turn < turn)
      low = middle + 1;
    else
      high = middle;
  }
  return low < p->member_count && p->members[low].turn == turn ? &p->members[low] : NULL;
}

const char *example_needs_template(const Pairs *p, const Example *e) {
  for (size_t i = e->first; i < e->first + e->turns; i++) {
    if (p->roles[i] == ROLE_VARIABLES) return _("tools or other variables of a chat template");
    if (p->roles[i] == ROLE_TOOL) return _("results of tools");
    if (turn_members(p, i)) return _("messages with more than a role and a text, such as tool calls");
  }
  return NULL;
}

const char *example_location(const Pairs *p, const Example *e, char buf[PATH_CAPACITY]) {
  const char *name = p->file_names[e->file];
  snprintf(buf, PATH_CAPACITY, "%.4000s:%zu", name, e->line);
  return buf;
}

/* ---- held out ---- */

/* Appends a text in lower case and NFKC, with white space collapsed. */
static void add_key(const Document *d, Buffer *out) {
  Buffer text = {0};
  normalize_loosely(d->text, d->length, &text);
  for (size_t i = 0; i < text.length; i++) {
    const bool space = is_blank(text.data + i, 1);
    if (!space || (out->length && out->data[out->length - 1] != ' '))
      buffer_add(out, space ? " " : text.data + i, 1);
  }
  buffer_add(out, " ", 1);
  buffer_free(&text);
}

uint64_t source_key(const Pairs *p, const Example *e) {
  Buffer key = {0};
  const size_t turns = example_is_pair(e) ? 1 : e->turns - (e->verdict != VERDICT_NONE);
  for (size_t i = 0; i < turns; i++) {
    const TurnMembers *m = turn_members(p, e->first + i);
    add_key(example_turn(p, e, i), &key);
    if (m) buffer_adds(&key, m->json);
  }
  const uint64_t hash = hash_bytes(key.data, key.length, random_stream("hold out"));
  buffer_free(&key);
  return hash;
}

uint64_t turn_hash(const Pairs *p, size_t turn, uint64_t hash) {
  const TurnMembers *m = turn_members(p, turn);
  hash = hash_bytes(p->turns[turn].text, p->turns[turn].length, hash);
  return m ? hash_bytes(m->json, strlen(m->json), hash) : hash;
}

bool pairs_converse(const Pairs *p) {
  for (size_t i = 0; i < p->count; i++)
    if (!example_is_pair(&p->examples[i])) return true;
  return false;
}

void pairs_fingerprint(Pairs *p) {
  p->fingerprint = 0;
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    p->fingerprint = hash_bytes(&p->roles[e->first], e->turns, p->fingerprint);
    if (e->verdict) p->fingerprint = hash_bytes(&e->verdict, sizeof e->verdict, p->fingerprint);
    const size_t turns = e->turns + (e->verdict == VERDICT_PREFERRED ? e->references : 0);
    for (size_t k = 0; k < turns; k++) p->fingerprint = turn_hash(p, e->first + k, p->fingerprint);
  }
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Where an example stands between 0 and 1 by the hash of its source; equal sources stay together. */
static double place_of(const Pairs *p, const Example *e) {
  return (double)(source_key(p, e) >> 11) * 0x1p-53;
}

/* The place below which examples are held out: the share, unless all or none of few sources stand below it;
 * then that of the first one that is kept, so that their number is the share of all sources. */
static double hold_out_below(const Pairs *p, double share) {
  double *places = mem_alloc_zeroed(p->count + 1, sizeof *places);
  size_t different = 0, below = 0;
  for (size_t i = 0; i < p->count; i++) places[i] = place_of(p, &p->examples[i]);
  if (p->count) qsort(places, p->count, sizeof *places, by_value);
  for (size_t i = 0; i < p->count; i++)
    if (!i || places[i] != places[i - 1]) places[different++] = places[i];
  while (below < different && places[below] < share) below++;
  if (different > 1 && (!below || below == different)) {
    const double wanted = nearbyint(share * (double)different);
    share = places[wanted < 1 ? 1 : wanted < (double)different ? (size_t)wanted : different - 1];
  }
  mem_free(places);
  return share;
}

Pairs *pairs_hold_out(Pairs *p, double share, Error *err) {
  const double below = hold_out_below(p, share);
  Pairs *held = mem_alloc_zeroed(1, sizeof *held);
  *held = *p;
  held->files = NULL;
  held->borrows = true;
  held->file_count = 0;
  held->left_out = (PairsLeftOut){0};
  held->examples = mem_alloc((p->count + 1) * sizeof *held->examples);
  held->count = 0;
  size_t kept = 0;
  for (size_t i = 0; i < p->count; i++) {
    const bool out = place_of(p, &p->examples[i]) < below;
    *(out ? &held->examples[held->count++] : &p->examples[kept++]) = p->examples[i];
  }
  p->count = kept;
  pairs_fingerprint(p);
  pairs_fingerprint(held);
  if (kept && held->count) return held;
  fail(err,
       "examples with two different sources are needed to hold some out: give more data, --valid, or "
       "--holdout 0");
  pairs_free(held);
  return NULL;
}

/* ---- as a source ---- */

typedef struct Source {
  const Pairs *pairs;
  unsigned roles;
  size_t example, turn;
} Source;

static void source_rewind(void *self) {
  Source *s = self;
  s->example = s->turn = 0;
}

static bool source_next(void *self, const char **text, size_t *length, Error *err) {
  Source *s = self;
  (void)err;
  for (; s->example < s->pairs->count; s->example++, s->turn = 0) {
    const Example *e = &s->pairs->examples[s->example];
    for (; s->turn < e->turns; s->turn++) {
      if (!(s->roles >> s->pairs->roles[e->first + s->turn] & 1)) continue;
      const Document *d = example_turn(s->pairs, e, s->turn++);
      *text = d->text;
      *length = d->length;
      return true;
    }
  }
  return false;
}

TextSource pairs_source(const Pairs *p, unsigned roles) {
  const char *text;
  size_t length;
  Source *s = mem_alloc_zeroed(1, sizeof *s);
  TextSource source = {s, source_rewind, source_next, 0};
  s->pairs = p;
  s->roles = roles;
  while (source_next(s, &text, &length, NULL)) source.bytes += (int64_t)length;
  source_rewind(s);
  return source;
}
