#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/engine.h"
#include "base/language.h"

static _Thread_local MemGuard *guard;
/* Updated atomically: workers allocate, too. */
static int64_t held;
static int64_t fail_after; /* 0: never */

void mem_guard_push(MemGuard *g) {
  g->outer = guard;
  g->wanted = 0;
  g->context = work_context;
  guard = g;
}

void mem_guard_pop(void) {
  CHECK(guard);
  work_context = guard->context;
  guard = guard->outer;
}

const MemGuard *mem_guard_now(void) {
  return guard;
}

bool mem_guard_fail(Error *err, const MemGuard *g) {
  work_context = g->context;
  guard = g->outer;
  return fail_as(
      err, INK_MEMORY,
      "out of memory: cannot allocate %zu more bytes: close other programs or choose smaller sizes",
      g->wanted);
}

void mem_exhausted(size_t wanted) {
  if (!guard) {
    fprintf(stderr, _("inkstone: out of memory: cannot allocate %zu more bytes\n"), wanted);
    abort();
  }
  guard->wanted = wanted;
  threads_unwind(guard); /* before the stack they may access is unwound */
  longjmp(guard->place, 1);
}

void mem_fail_after(int64_t n) {
  __atomic_store_n(&fail_after, n, __ATOMIC_RELAXED);
}

static bool fails_now(void) {
  return __atomic_load_n(&fail_after, __ATOMIC_RELAXED) > 0 &&
         __atomic_sub_fetch(&fail_after, 1, __ATOMIC_RELAXED) == 0;
}

static void count_block(void *block, int sign) {
  __atomic_add_fetch(&held, sign * (int64_t)malloc_usable_size(block), __ATOMIC_RELAXED);
}

/* Large blocks use huge pages: a matrix product touches more small pages than the TLB holds. */
static const size_t huge_page = 2 << 20;

void *mem_alloc(size_t bytes) {
  void *block = NULL;
  const bool huge = bytes >= 2 * huge_page;
  if (bytes > PTRDIFF_MAX - huge_page || fails_now() ||
      posix_memalign(&block, huge ? huge_page : 64, bytes ? bytes : 1))
    mem_exhausted(bytes);
  if (huge) madvise(block, bytes, MADV_HUGEPAGE);
  count_block(block, 1);
  return block;
}

void *mem_alloc_zeroed(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) mem_exhausted(SIZE_MAX);
  return memset(mem_alloc(bytes), 0, bytes);
}

void *mem_resize(void *block, size_t bytes) {
  if (!block) return mem_alloc(bytes);
  const size_t had = malloc_usable_size(block);
  void *moved = mem_alloc(bytes);
  memcpy(moved, block, had < bytes ? had : bytes);
  mem_free(block);
  return moved;
}

void mem_free(void *block) {
  if (!block) return;
  count_block(block, -1);
  free(block);
}

void *mem_alloc_library(size_t bytes) {
  void *block = bytes > PTRDIFF_MAX || fails_now() ? NULL : malloc(bytes ? bytes : 1);
  if (block) count_block(block, 1);
  if (!block && guard) mem_exhausted(bytes);
  return block;
}

void mem_free_foreign(void *block) {
  free(block);
}

char *mem_strdup(const char *text) {
  const size_t length = strlen(text) + 1;
  return memcpy(mem_alloc(length), text, length);
}

void ink_free(void *text) {
  mem_free(text);
}

void *vec_grow_(void *data, size_t *capacity, size_t need, size_t item) {
  size_t more = *capacity + *capacity / 2 + 16, bytes;
  if (more < need) more = need;
  if (__builtin_mul_overflow(more, item, &bytes)) mem_exhausted(SIZE_MAX);
  void *moved = mem_resize(data, bytes);
  *capacity = more; /* after mem_resize, which may unwind: the array is then unchanged */
  return moved;
}

int64_t mem_held(void) {
  return __atomic_load_n(&held, __ATOMIC_RELAXED);
}
