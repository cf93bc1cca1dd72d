#include "text/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/language.h"
#include "text/html.h"

/* Margins, wide enough for tick labels on a phone. */
enum { LEFT = 58, RIGHT = 16, TOP = 14, BOTTOM = 44 };
/* More points than this cannot be told apart on a screen. */
enum { MOST_POINTS = 300 };

typedef struct Frame {
  const Plot *plot;
  double x0, x1, y0, y1;
} Frame;

typedef VEC(PlotPoint) Points;

/* ---- the range ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double along(const Plot *p, double x) {
  return p->log_x ? log10(fmax(x, 1)) : x;
}

static double percentile_98(double *values, size_t count) {
  qsort(values, count, sizeof *values, ascending);
  return values[(count - 1) * 98 / 100];
}

/* The axis ranges; y ends at the 98th percentile unless that cuts off little. */
static Frame frame_of(const Plot *p) {
  Frame f = {p, INFINITY, -INFINITY, INFINITY, -INFINITY};
  VEC(double) ys = {0};
  for (size_t s = 0; s < p->count; s++)
    for (size_t i = 0; i < p->series[s].points.count; i++) {
      const PlotPoint at = p->series[s].points.data[i];
      f.x0 = fmin(f.x0, along(p, at.x));
      f.x1 = fmax(f.x1, along(p, at.x));
      f.y0 = fmin(f.y0, at.y);
      f.y1 = fmax(f.y1, at.y);
      vec_push(&ys, at.y);
    }
  const double most = percentile_98(ys.data, ys.count);
  if (f.y1 - most > 0.3 * (most - f.y0)) f.y1 = most;
  vec_free(&ys);
  if (f.x1 <= f.x0) f.x1 = f.x0 + 1;
  if (f.y1 <= f.y0) f.y1 = f.y0 + fmax(fabs(f.y0), 1e-9);
  const double margin = 0.05 * (f.y1 - f.y0);
  f.y0 -= f.y0 >= 0 && f.y0 < 5 * margin ? f.y0 : margin;
  f.y1 += margin;
  return f;
}

static double x_on_plot(const Frame *f, double x) {
  return LEFT + (along(f->plot, x) - f->x0) / (f->x1 - f->x0) * (f->plot->width - LEFT - RIGHT);
}

static double y_on_plot(const Frame *f, double y) {
  const double inside = y > f->y1 ? f->y1 : y;
  return f->plot->height - BOTTOM - (inside - f->y0) / (f->y1 - f->y0) * (f->plot->height - TOP - BOTTOM);
}

/* ---- axes ---- */

/* 1, 2 or 5 times a power of ten, such that about `wanted` steps fill the range. */
static double round_step(double range, int wanted) {
  const double raw = range / wanted, power = pow(10, floor(log10(raw))), lead = raw / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

static const char *tick_text(char buf[32], double value) {
  if (fabs(value) >= 1e6)
    snprintf(buf, 32, "%gM", value / 1e6);
  else if (fabs(value) >= 1e4)
    snprintf(buf, 32, "%gk", value / 1e3);
  else
    snprintf(buf, 32, "%.4g", value + 0.0); /* never "-0" */
  return buf;
}

static void draw_y_axis(Buffer *out, const Frame *f) {
  const double step = round_step(f->y1 - f->y0, f->plot->height / 60);
  char buf[32];
  for (double k = ceil(f->y0 / step - 1e-9); k * step <= f->y1; k++) {
    const double y = y_on_plot(f, k * step);
    html_addf(out,
              "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" "
              "text-anchor=\"end\">%s</text>\n",
              LEFT, f->plot->width - RIGHT, y, y, LEFT - 6, y + 4, tick_text(buf, k * step));
  }
}

static void draw_x_tick(Buffer *out, const Frame *f, double x) {
  char buf[32];
  html_addf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_on_plot(f, x),
            f->plot->height - BOTTOM + 18, tick_text(buf, x));
}

static void draw_x_axis(Buffer *out, const Frame *f) {
  const Plot *p = f->plot;
  const double step = fmax(round_step(f->x1 - f->x0, p->width / 110), p->log_x ? 1 : 0);
  for (double k = ceil(f->x0 / step - 1e-9); k * step <= f->x1 + 1e-9; k++)
    draw_x_tick(out, f, p->log_x ? pow(10, k * step) : k * step);
  html_addf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", p->width - RIGHT, p->height - 6,
            p->x_name);
}

/* ---- curves ---- */

