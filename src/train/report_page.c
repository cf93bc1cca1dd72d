/* report_page.c - writes the report as HTML. Text from outside is escaped by html_addf or html_text. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/language.h"
#include "text/html.h"
#include "text/plot.h"
#include "train/plan.h"
#include "train/report.h"

static const char style[] =
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:1.5rem "
    "0}\n"
    ".facts div,figure,pre{background:var(--card);border:1px solid var(--rule);border-radius:.6rem}\n"
    ".facts div{padding:.6rem .8rem;font-size:.85rem;color:var(--quiet)}\n"
    ".facts b{display:block;font-size:1.35rem;line-height:1.3;color:var(--ink);font-weight:600}\n"
    "figure{margin:.4rem 0 1rem;padding:.8rem .8rem .4rem}figcaption{font-weight:600;font-size:.95rem}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:0 1rem}\n"
    ".key{font-weight:400;margin-left:.9rem;white-space:nowrap}\n"
    ".key::before{content:'';display:inline-block;width:1rem;height:.2rem;border-radius:.1rem;margin-right:."
    "35rem;"
    "vertical-align:middle;background:currentColor}\n"
    "input{margin:0 .3rem 0 .8rem}label{font-size:.9rem}input:not(:checked)+label{color:var(--quiet)}\n"
    "figure.log,#log:checked~figure.linear{display:none}#log:checked~figure.log{display:block}\n"
    "svg{display:block;width:100%;height:auto;font-size:12px;overflow:visible}svg text{fill:var(--quiet)}\n"
    ".grid{stroke:var(--rule)}polyline{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".a{color:var(--a)}.b{color:var(--b)}.c{color:var(--c)}polyline,circle{stroke:currentColor}\n"
    "circle{fill:currentColor}polyline.faint{stroke-width:1;opacity:.35}circle.hover{opacity:0}"
    "circle.hover:hover{opacity:1}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.7rem .9rem;margin:.2rem 0 1.1rem}\n"
    "pre.text{font:16px/1.6 Georgia,'Noto Serif CJK SC',serif}\n"
    "pre.shell{font:14px/1.7 ui-monospace,'DejaVu Sans Mono',monospace}\n"
    "summary{cursor:pointer;color:var(--quiet)}table{border-collapse:collapse;width:100%}td{padding:.25rem "
    "0;vertical-align:top;overflow-wrap:anywhere;"
    "border-bottom:1px solid var(--rule)}td:first-child{color:var(--quiet);width:11rem;padding-right:1rem}\n"
    "@media(max-width:600px){svg{font-size:15px}svg.wide{font-size:21px}td:first-child{width:8.5rem}}\n";

static void add_escaped(Buffer *out, const char *text) {
  html_text(out, text, strlen(text));
}

/* ---- headline ---- */

static void add_fact(Buffer *out, const char *value, const char *name) {
  html_addf(out, "<div><b>%s</b>%s</div>\n", value, name);
}

static void add_measure(Buffer *out, const char *format, double value, const char *name) {
  char text[64];
  if (!(value > 0) || !isfinite(value)) return;
  snprintf(text, sizeof text, format, value);
  add_fact(out, text, name);
}

static double last_loss(const Report *r) {
  for (size_t i = r->points.count; i-- > 0;)
    if (r->points.data[i].loss > 0) return r->points.data[i].loss;
  return 0;
}

static void add_headline(Buffer *out, const Report *r) {
  char buf[FIGURE_SIZE];
  buffer_adds(out, "<div class=facts>\n");
  add_measure(out, "%.4f", r->valid_loss, _("held-out loss"));
  if (!(r->valid_loss > 0)) add_measure(out, "%.4f", last_loss(r), _("training loss"));
  add_measure(out, "%.4f", r->teacher_loss, _("held-out loss of the teacher"));
  add_measure(out, "%.2f", r->perplexity, _("perplexity"));
  add_measure(out, "%.3f", r->bits_per_byte, _("bits per byte"));
  if (r->bits_per_character > r->bits_per_byte * 1.01)
    add_measure(out, "%.3f", r->bits_per_character, _("bits per character"));
  if (r->parameters) add_fact(out, figure_count(buf, r->parameters), _("parameters"));
  if (r->tokens_seen) add_fact(out, figure_count(buf, r->tokens_seen), _("tokens seen"));
  if (r->seconds > 0) add_fact(out, figure_time(buf, r->seconds), _("training time"));
  if (r->seconds > 0 && r->tokens_seen)
    add_fact(out, figure_count(buf, (int64_t)((double)r->tokens_seen / r->seconds)), _("tokens per second"));
  buffer_adds(out, "</div>\n");
}

/* ---- curves ---- */

