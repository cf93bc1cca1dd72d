/* task.h - the tasks a model can be trained for: the word after `train`, and the command that uses the model.
 */
#ifndef DATA_TASK_H
#define DATA_TASK_H

#include "base/error.h"

typedef struct Task {
  const char *name;
  const struct MaterialKind *material; /* kind of training data */
  bool chat;                           /* the examples are conversations */
  bool complete;                       /* a target says all that its source says */
  const char *help;
} Task;
extern const Task task_table[];
extern const int task_count;

const Task *task_find(const char *name);              /* NULL if unknown */
const Task *task_named(const char *name, Error *err); /* the error lists the known tasks */
/* Is the task learnt from pairs or conversations, not from running text? */
bool task_has_pairs(const Task *);
/* Is it learnt from texts with labels? Its models predict labels instead of tokens. */
bool task_has_labels(const Task *);

#endif
