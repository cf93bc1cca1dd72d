/* score.c - ink_score: scores the lines of files against the lines of reference files. */
#include <inttypes.h>
#include <string.h>

#include "base/engine.h"
#include "base/figure.h"
#include "base/json.h"
#include "base/language.h"
#include "base/threads.h"
#include "base/unused.h"
#include "data/text_file.h"
#include "text/metric_resample.h"
#include "text/utf8.h"

#include "run/score.def" /* ScoreSettings, score_settings_table */

#include "base/settings_table.h"

#include "run/score.def"

ink_settings *ink_settings_score(void) {
  static const SettingTable *const tables[] = {&metric_settings_table, &score_settings_table,
                                               &text_settings_table};
  return settings_new(tables, 3);
}

/* ---- files ---- */

typedef VEC(Segment) Lines;

typedef struct LineFile {
  TextFile file;
  Lines lines;
} LineFile;

/* The hypothesis, the references, then the outputs of other systems (--paired). */
typedef struct Files {
  LineFile *items;
  size_t count, references; /* number of files, and of references among them */
  Segment *aligned;         /* the references of one line */
} Files;

enum { LONGEST_LINE = 1 << 28 }; /* bytes: counts within a line fit into 32 bits */

static bool open_lines(LineFile *f, const char *path, const TextSettings *text, const News *news,
                       Error *err) {
  if (!text_file_open(&f->file, path, text, news, err)) return false;
  const char *end = f->file.text + f->file.length;
  size_t lines = 0;
  for (const char *at = f->file.text; at < end; lines++) at = line_end(at, end) + 1;
  if (!mem_require((int64_t)(lines * sizeof *f->lines.data), f->file.name, err)) return false;
  vec_reserve(&f->lines, lines);
  for (const char *at = f->file.text, *stop; at < end; at = stop + 1) {
    stop = line_end(at, end);
    if (stop - at > LONGEST_LINE)
      return fail(err, "%s:%zu: the line is longer than 256 MB: the file must have one text per line",
                  f->file.name, f->lines.count + 1);
    vec_push(&f->lines, ((Segment){at, (size_t)(stop - at)}));
  }
  return true;
}

static bool check_lines(const Files *files, size_t index, Error *err) {
  const LineFile *first = &files->items[0], *f = &files->items[index];
  if (!first->lines.count) return fail(err, "%s: the file has no lines to score", first->file.name);
  if (f->lines.count == first->lines.count) return true;
  char lines[FIGURE_SIZE];
  return fail(
      err,
      "%s has %s and %s has %zu: the files must correspond line by line; use an empty line for an empty text",
      first->file.name, figure_of(lines, (int64_t)first->lines.count, "line"), f->file.name, f->lines.count);
}

static void close_files(Files *files) {
  for (size_t i = 0; i < files->count; i++) {
    text_file_close(&files->items[i].file);
    vec_free(&files->items[i].lines);
  }
  mem_free(files->items);
  mem_free(files->aligned);
}

static bool open_files(Files *files, const char *hypothesis, const char *const *references, size_t count,
                       const ScoreSettings *s, const TextSettings *text, const News *news, Error *err) {
  files->references = count;
  files->count = 1 + count + s->paired.count;
  files->items = mem_alloc_zeroed(files->count, sizeof *files->items);
  files->aligned = mem_alloc_zeroed(count, sizeof *files->aligned);
  for (size_t i = 0, stdins = 0; i < files->count; i++) {
    const char *path = !i ? hypothesis : i <= count ? references[i - 1] : s->paired.items[i - 1 - count];
    stdins += !strcmp(path, "-");
    if (stdins > 1)
      return fail_usage(err, "- (standard input) is given twice, but can be read only once: give a file");
    if (!open_lines(&files->items[i], path, text, news, err) || !check_lines(files, i, err)) return false;
  }
  return true;
}

/* ---- one system by one metric ---- */

