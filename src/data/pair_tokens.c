/* pair_tokens.c - the turns of pairs and conversations as token ids. */
#include <inttypes.h>
#include <string.h>

#include "base/figure.h"
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
  report_turns(p, SOURCE, p->pairs->labelled ? _("text") : _("source"), news);
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

/* ---- prompt and target as one text ---- */

/* Prompt, and prompt with target, of each example; `bytes` has the latter. The caller frees both. */
static Document *joined_texts(const Pairs *p, char **bytes) {
  Document *texts = mem_alloc_zeroed(2 * p->count + 1, sizeof *texts);
  size_t length = 1;
  for (size_t i = 0; i < p->count; i++)
    length += example_turn(p, &p->examples[i], 0)->length + example_turn(p, &p->examples[i], 1)->length;
  char *at = *bytes = mem_alloc(length);
  for (size_t i = 0; i < p->count; i++) {
    const Document *prompt = example_turn(p, &p->examples[i], 0),
                   *target = example_turn(p, &p->examples[i], 1);
    texts[2 * i] = *prompt;
    texts[2 * i + 1] = (Document){at, prompt->length + target->length};
    memcpy(at, prompt->text, prompt->length);
    memcpy(at + prompt->length, target->text, target->length);
    at += prompt->length + target->length;
  }
  return texts;
}

/* Tokens that an example's prompt and its whole text begin with. */
static int64_t common_tokens(const Encoded *e, size_t example) {
  const int64_t *starts = e->starts + 2 * example, most = starts[1] - starts[0],
                whole = starts[2] - starts[1];
  int64_t n = 0;
  while (n < most && n < whole && e->tokens[starts[0] + n] == e->tokens[starts[1] + n]) n++;
  return n;
}

typedef struct Joining {
  PairTokens *tokens;
  const Encoded *joined;
  Encoded divided; /* the new tokens */
  int64_t shared;  /* targets with a token of their prompt */
  size_t first;    /* one of them */
} Joining;

static bool divide(Joining *j, size_t example, int64_t prompt, Error *err) {
  const int64_t *starts = j->joined->starts + 2 * example, whole = starts[2] - starts[1];
  int64_t *to = j->divided.starts + j->tokens->pairs->examples[example].first;
  if (prompt < starts[1] - starts[0] && !j->shared++) j->first = example;
  to[1] = to[0] + prompt;
  to[2] = to[0] + whole;
  return spool_add(&j->divided.store, j->joined->tokens + starts[1], (size_t)whole * sizeof(int32_t), err);
}

static bool divide_all(Joining *j, size_t together, Error *err) {
  const Pairs *p = j->tokens->pairs;
  int64_t *starts = j->divided.starts;
  size_t turn = 0;
  bool ok = true;
  for (size_t i = 0; ok && i < p->count; i++) {
    const size_t group = i - i % together;
    int64_t prompt = INT64_MAX;
    for (size_t k = group; k < group + together && k < p->count; k++) {
      const int64_t common = common_tokens(j->joined, k);
      if (common < prompt) prompt = common;
    }
    for (CHECK(turn <= p->examples[i].first); turn < p->examples[i].first; turn++)
      starts[turn + 1] = starts[turn];
    ok = divide(j, i, prompt, err);
    turn += 2;
  }
  for (; ok && turn < p->turn_count; turn++) starts[turn + 1] = starts[turn];
  spool_finish(&j->divided.store);
  j->divided.tokens = (const int32_t *)(const void *)j->divided.store.data;
  return ok;
}

static void report_shared(const Joining *j, const News *news) {
  const Pairs *p = j->tokens->pairs;
  char n[FIGURE_SIZE], where[PATH_CAPACITY];
  if (j->shared && p->file_names)
    news_note(news,
              "%s with a token that begins in the prompt, which counts as part of the text; the first: %s",
              figure_of(n, j->shared, N_("example")), example_location(p, &p->examples[j->first], where));
}

bool pairs_join(PairTokens *tokens, size_t together, const Tokenizer *t, const News *news, Error *err) {
  const Pairs *p = tokens->pairs;
  for (size_t i = 0; i < p->count; i++)
    if (!example_is_pair(&p->examples[i])) return true; /* is refused */
  char *bytes;
  Encoded joined;
  Document *texts = joined_texts(p, &bytes);
  bool ok = texts_encode(&joined, &(Encoder){.tokenizers = {t}, .begin = -1, .end = -1}, texts, 2 * p->count,
                         news, err);
  mem_free(texts);
  mem_free(bytes);
  if (!ok) return false;
  Joining j = {.tokens = tokens, .joined = &joined, .divided = {.count = (int64_t)p->turn_count}};
  j.divided.starts = mem_alloc_zeroed(p->turn_count + 1, sizeof *j.divided.starts);
  if ((ok = divide_all(&j, together, err))) report_shared(&j, news);
  Encoded old = ok ? tokens->ids : j.divided;
  if (ok) tokens->ids = j.divided;
  encoded_free(&old);
  encoded_free(&joined);
  return ok;
}

void pair_tokens_free(PairTokens *p) {
  encoded_free(&p->ids);
  mem_free(p->labels);
}
