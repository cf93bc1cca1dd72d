/* report.c - gathers the contents of a report from the log, the card, the settings and the weights. */
#include "train/report.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/figure.h"
#include "base/file.h"
#include "base/language.h"
#include "base/threads.h"
#include "io/source.h"
#include "train/file_names.h"
#include "train/objective.h"
#include "train/plan.h"

void report_open(Report *r, const char *run) {
  *r = (Report){.arena = arena_new(0),
                .task = "write",
                .tuned_by = "write",
                .ended = "",
                .loss_unit = objective_likelihood.loss_unit};
  r->run = arena_strndup(r->arena, run, strlen(run));
}

void report_close(Report *r) {
  vec_free(&r->points);
  vec_free(&r->texts);
  vec_free(&r->data);
  vec_free(&r->settings);
  arena_free(r->arena);
  *r = (Report){0};
}

static const char *keep(Report *r, const char *text) {
  return arena_strndup(r->arena, text, strlen(text));
}

static double number(const json_t *object, const char *key) {
  return json_number_value(json_object_get(object, key));
}

/* ---- the log ---- */

/* A rollback repeats steps: removes the points and samples from `step` on, and keeps the remarks. */
static void forget_from(Report *r, int64_t step) {
  size_t kept = 0;
  while (r->points.count && r->points.data[r->points.count - 1].step >= step) r->points.count--;
  for (size_t i = 0; i < r->texts.count; i++)
    if (r->texts.data[i].remark || r->texts.data[i].step < step) r->texts.data[kept++] = r->texts.data[i];
  r->texts.count = kept;
}

static bool is_in_every_run(const char *key) {
  static const char *const names[] = {"step",         "time", "loss", "valid_loss", "lr", "tokens_per_second",
                                      "gradient_norm"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(key, names[i])) return true;
  return false;
}

/* The place of a name that the report remembers; -1: there are too many. */
static int curve_of(Report *r, const char *name) {
  for (int i = 0; i < MOST_CURVES; i++) {
    if (!r->curves[i]) r->curves[i] = keep(r, name);
    if (!strcmp(r->curves[i], name)) return i;
  }
  return -1;
}

/* A measure of the batch and the held-out one are one curve. */
static void add_curve_values(Report *r, ReportPoint *p, const json_t *line) {
  json_t *object = (json_t *)(uintptr_t)line, *value;
  const char *key;
  for (int i = 0; i < MOST_CURVES; i++) p->curves[i][0] = p->curves[i][1] = NAN;
  json_object_foreach(object, key, value) {
    if (is_in_every_run(key) || !json_is_number(value)) continue;
    const bool held = !strncmp(key, "valid_", 6);
    const int at = curve_of(r, held ? key + 6 : key);
    if (at >= 0) p->curves[at][held] = json_number_value(value);
  }
}

static void add_line(Report *r, const json_t *line) {
  const int64_t step = json_integer_value(json_object_get(line, "step"));
  const char *sample = json_get_text(line, "sample", NULL), *remark = json_get_text(line, "remark", NULL);
  if (sample || remark) {
    vec_push(&r->texts, ((ReportText){step, keep(r, sample ? sample : remark), !sample}));
    return;
  }
  if (r->points.count && r->points.data[r->points.count - 1].step >= step) forget_from(r, step);
  ReportPoint p = {.step = step,
                   .seconds = number(line, "time"),
                   .loss = number(line, "loss"),
                   .valid_loss = number(line, "valid_loss"),
                   .learning_rate = number(line, "lr"),
                   .tokens_per_second = number(line, "tokens_per_second")};
  add_curve_values(r, &p, line);
  vec_push(&r->points, p);
}

static bool read_lines(Report *r, const FileView *log, const char *path, Error *err) {
  size_t number_of_line = 1;
  for (size_t at = 0; at < log->size; number_of_line++) {
    const char *line = log->data + at, *end = memchr(line, '\n', log->size - at);
    if (!end) break;
    json_t *json = json_parse(line, (size_t)(end - line), path, NULL);
    const bool ok = json_is_object(json) && json_is_integer(json_object_get(json, "step"));
    if (ok) add_line(r, json);
    json_decref(json);
    if (!ok) return fail(err, "%s:%zu: not a line of a log: remove it", path, number_of_line);
    at += (size_t)(end - line) + 1;
  }
  return true;
}