static PlotSeries series_of(const Report *r, size_t offset, const char *name, const char *css) {
  PlotSeries s = {.name = name, .css = css};
  for (size_t i = 0; i < r->points.count; i++) {
    double value;
    memcpy(&value, (const char *)&r->points.data[i] + offset, sizeof value);
    if (value > 0) vec_push(&s.points, ((PlotPoint){(double)r->points.data[i].step, value}));
  }
  return s;
}
#define SERIES(r, member, name, css) series_of(r, offsetof(ReportPoint, member), name, css)

static void add_losses(Buffer *out, const Report *r) {
  PlotSeries series[] = {SERIES(r, loss, _("training"), "a"), SERIES(r, valid_loss, _("held out"), "b")};
  const Plot plot = {.x_name = _("step"), .series = series, .count = 2, .width = 760, .height = 320};
  series[0].smooth = true;
  series[1].dots = true;
  if (series[0].points.count) {
    /* The inputs are siblings of the figures that they choose. */
    html_addf(out,
              "<h2>%s</h2>\n<p class=quiet>%s</p>\n<span class=quiet>%s</span>"
              "<input type=radio name=x id=linear checked><label for=linear>%s</label>"
              "<input type=radio name=x id=log><label for=log>%s</label>\n",
              _("Loss"), language_text(r->loss_unit), _("Steps"), _("linear"), _("logarithmic"));
    buffer_adds(out, "<figure class=linear>");
    plot_svg(out, &plot);
    buffer_adds(out, "</figure>\n<figure class=log>");
    plot_svg(out, &(Plot){plot.x_name, series, 2, plot.width, plot.height, true});
    buffer_adds(out, "</figure>\n");
  }
  for (size_t i = 0; i < 2; i++) vec_free(&series[i].points);
}

static void add_small(Buffer *out, const char *title, PlotSeries *series, size_t count) {
  size_t points = 0;
  for (size_t i = 0; i < count; i++) points += series[i].points.count;
  if (points) {
    html_addf(out, "<figure><figcaption>%s</figcaption>", title);
    plot_svg(out, &(Plot){_("step"), series, count, 380, 220, false});
    buffer_adds(out, "</figure>\n");
  }
  for (size_t i = 0; i < count; i++) vec_free(&series[i].points);
}

static PlotSeries curve_series(const Report *r, int curve, bool held) {
  PlotSeries s = {
      .name = held ? _("held out") : _("training"), .css = held ? "b" : "a", .dots = held, .smooth = !held};
  for (size_t i = 0; i < r->points.count; i++) {
    const double value = r->points.data[i].curves[curve][held];
    if (isfinite(value)) vec_push(&s.points, ((PlotPoint){(double)r->points.data[i].step, value}));
  }
  return s;
}

/* "reward_chosen" as "reward chosen". */
static void add_curve(Buffer *out, const Report *r, int curve) {
  PlotSeries series[] = {curve_series(r, curve, false), curve_series(r, curve, true)};
  char title[64];
  snprintf(title, sizeof title, "%s", r->curves[curve]);
  for (char *c = title; *c; c++)
    if (*c == '_') *c = ' ';
  add_small(out, title, series, 2);
}

static void add_curves(Buffer *out, const Report *r) {
  add_losses(out, r);
  buffer_adds(out, "<div class=pair>\n");
  for (int i = 0; i < MOST_CURVES && r->curves[i]; i++) add_curve(out, r, i);
  PlotSeries rate = SERIES(r, learning_rate, _("learning rate"), "c"),
             speed = SERIES(r, tokens_per_second, _("tokens per second"), "c");
  add_small(out, _("Learning rate"), &rate, 1);
  add_small(out, _("Tokens per second"), &speed, 1);
  buffer_adds(out, "</div>\n");
}

/* ---- texts ---- */

/* At most this many samples: the first, the last, and evenly spaced ones between. */
enum { MOST_SAMPLES = 12 };

static bool is_chosen(size_t index, size_t count) {
  if (count <= MOST_SAMPLES || !index) return true;
  return index * (MOST_SAMPLES - 1) / (count - 1) != (index - 1) * (MOST_SAMPLES - 1) / (count - 1);
}

static size_t count_texts(const Report *r, bool remarks) {
  size_t count = 0;
  for (size_t i = 0; i < r->texts.count; i++) count += r->texts.data[i].remark == remarks;
  return count;
}

static void add_samples(Buffer *out, const Report *r) {
  const size_t count = count_texts(r, false);
  char buf[FIGURE_SIZE];
  if (!count) return;
  html_addf(out, "<h2>%s</h2>\n", _("Samples during training"));
  if (count > MOST_SAMPLES) {
    buffer_adds(out, "<p class=quiet>");
    html_addf(out, _("%d of %zu samples; all are in log.jsonl"), MOST_SAMPLES, count);
    buffer_adds(out, "</p>\n");
  }
  for (size_t i = 0, index = 0; i < r->texts.count; i++) {
    const ReportText *t = &r->texts.data[i];
    if (t->remark || !is_chosen(index++, count)) continue;
    buffer_adds(out, "<div class=quiet>");
    html_addf(out, _("step %s"), figure_count(buf, t->step));
    buffer_adds(out, "</div><pre class=text>");
    add_escaped(out, t->text);
    buffer_adds(out, "</pre>\n");
  }
}

