#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/kinds.h"
#include "base/language.h"
#include "base/mapping.h"
#include "base/threads.h"

static bool fail_path(Error *err, const char *path, const char *what) {
  const bool missing = errno == ENOENT || errno == ENOTDIR;
  return fail_as(err, missing ? INK_NOT_FOUND : INK_FAILED, "%s: %s: %s", path, language_text(what),
                 language_errno(errno));
}

/* ---- reading ---- */

/* Pipes and terminals may block for long, or forever. A signal interrupts poll, which is never restarted;
 * reading ends if the signal requested a stop. */
static bool wait_for_bytes(int descriptor, const char *path, Error *err) {
  struct pollfd in = {.fd = descriptor, .events = POLLIN};
  while (!interrupted()) {
    if (poll(&in, 1, -1) >= 0) return true;
    if (errno != EINTR) return fail_path(err, path, "cannot be read");
  }
  return fail_as(err, INK_INTERRUPTED, "interrupted while reading %s", path);
}

static bool read_stream(int descriptor, const char *path, FileView *view, Error *err) {
  enum { PIECE = 1 << 14 };
  Spool spool = {0};
  char piece[PIECE];
  ssize_t n = 1;
  bool ok = true;
  while (ok && n != 0) {
    if (!(ok = wait_for_bytes(descriptor, path, err))) break;
    n = read(descriptor, piece, sizeof piece);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    ok = n < 0 ? fail_path(err, path, "cannot be read") : spool_add(&spool, piece, (size_t)n, err);
  }
  if (ok)
    file_view_take(view, &spool);
  else
    spool_free(&spool);
  return ok;
}

static bool map_file(int descriptor, size_t size, const char *path, FileView *view, Error *err) {
  void *data = mapping_open(descriptor, size);
  if (!data) return fail_path(err, path, "cannot be mapped");
  *view = (FileView){.data = data, .size = size, .mapped = true};
  return true;
}

static bool view_descriptor(int descriptor, const char *path, bool regular, FileView *view, Error *err) {
  struct stat info;
  if (fstat(descriptor, &info)) return fail_path(err, path, "cannot be examined");
  if (S_ISDIR(info.st_mode)) return fail(err, "%s: is a directory, not a file", path);
  if (regular && !S_ISREG(info.st_mode))
    return fail(err, "%s: not a regular file but a pipe or device: copy its contents into a file", path);
  return S_ISREG(info.st_mode) && info.st_size > 0
             ? map_file(descriptor, (size_t)info.st_size, path, view, err)
             : read_stream(descriptor, path, view, err);
}

