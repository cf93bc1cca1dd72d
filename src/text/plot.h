/* plot.h - curves as SVG: a few series over the same x, ticks at round numbers, values as tooltips. */
#ifndef TEXT_PLOT_H
#define TEXT_PLOT_H

#include "base/buffer.h"

typedef struct PlotPoint {
  double x, y;
} PlotPoint;

typedef struct PlotSeries {
  const char *name, *css; /* css: the class that sets its colour */
  VEC(PlotPoint) points;  /* x ascending, all finite */
  bool dots;              /* mark each point */
  bool smooth;            /* draw the points faintly and a moving average over them */
} PlotSeries;

typedef struct Plot {
  const char *x_name;
  const PlotSeries *series;
  size_t count;
  int width, height;
  bool log_x; /* x at least 1 */
} Plot;

/* The y axis covers 98 % of the points, so that a few high initial values do not flatten the rest. */
void plot_svg(Buffer *out, const Plot *);
/* A complete SVG file with its own style, for a plot of one series of class "a". */
void plot_file(Buffer *out, const Plot *, const char *title);

#endif
