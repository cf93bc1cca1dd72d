#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/language.h"
#include "base/threads.h"
#include "cli/glyph.h"
#include "cli/streams.h"

static const double redraw_every = 0.1, line_every = 5; /* seconds */

enum { FIELD_CAPACITY = 192, MOST_FIELDS = 8, SHORT_BAR = 10, LONG_BAR = 28 };

/* The parts of a progress line, most important first; those that do not fit are dropped from the end. */
typedef struct Fields {
  char text[MOST_FIELDS][FIELD_CAPACITY];
  int count;
} Fields;

static char *add_field(Fields *f) {
  CHECK(f->count < MOST_FIELDS);
  return f->text[f->count++];
}

/* ---- fields ---- */

static const char *amount(char buf[FIGURE_SIZE], int64_t value, const char *unit) {
  return !strcmp(unit, "byte") ? figure_bytes(buf, value) : figure_count(buf, value);
}

static void place_field(Fields *f, const Progress *p, const ink_event *e) {
  char done[FIGURE_SIZE], total[FIGURE_SIZE];
  const char *unit = e->unit ? e->unit : "";
  amount(done, e->done, unit);
  if (e->total > 0)
    snprintf(add_field(f), FIELD_CAPACITY, "%s %s/%s", p->stage, done, amount(total, e->total, unit));
  else
    snprintf(add_field(f), FIELD_CAPACITY, "%s %s", p->stage, done);
}

/* Units per second since the stage was first seen, of which a part may have been done before; 0: unknown. */
static double rate_of(const Progress *p, const ink_event *e, double now) {
  const double passed = now - p->stage_began;
  return passed < 2 || e->done <= p->stage_from ? 0 : (double)(e->done - p->stage_from) / passed;
}

/* The library's estimate, or else one from the time this stage took so far. */
static double seconds_left(const ink_event *e, double rate) {
  if (e->seconds_left > 0) return e->seconds_left;
  return rate > 0 && e->total > e->done ? (double)(e->total - e->done) / rate : 0;
}

static void collect(Fields *f, const Progress *p, const ink_event *e, double now) {
  char buf[FIGURE_SIZE];
  const double rate = rate_of(p, e, now), left = seconds_left(e, rate);
  *f = (Fields){0};
  place_field(f, p, e);
  if (left > 0) snprintf(add_field(f), FIELD_CAPACITY, _("%s left"), figure_time(buf, left));
  if (rate > 0 && e->unit && !strcmp(e->unit, "byte"))
    snprintf(add_field(f), FIELD_CAPACITY, "%s/s", figure_bytes(buf, (int64_t)rate));
  if (e->loss > 0) snprintf(add_field(f), FIELD_CAPACITY, _("loss %.3f"), e->loss);
  if (e->valid_loss > 0) snprintf(add_field(f), FIELD_CAPACITY, _("valid %.3f"), e->valid_loss);
  if (e->tokens_per_second > 0)
    snprintf(add_field(f), FIELD_CAPACITY, _("%s tokens/s"),
             figure_count(buf, (int64_t)e->tokens_per_second));
  if (e->peak_share > 0) snprintf(add_field(f), FIELD_CAPACITY, _("%.0f %% of peak"), e->peak_share * 100);
  if (e->memory > 0) snprintf(add_field(f), FIELD_CAPACITY, "%s", figure_bytes(buf, e->memory));
}

/* ---- one redrawn line ---- */

static int fields_columns(const Fields *f) {
  int columns = 0;
  for (int i = 0; i < f->count; i++) columns += (i ? 2 : 0) + glyph_columns(f->text[i], strlen(f->text[i]));
  return columns;
}

/* A bar of `columns` columns: cells, the percentage if it fits, and two spaces. */
static void add_bar(Buffer *line, const Progress *p, const ink_event *e, int columns) {
  const bool figures = columns >= LONG_BAR;
  const double share = (double)e->done / (double)e->total, bounded = share > 1 ? 1 : share < 0 ? 0 : share;
  const int cells = figures ? LONG_BAR - 8 : columns - 2, full = (int)(cells * bounded + 0.5);
  for (int i = 0; i < cells; i++)
    buffer_adds(line, p->blocks ? (i < full ? "█" : "░") : i < full ? "#" : ".");
  if (figures) buffer_addf(line, " %3.0f %%", bounded * 100);
  buffer_adds(line, "  ");
}

