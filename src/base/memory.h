/* memory.h - the only place that calls malloc.
 *
 * mem_alloc never returns NULL. When memory runs out it unwinds (longjmp, as Lua does) to the innermost
 * MEM_GUARD. Every public function that allocates has one, so that exhaustion is an ordinary error of that
 * call. What the call had allocated outside arenas leaks; threads it started with thread_start are joined.
 * Without a guard, exhaustion aborts. Guards are per thread: a loop body that allocates runs in
 * parallel_guarded. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "context.h"
#include "error.h"

/* 64-byte aligned, contents undefined. */
void *mem_alloc(size_t bytes);
/* 64-byte aligned, zeroed. count * size is checked for overflow (unwinds as exhaustion). */
void *mem_alloc_zeroed(size_t count, size_t size);
/* Grows or shrinks; the address may change; `block` may be NULL. */
void *mem_resize(void *block, size_t bytes);
void mem_free(void *block); /* NULL is fine */
char *mem_strdup(const char *text);
void mem_free_foreign(void *block); /* allocated by a library with malloc */

/* An allocator to install in libraries, together with mem_free. Within a guard it unwinds out of the
 * library as mem_alloc does, so that the library never builds partial objects; without one (the program
 * uses the same library outside our calls) it returns NULL, as malloc does. */
void *mem_alloc_library(size_t bytes);

/* Unwinds as mem_alloc does: for failed allocations in other libraries, and for sizes beyond any machine. */
_Noreturn void mem_exhausted(size_t wanted);

/* Bytes allocated here and not freed, and the resident memory of the process. */
int64_t mem_held(void);
int64_t mem_resident(void);
/* Memory this process may use: the minimum of the physical memory, the limits of its control groups
 * (versions 1 and 2, with all parents), of its address space (ulimit -v), and of the engine. */
int64_t mem_available(void);
/* Fails if `name` needs more memory than this process may still allocate: an error now rather than being
 * killed later by the control group. */
bool mem_require(int64_t bytes, const char *name, Error *err);
/* The smallest memory limit of the control groups listed in `proc_file` (/proc/self/cgroup) under `mount`
 * (/sys/fs/cgroup); INT64_MAX if there is none. */
int64_t mem_group_limit(const char *proc_file, const char *mount);

/* Usage:  MEM_GUARD(err, return false);   // as the first statement of a public function
 *         ...
 *         MEM_GUARD_END();                // before every ordinary return
 * Guards may be nested; the inner one wins. */
typedef struct MemGuard {
  jmp_buf place;
  size_t wanted; /* size of the failed request */
  struct MemGuard *outer;
  Context context; /* of the thread, restored at the end */
} MemGuard;
void mem_guard_push(MemGuard *);
void mem_guard_pop(void);
bool mem_guard_fail(Error *err, const MemGuard *); /* "out of memory: ..." */
const MemGuard *mem_guard_now(void);               /* the innermost; NULL: none */
#define MEM_GUARD(err, on_failure)      \
  MemGuard mem_guard_;                  \
  mem_guard_push(&mem_guard_);          \
  if (setjmp(mem_guard_.place)) {       \
    mem_guard_fail((err), &mem_guard_); \
    on_failure;                         \
  }
#define MEM_GUARD_END() mem_guard_pop()

/* For tests: the n-th allocation from now fails once (0: none). */
void mem_fail_after(int64_t n);

/* A growable array: VEC(int32_t) ids = {0}; vec_push(&ids, 7); ... vec_free(&ids); */
#define VEC(type)           \
  struct {                  \
    type *data;             \
    size_t count, capacity; \
  }
void *vec_grow_(void *data, size_t *capacity, size_t need, size_t item);
#define vec_reserve(v, need)                                                                 \
  ((v)->data = ((size_t)(need) > (v)->capacity)                                              \
                   ? vec_grow_((v)->data, &(v)->capacity, (size_t)(need), sizeof *(v)->data) \
                   : (v)->data)
/* The count is incremented last: evaluating `item` may unwind. */
#define vec_push(v, item) \
  (vec_reserve((v), (v)->count + 1), (v)->data[(v)->count] = (item), (void)(v)->count++)
#define vec_free(v) (mem_free((v)->data), (v)->data = NULL, (v)->count = (v)->capacity = 0)

#endif
