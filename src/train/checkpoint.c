#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "io/safetensors.h"
#include "run/bundle.h"

static const char prefix[] = "checkpoint-", unfinished[] = "checkpoint.tmp";

/* ---- state <-> JSON ---- */

/* Every member once, for reading and writing alike. */
// clang-format off
#define STATE_MEMBERS(INT, REAL) \
  INT(step)          \
  INT(steps)         \
  INT(warmup)        \
  REAL(rate_scale)   \
  INT(rollbacks)     \
  REAL(recent_loss)  \
  REAL(best_score)   \
  INT(best_step)     \
  INT(worse)         \
  REAL(valid_loss)   \
  REAL(seconds)
// clang-format on

static json_t *state_to_json(const TrainState *s) {
  json_t *json = json_object();
#define INT(name)  json_put(json, #name, json_integer(s->name));
#define REAL(name) json_put(json, #name, json_number(s->name));
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

static bool snapshots_from_json(TrainState *s, const json_t *json, const char *where, Error *err) {
  const json_t *list = json_object_get(json, "snapshots");
  const size_t count = json_array_size(list);
  if (count > MOST_SNAPSHOTS) return fail(err, "%s: %zu snapshots are too many", where, count);
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_array_get(list, i);
    if (!json_get_int(item, "step", 0, &s->snapshots[i].step, where, err) ||
        !json_get_real(item, "rank", 0, &s->snapshots[i].rank, where, err))
      return false;
  }
  s->snapshot_count = (int64_t)count;
  return true;
}

