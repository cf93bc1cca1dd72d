/* shim.c - a library for LD_PRELOAD that lets the n-th call of a kind fail, as a machine at its limits would.
 *
 *   FAULT=KIND:N     the N-th call of this kind fails, once; KIND:N+ that one and all after it
 *   FAULT_COUNT=FILE at its end the process writes there how often each kind was called: lines "KIND COUNT"
 *   FAULT_DELAY=US   microseconds before each call but those of alloc, and before a file is removed or
 * linked: a slow disk
 *
 * Kinds: alloc (malloc and its family, those inside of libraries and libc included), open, read, write,
 * fsync, rename. Calls that libc makes for itself (a stream's own write) are seen as the stream's: fwrite,
 * fflush. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALLOC, OPEN, READ, WRITE, FSYNC, RENAME, KINDS };
static const char *const kinds[KINDS] = {"alloc", "open", "read", "write", "fsync", "rename"};
static const int errors[KINDS] = {ENOMEM, EMFILE, EIO, ENOSPC, EIO, EIO};

static atomic_long calls[KINDS];
static int chosen = -1;
static long from, until;
static useconds_t delay;
static pid_t owner; /* a child that it starts has a count of its own */
static atomic_bool counting;

/* The calls before main are the loader's. */
__attribute__((constructor)) static void begin(void) {
  const char *fault = getenv("FAULT"), *wait = getenv("FAULT_DELAY"),
             *colon = fault ? strchr(fault, ':') : NULL;
  for (int k = 0; colon && k < KINDS; k++)
    if (!strncmp(kinds[k], fault, (size_t)(colon - fault)) && !kinds[k][colon - fault]) chosen = k;
  if (fault && *fault && chosen < 0) {
    fprintf(stderr, "shim: FAULT=%s is no KIND:N\n", fault);
    _exit(99);
  }
  if (chosen >= 0) from = atol(colon + 1), until = strchr(colon, '+') ? __LONG_MAX__ : from;
  if (wait) delay = (useconds_t)atol(wait);
  owner = getpid();
  counting = true;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAULT_COUNT");
  counting = false;
  FILE *f = path && getpid() == owner ? fopen(path, "w") : NULL;
  for (int k = 0; f && k < KINDS; k++) fprintf(f, "%s %ld\n", kinds[k], calls[k]);
  if (f) fclose(f);
}

static bool fails(int kind) {
  if (!counting) return false;
  if (delay && kind != ALLOC) usleep(delay);
  const long n = atomic_fetch_add(&calls[kind], 1) + 1;
  if (kind != chosen || n < from || n > until) return false;
  errno = errors[kind];
  return true;
}

/* ---- memory ---- */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  return fails(ALLOC) ? NULL : __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  return fails(ALLOC) ? NULL : __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  return fails(ALLOC) ? NULL : __libc_realloc(block, size);
}
void *memalign(size_t alignment, size_t size) {
  return fails(ALLOC) ? NULL : __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
  void *got = memalign(alignment, size);
  if (!got) return ENOMEM;
  *block = got;
  return 0;
}

/* ---- files ---- */

/* The function of this name that stands behind ours. */
#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define FAILS_AS(kind, failure, type, name, parameters, arguments) \
  type name parameters {                                           \
    NEXT(name);                                                    \
    return fails(kind) ? (failure) : next arguments;               \
  }

static mode_t mode_of(int flags, va_list list) {
  return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}
#define OPENS(name)                                    \
  int name(const char *path, int flags, ...) {         \
    NEXT(name);                                        \
    va_list list;                                      \
    va_start(list, flags);                             \
    const mode_t mode = mode_of(flags, list);          \
    va_end(list);                                      \
    return fails(OPEN) ? -1 : next(path, flags, mode); \
  }
#define OPENS_AT(name)                                     \
  int name(int at, const char *path, int flags, ...) {     \
    NEXT(name);                                            \
    va_list list;                                          \
    va_start(list, flags);                                 \
    const mode_t mode = mode_of(flags, list);              \
    va_end(list);                                          \
    return fails(OPEN) ? -1 : next(at, path, flags, mode); \
  }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
