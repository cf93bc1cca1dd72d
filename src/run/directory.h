/* directory.h - is this a model directory? What was met in its place is named, with the mend. */
#ifndef RUN_DIRECTORY_H
#define RUN_DIRECTORY_H

#include "base/file.h"

/* A directory with a config.json, and without an adapter, which would change what the model does. */
bool directory_check(const char *path, Error *);
/* The file of its weights. */
bool directory_weights(const char *path, char file[PATH_ROOM], Error *);

#endif
