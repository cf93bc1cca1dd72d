#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/language.h"
#include "run/bundle.h"

static const char prefix[] = "checkpoint-", unfinished[] = "checkpoint.tmp", outdated[] = "checkpoint.old";

/* ---- state <-> JSON ---- */

/* The members to read and write, with the range of values that training can produce. */
// clang-format off
#define STATE_MEMBERS(INT, REAL) \
  INT(step, 0, 1e12)             \
  INT(steps, 0, 1e12)            \
  INT(warmup, 0, 1e12)           \
  REAL(rate_scale, 1e-6, 1)      \
  INT(rollbacks, 0, 1000)        \
  REAL(recent_loss, 0, 1e30)     \
  REAL(best_score, -1e30, 1e30)  \
  INT(best_step, 0, 1e12)        \
  INT(worse, 0, 1e12)            \
  REAL(valid_loss, 0, 1e30)      \
  REAL(seconds, 0, 1e12)
// clang-format on

static json_t *state_to_json(const TrainState *s) {
  json_t *json = json_object();
#define INT(name, least, most)  json_put(json, #name, json_integer(s->name));
#define REAL(name, least, most) json_put(json, #name, json_number(s->name));
  STATE_MEMBERS(INT, REAL)
#undef INT
#undef REAL
  json_t *snapshots = json_array();
  for (int64_t i = 0; i < s->snapshot_count; i++)
    json_push(snapshots, json_build("{s:I, s:o}", "step", (json_int_t)s->snapshots[i].step, "rank",
                                    json_number(s->snapshots[i].rank)));
  json_put(json, "snapshots", snapshots);
  return json;
}

/* Reads a member, which must be a number in its range. */
static bool get_number(const json_t *json, const char *name, double least, double most, bool whole,
                       double *out, const char *where, Error *err) {
  const json_t *value = json_object_get(json, name);
  if (!value) return fail(err, "%s: \"%s\" is missing: not the state of a run", where, name);
  *out = json_number_value(value);
  if ((whole ? json_is_integer(value) : json_is_number(value)) && *out >= least && *out <= most) return true;
  return fail(err, "%s: \"%s\" is not a %s from %.3g to %.3g", where, name,
              whole ? _("whole number") : _("number"), least, most);
}

static bool snapshots_from_json(TrainState *s, const json_t *json, const char *where, Error *err) {
  const json_t *list = json_object_get(json, "snapshots");
  const size_t count = json_array_size(list);
  if (!json_is_array(list)) return fail(err, "%s: \"snapshots\" is missing: not the state of a run", where);
  if (count > MOST_SNAPSHOTS) return fail(err, "%s: %zu snapshots are too many", where, count);
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_array_get(list, i);
    double step = 0;
    if (!get_number(item, "step", 0, 1e12, true, &step, where, err) ||
        !get_number(item, "rank", -1e30, 1e30, false, &s->snapshots[i].rank, where, err))
      return false;
    s->snapshots[i].step = (int64_t)step;
  }
  s->snapshot_count = (int64_t)count;
  return true;
}

