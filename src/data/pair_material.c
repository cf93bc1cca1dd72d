/* pair_material.c - pairs and conversations as training material. */
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/language.h"
#include "base/random.h"
#include "data/material.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "data/pair_training.def"

typedef struct PairMaterial {
  Material base;
  const TextSettings *text;
  const DataSettings *data;
  const PairSettings *pair;
  const PairTrainingSettings *training;
  Pairs *train, *held;
  Arena *masked;   /* texts of both with --protect; NULL: the texts are as they were read */
  Pairs *versions; /* the training pairs repeated, for BPE-dropout */
  PairTokens tokens, held_tokens;
  PairLayout layout;
  Labels labels; /* of labelled texts */
} PairMaterial;

static void count_part(MaterialPart *part, const Pairs *p) {
  *part = (MaterialPart){.examples = (int64_t)p->count, .fingerprint = p->fingerprint};
  for (size_t i = 0; i < p->count; i++)
    for (size_t k = 0; k < p->examples[i].turns; k++) {
      const Document *turn = example_turn(p, &p->examples[i], k);
      part->bytes += (int64_t)turn->length;
      part->characters += utf8_count(turn->text, turn->length);
    }
}

static void free_pairs(Material *base) {
  PairMaterial *m = (PairMaterial *)base;
  pair_tokens_free(&m->tokens);
  pair_tokens_free(&m->held_tokens);
  labels_free(&m->labels);
  pairs_free(m->versions);
  pairs_free(m->held);
  pairs_free(m->train);
  arena_free(m->masked);
  mem_free(m);
}

static bool labelled(const Material *m) {
  return task_has_labels(m->task);
}

static Pairs *read_files(const PairMaterial *m, const TextList *files, Error *err) {
  const PairsKind kind = labelled(&m->base)   ? PAIRS_LABELLED
                         : m->base.task->chat ? PAIRS_CONVERSATIONS
                                              : PAIRS_TEXTS;
  return pairs_open((const char *const *)files->items, files->count, kind, m->text, m->pair, &m->base.news,
                    err);
}

/* Of a label that chance would hold out as a whole, nothing could be learnt. */
static void return_labels(PairMaterial *m) {
  char n[FIGURE_SIZE];
  const int64_t returned = labels_return(m->train, m->held);
  if (returned)
    news_note(&m->base.news, "%s of labels without others to learn from: not held out",
              figure_of(n, returned, N_("text")));
}

static bool open_both(PairMaterial *m, const TextList *files, Error *err) {
  PairsReport report;
  if (!(m->train = read_files(m, files, err))) return false;
  const bool given = m->data->valid.count > 0;
  if (given)
    m->held = read_files(m, &m->data->valid, err);
  else if (m->data->holdout > 0)
    m->held = pairs_hold_out(m->train, m->data->holdout, err);
  if (!m->held && (given || m->data->holdout > 0)) return false;
  if (labelled(&m->base) && m->held && !given) return_labels(m);
  const unsigned read = m->train->read | (given ? m->held->read : 0);
  return pairs_check_given(read, m->base.settings, &m->base.news, err) &&
         pairs_check(m->train, m->held, m->training, &report, &m->base.news, err);
}

/* Held-out pairs, too: they are what the model will read. */
static bool mask_both(PairMaterial *m, Error *err) {
  char n[FIGURE_SIZE];
  int64_t masked, held;
  if (!m->training->protect) return true;
  m->masked = arena_new(0);
  m->base.masked = true;
  if (!pairs_mask(m->train, m->masked, &masked, err) ||
      (m->held && !pairs_mask(m->held, m->masked, &held, err)))
    return false;
  news_note(&m->base.news, "protected: %s with spans that the model learns to copy",
            figure_of(n, masked, N_("example")));
  return true;
}

