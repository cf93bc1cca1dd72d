/* text_material.c - running text as training material: documents and windows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "data/dataset.h"
#include "data/material.h"

#include "base/settings_table.h"

#include "data/windows.def"

typedef struct TextMaterial {
  Material base;
  const TextSettings *text;
  const DataSettings *data;
  const DocumentSettings *documents;
  const WindowSettings *windows;
  const char *file; /* the first */
  Corpus *corpus, *held_out;
  Dataset dataset, valid;
} TextMaterial;

static void count_part(MaterialPart *part, const Corpus *c) {
  *part = (MaterialPart){.examples = (int64_t)c->count,
                         .bytes = c->bytes,
                         .characters = c->characters,
                         .fingerprint = c->fingerprint};
}

static void free_text(Material *base) {
  TextMaterial *m = (TextMaterial *)base;
  dataset_free(&m->dataset);
  dataset_free(&m->valid);
  corpus_free(m->corpus);
  corpus_free(m->held_out);
  mem_free(m);
}

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static uint64_t hash_of(const Document *d) {
  return hash_bytes(d->text, d->length, 1);
}

/* How many documents of `held` are documents of `train`, too. */
static size_t count_common(const Corpus *train, const Corpus *held) {
  uint64_t *hashes = mem_alloc_zeroed(train->count, sizeof *hashes);
  size_t common = 0;
  for (size_t i = 0; i < train->count; i++) hashes[i] = hash_of(&train->documents[i]);
  qsort(hashes, train->count, sizeof *hashes, by_value);
  for (size_t i = 0; i < held->count; i++) {
    const uint64_t hash = hash_of(&held->documents[i]);
    common += bsearch(&hash, hashes, train->count, sizeof hash, by_value) != NULL;
  }
  mem_free(hashes);
  return common;
}

/* Some common lines are usual, as in dialogues, and only noted. */
static void report_common(const TextMaterial *m) {
  const size_t common = count_common(m->corpus, m->held_out), all = m->held_out->count;
  if (2 * common >= all)
    news_warning(&m->base.news,
                 "%zu of %zu documents of --valid are in the training text, too: their loss says nothing "
                 "about new text; give other text, or leave out --valid to hold some out",
                 common, all);
  else if (common)
    news_note(&m->base.news, "%zu of %zu documents of --valid are in the training text, too", common, all);
}

static bool open_held_out(TextMaterial *m, Error *err) {
  const TextList *valid = &m->data->valid;
  if (valid->count) {
    m->held_out = corpus_open((const char *const *)valid->items, valid->count, m->text, m->documents,
                              &m->base.news, err);
    if (m->held_out) report_common(m);
    return m->held_out != NULL;
  }
  if (m->data->holdout <= 0) return true;
  m->held_out = corpus_hold_out(m->corpus, m->data->holdout, err);
  return m->held_out ||
         fail_prefix(err, "no text could be held out for evaluation (give --valid FILE, or --holdout 0)");
}

static Material *open_text(const Task *task, const TextList *files, const Settings *settings,
                           const News *news, Error *err) {
  TextMaterial *m = mem_alloc_zeroed(1, sizeof *m);
  m->base = (Material){.kind = &material_text, .task = task, .settings = settings, .news = *news};
  m->text = settings_part(settings, &text_settings_table);
  m->data = settings_part(settings, &data_settings_table);
  m->documents = settings_part(settings, &document_settings_table);
  m->windows = settings_part(settings, &window_settings_table);
  m->file = files->items[0];
  m->corpus = corpus_open((const char *const *)files->items, files->count, m->text, m->documents, news, err);
  if (!m->corpus || !open_held_out(m, err)) {
    free_text(&m->base);
    return NULL;
  }
  count_part(&m->base.train, m->corpus);
  m->base.has_held = m->held_out != NULL;
  if (m->held_out) count_part(&m->base.held, m->held_out);
  return &m->base;
}

static TextSource text_source(const Material *base, MaterialSide side) {
  (void)side;
  return corpus_source(((const TextMaterial *)base)->corpus);
}

/* The token from which a new text starts: the tokenizer's begin token or, with several documents, the end
 * token of the previous one. */
