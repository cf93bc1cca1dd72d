/* report_matrix.c - a classifier's confusion matrix as a picture: a row for each right label, whose cells are
 * the darker the more of its texts were given the column's label. */
#include <string.h>

#include "base/language.h"
#include "text/html.h"
#include "train/report.h"

enum { CELL = 26, MARGIN = 150, MOST_LABELS_SHOWN = 80, MOST_NUMBERS = 24, LABEL_LENGTH = 22 };

typedef struct Matrix {
  const json_t *labels, *counts;
  size_t count;
} Matrix;

static const char *label_at(const Matrix *m, size_t i) {
  return json_get_text(json_array_get(m->labels, i), "label", "");
}

static int64_t count_at(const Matrix *m, size_t row, size_t column) {
  return json_integer_value(json_array_get(json_array_get(m->counts, row), column));
}

static double share_of(const Matrix *m, size_t row, size_t column) {
  int64_t all = 0;
  for (size_t k = 0; k < m->count; k++) all += count_at(m, row, k);
  return all ? (double)count_at(m, row, column) / (double)all : 0;
}

/* At most LABEL_LENGTH characters. */
static void add_label(Buffer *out, const char *label) {
  size_t length = 0;
  for (int characters = 0; label[length] && characters < LABEL_LENGTH; characters++) do
      length++;
    while ((label[length] & 0xc0) == 0x80);
  html_text(out, label, length);
  if (label[length]) buffer_adds(out, "…");
}

static void add_names(Buffer *out, const Matrix *m) {
  for (size_t i = 0; i < m->count; i++) {
    const int at = MARGIN + CELL * (int)i + CELL / 2 + 4;
    html_addf(out, "<text x=%d y=%d text-anchor=end>", MARGIN - 6, at);
    add_label(out, label_at(m, i));
    html_addf(out, "</text><text transform=\"translate(%d,%d) rotate(-60)\">", at, MARGIN - 6);
    add_label(out, label_at(m, i));
    buffer_adds(out, "</text>\n");
  }
}

static void add_cell(Buffer *out, const Matrix *m, size_t row, size_t column) {
  const int x = MARGIN + CELL * (int)column, y = MARGIN + CELL * (int)row;
  const int64_t count = count_at(m, row, column);
  const double share = share_of(m, row, column);
  html_addf(out, "<rect class=%s x=%d y=%d width=%d height=%d fill=currentColor fill-opacity=%.3f><title>",
            row == column ? "a" : "b", x, y, CELL - 1, CELL - 1, count ? 0.08 + 0.92 * share : 0.03);
  html_addf(out, _("right: %s, chosen: %s: %zu"), label_at(m, row), label_at(m, column), (size_t)count);
  buffer_adds(out, "</title></rect>");
  if (count && m->count <= MOST_NUMBERS)
    html_addf(out,
              "<text x=%d y=%d text-anchor=middle style=\"pointer-events:none;fill:var(--ink)\">%zu</text>",
              x + CELL / 2, y + CELL / 2 + 4, (size_t)count);
}

static void add_metrics(Buffer *out, const json_t *results) {
  const json_t *metrics = json_object_get(results, "metrics"), *metric;
  static const char *const names[] = {N_("accuracy"), N_("macro-F1")};
  size_t i;
  buffer_adds(out, "<div class=facts>");
  json_array_foreach(metrics, i, metric) {
    if (i >= sizeof names / sizeof *names) break;
    html_addf(out, "<div><b>%.2f ± %.2f</b>%s</div>", json_number_value(json_object_get(metric, "score")),
              json_number_value(json_object_get(metric, "confidence_var")), language_text(names[i]));
  }
  buffer_adds(out, "</div>\n");
}

void report_matrix(Buffer *out, const json_t *results) {
  const Matrix m = {json_object_get(results, "labels"), json_object_get(results, "confusion"),
                    json_array_size(json_object_get(results, "confusion"))};
  if (!results) return;
  html_addf(out, "<h2>%s</h2>\n", _("Labels of held-out texts"));
  add_metrics(out, results);
  if (!m.count || m.count > MOST_LABELS_SHOWN || json_array_size(m.labels) != m.count) return;
  const int size = MARGIN + CELL * (int)m.count + 60;
  html_addf(out, "<figure><figcaption>%s</figcaption>",
            _("Confusion matrix: a row for each right label, a column for each chosen one"));
  html_addf(out, "<svg viewBox=\"0 0 %d %d\" style=\"max-width:%dpx\">\n", size, size - 60, size);
  add_names(out, &m);
  for (size_t i = 0; i < m.count; i++)
    for (size_t k = 0; k < m.count; k++) add_cell(out, &m, i, k);
  buffer_adds(out, "</svg></figure>\n");
}