static Material *open_pairs(const Task *task, const TextList *files, const Settings *settings,
                            const News *news, Error *err) {
  PairMaterial *m = mem_alloc_zeroed(1, sizeof *m);
  m->base = (Material){.kind = task->material, .task = task, .settings = settings, .news = *news};
  m->text = settings_part(settings, &text_settings_table);
  m->data = settings_part(settings, &data_settings_table);
  m->pair = settings_part(settings, &pair_settings_table);
  m->training = settings_part(settings, &pair_training_settings_table);
  m->base.two_vocabularies = !strcmp(m->training->vocabularies, "separate");
  const bool may =
      !m->base.two_vocabularies || !task->chat ||
      fail_usage(err,
                 "--vocabularies separate does not apply to conversations, because both speakers share "
                 "one language: leave it out");
  if (!may || !open_both(m, files, err) || !mask_both(m, err) ||
      (labelled(&m->base) && !labels_of(&m->labels, m->train, news, err))) {
    free_pairs(&m->base);
    return NULL;
  }
  count_part(&m->base.train, m->train);
  m->base.has_held = m->held != NULL;
  if (m->held) count_part(&m->base.held, m->held);
  return &m->base;
}

static TextSource pair_source(const Material *base, MaterialSide side) {
  static const unsigned roles[] = {[BOTH_SIDES] = (1u << ROLE_VARIABLES) - 1,
                                   [SOURCE_SIDE] = 1u << ROLE_USER,
                                   [TARGET_SIDE] = 1u << ROLE_ASSISTANT};
  return pairs_source(((const PairMaterial *)base)->train, roles[side]);
}

enum { VERSIONS = 8 }; /* encodings of each pair with BPE-dropout */

static bool encode_training(PairMaterial *m, const Tokenizer *t, Error *err) {
  const double drop = m->training->bpe_dropout;
  const uint64_t seed = random_stream("bpe dropout");
  if (drop == 0) return pairs_encode(&m->tokens, m->train, tokenizer_source(t), t, &m->base.news, err);
  news_note(&m->base.news, "BPE-dropout: each pair is encoded in %d versions", VERSIONS);
  return pairs_encode_dropping(&m->tokens, m->train, &m->versions, tokenizer_source(t), t, drop, VERSIONS,
                               seed, &m->base.news, err);
}

static bool encode_pairs(Material *base, const Tokenizer *t, Error *err) {
  PairMaterial *m = (PairMaterial *)base;
  if (!labelled(base) && !pairs_check_masks(base->masked, t, err)) return false;
  if (!encode_training(m, t, err)) return false;
  base->train.tokens = m->tokens.ids.starts[m->tokens.ids.count];
  if (!m->held) return true;
  if (!pairs_encode(&m->held_tokens, m->held, tokenizer_source(t), t, &(News){0}, err)) return false;
  base->held.tokens = m->held_tokens.ids.starts[m->held_tokens.ids.count];
  return true;
}

static bool by_template(const Material *base, bool encodes) {
  return base->task->chat && base->template && !encodes;
}

static bool fit_template(PairMaterial *m, const Tokenizer *t, int64_t context, Error *err) {
  if (m->training->bpe_dropout > 0)
    return fail_usage(err,
                      "--bpe-dropout does not apply to conversations that the model's chat template lays "
                      "out: leave it out");
  return layout_by_template(&m->layout, m->base.template, t, context, err);
}

static bool fit_pairs(Material *base, const Tokenizer *t, bool encodes, int64_t context, Error *err) {
  PairMaterial *m = (PairMaterial *)base;
  const bool ok = by_template(base, encodes)
                      ? fit_template(m, t, context, err)
                      : layout_find(&m->layout, base->task, t, encodes, context, NULL, err);
  if (!ok) return false;
  layout_keep(&m->layout, base->kept.start, base->kept.pad);
  const char *turns = m->layout.template ? _("by the model's chat template") : layout_turns(t);
  if (base->task->chat && turns) news_note(&base->news, "turns are formatted %s", turns);
  m->layout.drop_long = !strcmp(m->training->too_long, m->layout.template ? "auto" : "drop") ||
                        !strcmp(m->training->too_long, "drop");
  m->layout.pack = m->training->pack;
  base->tokens = (MaterialTokens){-1, layout_end(&m->layout), m->layout.start, m->layout.pad, -1};
  return true;
}

/* ---- labels ---- */

static TextSource labelled_source(const Material *base, MaterialSide side) {
  (void)side;
  return pair_source(base, SOURCE_SIDE);
}

