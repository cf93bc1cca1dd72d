/* classify.c - ink_classify: labels for texts, with their probabilities. */
#include "run/classify.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/engine.h"
#include "base/general.h"
#include "base/language.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/layout.h"
#include "run/model.h"
#include "run/scorer.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "run/classify.def"

ink_settings *ink_settings_classify(void) {
  static const SettingTable *const tables[] = {&classify_settings_table, &text_settings_table,
                                               &general_settings_table};
  return settings_new(tables, sizeof tables / sizeof *tables);
}

/* ---- texts ---- */

bool classify_check_text(const char *text, size_t length, Error *err) {
  const size_t valid = utf8_valid_prefix(text, length);
  const char *nul = memchr(text, 0, length);
  if (nul) return fail(err, "byte %zu is NUL, so this is not text", (size_t)(nul - text) + 1);
  if (valid < length)
    return fail(err, "byte %zu is not UTF-8: give its --encoding, or --invalid replace", valid + 1);
  for (size_t i = 0; i < length; i++)
    if (!strchr(" \t\r\n", text[i])) return true;
  return fail(err, "the text is empty: it has no label");
}

/* ---- by the head ---- */

/* The row of a text, as in training (pair_rows.c). */
typedef struct Row {
  Ids ids;
  int64_t text;
} Row;

typedef struct Head {
  const Bundle *bundle;
  const ClassifySettings *settings;
  PairLayout layout;
  ClassifyTexts *texts;
  Row *rows;
  size_t count;
} Head;

static void add_run(Ids *ids, const TokenRun *run) {
  for (int32_t i = 0; i < run->count; i++) vec_push(ids, run->ids[i]);
}

static bool fits(const Head *h, Ids *ids, Error *err) {
  const int64_t most = layout_source_capacity(&h->layout);
  if ((int64_t)ids->count <= most) return true;
  if (strcmp(h->settings->too_long, "truncate"))
    return fail(err,
                "the text has %zu tokens, of which the model reads %" PRId64
                ": give --too-long truncate to cut off its end",
                ids->count, most);
  ids->count = (size_t)most;
  return true;
}

static bool lay_row(const Head *h, const char *text, size_t length, Ids *ids, Error *err) {
  Ids own = {0};
  const bool ok = classify_check_text(text, length, err) &&
                  tokenizer_encode(h->bundle->tokenizer, text, length, false, &own, err) &&
                  fits(h, &own, err);
  add_run(ids, &h->layout.source_before);
  for (size_t i = 0; ok && i < own.count; i++) vec_push(ids, own.data[i]);
  add_run(ids, &h->layout.source_behind);
  vec_free(&own);
  while (ids->count && ids->data[ids->count - 1] == h->layout.pad) ids->count--;
  return ok && (ids->count || fail(err, "the text has no tokens"));
}

static void lay_rows(Head *h) {
  ClassifyTexts *t = h->texts;
  for (int64_t i = 0; i < t->count; i++) {
    Row row = {.text = i};
    Error problem = {0};
    if (lay_row(h, t->texts[i], t->lengths[i], &row.ids, &problem)) {
      h->rows[h->count++] = row;
      continue;
    }
    vec_free(&row.ids);
    t->problems[i] = mem_strdup(problem.text);
  }
}

static int by_length(const void *a, const void *b) {
  const Row *x = a, *y = b;
  if (x->ids.count != y->ids.count) return x->ids.count < y->ids.count ? -1 : 1;
  return (x->text > y->text) - (x->text < y->text);
}

/* The scores of rows first .. beyond - 1, whose last one is the longest. */
static void score_rows(const Head *h, Tape *tape, size_t first, size_t beyond) {
  const int64_t time = (int64_t)h->rows[beyond - 1].ids.count, count = (int64_t)(beyond - first),
                labels = h->bundle->labels.count;
  int32_t *tokens = mem_alloc((size_t)(count * time) * sizeof *tokens),
          *last = mem_alloc((size_t)count * sizeof *last);
  for (int64_t i = 0; i < count; i++) {
    const Ids *ids = &h->rows[first + (size_t)i].ids;
    for (int64_t t = 0; t < time; t++)
      tokens[i * time + t] = t < (int64_t)ids->count ? ids->data[t] : h->layout.pad;
    last[i] = (int32_t)(i * time + (int64_t)ids->count - 1);
  }
  const Batch batch = {.sequences = count, .time = time, .tokens = tokens};
  Net net = {.tape = tape};
  tape_reset(tape, false, 0);
  const float *logits = tensor_f32(model_logits(h->bundle->model, &net, &batch, last, count));
  for (int64_t i = 0; i < count * labels; i++)
    h->texts->scores[h->rows[first + (size_t)(i / labels)].text * labels + i % labels] = (double)logits[i];
  mem_free(tokens);
  mem_free(last);
}

/* Shortest first, so that texts of similar length are padded to the longest. */
static bool score_all(Head *h, Error *err) {
  Tape *tape = tape_new(false);
  const bool alone = rope_depends_on_length(&h->bundle->model->config.rope_scaling); /* not on padding */
  if (h->count) qsort(h->rows, h->count, sizeof *h->rows, by_length);
  for (size_t i = 0, next; i < h->count && !interrupted(); i = next) {
    for (next = i + 1; next < h->count; next++)
      if ((next + 1 - i) * h->rows[next].ids.count > SCORE_TOGETHER ||
          (alone && h->rows[next].ids.count != h->rows[i].ids.count))
        break;
    score_rows(h, tape, i, next);
  }
  tape_free(tape);
  return !interrupted() || fail_interrupted(err);
}

