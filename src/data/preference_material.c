/* preference_material.c - preferences and verdicts as training material. */
#include <inttypes.h>
#include <string.h>

#include "base/figure.h"
#include "base/language.h"
#include "data/material.h"
#include "data/preference_batches.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "data/preference.def"

/* A part of the data: its examples, both sides of them, and their tokens. */
typedef struct Part {
  Pairs *pairs, *sides;
  PairTokens tokens;
} Part;

typedef struct PreferenceMaterial {
  Material base;
  const DataSettings *data;
  const PairTrainingSettings *training;
  const PreferenceSettings *preferences;
  Part train, held;
  PairLayout layout;
  bool verdicts; /* each text has one (KTO); pairs are two such texts */
} PreferenceMaterial;

static void free_part(Part *p) {
  pair_tokens_free(&p->tokens);
  pairs_free(p->sides);
  pairs_free(p->pairs);
}

static void free_preferences(Material *base) {
  PreferenceMaterial *m = (PreferenceMaterial *)base;
  free_part(&m->held);
  free_part(&m->train);
  mem_free(m);
}

static Pairs *read_files(const PreferenceMaterial *m, const TextList *files, Error *err) {
  const Settings *s = m->base.settings;
  return pairs_open((const char *const *)files->items, files->count, PAIRS_PREFERENCES,
                    settings_part(s, &text_settings_table), settings_part(s, &pair_settings_table),
                    &m->base.news, err);
}

static bool read_both(PreferenceMaterial *m, const TextList *files, Error *err) {
  const bool given = m->data->valid.count > 0;
  if (!(m->train.pairs = read_files(m, files, err))) return false;
  if (given)
    m->held.pairs = read_files(m, &m->data->valid, err);
  else if (m->data->holdout > 0)
    m->held.pairs = pairs_hold_out(m->train.pairs, m->data->holdout, err);
  return m->held.pairs || (!given && m->data->holdout <= 0);
}

/* ---- the kind of preferences ---- */

static int64_t count_verdict(const Pairs *p, Verdict verdict) {
  int64_t count = 0;
  for (size_t i = 0; i < p->count; i++) count += p->examples[i].verdict == verdict;
  return count;
}

/* By the data, and --method. */
static bool choose_method(PreferenceMaterial *m, const Pairs *p, Error *err) {
  const int64_t pairs = count_verdict(p, VERDICT_PREFERRED), single = (int64_t)p->count - pairs;
  const bool kto = !strcmp(m->preferences->method, "kto"), dpo = !strcmp(m->preferences->method, "dpo");
  m->verdicts = kto || (!dpo && !pairs);
  if (!m->verdicts && single)
    return fail(err,
                "%s: %" PRId64 " of %zu examples have a verdict instead of a chosen and a rejected text: %s",
                p->file_names[0], single, p->count,
                pairs ? _("give --method kto, which learns from both, or leave them out")
                      : _("give --method kto, or preferences"));
  const int64_t good = pairs + count_verdict(p, VERDICT_GOOD), bad = pairs + count_verdict(p, VERDICT_BAD);
  return !m->verdicts || (good && bad) ||
         fail(err, "%s: all verdicts are %s: KTO learns from good and bad texts, give some of both",
              p->file_names[0], good ? _("true") : _("false"));
}

static bool check_method_settings(const PreferenceMaterial *m, Error *err) {
  static const char *const of_kto[] = {"desirable-weight", "undesirable-weight"};
  for (size_t i = 0; i < 2; i++)
    if (!m->verdicts && settings_given(m->base.settings, of_kto[i]))
      return fail_usage(err, "--%s is for verdicts (KTO), but these are pairs of texts: leave it out",
                        of_kto[i]);
  static const char *const of_dpo[] = {"length-norm", "label-smoothing"};
  for (size_t i = 0; i < 2; i++)
    if (m->verdicts && settings_given(m->base.settings, of_dpo[i]))
      return fail_usage(err, "--%s is for pairs (DPO), but these texts have a verdict each: leave it out",
                        of_dpo[i]);
  return true;
}

/* ---- opening ---- */

static void count_part(MaterialPart *to, Part *p) {
  *to = (MaterialPart){.examples = (int64_t)p->pairs->count, .fingerprint = p->pairs->fingerprint};
  p->sides = preference_sides(p->pairs);
  for (size_t i = 0; i < p->sides->count; i++)
    for (size_t k = 0; k < p->sides->examples[i].turns; k++) {
      const Document *turn = example_turn(p->sides, &p->sides->examples[i], k);
      to->bytes += (int64_t)turn->length;
      to->characters += utf8_count(turn->text, turn->length);
    }
}

static void report(const PreferenceMaterial *m) {
  char n[FIGURE_SIZE];
  const char *noun = m->verdicts ? N_("verdict") : N_("preference");
  const int64_t count = (int64_t)(m->verdicts ? m->train.sides : m->train.pairs)->count;
  const int64_t good = count_verdict(m->train.sides, VERDICT_GOOD);
  if (m->verdicts)
    news_note(&m->base.news, "%s, %" PRId64 " of them good: learnt by KTO", figure_of(n, count, noun), good);
  else
    news_note(&m->base.news, "%s: learnt by DPO", figure_of(n, count, noun));
  if (m->held.pairs)
    news_note(&m->base.news, "held out: %s", figure_of(n, (int64_t)m->held.pairs->count, N_("example")));
}

