#include "train/snapshots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/bundle.h"

static const char prefix[] = "snapshot-", suffix[] = ".safetensors";

static const char *snapshot_path(char buf[PATH_CAPACITY], const char *run, int64_t step) {
  char name[64];
  snprintf(name, sizeof name, "%s%010" PRId64 "%s", prefix, step, suffix);
  return path_join(buf, run, name);
}

static int64_t worst_of(const TrainState *s) {
  int64_t worst = 0;
  for (int64_t i = 1; i < s->snapshot_count; i++)
    if (s->snapshots[i].rank < s->snapshots[worst].rank) worst = i;
  return worst;
}

bool snapshots_add(const char *run, TrainState *s, Params *params, const float *values, double rank,
                   int64_t most, Error *err) {
  char path[PATH_CAPACITY];
  int64_t at = s->snapshot_count;
  if (at == most) {
    at = worst_of(s);
    if (s->snapshots[at].rank >= rank) return true;
  } else {
    s->snapshot_count++;
  }
  s->snapshots[at] = (Snapshot){s->step, rank};
  return weights_write(snapshot_path(path, run, s->step), params, values, err);
}

static bool is_listed(const TrainState *s, int64_t step) {
  for (int64_t i = 0; i < s->snapshot_count; i++)
    if (s->snapshots[i].step == step) return true;
  return false;
}

static bool is_snapshot(const char *name, int64_t *step) {
  char *end;
  if (strncmp(name, prefix, sizeof prefix - 1)) return false;
  *step = strtoll(name + sizeof prefix - 1, &end, 10);
  return end != name + sizeof prefix - 1 && !strcmp(end, suffix);
}

bool snapshots_prune(const char *run, const TrainState *s, Error *err) {
  Names names;
  if (!dir_list(run, &names, err)) return false;
  for (size_t i = 0; i < names.count; i++) {
    char path[PATH_CAPACITY];
    int64_t step;
    if (is_snapshot(names.items[i], &step) && !is_listed(s, step))
      remove(path_join(path, run, names.items[i]));
  }
  names_free(&names);
  return true;
}

void snapshots_find(const char *run, TrainState *s) {
  char path[PATH_CAPACITY];
  int64_t kept = 0;
  for (int64_t i = 0; i < s->snapshot_count; i++)
    if (file_exists(snapshot_path(path, run, s->snapshots[i].step))) s->snapshots[kept++] = s->snapshots[i];
  s->snapshot_count = kept;
}

bool snapshots_mean(const char *run, const TrainState *s, Params *params, float *values, Error *err) {
  const int64_t n = params_length(params), count = s->snapshot_count;
  float *one = mem_alloc((size_t)n * sizeof *one);
  char path[PATH_CAPACITY];
  bool ok = true;
  memset(values, 0, (size_t)n * sizeof *values);
  memset(one, 0, (size_t)n * sizeof *one); /* padding between parameters */
  for (int64_t k = 0; k < count && ok; k++) {
    ok = weights_read(snapshot_path(path, run, s->snapshots[k].step), NULL, params, one, err);
    for (int64_t i = 0; i < n && ok; i++) values[i] += one[i] / (float)count;
  }
  mem_free(one);
  return ok;
}