FAILS_AS(OPEN, NULL, FILE *, fopen, (const char *path, const char *mode), (path, mode))
FAILS_AS(OPEN, NULL, FILE *, fopen64, (const char *path, const char *mode), (path, mode))
FAILS_AS(OPEN, NULL, DIR *, opendir, (const char *path), (path))
FAILS_AS(OPEN, -1, int, mkdir, (const char *path, mode_t mode), (path, mode))

FAILS_AS(READ, -1, ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
FAILS_AS(READ, -1, ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
FAILS_AS(READ, -1, ssize_t, pread64, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at))

FAILS_AS(WRITE, -1, ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
FAILS_AS(WRITE, -1, ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
FAILS_AS(WRITE, -1, ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at),
         (fd, data, size, at))
FAILS_AS(WRITE, -1, int, ftruncate, (int fd, off_t size), (fd, size))
FAILS_AS(WRITE, -1, int, ftruncate64, (int fd, off64_t size), (fd, size))

/* A stream remembers that it failed. */
static bool stream_fails(FILE *f) {
  enum { ERROR_SEEN = 0x20 }; /* glibc: _IO_ERR_SEEN */
  if (f == stderr || !fails(WRITE)) return false;
  f->_flags |= ERROR_SEEN;
  return true;
}
size_t fwrite(const void *data, size_t size, size_t count, FILE *f) {
  NEXT(fwrite);
  return stream_fails(f) ? 0 : next(data, size, count, f);
}
int fputs(const char *text, FILE *f) {
  NEXT(fputs);
  return stream_fails(f) ? EOF : next(text, f);
}
int fputc(int c, FILE *f) {
  NEXT(fputc);
  return stream_fails(f) ? EOF : next(c, f);
}
int putc(int c, FILE *f) {
  return fputc(c, f);
}
int putchar(int c) {
  return fputc(c, stdout);
}
int puts(const char *text) {
  NEXT(puts);
  return stream_fails(stdout) ? EOF : next(text);
}
static int print(FILE *f, const char *format, va_list list) {
  NEXT(vfprintf);
  return stream_fails(f) ? -1 : next(f, format, list);
}
int fprintf(FILE *f, const char *format, ...) {
  va_list list;
  va_start(list, format);
  const int n = print(f, format, list);
  va_end(list);
  return n;
}
int printf(const char *format, ...) {
  va_list list;
  va_start(list, format);
  const int n = print(stdout, format, list);
  va_end(list);
  return n;
}
int fflush(FILE *f) {
  NEXT(fflush);
  return f && stream_fails(f) ? EOF : next(f);
}
/* It closes all the same. */
int fclose(FILE *f) {
  NEXT(fclose);
  const bool failed = fails(WRITE);
  const int result = next(f);
  if (!failed) return result;
  errno = errors[WRITE];
  return EOF;
}

FAILS_AS(FSYNC, -1, int, fsync, (int fd), (fd))
FAILS_AS(FSYNC, -1, int, fdatasync, (int fd), (fd))

FAILS_AS(RENAME, -1, int, rename, (const char *from_path, const char *to), (from_path, to))
FAILS_AS(RENAME, -1, int, renameat, (int a, const char *from_path, int b, const char *to),
         (a, from_path, b, to))
FAILS_AS(RENAME, -1, int, renameat2, (int a, const char *from_path, int b, const char *to, unsigned flags),
         (a, from_path, b, to, flags))

/* ---- what is only slow ---- */

#define SLOW(name, parameters, arguments) \
  int name parameters {                   \
    NEXT(name);                           \
    if (counting && delay) usleep(delay); \
    return next arguments;                \
  }
SLOW(unlink, (const char *path), (path))
SLOW(rmdir, (const char *path), (path))
SLOW(remove, (const char *path), (path))
SLOW(link, (const char *from_path, const char *to), (from_path, to))