typedef struct Scoring {
  const ScoreSettings *settings;
  const MetricSettings *metric_settings;
  Files files;
  Metrics metrics;
  const News *news;
  Error *err;
} Scoring;

static bool measure(Scoring *s, Metric *m, size_t system, MetricRows *rows) {
  const Lines *lines = &s->files.items[system].lines;
  if (!mem_require((int64_t)(lines->count * metric_statistics(m) * sizeof(double)),
                   s->files.items[system].file.name, s->err))
    return false;
  *rows = metric_rows_new(m, lines->count);
  for (size_t i = 0; i < lines->count; i++) {
    if (i % 64 == 0) news_progress(s->news, "scoring", (int64_t)i, (int64_t)lines->count, "line");
    if (interrupted()) return fail_interrupted(s->err);
    for (size_t r = 0; r < s->files.references; r++)
      s->files.aligned[r] = s->files.items[1 + r].lines.data[i];
    metric_measure(m, lines->data[i], s->files.aligned, s->files.references,
                   rows->items + i * metric_statistics(m));
  }
  return true;
}

static bool is_bootstrap_test(const Scoring *s) {
  return s->settings->paired.count && !strcmp(s->settings->paired_test, "bootstrap");
}

static size_t test_samples(const Scoring *s) {
  const int64_t wanted = s->settings->paired_n;
  return (size_t)(wanted ? wanted : is_bootstrap_test(s) ? 1000 : 10000);
}

/* Resamplings for intervals, which the bootstrap test also computes; 0: no intervals. */
static size_t interval_samples(const Scoring *s) {
  if (is_bootstrap_test(s)) return test_samples(s);
  return s->settings->confidence ? (size_t)s->settings->confidence_n : 0;
}

static json_t *sentence_scores(const Metric *m, const MetricRows *rows) {
  json_t *list = json_array();
  for (size_t i = 0; i < rows->count; i++)
    json_push(list, json_number(metric_score(m, rows->items + i * metric_statistics(m))));
  return list;
}

/* Adds a system's score, its confidence interval and its lines' scores. */
static void put_score(json_t *object, const Scoring *s, const Metric *m, const MetricRows *rows) {
  double sum[METRIC_STATISTICS];
  metric_rows_sum(m, rows, sum);
  char *details = metric_details(m, sum);
  json_put(object, "score", json_number(metric_score(m, sum)));
  if (*details) json_put(object, "verbose_score", json_string(details));
  mem_free(details);
  if (s->settings->sentences) json_put(object, "sentences", sentence_scores(m, rows));
  if (!interval_samples(s)) return;
  const Interval interval = bootstrap_interval(m, rows, interval_samples(s), (uint64_t)s->settings->seed);
  json_put(object, "confidence_mean", json_number(interval.mean));
  json_put(object, "confidence_var", json_number(interval.half)); /* sacrebleu's name for it */
}

static bool add_paired(Scoring *s, Metric *m, const MetricRows *rows, size_t system, json_t *list) {
  MetricRows other;
  const bool ok = measure(s, m, system, &other);
  if (ok) {
    json_t *object = json_object();
    json_put(object, "system", utf8_json(s->files.items[system].file.name));
    put_score(object, s, m, &other);
    json_put(object, "p_value",
             json_number((is_bootstrap_test(s) ? bootstrap_test : randomization_test)(
                 m, rows, &other, test_samples(s), (uint64_t)s->settings->seed)));
    json_push(list, object);
  }
  metric_rows_free(&other);
  return ok;
}

/* ---- the result ---- */

/* The resampling part of a signature, such as "bs:1000|seed:12345|". */
static char *resampling(const Scoring *s) {
  const bool randomized = s->settings->paired.count && !is_bootstrap_test(s);
  Buffer b = {0};
  if (interval_samples(s)) buffer_addf(&b, "bs:%zu|", interval_samples(s));
  if (randomized) buffer_addf(&b, "ar:%zu|", test_samples(s));
  if (b.length) buffer_addf(&b, "seed:%" PRId64 "|", s->settings->seed);
  return buffer_take(&b);
}

