/* task.h - what a model can learn: a word after `train`, and the command that uses the model. */
#ifndef DATA_TASK_H
#define DATA_TASK_H

#include "base/error.h"

typedef struct Task {
  const char *name;
  const struct MaterialKind *material; /* what it is learnt from */
  bool chat;                           /* turns of speakers, rather than a source and its target */
  const char *help;
} Task;
extern const Task task_table[];
extern const int task_count;

const Task *task_find(const char *name);              /* NULL if unknown */
const Task *task_named(const char *name, Error *err); /* the same, saying which there are */
/* Has a source and a target, rather than a text that goes on. */
bool task_has_pairs(const Task *);

#endif
