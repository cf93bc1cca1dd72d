#include "text/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "base/unused.h"
#include "text/metric.h"

static const char metric_names[] =
#define METRIC(symbol, name) name "|"
#include "text/metrics.def"
#undef METRIC
    "rouge";

#include "base/settings_table.h"

#include "text/metric_settings.def"

#define METRIC(symbol, name) extern const MetricKind metric_##symbol;
#include "text/metrics.def"
#undef METRIC

static const struct {
  const char *name;
  const MetricKind *kind;
} metrics_known[] = {
#define METRIC(symbol, name) {name, &metric_##symbol},
#include "text/metrics.def"
#undef METRIC
};
enum { KINDS = sizeof metrics_known / sizeof *metrics_known };

const char *yes_or_no(bool value) {
  return value ? "yes" : "no";
}

/* ---- opening ---- */

static Metric *open_one(size_t which, const MetricSettings *settings) {
  Metric *m = mem_alloc_zeroed(1, sizeof *m);
  m->name = metrics_known[which].name;
  m->kind = metrics_known[which].kind;
  m->settings = settings;
  m->words = map_new();
  CHECK(m->kind->statistics(m) <= METRIC_STATISTICS);
  return m;
}

static void close_one(Metric *m) {
  map_free(m->words);
  vec_free(&m->codes);
  vec_free(&m->other);
  buffer_free(&m->word);
  vec_free(&m->hypothesis);
  vec_free(&m->reference);
  ngrams_free(&m->ngrams);
  ngrams_free(&m->word_ngrams);
  vec_free(&m->hypothesis_ends);
  vec_free(&m->reference_ends);
  common_free(&m->common);
  vec_free(&m->kept);
  edits_free(&m->edits);
  mem_free(m);
}

static bool is_word(const char *name, const char *word, size_t length) {
  return name && strlen(name) == length && !memcmp(name, word, length);
}

static bool fail_unknown(const char *word, size_t length, Error *err) {
  Buffer names = {0};
  for (size_t i = 0; i < KINDS; i++) {
    const char *family = metrics_known[i].kind->family;
    if (family && (!i || metrics_known[i - 1].kind->family != family)) buffer_addf(&names, "%s, ", family);
    buffer_addf(&names, "%s%s", metrics_known[i].name, i + 1 < KINDS ? ", " : "");
  }
  fail_usage(err, "--metric: \"%.*s\" is not one of %s", (int)(length < 80 ? length : 80), word, names.data);
  buffer_free(&names);
  return false;
}

bool metrics_open(Metrics *metrics, const MetricSettings *settings, Error *err) {
  VEC(Metric *) found = {0};
  bool seen[KINDS] = {false};
  *metrics = (Metrics){0};
  for (const char *at = settings->metric ? settings->metric : "";; at++) {
    const size_t length = strcspn(at, ","), before = found.count;
    const char *twice = NULL;
    for (size_t i = 0; i < KINDS; i++) {
      if (!is_word(metrics_known[i].name, at, length) && !is_word(metrics_known[i].kind->family, at, length))
        continue;
      if (seen[i]) twice = metrics_known[i].name;
      seen[i] = true;
      vec_push(&found, open_one(i, settings));
    }
    *metrics = (Metrics){found.data, found.count};
    if (twice) return fail_usage(err, "--metric %s: has \"%s\" twice", settings->metric, twice);
    if (found.count == before) return fail_unknown(at, length, err);
    at += length;
    if (!*at) return true;
  }
}

void metrics_close(Metrics *metrics) {
  for (size_t i = 0; i < metrics->count; i++) close_one(metrics->items[i]);
  mem_free(metrics->items);
  *metrics = (Metrics){0};
}

/* ---- settings without effect ---- */

static bool is_listed(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strcspn(at, ",") == length && !strncmp(at, word, length)) return true;
  return false;
}

/* Whether one of `readers` is computed. */
static bool is_read(const Metrics *metrics, const char *readers) {
  for (size_t i = 0; i < metrics->count; i++) {
    const Metric *m = metrics->items[i];
    if (is_listed(readers, m->name) || (m->kind->family && is_listed(readers, m->kind->family))) return true;
  }
  return false;
}

