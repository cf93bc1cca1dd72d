#include "ops/key_pages.h"

#include <string.h>

#include "base/integers.h"
#include "kernels/kernels.h"

/* The page that holds a position of a row's sequence. */
static void *page_of(const KeyPages *p, void *const *pages, int64_t row, int64_t position) {
  CHECK(position / p->size < p->each);
  return pages[p->table[p->sequence[row] * p->each + position / p->size]];
}

static bool transposes_keys(const KeyPages *p) {
  return type_info(p->type)->block == 1;
}

/* ---- writing ---- */

static bool write_values(const KeyPages *p, char *page, int64_t at, const float *row, int64_t size) {
  return type_narrow(p->type, page + type_bytes(p->type, at), row, size);
}

/* Elements of `bytes` bytes, from one every `stride` on. */
static void scatter(char *to, int64_t stride, const char *from, int64_t count, size_t bytes) {
  const size_t apart = (size_t)stride * bytes;
  if (bytes == sizeof(uint32_t))
    for (int64_t i = 0; i < count; i++) memcpy(to + (size_t)i * apart, from + 4 * i, 4);
  else
    for (int64_t i = 0; i < count; i++) memcpy(to + (size_t)i * apart, from + 2 * i, 2);
}

static bool write_transposed(const KeyPages *p, char *page, int64_t at, const float *row, int64_t size) {
  enum { SOME = 64 };
  const size_t bytes = type_info(p->type)->bytes;
  char narrow[SOME * sizeof(float)];
  bool fits = true;
  CHECK(bytes == 4 || bytes == 2);
  for (int64_t i = 0, count; i < size; i += count) {
    count = int64_min(SOME, size - i);
    fits &= type_narrow(p->type, narrow, row + i, count);
    scatter(page + (size_t)(at + i * p->size) * bytes, p->size, narrow, count, bytes);
  }
  return fits;
}

void key_pages_write(const KeyPages *p, int64_t rows, int64_t heads, int64_t size, const int32_t *position,
                     const float *k, const float *v) {
  bool fits = true;
  for (int64_t row = 0; row < rows; row++) {
    char *keys = page_of(p, p->keys, row, position[row]), *values = page_of(p, p->values, row, position[row]);
    const int64_t place = position[row] % p->size;
    for (int64_t head = 0; head < heads; head++, k += size, v += size) {
      const int64_t at = head * p->size * size;
      fits &= write_values(p, values, at + place * size, v, size);
      fits &= transposes_keys(p) ? write_transposed(p, keys, at + place, k, size)
                                 : write_values(p, keys, at + place * size, k, size);
    }
  }
  if (!fits && p->overflow) *p->overflow = true;
}

/* ---- reading ---- */

int64_t left_in_page(const KeyPages *p, int64_t position, int64_t end) {
  return int64_min(position - position % p->size + p->size, end) - position;
}

/* `count` elements of the head from element `from`. */
static const float *read_head(const PagedHead *h, void *const *pages, int64_t position, int64_t from,
                              int64_t count) {
  const KeyPages *p = h->pages;
  const void *stored =
      type_at(p->type, page_of(p, pages, h->row, position), h->head * p->size * h->size + from);
  if (p->type == TENSOR_F32) return stored;
  kernels->types[p->type].widen(h->widened, stored, count);
  return h->widened;
}

const float *paged_values(const PagedHead *h, int64_t position, int64_t count) {
  return read_head(h, h->pages->values, position, position % h->pages->size * h->size, count * h->size);
}

/* Transposed, all positions of the page are widened: those not written yet are not seen. */
PagedKeys paged_keys(const PagedHead *h, int64_t position, int64_t count) {
  const KeyPages *p = h->pages;
  const int64_t place = position % p->size;
  if (transposes_keys(p))
    return (PagedKeys){read_head(h, p->keys, position, 0, p->size * h->size) + place, p->size, true};
  return (PagedKeys){read_head(h, p->keys, position, place * h->size, count * h->size), h->size, false};
}
