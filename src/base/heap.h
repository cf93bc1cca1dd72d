/* heap.h - a binary heap in a VEC: HEAP(Heap, Item, before), where Heap is a VEC(Item), defines
 *
 *   heap_push(Heap *, Item)
 *   heap_pop(Heap *)   removes and returns the first item; the heap must not be empty */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/memory.h"

#define HEAP(Heap, Item, before)                                          \
  static void heap_push(Heap *heap, Item item) {                          \
    vec_push(heap, item);                                                 \
    size_t i = heap->count - 1;                                           \
    for (; i && before(&item, &heap->data[(i - 1) / 2]); i = (i - 1) / 2) \
      heap->data[i] = heap->data[(i - 1) / 2];                            \
    heap->data[i] = item;                                                 \
  }                                                                       \
  static Item heap_pop(Heap *heap) {                                      \
    Item *h = heap->data;                                                 \
    const Item top = h[0], last = h[--heap->count];                       \
    size_t i = 0, n = heap->count;                                        \
    for (size_t child; (child = 2 * i + 1) < n; i = child) {              \
      if (child + 1 < n && before(&h[child + 1], &h[child])) child++;     \
      if (!before(&h[child], &last)) break;                               \
      h[i] = h[child];                                                    \
    }                                                                     \
    if (n) h[i] = last;                                                   \
    return top;                                                           \
  }

#endif
