/* Metrics against what sacrebleu and rouge-score make of made-up text (scripts/golden_metrics.py), and what
 * holds for any text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "text/metric_resample.h"
#include "text/porter.h"

#include <cmocka.h> /* last: it defines fail() */

#define GOLDEN TESTS_DIR "/golden/metrics/"
enum { MOST_LINES = 64 };

typedef struct Text {
  FileView view;
  Segment lines[MOST_LINES];
  size_t count;
} Text;

static void read_text(Text *t, const char *path) {
  Error err = {0};
  if (!file_view(path, &t->view, &err)) fail_msg("%s", err.text);
  const char *end = t->view.data + t->view.size;
  t->count = 0;
  for (const char *at = t->view.data, *stop; at < end; at = stop + 1) {
    stop = memchr(at, '\n', (size_t)(end - at));
    assert_true(t->count < MOST_LINES);
    t->lines[t->count++] = (Segment){at, (size_t)(stop - at)};
  }
}

/* A metric with its settings, as "bleu tokenize=zh lowercase=true" says them. */
typedef struct Opened {
  ink_settings *settings;
  Metrics metrics;
  Metric *metric;
} Opened;

static void open_metric(Opened *o, const char *words) {
  const SettingTable *const tables[] = {&metric_settings_table};
  char buf[256], *rest = NULL;
  Error err = {0};
  snprintf(buf, sizeof buf, "%s", words);
  o->settings = settings_new(tables, 1);
  char *word = strtok_r(buf, " ", &rest);
  assert_true(ink_settings_set(o->settings, "metric", word, &err));
  while ((word = strtok_r(NULL, " ", &rest))) {
    char *value = strchr(word, '=');
    *value++ = '\0';
    if (!ink_settings_set(o->settings, word, value, &err)) fail_msg("%s", err.text);
  }
  if (!metrics_open(&o->metrics, settings_part(o->settings, &metric_settings_table), &err))
    fail_msg("%s", err.text);
  o->metric = o->metrics.items[0];
}

static void close_metric(Opened *o) {
  metrics_close(&o->metrics);
  ink_settings_free(o->settings);
}

static double score_pair(const char *words, const char *hypothesis, const char *reference) {
  Opened o;
  double row[METRIC_STATISTICS];
  const Segment segment = {reference, strlen(reference)};
  open_metric(&o, words);
  metric_measure(o.metric, (Segment){hypothesis, strlen(hypothesis)}, &segment, 1, row);
  const double score = metric_score(o.metric, row);
  close_metric(&o);
  return score;
}

/* ---- golden values ---- */

enum { SETTINGS, NAME, SIGNATURE, SCORE, DETAILS, EACH, COLUMNS };

static void expect_text(char *ours, const char *theirs, const char *what) {
  if (strcmp(ours, theirs)) fail_msg("%s: %s, not %s", what, ours, theirs);
  mem_free(ours);
}

static void expect_number(double ours, int digits, const char *theirs, const char *what) {
  char text[64];
  snprintf(text, sizeof text, "%.*f", digits, ours);
  if (strncmp(text, theirs, strlen(text))) fail_msg("%s: %s, not %.20s", what, text, theirs);
}

static void check_row(char *columns[COLUMNS], Text texts[3]) {
  const size_t references = (size_t)(columns[SETTINGS][5] - '0'); /* "refs=N " */
  const char *what = columns[SETTINGS], *each = columns[EACH];
  double sum[METRIC_STATISTICS];
  char signature[256];
  Opened o;
  open_metric(&o, what + 7);
  MetricRows rows = metric_rows_new(o.metric, texts[0].count);
  for (size_t i = 0; i < rows.count; i++, each += strcspn(each, " ") + 1) {
    const Segment aligned[2] = {texts[1].lines[i], texts[2].lines[i]};
    double *row = rows.items + i * metric_statistics(o.metric);
    metric_measure(o.metric, texts[0].lines[i], aligned, references, row);
    expect_number(metric_score(o.metric, row), 6, each, what);
  }
  metric_rows_sum(o.metric, &rows, sum);
  expect_number(metric_score(o.metric, sum), 10, columns[SCORE], what);
  expect_text(metric_details(o.metric, sum), columns[DETAILS], what);
  expect_text(metric_title(o.metric), columns[NAME], what);
  snprintf(signature, sizeof signature, "%sversion:inkstone-%s", columns[SIGNATURE], INK_VERSION);
  expect_text(metric_signature(o.metric, references, ""), signature, what);
  metric_rows_free(&rows);
  close_metric(&o);
}

