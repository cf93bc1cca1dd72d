/* Any two lines through every metric and tokenizer: no crash, and a score is a number within its range. */
#include <math.h>
#include <string.h>

#include "text/metrics.h"

static const char *const choices[][2] = {
    {"tokenize", "zh"},         {"tokenize", "intl"},     {"tokenize", "char"},
    {"tokenize", "none"},       {"lowercase", "true"},    {"smooth", "add-k"},
    {"ter-normalized", "true"}, {"ter-no-punct", "true"}, {"ter-asian-support", "true"},
    {"stem", "true"},           {"sentence-mark", "a"},   {"chrf-whitespace", "true"}};
enum { CHOICES = sizeof choices / sizeof *choices };

static void set(ink_settings *s, const char *name, const char *value) {
  Error err = {0};
  CHECK(ink_settings_set(s, name, value, &err));
}

static void score(const ink_settings *s, Segment hypothesis, Segment reference) {
  Metrics metrics;
  Error err = {0};
  CHECK(metrics_open(&metrics, settings_part(s, &metric_settings_table), &err));
  for (size_t i = 0; i < metrics.count; i++) {
    double row[METRIC_STATISTICS];
    metric_measure(metrics.items[i], hypothesis, &reference, 1, row);
    const double value = metric_score(metrics.items[i], row);
    CHECK(isfinite(value) && value >= 0);
    mem_free(metric_details(metrics.items[i], row));
  }
  metrics_close(&metrics);
}

/* Two bytes of settings, then the hypothesis, a NUL, the reference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const SettingTable *const tables[] = {&metric_settings_table};
  if (size < 2) return 0;
  ink_settings *s = settings_new(tables, 1);
  set(s, "metric", "bleu,chrf++,ter,rouge");
  for (int i = 0; i < CHOICES; i++)
    if ((data[0] | data[1] << 8) >> i & 1) set(s, choices[i][0], choices[i][1]);
  const char *text = (const char *)data + 2, *nul = memchr(text, 0, size - 2);
  const size_t first = nul ? (size_t)(nul - text) : (size - 2) / 2, skipped = first + (nul != NULL);
  score(s, (Segment){text, first}, (Segment){text + skipped, size - 2 - skipped});
  ink_settings_free(s);
  return 0;
}