static void draw(Progress *p, const ink_event *e, double now) {
  const int width =
      glyph_terminal_width(STDERR_FILENO) - 1; /* the last column would wrap on some terminals */
  const int bar = e->total > 0 ? SHORT_BAR : 0;
  Fields f;
  Buffer line = {0};
  collect(&f, p, e, now);
  while (f.count > 1 && bar + fields_columns(&f) > width) f.count--;
  const int left = width - fields_columns(&f);
  if (bar && left >= bar) add_bar(&line, p, e, left);
  for (int i = 0; i < f.count; i++) buffer_addf(&line, "%s%s", i ? "  " : "", f.text[i]);
  fprintf(stderr, "\r%.*s\033[K", (int)glyph_fit(line.data, line.length, width), line.data);
  fflush(stderr);
  buffer_free(&line);
  p->drawn = true;
}

void progress_close(Progress *p) {
  if (p->drawn) fputs("\r\033[K", stderr);
  p->drawn = false;
}

static void print_line(const Progress *p, const ink_event *e, double now) {
  Fields f;
  collect(&f, p, e, now);
  for (int i = 0; i < f.count; i++) fprintf(stderr, "%s%s", i ? _(", ") : "", f.text[i]);
  fputc('\n', stderr);
}

/* ---- events ---- */

static void enter_stage(Progress *p, const char *stage, int64_t done, double now) {
  if (!strncmp(p->stage, stage, sizeof p->stage - 1)) return;
  snprintf(p->stage, sizeof p->stage, "%s", stage);
  p->stage_from = done;
  p->stage_began = p->shown = now;
  p->printed = false;
}

static void show_progress(Progress *p, const ink_event *e) {
  const double now = clock_seconds();
  const bool over = e->total > 0 && e->done >= e->total;
  enter_stage(p, e->stage ? language_text(e->stage) : _("working"), e->done, now);
  if (p->terminal ? now - p->shown < redraw_every && !(over && p->drawn)
                  : now - p->shown < line_every && !(over && p->printed))
    return;
  p->shown = now;
  p->printed = !over;
  if (p->terminal)
    draw(p, e, now);
  else
    print_line(p, e, now);
}

static void show_evaluation(Progress *p, const ink_event *e) {
  char step[FIGURE_SIZE];
  char metric[FIGURE_SIZE] = "";
  if (e->metric) snprintf(metric, sizeof metric, _(", %s %.1f"), e->metric, e->metric_value);
  progress_say(p, "step %s: loss %.4f, valid loss %.4f%s%s%s", figure_count(step, e->done), e->loss,
               e->valid_loss, metric, e->text ? e->text : "", e->best ? _(", the best so far") : "");
}

/* Stores the first words of a sample, as far as they need no escaping between double quotes in a shell. */
static void remember_beginning(Progress *p, const char *text) {
  text += strspn(text, " \n\r\t");
  const size_t line = strcspn(text, "\"$`\\!\n\r\t");
  size_t end = glyph_fit(text, line, 16);
  if (end < line) /* do not split a word */
    for (size_t i = end; i > 0; i--)
      if (text[i] == ' ') {
        end = i;
        break;
      }
  if (!glyph_valid(text, end)) end = 0; /* an early model writes invalid UTF-8 */
  snprintf(p->beginning, sizeof p->beginning, "%.*s", (int)end, text);
}

/* Prints each line after a mark. */
static void show_sample(Progress *p, const ink_event *e) {
  Buffer shown = {0};
  const char *mark = p->blocks || !p->terminal ? "  │ " : "  | ";
  remember_beginning(p, e->text);
  size_t length = strlen(e->text);
  while (length && e->text[length - 1] == '\n') length--;
  buffer_adds(&shown, mark);
  for (size_t i = 0; i < length; i++) {
    buffer_add(&shown, e->text + i, 1);
    if (e->text[i] == '\n') buffer_adds(&shown, mark);
  }
  progress_say(p, "%s", shown.data);
  buffer_free(&shown);
}

static void listen(void *user, const ink_event *e) {
  Progress *p = user;
  switch (e->kind) {
    case INK_EVENT_NOTE:
      progress_say(p, "%s", e->text);
      break;
    case INK_EVENT_WARNING:
      progress_close(p);
      streams_say("warning: %s\n", e->text);
      break;
    case INK_EVENT_PROGRESS:
      if (!p->quiet) show_progress(p, e);
      break;
    case INK_EVENT_EVAL:
      show_evaluation(p, e);
      break;
    case INK_EVENT_SAMPLE:
      show_sample(p, e);
      break;
  }
}

ink_call progress_call(Progress *p) {
  ink_call call = streams_call();
  call.listener = listen;
  call.user = p;
  return call;
}

void progress_say(Progress *p, const char *format, ...) {
  va_list args;
  if (p->quiet) return;
  progress_close(p);
  va_start(args, format);
  streams_vsay(format, args);
  va_end(args);
  fputc('\n', stderr);
}

void progress_open(Progress *p, bool quiet) {
  *p = (Progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1, .blocks = glyph_set_locale()};
}
