/* pair_tokens.c - the turns of pairs and conversations as token ids. */
#include <inttypes.h>
#include <string.h>

#include "base/language.h"
#include "data/pair_batches.h"

enum { SOURCE, TARGET, EACH };

/* `side` of a pair, or each turn. */
static void report_turns(const PairTokens *p, size_t side, const char *name, const News *news) {
  VEC(int64_t) lengths = {0};
  for (size_t i = 0; i < p->pairs->count; i++) {
    const Example *e = &p->pairs->examples[i];
    for (size_t k = 0; k < e->turns; k++)
      if (side == EACH || side == k)
        vec_push(&lengths, p->ids.starts[e->first + k + 1] - p->ids.starts[e->first + k]);
  }
  const Lengths l = lengths_of(lengths.data, lengths.count);
  vec_free(&lengths);
  news_note(news,
            "%s: %" PRId64 " tokens at the median, %.1f on average, 95 of 100 up to %" PRId64
            ", at most %" PRId64,
            name, l.median, l.mean, l.high, l.most);
}

static void report_lengths(const PairTokens *p, const News *news) {
  if (pairs_converse(p->pairs)) {
    report_turns(p, EACH, _("a turn"), news);
    return;
  }
  report_turns(p, SOURCE, p->pairs->labelled ? _("a text") : _("source"), news);
  if (p->pairs->labelled) return;
  report_turns(p, TARGET, _("target"), news);
}

/* The turns of these examples; references and turns of other examples are left empty. */
static Document *wanted_turns(const Pairs *p, uint8_t *which) {
  Document *texts = mem_alloc_zeroed(p->turn_count + 1, sizeof *texts);
  for (size_t i = 0; i < p->count; i++) {
    const Example *e = &p->examples[i];
    for (size_t k = e->first; k < e->first + e->turns; k++) {
      which[k] = p->roles[k] == ROLE_ASSISTANT;
      if (!p->labelled || !which[k]) texts[k] = p->turns[k]; /* labels have no tokens */
    }
  }
  return texts;
}

static bool encode(PairTokens *p, const Pairs *pairs, Encoder encoder, const News *news, Error *err) {
  uint8_t *which = mem_alloc_zeroed(pairs->turn_count + 1, sizeof *which);
  Document *texts = wanted_turns(pairs, which);
  encoder.which = which;
  encoder.begin = encoder.end = -1;
  *p = (PairTokens){.pairs = pairs};
  const bool ok = texts_encode(&p->ids, &encoder, texts, pairs->turn_count, news, err);
  mem_free(texts);
  mem_free(which);
  if (!ok) return false;
  report_lengths(p, news);
  return true;
}

bool pairs_encode(PairTokens *p, const Pairs *pairs, const Tokenizer *source, const Tokenizer *target,
                  const News *news, Error *err) {
  return encode(p, pairs, (Encoder){.tokenizers = {source, target}}, news, err);
}

/* ---- BPE-dropout ---- */

static Pairs *repeat(const Pairs *p, size_t versions) {
  Pairs *many = mem_alloc_zeroed(1, sizeof *many);
  *many =
      (Pairs){.labelled = p->labelled, .turn_count = p->turn_count * versions, .count = p->count * versions};
  many->turns = mem_alloc_zeroed(many->turn_count + 1, sizeof *many->turns);
  many->roles = mem_alloc_zeroed(many->turn_count + 1, sizeof *many->roles);
  many->examples = mem_alloc_zeroed(many->count + 1, sizeof *many->examples);
  for (size_t v = 0; v < versions; v++) {
    memcpy(many->turns + v * p->turn_count, p->turns, p->turn_count * sizeof *p->turns);
    memcpy(many->roles + v * p->turn_count, p->roles, p->turn_count * sizeof *p->roles);
    memcpy(many->examples + v * p->count, p->examples, p->count * sizeof *p->examples);
    for (size_t i = 0; i < p->count; i++) many->examples[v * p->count + i].first += v * p->turn_count;
  }
  return many;
}

bool pairs_encode_dropping(PairTokens *p, const Pairs *pairs, Pairs **many, const Tokenizer *source,
                           const Tokenizer *target, double drop, int64_t versions, uint64_t seed,
                           const News *news, Error *err) {
  *many = repeat(pairs, (size_t)versions);
  return encode(p, *many, (Encoder){.tokenizers = {source, target}, .drop = drop, .seed = seed}, news, err);
}

void pair_tokens_free(PairTokens *p) {
  encoded_free(&p->ids);
  mem_free(p->labels);
}