static bool open_parts(PreferenceMaterial *m, const TextList *files, Error *err) {
  if (!read_both(m, files, err) || !choose_method(m, m->train.pairs, err) || !check_method_settings(m, err))
    return false;
  const bool verdicts = m->verdicts;
  if (m->held.pairs && m->data->valid.count) {
    if (!choose_method(m, m->held.pairs, err)) return false;
    if (m->verdicts != verdicts)
      return fail(err,
                  "--valid %s: training data and held-out data are not of the same kind: give pairs or "
                  "verdicts for both",
                  m->data->valid.items[0]);
  }
  count_part(&m->base.train, &m->train);
  if (m->held.pairs) count_part(&m->base.held, &m->held);
  m->base.has_held = m->held.pairs != NULL;
  report(m);
  return true;
}

static Material *open_preferences(const Task *task, const TextList *files, const Settings *settings,
                                  const News *news, Error *err) {
  PreferenceMaterial *m = mem_alloc_zeroed(1, sizeof *m);
  m->base = (Material){.kind = &material_preferences, .task = task, .settings = settings, .news = *news};
  m->data = settings_part(settings, &data_settings_table);
  m->training = settings_part(settings, &pair_training_settings_table);
  m->preferences = settings_part(settings, &preference_settings_table);
  if (open_parts(m, files, err)) return &m->base;
  free_preferences(&m->base);
  return NULL;
}

static TextSource source(const Material *base, MaterialSide side) {
  (void)side;
  return pairs_source(((const PreferenceMaterial *)base)->train.sides, (1u << ROLE_VARIABLES) - 1);
}

/* ---- tokens ---- */

static bool encode_part(Part *p, MaterialPart *to, const Tokenizer *t, const News *news, Error *err) {
  if (!p->sides) return true;
  if (!pairs_encode(&p->tokens, p->sides, tokenizer_source(t), t, news, err)) return false;
  to->tokens = p->tokens.ids.starts[p->tokens.ids.count];
  return true;
}

static bool encode(Material *base, const Tokenizer *t, Error *err) {
  PreferenceMaterial *m = (PreferenceMaterial *)base;
  return encode_part(&m->train, &base->train, t, &base->news, err) &&
         encode_part(&m->held, &base->held, t, &(News){0}, err);
}

static bool join_part(Part *p, MaterialPart *to, bool verdicts, const Tokenizer *t, const News *news,
                      Error *err) {
  if (!p->sides) return true;
  if (!pairs_join(&p->tokens, verdicts ? 1 : 2, t, news, err)) return false;
  to->tokens = p->tokens.ids.starts[p->tokens.ids.count];
  return true;
}

/* Without a template or a layout of pairs, prompt and text are one text. */
static bool join(PreferenceMaterial *m, const Tokenizer *t, Error *err) {
  return join_part(&m->train, &m->base.train, m->verdicts, t, &m->base.news, err) &&
         join_part(&m->held, &m->base.held, m->verdicts, t, &(News){0}, err);
}

static bool fit(Material *base, const Tokenizer *t, bool encodes, int64_t context, Error *err) {
  PreferenceMaterial *m = (PreferenceMaterial *)base;
  const bool rendered = base->use->chat && base->template && !encodes;
  const bool ok = rendered ? layout_by_template(&m->layout, base->template, t, context, err)
                  : task_has_pairs(base->use)
                      ? layout_find(&m->layout, base->use, t, encodes, context, NULL, err)
                      : layout_plain(&m->layout, t, base->kept.begin, context, err) && join(m, t, err);
  if (!ok) return false;
  layout_keep(&m->layout, base->kept.start, base->kept.pad);
  news_note(&base->news, rendered ? _("prompts and texts are laid out by the model's chat template")
                         : task_has_pairs(base->use)
                             ? _("prompts and texts are laid out as the model learnt them")
                             : _("texts follow their prompts directly: the model has no chat template"));
  m->layout.drop_long = strcmp(m->training->too_long, "truncate") != 0;
  base->tokens = (MaterialTokens){-1, layout_end(&m->layout), m->layout.start, m->layout.pad, -1};
  return true;
}

/* ---- batches ---- */

static Batches *batches_of(const PreferenceMaterial *m, const Part *p, BatchSize size, int64_t limit,
                           bool shuffled, uint64_t seed, const News *news, Error *err) {
  const PreferenceRequest request = {&p->tokens,  &m->layout, m->verdicts, size.sequences,
                                     size.tokens, limit,      shuffled,    seed};
  return preference_batches(&request, news, err);
}

static Batches *training_batches(const Material *base, BatchSize size, uint64_t seed, Error *err) {
  const PreferenceMaterial *m = (const PreferenceMaterial *)base;
  return batches_of(m, &m->train, size, 0, true, seed, &base->news, err);
}

static Batches *evaluation_batches(const Material *base, BatchSize size, int64_t time, int64_t limit,
                                   Error *err) {
  const PreferenceMaterial *m = (const PreferenceMaterial *)base;
  (void)time;
  return batches_of(m, &m->held, size, limit, false, 0, &(News){0}, err);
}

static const char *const unread[] = {"columns",      "fields",        "languages", "turn_mark",
                                     "duplicates",   "overlap",       "max_ratio", "pack",
                                     "vocabularies", "bpe_dropout",   "protect",   "sample_tokens",
                                     "sample_every", "sample_prompt", NULL};

const MaterialKind material_preferences = {
    N_("preferences"),
    {&pair_settings_table, &pair_training_settings_table, &preference_settings_table},
    unread,
    true,
    open_preferences,
    free_preferences,
    source,
    encode,
    fit,
    training_batches,
    evaluation_batches,
    NULL};

bool material_has_verdicts(const Material *base) {
  return base->kind == &material_preferences && ((const PreferenceMaterial *)base)->verdicts;
}