static bool view(const char *path, bool regular, FileView *out, Error *err) {
  *out = (FileView){0};
  /* O_NONBLOCK: opening a pipe without a writer does not block; wait_for_bytes does, interruptibly. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return fail_path(err, path, "cannot be opened");
  const bool ok = view_descriptor(descriptor, path, regular, out, err);
  close(descriptor);
  return ok;
}

bool file_view(const char *path, FileView *out, Error *err) {
  if (strcmp(path, "-")) return view(path, false, out, err);
  *out = (FileView){0};
  return read_stream(STDIN_FILENO, _("standard input"), out, err);
}

bool file_view_regular(const char *path, FileView *out, Error *err) {
  if (!view(path, true, out, err)) return false;
  if (!kind_refuse_placeholder(path, out->data, out->size, err)) return true;
  file_view_close(out);
  return false;
}

void file_view_close(FileView *view) {
  void *data = (void *)(uintptr_t)view->data;
  if (view->mapped)
    mapping_close(data, view->size);
  else if (!view->borrowed)
    mem_free(data);
  *view = (FileView){0};
}

void file_view_take(FileView *view, Spool *spool) {
  spool_finish(spool);
  *view = (FileView){.data = spool->data ? spool->data : mem_alloc_zeroed(1, 1),
                     .size = spool->length,
                     .mapped = spool->on_disk};
  *spool = (Spool){0};
}

/* ---- writing ---- */

static void parent_of(const char *path, char parent[PATH_CAPACITY]) {
  const char *slash = strrchr(path, '/');
  const size_t length = slash ? (size_t)(slash - path) : 0;
  CHECK(length < PATH_CAPACITY);
  memcpy(parent, slash ? path : ".", slash ? length : 1);
  parent[slash ? length : 1] = '\0';
  if (slash == path) memcpy(parent, "/", 2);
}

/* A stream for the descriptor, which is closed on failure. */
static FILE *stream_of(int descriptor) {
  FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
  const int problem = errno;
  if (!stream && descriptor >= 0) close(descriptor);
  errno = problem;
  return stream;
}

/* Creates a temporary file next to `path`; never opens an existing file or follows a link there. */
static FILE *open_temporary(FileWriter *w) {
  enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };
  if (snprintf(w->temporary, sizeof w->temporary, "%s.tmp%d", w->path, (int)getpid() % 1000000) >=
      (int)sizeof w->temporary) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  int descriptor = open(w->temporary, FLAGS, 0666);
  if (descriptor < 0 && errno == EEXIST && !unlink(w->temporary))
    descriptor = open(w->temporary, FLAGS, 0666);
  FILE *stream = stream_of(descriptor);
  const int problem = errno;
  if (!stream && descriptor >= 0) unlink(w->temporary);
  errno = problem;
  return stream;
}

/* Devices, pipes and terminals are written to directly: they must not be replaced by a file. */
static FILE *open_in_place(FileWriter *w) {
  w->temporary[0] = '\0';
  return stream_of(open(w->path, O_WRONLY | O_APPEND | O_CLOEXEC));
}

/* /dev/stdout and /proc/self/fd/1 may resolve to a regular file; /dev/shm contains ordinary files. */
static bool is_special(const char *path, const struct stat *info) {
  const bool device = !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9);
  return !S_ISREG(info->st_mode) || device || !strncmp(path, "/proc/", 6);
}

bool file_writer_open(FileWriter *w, const char *path, Error *err) {
  struct stat info;
  w->stream = NULL;
  w->create = false;
  if (strlen(path) >= sizeof w->path) return fail(err, "%.60s...: the path is too long", path);
  const bool there = !stat(path, &info);
  if (there && S_ISDIR(info.st_mode)) return fail(err, "%s: is a directory, not a file", path);
  /* Replace the target of a link, not the link. */
  if (!there || is_special(path, &info) || !realpath(path, w->path))
    snprintf(w->path, sizeof w->path, "%s", path);
  w->stream = there && is_special(path, &info) ? open_in_place(w) : open_temporary(w);
  return w->stream || fail_path(err, path, "cannot be written");
}

bool file_writer_put(FileWriter *w, const void *data, size_t size, Error *err) {
  return !size || fwrite(data, 1, size, w->stream) == size || fail_path(err, w->path, "cannot be written");
}

static void remove_temporary(const FileWriter *w) {
  if (*w->temporary) remove(w->temporary);
}

void file_writer_abandon(FileWriter *w) {
  if (!w->stream) return;
  fclose(w->stream);
  w->stream = NULL;
  remove_temporary(w);
}

/* Pipes and devices are not synced. */
static bool flush_to_disk(const FileWriter *w) {
  return fflush(w->stream) == 0 && (!*w->temporary || fsync(fileno(w->stream)) == 0);
}

/* Gives the temporary file its name. link() never replaces a file; where it is not supported, a file that is
 * made between the look and the renaming would be replaced. */
static bool install(const FileWriter *w, Error *err) {
  const bool linked = w->create && !link(w->temporary, w->path);
  if (w->create && !linked && (errno == EEXIST || file_exists(w->path)))
    return fail(err,
                "%s: another process made this file meanwhile, so it is not replaced: choose another name",
                w->path);
  if (linked) remove_temporary(w);
  return linked || !rename(w->temporary, w->path) || fail_path(err, w->path, "cannot be replaced");
}