/* With those of the base model, if they are the same, its head goes on learning. */
static bool fit_labelled(Material *base, const Tokenizer *t, bool encodes, int64_t context, Error *err) {
  PairMaterial *m = (PairMaterial *)base;
  const Labels *kept = base->kept_labels;
  base->labels = kept && labels_same(kept, &m->labels) ? kept : &m->labels;
  CHECK(!encodes);
  if (!layout_of_labels(&m->layout, t, context, err) ||
      (m->held && !labels_check(base->labels, m->held, err)))
    return false;
  labels_index(base->labels, &m->tokens);
  if (m->held) labels_index(base->labels, &m->held_tokens);
  layout_keep(&m->layout, -1, base->kept.pad);
  m->layout.drop_long = strcmp(m->training->too_long, "truncate") != 0;
  m->layout.pack = m->training->pack;
  base->tokens = (MaterialTokens){-1, m->layout.end, -1, m->layout.pad, -1};
  return true;
}

static Batches *training_batches(const Material *base, BatchSize size, uint64_t seed, Error *err) {
  const PairMaterial *m = (const PairMaterial *)base;
  return pair_batches(&m->tokens, &m->layout, size.sequences, size.tokens, seed, &base->news, err);
}

static Batches *evaluation_batches(const Material *base, BatchSize size, int64_t time, int64_t limit,
                                   Error *err) {
  const PairMaterial *m = (const PairMaterial *)base;
  PairLayout whole = m->layout;
  (void)time;
  whole.drop_long = false;
  return pair_eval_batches(&m->held_tokens, &whole, size.sequences, size.tokens, limit, &(News){0}, err);
}

/* The context an example needs: its longest two consecutive turns (with an encoder: its longest turn) and the
 * tokens around them. */
static int64_t example_need(const PairTokens *p, const Example *e, bool encodes) {
  enum { AROUND = 4 };
  const int64_t *starts = p->ids.starts + e->first;
  int64_t most = 0;
  for (size_t i = 1; i < e->turns; i++) {
    const int64_t before = starts[i] - starts[i - 1], own = starts[i + 1] - starts[i];
    const int64_t need = (encodes ? before > own ? before : own : before + own) + AROUND;
    if (need > most) most = need;
  }
  return most;
}

static int by_length(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int64_t need_of_pairs(const Material *base, bool encodes, double share) {
  const PairMaterial *m = (const PairMaterial *)base;
  const Pairs *p = m->tokens.pairs;
  int64_t *needs = mem_alloc_zeroed(p->count + 1, sizeof *needs);
  for (size_t i = 0; i < p->count; i++) needs[i] = example_need(&m->tokens, &p->examples[i], encodes);
  if (p->count) qsort(needs, p->count, sizeof *needs, by_length);
  const size_t at = (size_t)(share * (double)p->count);
  const int64_t need = p->count ? needs[at < p->count ? at : p->count - 1] : 0;
  mem_free(needs);
  return need;
}

const MaterialKind material_pairs = {N_("pairs and conversations"),
                                     {&pair_settings_table, &pair_training_settings_table},
                                     NULL,
                                     false,
                                     open_pairs,
                                     free_pairs,
                                     pair_source,
                                     encode_pairs,
                                     fit_pairs,
                                     training_batches,
                                     evaluation_batches,
                                     need_of_pairs};

static const char *const without_labels[] = {"max_ratio", "vocabularies", "protect", NULL};

const MaterialKind material_labels = {
    N_("labelled texts"), {&pair_settings_table, &pair_training_settings_table},
    without_labels,       false,
    open_pairs,           free_pairs,
    labelled_source,      encode_pairs,
    fit_labelled,         training_batches,
    evaluation_batches,   need_of_pairs};

const Pairs *material_examples(const Material *base) {
  const PairMaterial *m = (const PairMaterial *)base;
  if (base->kind != &material_pairs) return NULL;
  return m->held ? m->held : m->train;
}

const PairLayout *material_layout(const Material *base) {
  return base->kind == &material_pairs ? &((const PairMaterial *)base)->layout : NULL;
}
