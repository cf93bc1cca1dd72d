/* file.h - files as whole things: map, read, replace atomically, lock. Errors name the path. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdio.h>

#include "spool.h"

/* A read-only view of a file: mapped if it is a regular file, read otherwise (pipe, "-" for stdin). */
typedef struct FileView {
  const char *data; /* not NUL-terminated */
  size_t size;
  bool mapped;
  bool borrowed; /* somebody else's memory */
} FileView;
bool file_view(const char *path, FileView *, Error *);
/* The same of a regular file only: a pipe would be waited for, and /dev/zero read until the disk is full. */
bool file_view_regular(const char *path, FileView *, Error *);
void file_view_close(FileView *);
/* What was spooled becomes the view's. */
void file_view_take(FileView *, Spool *);

/* Replaces `path` (of a link the file it names) in one step: temporary file beside it, fsync, rename, fsync
 * of the directory. After a crash at any instant the old or the new contents are there, whole. What is no
 * regular file, such as a device or a pipe, is written into. */
bool file_replace(const char *path, const void *data, size_t size, Error *);
/* The same for contents written in pieces: write to the FILE, then commit or abandon. */
typedef struct FileWriter {
  FILE *stream;
  char path[4096], temporary[4096];
} FileWriter;
bool file_writer_open(FileWriter *, const char *path, Error *);
bool file_writer_put(FileWriter *, const void *data, size_t size, Error *);
bool file_writer_commit(FileWriter *, Error *); /* closes in any case */
void file_writer_abandon(FileWriter *);

/* Refuses to write to `path` where that is one of the files being read ("-": standard input), by whatever
 * name, or lies in the directory of the model in use (NULL: none). Devices and pipes may be both. */
bool file_check_output(const char *path, const char *const *inputs, size_t count, const char *model, Error *);

/* Is anything of this name there? Reading it tells what is wrong with a directory or a link that leads
 * nowhere: they are no reason to do without a file. */
bool file_exists(const char *path);
bool dir_exists(const char *path);
bool dir_make(const char *path, Error *);   /* with its parents; fine if it is there */
bool dir_sync(const char *path, Error *);   /* fsync of the directory itself */
bool dir_remove(const char *path, Error *); /* with everything in it; links are not followed */
bool dir_rename(const char *from, const char *to, Error *);
/* `to` becomes another name of the file `from`, in one step; where there are no links, `from` is moved. */
bool file_link_over(const char *from, const char *to, Error *);
/* Names in a directory, sorted, without "." and ".."; free with names_free. */
typedef struct Names {
  char **items;
  size_t count;
} Names;
bool dir_list(const char *path, Names *, Error *);
void names_free(Names *);

/* "dir/name", in a buffer of the caller. Where that does not fit, a path that says so and does not exist. */
#define PATH_CAPACITY 4096
const char *path_join(char buf[PATH_CAPACITY], const char *dir, const char *name);
/* Where the files of `dir` are: there, or in what is just taking its place (run/model_dir.h). */
#define DIR_READY "inkstone-next.ready"
const char *dir_current(char buf[PATH_CAPACITY], const char *dir);

/* Free bytes on the file system of an existing path; -1 if unknown. */
int64_t disk_free(const char *path);

/* An exclusive lock on dir/lock, held until file_unlock or the end of the process; refused with the
 * holder's process id. Returns a descriptor, -1 on failure. */
int file_lock(const char *dir, Error *);
void file_unlock(int descriptor);

#endif