bool report_from_log(Report *r, const char *path, Error *err) {
  FileView log;
  if (!file_view_regular(path, &log, err)) return false;
  const bool ok = read_lines(r, &log, path, err);
  file_view_close(&log);
  if (ok && r->points.count && !r->steps) {
    r->steps = r->points.data[r->points.count - 1].step;
    r->seconds = r->points.data[r->points.count - 1].seconds;
  }
  return ok;
}

/* ---- card, settings, weights ---- */

static void add_data(Report *r, const char *name, const char *value) {
  vec_push(&r->data, ((ReportFact){language_text(name), keep(r, value)}));
}

static void add_data_facts(Report *r, const json_t *data) {
  static const char *const counts[] = {N_("documents"), N_("characters"), N_("tokens")};
  const json_t *files = json_object_get(data, "files");
  char buf[FIGURE_SIZE];
  for (size_t i = 0; i < json_array_size(files); i++)
    if (file_name_shown(json_array_get(files, i)))
      add_data(r, i ? "" : N_("files"), file_name_shown(json_array_get(files, i)));
  if (number(data, "bytes") > 0) add_data(r, N_("size"), figure_bytes(buf, (int64_t)number(data, "bytes")));
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    if (number(data, counts[i]) > 0)
      add_data(r, counts[i], figure_count(buf, (int64_t)number(data, counts[i])));
}

void report_from_card(Report *r, const json_t *card) {
  const json_t *training = json_object_get(card, "training");
  r->task = keep(r, json_get_text(card, "task", "write"));
  r->tuned_by = keep(r, json_get_text(card, CARD_TUNED_BY, r->task));
  r->finished = json_is_true(json_object_get(training, "finished"));
  r->steps = (int64_t)number(training, "steps");
  r->best_step = (int64_t)number(training, "best_step");
  r->tokens_seen = (int64_t)number(training, "tokens_seen");
  r->seconds = number(training, "seconds");
  r->labels = json_object_get(training, "valid_labels");
  if (r->labels) r->loss_unit = N_("Nats per text: lower is better.");
  const Objective *objective = objective_named(json_get_text(card, CARD_OBJECTIVE, ""));
  if (objective) r->loss_unit = objective->loss_unit;
  r->valid_loss = number(training, "valid_loss");
  r->teacher_loss = number(training, "teacher_valid_loss");
  r->perplexity = number(training, "valid_perplexity");
  r->bits_per_byte = number(training, "valid_bits_per_byte");
  r->bits_per_character = number(training, "valid_bits_per_character");
  add_data_facts(r, json_object_get(card, "data"));
}

/* Whether the YAML mapping has this key. */
static bool has_key(const char *yaml, const char *key) {
  const size_t length = strlen(key);
  for (const char *line = yaml; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL)
    if (!strncmp(line, key, length) && line[length] == ':') return true;
  return false;
}

void report_from_settings(Report *r, const Settings *settings) {
  ink_setting_info info = INK_SETTING_INFO_INIT;
  char *yaml = settings_to_yaml(settings);
  for (int i = 0; ink_settings_describe(settings, i, &info); i++) {
    if (!has_key(yaml, info.name)) continue;
    char *value = settings_text(settings, info.name);
    vec_push(&r->settings, ((ReportFact){keep(r, info.name), keep(r, value)}));
    ink_free(value);
  }
  mem_free(yaml);
}

/* Leaves 0 if the run was interrupted before its first evaluation: it has no weights yet. */
static void count_parameters(Report *r) {
  ModelSource source;
  if (source_open_weights(&source, r->run, NULL))
    for (size_t i = 0; i < source.tensors.count; i++)
      r->parameters += tensor_count(&source.tensors.items[i].tensor);
  source_close(&source);
}

static void add_time(Report *r) {
  char text[64];
  struct tm local;
  const time_t now = (time_t)clock_unix();
  if (localtime_r(&now, &local) && strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local))
    r->ended = keep(r, text);
}

bool report_run(const char *run, const json_t *card, const Settings *settings, Error *err) {
  char path[PATH_CAPACITY];
  Report r;
  report_open(&r, run);
  add_time(&r);
  count_parameters(&r);
  report_from_card(&r, card);
  report_from_settings(&r, settings);
  const bool ok = report_from_log(&r, path_join(path, run, "log.jsonl"), err) &&
                  report_write(&r, path_join(path, run, "report.html"), err);
  report_close(&r);
  return ok;
}