static bool state_from_json(TrainState *s, const json_t *json, const char *where, Error *err) {
  double value = 0;
#define INT(name, least, most)                                                       \
  if (!get_number(json, #name, least, most, true, &value, where, err)) return false; \
  s->name = (int64_t)value;
#define REAL(name, least, most) \
  if (!get_number(json, #name, least, most, false, &s->name, where, err)) return false;
  STATE_MEMBERS(INT, REAL)
#undef INT
#undef REAL
  if (s->steps < s->step)
    return fail(err, "%s: step %" PRId64 " of %" PRId64 " is impossible", where, s->step, s->steps);
  return snapshots_from_json(s, json, where, err);
}

/* ---- moments ---- */

/* Writes one safetensors file, parameter names prefixed with "m.", "v." and "average.". */
static bool moments_write(const char *path, Optimizer *o, Error *err) {
  const struct {
    const char *prefix;
    const float *values;
  } runs[] = {{"average", o->average}, {"m", o->m}, {"v", o->v}};
  const size_t count = params_count(o->params);
  Arena *arena = arena_new(0);
  NamedTensor *items = arena_alloc_zeroed(arena, 3 * count * sizeof *items);
  size_t n = 0;
  for (int r = 0; r < 3; r++)
    for (size_t i = 0; runs[r].values && i < count; i++, n++) {
      const Param *p = params_at(o->params, i);
      items[n] =
          (NamedTensor){.name = arena_printf(arena, "%s.%s", runs[r].prefix, p->name), .tensor = p->tensor};
      items[n].tensor.data = (void *)(uintptr_t)(runs[r].values + p->offset);
    }
  const bool ok = safetensors_write(path, items, n, NULL, err);
  arena_free(arena);
  return ok;
}

/* Whether values of a file are loaded, or compared with those in memory. */
typedef enum Reading { TAKE, COMPARE } Reading;

static bool run_read(const TensorSet *file, const char *before, float *values, Params *params,
                     Reading reading, Error *err) {
  for (size_t i = 0; values && i < params_count(params); i++) {
    const Param *p = params_at(params, i);
    char name[1024];
    snprintf(name, sizeof name, "%s%s", before, p->name);
    const NamedTensor *found = tensors_find(file, name);
    if (!found || found->tensor.type != TENSOR_F32 || !tensor_same_shape(&found->tensor, &p->tensor))
      return fail(err, "%s: \"%s\" is missing or has another type or shape: not a checkpoint of this run",
                  file->path, name);
    const size_t bytes = (size_t)tensor_count(&p->tensor) * sizeof(float);
    if (reading == TAKE)
      tensor_to_f32(values + p->offset, &found->tensor);
    else if (memcmp(values + p->offset, found->tensor.data, bytes))
      return fail(err, "%s: \"%s\" differs from what was written when read back", file->path, name);
  }
  return true;
}

static bool moments_read(const char *path, Optimizer *o, Reading reading, Error *err) {
  Safetensors file;
  if (!safetensors_open(&file, path, err)) return false;
  const bool ok = run_read(&file.tensors, "m.", o->m, o->params, reading, err) &&
                  run_read(&file.tensors, "v.", o->v, o->params, reading, err) &&
                  run_read(&file.tensors, "average.", o->average, o->params, reading, err);
  safetensors_close(&file);
  return ok;
}

/* ---- directories ---- */

static const char *checkpoint_path(char buf[PATH_CAPACITY], const char *run, int64_t step) {
  char name[64];
  snprintf(name, sizeof name, "%s%010" PRId64, prefix, step);
  return path_join(buf, run, name);
}

/* Accepts only names in our exact format: transformers' Trainer writes similar ones (checkpoint-500). */
static bool is_checkpoint(const char *run, const char *name, int64_t *step) {
  char path[PATH_CAPACITY], own[PATH_CAPACITY];
  if (strncmp(name, prefix, sizeof prefix - 1)) return false;
  *step = strtoll(name + sizeof prefix - 1, NULL, 10);
  return *step >= 0 && !strcmp(path_join(path, run, name), checkpoint_path(own, run, *step)) &&
         dir_exists(path);
}

typedef VEC(int64_t) Steps;

static int by_step(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Steps of the existing checkpoints, newest last. */
static bool list_steps(const char *run, Steps *steps, Error *err) {
  Names names;
  int64_t step;
  *steps = (Steps){0};
  if (!dir_list(run, &names, err)) return false;
  for (size_t i = 0; i < names.count; i++)
    if (is_checkpoint(run, names.items[i], &step)) vec_push(steps, step);
  names_free(&names);
  if (steps->count) qsort(steps->data, steps->count, sizeof *steps->data, by_step);
  return true;
}

/* Renames first, so that readers never see a checkpoint with part of its files removed. */
static bool remove_checkpoint(const char *run, int64_t step, Error *err) {
  char path[PATH_CAPACITY], old[PATH_CAPACITY];
  path_join(old, run, outdated);
  return dir_remove(old, err) && dir_rename(checkpoint_path(path, run, step), old, err) &&
         dir_remove(old, err);
}

/* Removes what a crash or a failed removal left behind. */
static bool remove_leftovers(const char *run, Error *err) {
  char path[PATH_CAPACITY];
  return dir_remove(path_join(path, run, unfinished), err) && dir_remove(path_join(path, run, outdated), err);
}

/* Removes the oldest until `keep` are left. */
static bool rotate(const char *run, int64_t keep, Error *err) {
  Steps steps;
  if (!list_steps(run, &steps, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i + (size_t)keep < steps.count; i++)
    ok = remove_checkpoint(run, steps.data[i], err);
  vec_free(&steps);
  return ok;
}

static bool write_state(const char *dir, const TrainState *state, Error *err) {
  char path[PATH_CAPACITY];
  json_t *json = state_to_json(state);
  const bool ok = json_write(path_join(path, dir, "trainer_state.json"), json, err);
  json_decref(json);
  return ok;
}

static bool write_parts(const char *dir, const TrainState *state, Optimizer *o, Error *err) {
  char path[PATH_CAPACITY];
  return dir_make(dir, err) && weights_save(dir, o->params, params_values(o->params), err) &&
         moments_write(path_join(path, dir, "optimizer.safetensors"), o, err) &&
         write_state(dir, state, err) && dir_sync(dir, err);
}

static bool read_state(const char *dir, TrainState *state, Error *err) {
  char path[PATH_CAPACITY];
  json_t *json = json_read(path_join(path, dir, "trainer_state.json"), err);
  const bool ok = json && state_from_json(state, json, path, err);
  json_decref(json);
  return ok;
}

static bool read_parts(const char *dir, TrainState *state, Optimizer *o, Error *err) {
  char path[PATH_CAPACITY];
  return read_state(dir, state, err) && weights_load(dir, o->params, params_values(o->params), err) &&
         moments_read(path_join(path, dir, "optimizer.safetensors"), o, TAKE, err);
}

/* Reads the checkpoint back and compares it, before an older one is removed. */
static bool is_whole(const char *dir, Optimizer *o, Error *err) {
  char path[PATH_CAPACITY];
  TrainState state;
  ModelSource weights;
  if (!read_state(dir, &state, err)) return false;
  const bool same = source_open_weights(&weights, dir, err) &&
                    run_read(&weights.tensors, "", params_values(o->params), o->params, COMPARE, err);
  source_close(&weights);
  return same && moments_read(path_join(path, dir, "optimizer.safetensors"), o, COMPARE, err);
}

bool checkpoint_save(const char *run, const TrainState *state, Optimizer *o, int64_t keep, Error *err) {
  char temporary[PATH_CAPACITY], path[PATH_CAPACITY];
  path_join(temporary, run, unfinished);
  checkpoint_path(path, run, state->step);
  /* A checkpoint of the same step is from the same run. It is either identical, or from before a rollback
   * that will be repeated. */
  if (dir_exists(path)) return rotate(run, keep, err); /* a crash may have interrupted it */
  const bool ok = dir_remove(temporary, err) && write_parts(temporary, state, o, err) &&
                  is_whole(temporary, o, err) && dir_rename(temporary, path, err) && dir_sync(run, err) &&
                  rotate(run, keep, err);
  if (!ok) {
    dir_remove(temporary, NULL);
    fail_prefix(err, "checkpoint of step %" PRId64, state->step);
  }
  return ok;
}

bool checkpoint_restate(const char *run, const TrainState *state, Error *err) {
  char path[PATH_CAPACITY];
  return write_state(checkpoint_path(path, run, state->step), state, err);
}

bool checkpoint_exists(const char *run) {
  Steps steps;
  const bool any = list_steps(run, &steps, NULL) && steps.count > 0;
  vec_free(&steps);
  return any;
}

/* Renames a damaged checkpoint, so that the one before is used and its step can be saved again. */
static bool set_aside(const char *run, int64_t step, const Error *why, const News *news, Error *err) {
  char path[PATH_CAPACITY], name[64], aside[PATH_CAPACITY];
  snprintf(name, sizeof name, "damaged-%s%010" PRId64, prefix, step);
  path_join(aside, run, name);
  news_warning(news, "%s: renamed to %s; the run continues from the previous checkpoint", why->text, name);
  return dir_remove(aside, err) && dir_rename(checkpoint_path(path, run, step), aside, err);
}

bool checkpoint_load(const char *run, TrainState *state, Optimizer *o, const News *news, bool *found,
                     Error *err) {
  char dir[PATH_CAPACITY];
  Steps steps;
  if (!list_steps(run, &steps, err) || !remove_leftovers(run, err)) return false;
  *found = steps.count > 0;
  bool ok = true;
  for (size_t left = steps.count; left > 0; left--) {
    Error why = {0};
    checkpoint_path(dir, run, steps.data[left - 1]);
    /* retry: a transient failure does not make a checkpoint damaged */
    if (read_parts(dir, state, o, &why) || read_parts(dir, state, o, NULL)) break;
    ok = left > 1 ? set_aside(run, steps.data[left - 1], &why, news, err) : fail_from(err, &why);
    if (!ok) break;
  }
  vec_free(&steps);
  return ok;
}

bool checkpoint_remove_all(const char *run, Error *err) {
  return remove_leftovers(run, err) && rotate(run, 0, err);
}