/* The metrics that read a setting; "chrf_" stands for all names that begin with it. */
static const struct {
  const char *setting, *readers;
} metric_readers[] = {{"tokenize", "bleu,rouge"},  {"lowercase", "bleu,chrf,chrf++"}, {"smooth", "bleu"},
                      {"effective_order", "bleu"}, {"chrf_", "chrf,chrf++"},          {"ter_", "ter"},
                      {"stem", "rouge"},           {"sentence_mark", "rougeLsum"}};

static const char *readers_of(const char *setting) {
  for (size_t i = 0; i < sizeof metric_readers / sizeof *metric_readers; i++) {
    const char *name = metric_readers[i].setting;
    const size_t length = strlen(name);
    if (!strncmp(setting, name, length) && (!setting[length] || name[length - 1] == '_'))
      return metric_readers[i].readers;
  }
  return NULL;
}

static bool check_reader(const Metrics *metrics, const Settings *s, const char *setting, const News *news,
                         Error *err) {
  char where[128];
  const MetricSettings *own = settings_part(s, &metric_settings_table);
  const char *readers = readers_of(setting);
  if (!strcmp(setting, "tokenize") && strcmp(own->tokenize, "zh")) readers = "bleu";
  if (!strcmp(setting, "chrf_word_order") && own->chrf_word_order < 2) readers = "chrf"; /* chrf++ has 2 */
  if (!readers || is_read(metrics, readers)) return true;
  snprintf(where, sizeof where, _("without a metric that reads it (--metric %s)"), readers);
  return unused_setting(s, setting, where, news, err);
}

static bool check_smoothing(const Metrics *metrics, const Settings *s, const MetricSettings *own,
                            const News *news, Error *err) {
  const bool read = !strcmp(own->smooth, "floor") || !strcmp(own->smooth, "add-k");
  return (read && is_read(metrics, "bleu")) ||
         unused_setting(s, "smooth_value", "without --smooth floor or add-k of --metric bleu", news, err);
}

bool metrics_check_given(const Settings *s, const News *news, Error *err) {
  const MetricSettings *own = settings_part(s, &metric_settings_table);
  Metrics metrics;
  bool ok = metrics_open(&metrics, own, err) && check_smoothing(&metrics, s, own, news, err);
  for (const Setting *item = metric_settings_table.items; ok && item->name; item++)
    ok = check_reader(&metrics, s, item->name, news, err);
  metrics_close(&metrics);
  return ok;
}

/* ---- one metric ---- */

char *metric_title(const Metric *m) {
  Buffer b = {0};
  m->kind->title(m, &b);
  return buffer_take(&b);
}

char *metric_signature(const Metric *m, size_t references, const char *resampled) {
  Buffer b = {0};
  buffer_addf(&b, "nrefs:%zu|%s", references, resampled);
  m->kind->signature(m, &b);
  buffer_addf(&b, "version:inkstone-%s", INK_VERSION);
  return buffer_take(&b);
}

size_t metric_statistics(const Metric *m) {
  return m->kind->statistics(m);
}

void metric_measure(Metric *m, Segment hypothesis, const Segment *references, size_t count, double *row) {
  CHECK(count > 0);
  m->kind->measure(m, hypothesis, references, count, row);
}

double metric_score(const Metric *m, const double *sum) {
  return m->kind->score(m, sum);
}

char *metric_details(const Metric *m, const double *sum) {
  Buffer b = {0};
  if (m->kind->details) m->kind->details(m, sum, &b);
  return buffer_take(&b);
}

/* ---- words without spaces ---- */

static bool splits_at_spaces(const Metric *m, const MetricSettings *s) {
  const bool rouge = m->kind->family && !strcmp(m->kind->family, "rouge"), bleu = !strcmp(m->name, "bleu");
  if (!strcmp(s->tokenize, "zh")) return false;
  return rouge || (bleu && strcmp(s->tokenize, "char") != 0);
}

bool metrics_miss_words(const Metrics *metrics, const MetricSettings *s, const Segment *texts, size_t count) {
  enum { CHECKED = 100 };
  size_t han = 0, all = 0, splitting = 0;
  Codes codes = {0};
  for (size_t i = 0; i < metrics->count; i++) splitting += splits_at_spaces(metrics->items[i], s);
  for (size_t i = 0; splitting && i < count && i < CHECKED; i++) {
    codes_decode(&codes, texts[i].text, texts[i].length);
    for (size_t k = 0; k < codes.count; k++) han += code_is_han(codes.data[k]);
    all += codes.count;
  }
  vec_free(&codes);
  return 2 * han > all;
}