static bool state_from_json(TrainState *s, const json_t *json, const char *where, Error *err) {
#define INT(name) \
  if (!json_get_int(json, #name, 0, &s->name, where, err)) return false;
#define REAL(name) \
  if (!json_get_real(json, #name, 0, &s->name, where, err)) return false;
  STATE_MEMBERS(INT, REAL)
#undef INT
#undef REAL
  if (s->step < 0 || s->steps < s->step)
    return fail(err, "%s: step %" PRId64 " of %" PRId64 " makes no sense", where, s->step, s->steps);
  return snapshots_from_json(s, json, where, err);
}

/* ---- moments ---- */

/* One safetensors file with the parameters' names under "m.", "v." and "average.". */
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
      items[n] = (NamedTensor){arena_printf(arena, "%s.%s", runs[r].prefix, p->name), p->tensor};
      items[n].tensor.data = (void *)(uintptr_t)(runs[r].values + p->offset);
    }
  const bool ok = safetensors_write(path, items, n, NULL, err);
  arena_free(arena);
  return ok;
}

static bool moment_read(const Safetensors *file, const char *prefix_, float *values, Params *params,
                        const char *path, Error *err) {
  for (size_t i = 0; values && i < params_count(params); i++) {
    const Param *p = params_at(params, i);
    char name[1024];
    snprintf(name, sizeof name, "%s.%s", prefix_, p->name);
    const NamedTensor *found = safetensors_find(file, name);
    if (!found || found->tensor.type != TENSOR_F32 || !tensor_same_shape(&found->tensor, &p->tensor))
      return fail(err, "%s: \"%s\" is missing or of another shape: not a checkpoint of this run", path, name);
    tensor_to_f32(values + p->offset, &found->tensor);
  }
  return true;
}

static bool moments_read(const char *path, Optimizer *o, Error *err) {
  Safetensors file;
  if (!safetensors_open(&file, path, err)) return false;
  const bool ok = moment_read(&file, "m", o->m, o->params, path, err) &&
                  moment_read(&file, "v", o->v, o->params, path, err) &&
                  moment_read(&file, "average", o->average, o->params, path, err);
  safetensors_close(&file);
  return ok;
}

/* ---- directories ---- */

static bool is_checkpoint(const char *name, int64_t *step) {
  char *end;
  if (strncmp(name, prefix, sizeof prefix - 1)) return false;
  *step = strtoll(name + sizeof prefix - 1, &end, 10);
  return end != name + sizeof prefix - 1 && !*end;
}

/* Steps of the checkpoints there are, the newest last: names sort as numbers since they are padded. */
static int64_t newest(const Names *names, size_t *how_many) {
  int64_t last = -1, step;
  *how_many = 0;
  for (size_t i = 0; i < names->count; i++)
    if (is_checkpoint(names->items[i], &step)) {
      ++*how_many;
      if (step > last) last = step;
    }
  return last;
}

static const char *checkpoint_path(char room[PATH_ROOM], const char *run, int64_t step) {
  char name[64];
  snprintf(name, sizeof name, "%s%010" PRId64, prefix, step);
  return path_join(room, run, name);
}

/* Removes the oldest until `keep` are left. */
static bool rotate(const char *run, int64_t keep, Error *err) {
  Names names;
  if (!dir_list(run, &names, err)) return false;
  size_t have;
  newest(&names, &have);
  bool ok = true;
  for (size_t i = 0; ok && i < names.count && have > (size_t)keep; i++) {
    int64_t step;
    char path[PATH_ROOM];
    if (!is_checkpoint(names.items[i], &step)) continue;
    ok = dir_remove(path_join(path, run, names.items[i]), err);
    have--;
  }
  names_free(&names);
  return ok;
}

static bool write_state(const char *dir, const TrainState *state, Error *err) {
  char path[PATH_ROOM];
  json_t *json = state_to_json(state);
  const bool ok = json_write(path_join(path, dir, "trainer_state.json"), json, err);
  json_decref(json);
  return ok;
}

static bool write_parts(const char *dir, const TrainState *state, Optimizer *o, Error *err) {
  char path[PATH_ROOM];
  return dir_make(dir, err) &&
         weights_write(path_join(path, dir, "model.safetensors"), o->params, params_values(o->params), err) &&
         moments_write(path_join(path, dir, "optimizer.safetensors"), o, err) &&
         write_state(dir, state, err) && dir_sync(dir, err);
}

bool checkpoint_save(const char *run, const TrainState *state, Optimizer *o, int64_t keep, Error *err) {
  char temporary[PATH_ROOM], path[PATH_ROOM];
  path_join(temporary, run, unfinished);
  checkpoint_path(path, run, state->step);
  /* One of the same step is of the same run: it is the same, or a rollback later and will roll back again
   * alike. */
  if (dir_exists(path)) return true;
  const bool ok = dir_remove(temporary, err) && write_parts(temporary, state, o, err) &&
                  dir_rename(temporary, path, err) && dir_sync(run, err) && rotate(run, keep, err);
  if (!ok) {
    dir_remove(temporary, NULL);
    fail_prefix(err, "checkpoint of step %" PRId64, state->step);
  }
  return ok;
}

static int64_t newest_in(const char *run) {
  Names names;
  if (!dir_list(run, &names, NULL)) return -1;
  size_t have;
  const int64_t step = newest(&names, &have);
  names_free(&names);
  return step;
}

bool checkpoint_exists(const char *run) {
  return newest_in(run) >= 0;
}

static bool read_state(const char *dir, TrainState *state, Error *err) {
  char path[PATH_ROOM];
  json_t *json = json_read(path_join(path, dir, "trainer_state.json"), err);
  const bool ok = json && state_from_json(state, json, path, err);
  json_decref(json);
  return ok;
}

bool checkpoint_load(const char *run, TrainState *state, Optimizer *o, bool *found, Error *err) {
  char dir[PATH_ROOM], path[PATH_ROOM];
  const int64_t step = newest_in(run);
  *found = step >= 0;
  if (!*found) return true;
  checkpoint_path(dir, run, step);
  return read_state(dir, state, err) &&
         weights_read(path_join(path, dir, "model.safetensors"), o->params, params_values(o->params), err) &&
         moments_read(path_join(path, dir, "optimizer.safetensors"), o, err);
}

bool checkpoint_remove_all(const char *run, Error *err) {
  char path[PATH_ROOM];
  return dir_remove(path_join(path, run, unfinished), err) && rotate(run, 0, err);
}