static void add_remarks(Buffer *out, const Report *r) {
  const size_t count = count_texts(r, true);
  char buf[FIGURE_SIZE];
  if (!count) return;
  html_addf(out, "<h2>%s</h2><details><summary>", _("Events"));
  add_escaped(out, figure_of(buf, (int64_t)count, N_("event")));
  buffer_adds(out, "</summary><table>\n");
  for (size_t i = 0; i < r->texts.count; i++) {
    if (!r->texts.data[i].remark) continue;
    buffer_adds(out, "<tr><td>");
    html_addf(out, _("step %s"), figure_count(buf, r->texts.data[i].step));
    buffer_adds(out, "<td>");
    add_escaped(out, r->texts.data[i].text);
    buffer_adds(out, "\n");
  }
  buffer_adds(out, "</table></details>\n");
}

/* ---- tables ---- */

static void add_table(Buffer *out, const char *title, const ReportFact *facts, size_t count) {
  if (!count) return;
  html_addf(out, "<h2>%s</h2><table>\n", title);
  for (size_t i = 0; i < count; i++) {
    buffer_adds(out, "<tr><td>");
    add_escaped(out, facts[i].name);
    buffer_adds(out, "<td>");
    add_escaped(out, facts[i].value);
    buffer_adds(out, "\n");
  }
  buffer_adds(out, "</table>\n");
}

/* Quotes a word for the shell. */
static void add_shell_word(Buffer *out, const char *word) {
  Buffer quoted = {0};
  if (word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-")]) {
    buffer_adds(&quoted, "'");
    for (; *word; word++) {
      if (*word == '\'')
        buffer_adds(&quoted, "'\\''");
      else
        buffer_add(&quoted, word, 1);
    }
    buffer_adds(&quoted, "'");
  }
  add_escaped(out, quoted.data ? quoted.data : word);
  buffer_free(&quoted);
}

static void add_next(Buffer *out, const Report *r) {
  static const struct {
    const char *before, *after;
  } commands[] = {{"inkstone write -m ", " --samples 3 --temperature 1"},
                  {"inkstone eval -m ", " FILE"},
                  {"inkstone info ", ""},
                  {"tensorboard --logdir ", ""}};
  html_addf(out, "<h2>%s</h2><pre class=shell>", _("Next"));
  if (!r->finished) {
    html_addf(out, "inkstone train %s -o ", r->tuned_by);
    add_shell_word(out, r->run);
    buffer_adds(out, " --resume\n");
  }
  html_addf(out, "inkstone %s -m ", r->task);
  add_shell_word(out, r->run);
  add_escaped(out, " \"...\"\n");
  for (size_t i = strcmp(r->task, "write") != 0; i < sizeof commands / sizeof *commands; i++) {
    buffer_adds(out, commands[i].before);
    add_shell_word(out, r->run);
    add_escaped(out, commands[i].after);
    buffer_adds(out, "\n");
  }
  buffer_adds(out, "</pre>\n");
}

/* ---- the page ---- */

static void add_title(Buffer *out, const Report *r) {
  char buf[2][FIGURE_SIZE];
  html_addf(out,
            "<!doctype html>\n<html lang=%s>\n<meta charset=utf-8>\n"
            "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
            "<title>%s - Inkstone</title>\n<style>\n",
            _("en"), r->run);
  buffer_adds(out, html_style);
  buffer_adds(out, style);
  html_addf(out, "</style>\n<h1>%s</h1>\n<div class=quiet>", r->run);
  html_addf(out, r->finished ? _("Trained to %s in %s steps") : _("Training to %s in %s steps, interrupted"),
            r->task, figure_count(buf[0], r->steps));
  if (r->finished && r->best_step && r->best_step != r->steps)
    html_addf(out, _(", the best model is that of step %s"), figure_count(buf[1], r->best_step));
  html_addf(out, _(". %s, Inkstone %s"), r->ended, INK_VERSION);
  buffer_adds(out, "</div>\n");
}

bool report_write(const Report *r, const char *path, Error *err) {
  Buffer page = {0};
  add_title(&page, r);
  add_headline(&page, r);
  report_matrix(&page, r->labels);
  add_curves(&page, r);
  add_samples(&page, r);
  add_remarks(&page, r);
  add_table(&page, _("Text"), r->data.data, r->data.count);
  add_table(&page, _("Settings"), r->settings.data, r->settings.count);
  add_next(&page, r);
  buffer_adds(&page, "</html>\n");
  const bool ok = file_replace(path, page.data, page.length, err);
  buffer_free(&page);
  return ok;
}