static json_t *names_json(const Scoring *s, const Metric *m) {
  char *title = metric_title(m), *resampled = resampling(s);
  char *signature = metric_signature(m, s->files.references, resampled);
  json_t *json = json_build("{s:s, s:s, s:o}", "name", title, "signature", signature, "system",
                            utf8_json(s->files.items[0].file.name));
  mem_free(title);
  mem_free(resampled);
  mem_free(signature);
  return json;
}

static bool score_by(Scoring *s, Metric *m, json_t *result) {
  const size_t first_paired = 1 + s->files.references;
  MetricRows rows;
  bool ok = measure(s, m, 0, &rows);
  if (ok) {
    json_t *object = names_json(s, m), *paired = json_array();
    json_push(result, object);
    put_score(object, s, m, &rows);
    for (size_t i = first_paired; ok && i < s->files.count; i++) ok = add_paired(s, m, &rows, i, paired);
    if (json_array_size(paired))
      json_put(object, "paired", paired);
    else
      json_decref(paired);
  }
  metric_rows_free(&rows);
  return ok && (!interrupted() || fail_interrupted(s->err));
}

static char *score_all(Scoring *s) {
  json_t *result = json_array();
  bool ok = true;
  for (size_t i = 0; ok && i < s->metrics.count; i++) ok = score_by(s, s->metrics.items[i], result);
  char *text = ok ? json_text(result, JSON_INDENT(2)) : NULL;
  json_decref(result);
  return text;
}

static bool check_unused(const ink_settings *settings, const ScoreSettings *s, const News *news, Error *err) {
  const struct {
    const char *name, *where;
    bool used;
  } needs[] = {
      {"paired-test", N_("without --paired"), s->paired.count},
      {"paired-n", N_("without --paired"), s->paired.count},
      {"confidence-n", N_("without --confidence"), s->confidence},
      {"seed", N_("without --confidence or --paired"), s->confidence || s->paired.count},
  };
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
    if (!needs[i].used && !unused_setting(settings, needs[i].name, needs[i].where, news, err)) return false;
  return metrics_check_given(settings, news, err);
}

static bool check_settings(const ScoreSettings *s, Error *err) {
  if (!s->sentences || (!s->confidence && !s->paired.count)) return true;
  return fail_usage(
      err,
      "--sentences cannot be combined with %s, which applies to all lines together: leave one of them out",
      s->confidence ? "--confidence" : "--paired");
}

char *ink_score(const char *hypothesis, const char *const *references, int count,
                const ink_settings *settings, const ink_call *call, ink_error *err) {
  MEM_GUARD(err, return NULL);
  News news;
  MetricSettings metric_settings = *(MetricSettings *)settings_part(settings, &metric_settings_table);
  Scoring s = {settings_part(settings, &score_settings_table), &metric_settings, {0}, {0}, &news, err};
  CHECK(count > 0);
  metric_settings.effective_order |= s.settings->sentences; /* a single line may lack long n-grams */
  char *text = NULL;
  if (call_enter(call, NULL, &news, err) && check_settings(s.settings, err) &&
      check_unused(settings, s.settings, &news, err) && metrics_open(&s.metrics, s.metric_settings, err) &&
      open_files(&s.files, hypothesis, references, (size_t)count, s.settings,
                 settings_part(settings, &text_settings_table), &news, err)) {
    const Lines *right = &s.files.items[1].lines;
    if (metrics_miss_words(&s.metrics, s.metric_settings, right->data, right->count))
      news_warning(&news, METRICS_MISS_WORDS, s.files.items[1].file.name, s.metric_settings->tokenize);
    text = score_all(&s);
  }
  metrics_close(&s.metrics);
  close_files(&s.files);
  MEM_GUARD_END();
  return text;
}