bool file_writer_commit(FileWriter *w, Error *err) {
  char parent[PATH_CAPACITY];
  const bool written = flush_to_disk(w);
  const int problem = errno;
  const bool closed = fclose(w->stream) == 0;
  w->stream = NULL;
  if (!written || !closed) {
    errno = written ? errno : problem;
    fail_path(err, w->path, "cannot be written");
    remove_temporary(w);
    return false;
  }
  if (!*w->temporary) return true;
  if (!install(w, err)) {
    remove_temporary(w);
    return false;
  }
  parent_of(w->path, parent);
  return dir_sync(parent, err);
}

static bool write_whole(const char *path, bool create, const void *data, size_t size, Error *err) {
  FileWriter w;
  if (!file_writer_open(&w, path, err)) return false;
  w.create = create;
  if (file_writer_put(&w, data, size, err)) return file_writer_commit(&w, err);
  file_writer_abandon(&w);
  return false;
}

bool file_replace(const char *path, const void *data, size_t size, Error *err) {
  return write_whole(path, false, data, size, err);
}

bool file_create(const char *path, const void *data, size_t size, Error *err) {
  return write_whole(path, true, data, size, err);
}

/* ---- directories ---- */

static bool status_of(const char *path, struct stat *info) {
  return !(strcmp(path, "-") ? stat(path, info) : fstat(STDIN_FILENO, info));
}

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

const char *path_whole(char buf[PATH_CAPACITY], const char *path) {
  return realpath(path, buf) ? buf : path;
}

/* The directories from the deepest one that exists upwards, as they are after resolving links. */
bool path_within(const char *path, const char *of) {
  char at[PATH_CAPACITY], above[PATH_CAPACITY];
  struct stat info, goal;
  if (strlen(path) >= sizeof at || stat(of, &goal)) return false;
  memcpy(at, path, strlen(path) + 1);
  for (; stat(at, &info) && strcmp(at, "."); memcpy(at, above, sizeof at)) parent_of(at, above);
  if (!realpath(at, above)) return false;
  do {
    memcpy(at, above, sizeof at);
    if (!stat(at, &info) && same_file(&info, &goal)) return true;
    parent_of(at, above);
  } while (strcmp(at, "/"));
  return false;
}

bool file_check_output(const char *path, const char *const *inputs, size_t count, Error *err) {
  struct stat out, in;
  if (stat(path, &out) || !S_ISREG(out.st_mode)) return true;
  for (size_t i = 0; i < count; i++)
    if (status_of(inputs[i], &in) && same_file(&in, &out))
      return fail_usage(err, "%s: also an input, which would be overwritten: choose another output name",
                        path);
  return true;
}

bool file_check_kind(const char *path, const char *mark, const char *kind, Error *err) {
  struct stat out;
  FileView file;
  if (stat(path, &out) || !S_ISREG(out.st_mode) || !out.st_size) return true;
  if (!view(path, true, &file, err)) return false; /* any kind: it may be a page of ours */
  const bool is_kind = memmem(file.data, file.size, mark, strlen(mark));
  file_view_close(&file);
  return is_kind ||
         fail_usage(err,
                    "%s: exists and is no %s, so it is not replaced: remove it first, or choose another name",
                    path, kind);
}

/* Does the file begin with the magic number of GGUF? */
static bool is_gguf(const char *path) {
  char magic[4];
  FILE *f = fopen(path, "re");
  const bool is = f && fread(magic, 1, sizeof magic, f) == sizeof magic && !memcmp(magic, "GGUF", 4);
  if (f) fclose(f);
  return is;
}