static void golden(void **state) {
  Text texts[3];
  FileView scores;
  Error err = {0};
  int rows = 0;
  read_text(&texts[0], GOLDEN "hypothesis.txt");
  read_text(&texts[1], GOLDEN "reference1.txt");
  read_text(&texts[2], GOLDEN "reference2.txt");
  assert_true(file_view(GOLDEN "scores.txt", &scores, &err));
  Buffer b = {0};
  buffer_add(&b, scores.data, scores.size);
  char *rest = b.data;
  for (char *line; (line = strsep(&rest, "\n")) && *line; rows++) {
    char *columns[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) columns[i] = strsep(&line, "\t");
    assert_non_null(columns[EACH]);
    check_row(columns, texts);
  }
  assert_true(rows > 90);
  buffer_free(&b);
  file_view_close(&scores);
  for (int i = 0; i < 3; i++) file_view_close(&texts[i].view);
}

static void stems(void **state) {
  FileView view;
  Error err = {0};
  char word[64], wanted[64];
  int used, words = 0;
  assert_true(file_view(GOLDEN "stems.txt", &view, &err));
  Buffer b = {0};
  buffer_add(&b, view.data, view.size);
  for (const char *at = b.data; sscanf(at, "%63s %63s%n", word, wanted, &used) == 2; at += used, words++) {
    word[porter_stem(word, strlen(word))] = '\0';
    assert_string_equal(word, wanted);
  }
  assert_true(words > 100);
  buffer_free(&b);
  file_view_close(&view);
}

/* ---- what has no peer, or needs none ---- */

static void chinese_words(void **state) {
  assert_true(score_pair("rouge1", "明月", "明月") == 0); /* rouge-score knows a-z only */
  assert_true(score_pair("rouge1 tokenize=zh", "明月", "明月") == 100);
  assert_true(score_pair("rouge1 tokenize=zh", "明月 Straße 42", "明日 STRASSE 42") == 50);
  assert_true(score_pair("rouge2 tokenize=zh", "举头望明月", "望明月，低头") > 44);
  assert_true(score_pair("rougeL tokenize=zh", "明月Test", "明 月 test") == 100);
}

/* Values of rouge-score 0.1.2, whose rougeLsum cuts at line breaks. */
static void line_breaks_end_sentences(void **state) {
  static const char written[] = "the cat sat\non the mat now\nquite well",
                    right[] = "on the mat now\n\nthe cat sat\nwell done", mixed[] = "c d\na b<n>e f",
                    mixed_right[] = "a b\nc d<n>e f";
  assert_float_equal(score_pair("rougeLsum", written, right), 100 * 8.0 / 9, 1e-9);
  assert_float_equal(score_pair("rougeL", written, right), 100 * 5.0 / 9, 1e-9);
  assert_float_equal(score_pair("rougeLsum sentence-mark=<n>", mixed, mixed_right), 100, 1e-9);
  assert_float_equal(score_pair("rougeL sentence-mark=<n>", mixed, mixed_right), 200.0 / 3, 1e-9);
}