bool classify_by_head(const Bundle *b, const ClassifySettings *settings, ClassifyTexts *texts, Error *err) {
  Head h = {.bundle = b, .settings = settings, .texts = texts};
  if (!bundle_layout(b, task_find("classify"), &h.layout, err)) return false;
  h.rows = mem_alloc_zeroed((size_t)texts->count + 1, sizeof *h.rows);
  lay_rows(&h);
  const bool ok = score_all(&h, err);
  for (size_t i = 0; i < h.count; i++) vec_free(&h.rows[i].ids);
  mem_free(h.rows);
  return ok;
}

/* ---- choosing ---- */

typedef struct Choice {
  const char *label;
  double score;
} Choice;

static int likelier(const void *a, const void *b) {
  const Choice *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

/* The names in "a,b,c"; fails for an empty one, and one that occurs twice. */
static bool split_labels(const char *list, Labels *labels, Error *err) {
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    size_t length = strcspn(at, ",");
    const char *name = at;
    while (length && *name == ' ') name++, length--;
    while (length && name[length - 1] == ' ') length--;
    if (!length) return fail_usage(err, "--labels %s: has an empty label", list);
    if (!labels_add(labels, name, length))
      return fail_usage(err, "--labels %s: has the label \"%.*s\" twice", list, (int)length, name);
  }
  return labels->count > 1 || fail_usage(err, "--labels %s: give at least two labels", list);
}

static bool check_known(const Labels *wanted, const Labels *known, Error *err) {
  for (int64_t i = 0; i < wanted->count; i++)
    if (labels_find(known, wanted->names[i], strlen(wanted->names[i])) < 0)
      return fail_usage(err, "--labels: the model does not know the label \"%s\": see `inkstone info`",
                        wanted->names[i]);
  return true;
}

/* Passes the labels of a text on, the likeliest first; false: the listener wants no more. */
static bool give(const Labels *all, const Labels *wanted, const ClassifyTexts *t, int64_t text, int64_t most,
                 ink_label_listener *listener, void *user) {
  Choice *choices = mem_alloc((size_t)all->count * sizeof *choices);
  size_t count = 0;
  double sum = 0;
  bool more = true;
  for (int64_t i = 0; i < all->count; i++)
    if (!wanted->count || labels_find(wanted, all->names[i], strlen(all->names[i])) >= 0)
      choices[count++] = (Choice){all->names[i], t->scores[text * all->count + i]};
  qsort(choices, count, sizeof *choices, likelier);
  for (size_t i = 0; i < count; i++) sum += exp(choices[i].score - choices[0].score);
  for (size_t i = 0; more && i < count && (!most || (int64_t)i < most); i++)
    more = listener(user, &(ink_label){.input = text,
                                       .rank = (int)i,
                                       .label = choices[i].label,
                                       .probability = exp(choices[i].score - choices[0].score) / sum});
  mem_free(choices);
  return more;
}

static void give_all(const Labels *all, const Labels *wanted, const ClassifyTexts *t, int64_t most,
                     ink_label_listener *listener, void *user) {
  bool more = true;
  for (int64_t i = 0; more && i < t->count; i++)
    more = t->problems[i] ? listener(user, &(ink_label){.input = i, .problem = t->problems[i]})
                          : give(all, wanted, t, i, most, listener, user);
}

/* Which labels there are, and which of them are wanted; `given`: of --labels. */
static bool choose_labels(const Bundle *b, const ClassifySettings *s, Labels *given, Error *err) {
  if (s->labels &&
      (!split_labels(s->labels, given, err) || (b->labels.count && !check_known(given, &b->labels, err))))
    return false;
  return b->labels.count || given->count ||
         fail_usage(err, "this model has no labels of its own: give --labels A,B,C");
}

/* Settings of models that were not trained to label. */
static bool check_head(const ink_settings *settings, const News *news, Error *err) {
  static const char where[] = N_("with a model that was trained to label");
  return unused_setting(settings, "template", where, news, err) &&
         unused_setting(settings, "calibrate", where, news, err);
}

static bool classify(const Bundle *b, ClassifyTexts *t, const ink_settings *settings, const News *news,
                     ink_label_listener *listener, void *user, Error *err) {
  const ClassifySettings *s = settings_part(settings, &classify_settings_table);
  Labels given = {0};
  bool ok = choose_labels(b, s, &given, err) && (!b->labels.count || check_head(settings, news, err));
  const Labels *all = b->labels.count ? &b->labels : &given;
  t->problems = mem_alloc_zeroed((size_t)t->count + 1, sizeof *t->problems);
  t->scores = mem_alloc_zeroed((size_t)(t->count * all->count) + 1, sizeof *t->scores);
  if (ok)
    ok =
        b->labels.count ? classify_by_head(b, s, t, err) : classify_by_likelihood(b, s, &given, t, news, err);
  if (ok) give_all(all, &given, t, s->n_best, listener, user);
  for (int64_t i = 0; i < t->count; i++) mem_free(t->problems[i]);
  mem_free(t->problems);
  mem_free(t->scores);
  labels_free(&given);
  return ok;
}

bool ink_classify(ink_model *m, const char *const *texts, const size_t *lengths, int64_t count,
                  const ink_settings *settings, ink_label_listener *listener, void *user,
                  const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return false);
  News news;
  ClassifyTexts t = {.texts = texts, .lengths = lengths, .count = count};
  const bool entered = call_enter(call, m->engine, &news, err);
  if (entered)
    threads_set((int)((const GeneralSettings *)settings_part(settings, &general_settings_table))->threads);
  const bool ok = entered && classify(&m->bundle, &t, settings, &news, listener, user, err);
  MEM_GUARD_END();
  return ok;
}
