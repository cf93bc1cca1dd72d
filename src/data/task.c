#include "data/task.h"

#include <string.h>

#include "base/buffer.h"
#include "data/material.h"

const Task task_table[] = {
#define TASK(name, material, chat, complete, help) {#name, &material_##material, chat, complete, help},
#include "data/tasks.def"
#undef TASK
};
const int task_count = sizeof task_table / sizeof *task_table;

const Task *task_find(const char *name) {
  for (int i = 0; i < task_count; i++)
    if (!strcmp(task_table[i].name, name)) return &task_table[i];
  return NULL;
}

const Task *task_named(const char *name, Error *err) {
  const Task *found = task_find(name);
  if (found) return found;
  Buffer known = {0};
  for (int i = 0; i < task_count; i++) buffer_addf(&known, "%s%s", i ? ", " : "", task_table[i].name);
  fail_usage(err, "unknown task \"%s\": give one of %s", name, known.data);
  buffer_free(&known);
  return NULL;
}

bool task_has_labels(const Task *task) {
  return task->material == &material_labels;
}

bool task_has_pairs(const Task *task) {
  return task->material == &material_pairs;
}
