#include "base/mapping.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

/* What may be released: of other memory, MADV_DONTNEED would lose the contents. */
typedef struct Mapping {
  uintptr_t begin, end;
  struct Mapping *next;
} Mapping;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Mapping *mappings;

void *mapping_open(int descriptor, size_t size) {
  Mapping *m = mem_alloc_zeroed(1, sizeof *m);
  void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) {
    mem_free(m);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  *m = (Mapping){(uintptr_t)data, (uintptr_t)data + size, mappings};
  mappings = m;
  pthread_mutex_unlock(&lock);
  return data;
}

void mapping_close(void *data, size_t size) {
  pthread_mutex_lock(&lock);
  Mapping **at = &mappings;
  while (*at && (*at)->begin != (uintptr_t)data) at = &(*at)->next;
  Mapping *found = *at;
  if (found) *at = found->next;
  munmap(data, size); /* before another mapping can have its address */
  pthread_mutex_unlock(&lock);
  mem_free(found);
}

void mapping_release(const void *at, size_t bytes) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t begin = ((uintptr_t)at + page - 1) / page * page,
                  end = ((uintptr_t)at + bytes) / page * page;
  pthread_mutex_lock(&lock);
  const Mapping *m = mappings;
  while (m && (begin < m->begin || end > m->end)) m = m->next;
  if (m && begin < end) madvise((void *)begin, end - begin, MADV_DONTNEED);
  pthread_mutex_unlock(&lock);
}