/* Averages neighbouring points if there are too many. */
static Points thinned(const Frame *f, const PlotSeries *s) {
  Points out = {0};
  const bool all = s->points.count <= MOST_POINTS;
  for (size_t i = 0; i < s->points.count;) {
    PlotPoint sum = {0, 0};
    const double slot = floor((along(f->plot, s->points.data[i].x) - f->x0) / (f->x1 - f->x0) * MOST_POINTS);
    size_t n = 0;
    do {
      sum.x += s->points.data[i].x;
      sum.y += s->points.data[i].y;
      i++;
      n++;
    } while (!all && i < s->points.count &&
             floor((along(f->plot, s->points.data[i].x) - f->x0) / (f->x1 - f->x0) * MOST_POINTS) == slot);
    vec_push(&out, ((PlotPoint){sum.x / (double)n, sum.y / (double)n}));
  }
  return out;
}

static void draw_line(Buffer *out, const Frame *f, const Points *points, const char *css, const char *more) {
  html_addf(out, "<polyline class=\"%s%s\" points=\"", css, more);
  for (size_t i = 0; i < points->count; i++)
    html_addf(out, "%.1f,%.1f ", x_on_plot(f, points->data[i].x), y_on_plot(f, points->data[i].y));
  buffer_adds(out, "\"/>\n");
}

static void draw_dots(Buffer *out, const Frame *f, const Points *points, const PlotSeries *s) {
  for (size_t i = 0; i < points->count; i++) {
    html_addf(out, "<circle class=\"%s%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>", s->css,
              s->dots ? "" : " hover", x_on_plot(f, points->data[i].x), y_on_plot(f, points->data[i].y),
              s->dots ? "3" : "5");
    html_addf(out, _("%s %.5g at %s %.0f"), s->name, points->data[i].y, f->plot->x_name, points->data[i].x);
    buffer_adds(out, "</title></circle>\n");
  }
}

/* Centred moving average over a thirtieth of the points. Unlike a trailing average it does not lag where the
 * curve falls steeply. */
static void average(Points *points) {
  const size_t n = points->count, most = n / 60;
  Points means = {0};
  for (size_t i = 0; i < n; i++) {
    const size_t left = i < n - 1 - i ? i : n - 1 - i, reach = left < most ? left : most;
    double sum = 0;
    for (size_t k = i - reach; k <= i + reach; k++) sum += points->data[k].y;
    vec_push(&means, ((PlotPoint){points->data[i].x, sum / (double)(2 * reach + 1)}));
  }
  vec_free(points);
  *points = means;
}

static void draw_series(Buffer *out, const Frame *f, const PlotSeries *s) {
  Points points = thinned(f, s);
  if (s->smooth && points.count > 30) {
    draw_line(out, f, &points, s->css, " faint");
    average(&points);
  }
  draw_line(out, f, &points, s->css, "");
  draw_dots(out, f, &points, s);
  vec_free(&points);
}

static void draw(Buffer *out, const Plot *p) {
  const Frame f = frame_of(p);
  draw_y_axis(out, &f);
  draw_x_axis(out, &f);
  for (size_t s = 0; s < p->count; s++)
    if (p->series[s].points.count) draw_series(out, &f, &p->series[s]);
  buffer_adds(out, "</svg>");
}

void plot_svg(Buffer *out, const Plot *p) {
  for (size_t s = 0; p->count > 1 && s < p->count; s++)
    if (p->series[s].points.count)
      html_addf(out, "<span class=\"key %s\">%s</span>\n", p->series[s].css, p->series[s].name);
  html_addf(out, "<svg%s viewBox=\"0 0 %d %d\" role=\"img\">\n", p->width > 500 ? " class=\"wide\"" : "",
            p->width, p->height);
  draw(out, p);
}

/* ---- files ---- */

static const char file_style[] =
    "<style>text{font:12px system-ui,'Noto Sans',sans-serif;fill:#68707a}.grid{stroke:#d9d6ce}\n"
    "polyline{fill:none;stroke-width:2;stroke-linejoin:round}.a{stroke:#2a6fdb}circle{fill:#2a6fdb}\n"
    "circle.hover{opacity:0}circle.hover:hover{opacity:1}\n"
    "@media(prefers-color-scheme:dark){text{fill:#9aa0a8}.grid{stroke:#383b40}.a{stroke:#7db0ff}"
    "circle{fill:#7db0ff}}</style>\n";

void plot_file(Buffer *out, const Plot *p, const char *title) {
  CHECK(p->count == 1);
  html_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n", p->width,
            p->height);
  html_addf(out, "<title>%s</title>\n", title);
  buffer_adds(out, file_style);
  html_addf(out, "<text x=\"6\" y=\"12\">%s</text>\n", p->series->name);
  draw(out, p);
  buffer_adds(out, "\n");
}