bool file_check_no_model(const char *path, Error *err) {
  static const char *const marks[] = {"config.json", "inkstone.json", "adapter_config.json"};
  char parent[PATH_CAPACITY], mark[PATH_CAPACITY];
  struct stat out;
  if (strlen(path) >= PATH_CAPACITY || stat(path, &out) || !S_ISREG(out.st_mode)) return true;
  parent_of(path, parent);
  bool of_model = is_gguf(path);
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    of_model = of_model || file_exists(path_join(mark, parent, marks[i]));
  return !of_model ||
         fail_usage(err, "%s: a file of the model, which would be overwritten: choose another output name",
                    path);
}

bool file_exists(const char *path) {
  struct stat info;
  return !lstat(path, &info);
}

bool dir_exists(const char *path) {
  struct stat info;
  return !stat(path, &info) && S_ISDIR(info.st_mode);
}

const char *dir_current(char buf[PATH_CAPACITY], const char *dir) {
  return dir_exists(path_join(buf, dir, DIR_READY)) ? buf : dir;
}

/* Syncs the parent, too, so that the directory survives a crash. */
static bool make_directory(const char *path, Error *err) {
  char parent[PATH_CAPACITY];
  if (mkdir(path, 0777)) return errno == EEXIST || fail_path(err, path, "cannot be made");
  parent_of(path, parent);
  dir_sync(parent, NULL); /* fails if the parent is not readable: ignored */
  return true;
}

bool dir_make(const char *path, Error *err) {
  char buf[PATH_CAPACITY];
  if (strlen(path) >= sizeof buf) return fail(err, "%.60s...: the path is too long", path);
  memcpy(buf, path, strlen(path) + 1);
  for (char *p = buf + 1; *p; p++) {
    if (*p != '/') continue;
    *p = '\0';
    if (!make_directory(buf, err)) return false;
    *p = '/';
  }
  return make_directory(buf, err) && (dir_exists(path) || fail(err, "%s: is a file, not a directory", path));
}

