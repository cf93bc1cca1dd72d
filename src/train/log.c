#include "train/log.h"

#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/threads.h"
#include "text/utf8.h"

/* Copies the lines up to `step`; skips a last line truncated by a crash. */
static void keep_until(const FileView *old, int64_t step, Buffer *kept) {
  for (size_t at = 0; at < old->size;) {
    const char *line = old->data + at, *end = memchr(line, '\n', old->size - at);
    if (!end) return;
    json_t *json = json_parse(line, (size_t)(end - line), "log.jsonl", NULL);
    if (json && json_integer_value(json_object_get(json, "step")) <= step)
      buffer_add(kept, line, (size_t)(end - line) + 1);
    json_decref(json);
    at += (size_t)(end - line) + 1;
  }
}

static bool truncate_log(const char *path, int64_t step, Error *err) {
  FileView old;
  Buffer kept = {0};
  if (!file_exists(path)) return true;
  if (!file_view_regular(path, &old, err)) return false;
  keep_until(&old, step, &kept);
  file_view_close(&old);
  const bool ok = file_replace(path, kept.data ? kept.data : "", kept.length, err);
  buffer_free(&kept);
  return ok;
}

bool log_open(TrainLog *log, const char *run, int64_t step, Error *err) {
  *log = (TrainLog){0};
  path_join(log->path, run, "log.jsonl");
  if (!truncate_log(log->path, step, err)) return false;
  log->lines = fopen(log->path, "a");
  if (!log->lines) return fail(err, "%s: cannot be opened for writing", log->path);
  return (log->events = tfevents_open(run, err)) != NULL;
}

void log_close(TrainLog *log) {
  if (log->lines) fclose(log->lines);
  if (log->events) tfevents_close(log->events);
  *log = (TrainLog){0};
}

/* Removes a line that was written only in part: readers of the log would fail on it. */
static bool write_line(TrainLog *log, json_t *json, Error *err) {
  const long start = ftell(log->lines);
  char *text = json_text(json, JSON_COMPACT | JSON_REAL_PRECISION(9));
  const bool ok = fprintf(log->lines, "%s\n", text) > 0 && fflush(log->lines) == 0;
  mem_free(text);
  json_decref(json);
  if (ok) return true;
  __fpurge(log->lines);
  clearerr(log->lines);
  if (start >= 0 && ftruncate(fileno(log->lines), start) == 0) fseek(log->lines, start, SEEK_SET);
  return fail(err, "%s: cannot be written: is the disk full?", log->path);
}

/* Measures of the objective: "accuracy", "valid_accuracy". */
static bool add_measures(TrainLog *log, const LogStep *s, json_t *json, double now, Error *err) {
  const double *const sets[] = {s->measures, s->valid_measures};
  bool ok = true;
  char name[64];
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; sets[k] && s->names[i]; i++) {
      snprintf(name, sizeof name, "%s%s", k ? "valid_" : "", s->names[i]);
      json_put(json, name, json_number(sets[k][i]));
      snprintf(name, sizeof name, "%s/%s", s->names[i], k ? "valid" : "train");
      ok = ok && tfevents_scalar(log->events, name, s->step, sets[k][i], now, err);
    }
  return ok;
}

bool log_step(TrainLog *log, const LogStep *s, Error *err) {
  const struct {
    const char *name, *tag;
    double value;
  } values[] = {{"time", NULL, s->seconds},
                {"loss", "loss/train", s->loss},
                {"valid_loss", "loss/valid", s->valid_loss},
                {"lr", "learning_rate", s->learning_rate},
                {"tokens_per_second", "speed/tokens_per_second", s->tokens_per_second},
                {"gradient_norm", "gradient_norm", s->gradient_norm}};
  json_t *json = json_build("{s:I}", "step", (json_int_t)s->step);
  const double now = clock_unix();
  bool ok = true;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    if (values[i].value == 0) continue;
    json_put(json, values[i].name, json_number(values[i].value));
    if (values[i].tag)
      ok = ok && tfevents_scalar(log->events, values[i].tag, s->step, values[i].value, now, err);
  }
  if (s->metric) {
    char name[64];
    snprintf(name, sizeof name, "valid_%s", s->metric);
    json_put(json, name, json_number(s->metric_value));
    snprintf(name, sizeof name, "metric/%s", s->metric);
    ok = ok && tfevents_scalar(log->events, name, s->step, s->metric_value, now, err);
  }
  ok = ok && (!s->names || add_measures(log, s, json, now, err));
  return write_line(log, json, err) && ok && tfevents_flush(log->events, err);
}

/* A sample may contain invalid UTF-8 or end inside a character; JSON may not. */
static bool log_text(TrainLog *log, int64_t step, const char *kind, const char *text, Error *err) {
  Buffer whole = {0};
  utf8_repair(text, utf8_whole_prefix(text, strlen(text)), &whole);
  buffer_adds(&whole, "");
  json_t *json = json_build("{s:I, s:s}", "step", (json_int_t)step, kind, whole.data);
  const bool ok =
      write_line(log, json, err) && tfevents_text(log->events, kind, step, whole.data, clock_unix(), err);
  buffer_free(&whole);
  return ok;
}

bool log_sample(TrainLog *log, int64_t step, const char *text, Error *err) {
  return log_text(log, step, "sample", text, err);
}

bool log_remark(TrainLog *log, int64_t step, const char *text, Error *err) {
  return log_text(log, step, "remark", text, err);
}