static int32_t begin_of(const TextMaterial *m, const Tokenizer *t) {
  if (tokenizer_begin(t) >= 0) return tokenizer_begin(t);
  return m->corpus->count > 1 ? tokenizer_end(t) : -1;
}

/* Held-out documents are scored independently, as the model would generate them. */
static bool encode_text(Material *base, const Tokenizer *tokenizer, Error *err) {
  TextMaterial *m = (TextMaterial *)base;
  const int32_t begin = tokenizer_begin(tokenizer), end = tokenizer_end(tokenizer);
  /* In a stream, the end token of one document may be the begin token of the next. */
  const DocumentTokens train = {begin == end ? -1 : begin, end}, held = {begin_of(m, tokenizer), end};
  if (!dataset_encode(&m->dataset, m->corpus, tokenizer, train, &base->news, err) ||
      (m->held_out && !dataset_encode(&m->valid, m->held_out, tokenizer, held, &base->news, err)))
    return false;
  base->train.tokens = m->dataset.count;
  base->held.tokens = m->valid.count;
  return true;
}

/* The beginning of a single document is seen once an epoch, and nothing after its end token. Most like it is
 * the beginning of a line: returns the most frequent token that ends one or, if lines are rare, of all. */
static int32_t opening_of(const TextMaterial *m, const Tokenizer *t) {
  enum { LEARNT = 16 };
  if (m->corpus->count > 1) return -1;
  const int32_t size = (int32_t)tokenizer_size(t);
  int64_t *counts = mem_alloc_zeroed((size_t)size, sizeof *counts);
  int32_t line = -1, any = 0;
  for (int64_t i = 0; i < m->dataset.count; i++) counts[m->dataset.tokens[i]]++;
  for (int32_t id = 0; id < size; id++) {
    size_t length = 0;
    const char *text = tokenizer_piece(t, id, &length);
    const bool ends = length && text[length - 1] == '\n';
    if (counts[id] > counts[any]) any = id;
    if (ends && counts[id] >= LEARNT && (line < 0 || counts[id] > counts[line])) line = id;
  }
  mem_free(counts);
  return line >= 0 ? line : any;
}

static bool by_document(const TextMaterial *m) {
  return !strcmp(m->windows->windows, "document");
}

/* Needs at least one window. */
static bool fit_text(Material *base, const Tokenizer *tokenizer, bool encodes, int64_t context, Error *err) {
  const TextMaterial *m = (const TextMaterial *)base;
  const int64_t tokens = m->dataset.count;
  const int32_t end = tokenizer_end(tokenizer);
  base->tokens = (MaterialTokens){begin_of(m, tokenizer), end, -1, -1, opening_of(m, tokenizer)};
  if (encodes)
    return fail_usage(err,
                      "an encoder-decoder model needs pairs of source and target and cannot be trained on "
                      "running text: give another architecture, such as --arch llama");
  if (tokens > context || by_document(m)) return true;
  char advice[64] = "";
  if (tokens > 1) snprintf(advice, sizeof advice, _(", or a --context of %" PRId64 " or less"), tokens - 1);
  return fail(err,
              "%s: the text is %" PRId64 " tokens long, not more than the context of %" PRId64
              ": give more text%s",
              m->file, tokens, context, advice);
}

static Batches *training_batches(const Material *base, BatchSize size, uint64_t seed, Error *err) {
  const TextMaterial *m = (const TextMaterial *)base;
  const int64_t most = size.tokens / base->context;
  return windows_batches(&m->dataset,
                         size.sequences ? size.sequences
                         : most > 0     ? most
                                        : 1,
                         base->context, by_document(m), seed, &base->news, err);
}

static Batches *evaluation_batches(const Material *base, BatchSize size, int64_t time, int64_t limit,
                                   Error *err) {
  const TextMaterial *m = (const TextMaterial *)base;
  return windows_eval_batches(&m->valid, time, size.tokens, limit, err);
}

const MaterialKind material_text = {N_("running text"),
                                    {&document_settings_table, &window_settings_table},
                                    NULL,
                                    false,
                                    open_text,
                                    free_text,
                                    text_source,
                                    encode_text,
                                    fit_text,
                                    training_batches,
                                    evaluation_batches,
                                    NULL};