static void names(void **state) {
  const SettingTable *const tables[] = {&metric_settings_table};
  ink_settings *s = settings_new(tables, 1);
  Metrics metrics;
  Error err = {0};
  assert_true(ink_settings_set(s, "metric", "ter,rouge", &err));
  assert_true(metrics_open(&metrics, settings_part(s, &metric_settings_table), &err));
  assert_int_equal(metrics.count, 5);
  metrics_close(&metrics);
  static const char *const wrong[] = {"bleu,", "", "bleurt", "bleu, chrf"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    err = (Error){0};
    assert_true(ink_settings_set(s, "metric", wrong[i], &err));
    assert_false(metrics_open(&metrics, settings_part(s, &metric_settings_table), &err));
    assert_int_equal(err.code, INK_USAGE);
    assert_non_null(strstr(err.text, "bleu, chrf, chrf++, ter, rouge, rouge1"));
    metrics_close(&metrics);
  }
  ink_settings_free(s);
}

/* A line of a megabyte after which come short ones; bytes that are not UTF-8. */
static void hostile(void **state) {
  static const char *const all[] = {"bleu", "bleu tokenize=zh", "bleu tokenize=intl", "chrf++",
                                    "rouge2 stem=true"};
  static const char soup[] = "y.9,\xff&amp;lt;-\xe4\xb8\xad \xce\xa3'\xf0\x9f";
  Buffer b = {0};
  while (b.length < 1 << 20) buffer_add(&b, soup, sizeof soup - 1);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    Opened o;
    double row[METRIC_STATISTICS];
    const Segment long_line = {b.data, b.length}, line = {"a b c d", 7};
    open_metric(&o, all[i]);
    metric_measure(o.metric, long_line, &long_line, 1, row);
    assert_true(metric_score(o.metric, row) > 99.999);
    for (int k = 0; k < 1000; k++) metric_measure(o.metric, line, &line, 1, row);
    assert_true(metric_score(o.metric, row) > 99.999);
    close_metric(&o);
  }
  buffer_free(&b);
}

/* ---- resampling ---- */

/* Two systems, of which the second is right in `better` of 100 lines more. */
static void measure_systems(Opened *o, MetricRows systems[2], size_t better) {
  const Segment right = {"the moon is on the river", 24}, wrong = {"the moon was in a river", 23};
  for (int s = 0; s < 2; s++) {
    systems[s] = metric_rows_new(o->metric, 100);
    for (size_t i = 0; i < 100; i++) {
      const bool good = i % 2 == 0 || (s == 1 && i < 2 * better);
      metric_measure(o->metric, good ? right : wrong, &right, 1,
                     systems[s].items + i * metric_statistics(o->metric));
    }
  }
}

static void intervals_and_tests(void **state) {
  Opened o;
  MetricRows systems[2];
  double sum[METRIC_STATISTICS];
  open_metric(&o, "rouge1");
  for (size_t better = 0; better <= 20; better += 20) {
    measure_systems(&o, systems, better);
    metric_rows_sum(o.metric, &systems[0], sum);
    const Interval interval = bootstrap_interval(o.metric, &systems[0], 1000, 12345);
    const double deviation =
        (100 - score_pair("rouge1", "the moon was in a river", "the moon is on the river")) / 2;
    assert_true(interval.mean > metric_score(o.metric, sum) - 0.5 &&
                interval.mean < metric_score(o.metric, sum) + 0.5);
    /* 1.96 standard errors of a mean of 100 */
    assert_true(interval.half > 0.9 * 1.96 * deviation / 10 && interval.half < 1.1 * 1.96 * deviation / 10);
    const double p = bootstrap_test(o.metric, &systems[0], &systems[1], 1000, 12345);
    const double q = randomization_test(o.metric, &systems[0], &systems[1], 1000, 12345);
    if (better)
      assert_true(p < 0.01 && q < 0.01 && p > 0 && q > 0);
    else
      assert_true(p == 1 && q == 1);
    metric_rows_free(&systems[0]);
    metric_rows_free(&systems[1]);
  }
  close_metric(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(golden),
                                     cmocka_unit_test(stems),
                                     cmocka_unit_test(line_breaks_end_sentences),

                                     cmocka_unit_test(chinese_words),
                                     cmocka_unit_test(names),
                                     cmocka_unit_test(hostile),
                                     cmocka_unit_test(intervals_and_tests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