bool dir_sync(const char *path, Error *err) {
  const int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_path(err, path, "cannot be opened");
  const bool ok = fsync(descriptor) == 0 || errno == EINVAL; /* unsupported by some file systems */
  close(descriptor);
  return ok || fail_path(err, path, "cannot be written to disk");
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bool dir_list(const char *path, Names *names, Error *err) {
  VEC(char *) found = {0};
  DIR *dir = opendir(path);
  *names = (Names){0};
  if (!dir) return fail_path(err, path, "cannot be listed");
  for (struct dirent *entry; (entry = readdir(dir));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      vec_push(&found, mem_strdup(entry->d_name));
  closedir(dir);
  if (found.count) qsort(found.data, found.count, sizeof *found.data, compare_names);
  *names = (Names){found.data, found.count};
  return true;
}

void names_free(Names *names) {
  for (size_t i = 0; i < names->count; i++) mem_free(names->items[i]);
  mem_free(names->items);
  *names = (Names){0};
}

static bool is_directory_itself(const char *path) { /* false for a link to one */
  struct stat info;
  return !lstat(path, &info) && S_ISDIR(info.st_mode);
}

static bool remove_inside(const char *path, Error *err) {
  Names names;
  if (!dir_list(path, &names, err)) return false;
  bool ok = true;
  for (size_t i = 0; ok && i < names.count; i++) {
    char inner[PATH_CAPACITY];
    path_join(inner, path, names.items[i]);
    ok = dir_remove(inner, err);
  }
  names_free(&names);
  return ok;
}

bool dir_remove(const char *path, Error *err) {
  const bool directory = is_directory_itself(path);
  if (directory && !remove_inside(path, err)) return false;
  const bool removed = directory ? rmdir(path) == 0 : unlink(path) == 0 || errno == ENOENT;
  return removed || fail_path(err, path, "cannot be removed");
}

bool dir_rename(const char *from, const char *to, Error *err) {
  return rename(from, to) == 0 || fail_path(err, to, "cannot be renamed into place");
}

static bool is_same_file(const char *a, const char *b) {
  struct stat x, y;
  return !lstat(a, &x) && !lstat(b, &y) && same_file(&x, &y);
}

bool file_link_over(const char *from, const char *to, Error *err) {
  char temporary[PATH_CAPACITY];
  if (is_same_file(from, to)) return true; /* rename() would leave both names */
  if (snprintf(temporary, sizeof temporary, "%s.link", to) >= (int)sizeof temporary)
    return fail(err, "%s: the path is too long", to);
  unlink(temporary);
  const char *source = link(from, temporary) ? from : temporary;
  if (rename(source, to) == 0) return true;
  fail_path(err, to, "cannot be replaced");
  if (source == temporary) unlink(temporary);
  return false;
}

const char *path_join(char buf[PATH_CAPACITY], const char *dir, const char *name) {
  CHECK(name);
  const size_t length = strlen(dir);
  const int n =
      snprintf(buf, PATH_CAPACITY, "%s%s%s", dir, length && dir[length - 1] == '/' ? "" : "/", name);
  if (n < 0 || n >= PATH_CAPACITY) snprintf(buf, PATH_CAPACITY, "/path too long/%.40s.../%.255s", dir, name);
  return buf;
}

int64_t disk_free(const char *path) {
  struct statvfs info;
  return statvfs(path, &info) ? -1 : (int64_t)info.f_bavail * (int64_t)info.f_frsize;
}

/* ---- lock ---- */

static bool fail_locked(int descriptor, const char *dir, Error *err) {
  char holder[32] = "";
  const ssize_t n = pread(descriptor, holder, sizeof holder - 1, 0);
  const long process = n > 0 ? atol(holder) : 0;
  if (process <= 0) /* not yet written */
    return fail(err, "%s: in use by another inkstone: wait for it, stop it, or choose another directory",
                dir);
  return fail(
      err, "%s: in use by another inkstone (process %ld): wait for it, stop it, or choose another directory",
      dir, process);
}

/* A lock holds the number of a process, or nothing if that process was killed before it wrote it. */
static bool is_lock(int descriptor) {
  char text[32];
  const ssize_t n = pread(descriptor, text, sizeof text - 1, 0);
  if (n < 0) return false;
  text[n] = '\0';
  const size_t digits = strspn(text, "0123456789");
  return digits < 20 && (!text[digits] || !strcmp(text + digits, "\n"));
}

static bool lock_descriptor(int descriptor, const char *dir, const char *path, Error *err) {
  char own[32];
  if (flock(descriptor, LOCK_EX | LOCK_NB))
    return errno == EWOULDBLOCK ? fail_locked(descriptor, dir, err)
                                : fail_path(err, path, "cannot be locked");
  if (!is_lock(descriptor))
    return fail(err, "%s: is not a lock of Inkstone: move it away, or choose another directory", path);
  const int length = snprintf(own, sizeof own, "%ld\n", (long)getpid());
  return (!ftruncate(descriptor, 0) && pwrite(descriptor, own, (size_t)length, 0) == length) ||
         fail_path(err, path, "cannot be written");
}

/* Another process that held the lock may have removed the file since it was opened. */
static bool is_current(int descriptor, const char *path) {
  struct stat locked, named;
  return !fstat(descriptor, &locked) && !lstat(path, &named) && same_file(&locked, &named);
}

int file_lock(const char *dir, Error *err) {
  char path[PATH_CAPACITY];
  path_join(path, dir, LOCK_NAME);
  /* O_NOFOLLOW, O_NONBLOCK: never through a link, and never block on a pipe. */
  const int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (descriptor < 0) {
    fail_path(err, path, errno == ELOOP ? N_("is a link: remove it") : N_("cannot be written"));
    return -1;
  }
  const bool locked = lock_descriptor(descriptor, dir, path, err);
  if (locked && is_current(descriptor, path)) return descriptor;
  close(descriptor);
  return locked ? file_lock(dir, err) : -1;
}

void file_unlock(const char *dir, int descriptor) {
  char path[PATH_CAPACITY];
  path_join(path, dir, LOCK_NAME);
  if (is_current(descriptor, path)) unlink(path);
  close(descriptor);
}
