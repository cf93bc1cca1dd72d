#include "run/stream.h"

#include <string.h>

#include "text/utf8.h"

static void drop_shown(TextStream *s) {
  memmove(s->held.data, s->held.data + s->ready, s->held.length - s->ready);
  s->held.length -= s->ready;
  s->ready = 0;
}

/* The position of the first stop text, or the length. */
static size_t find_stop(const TextStream *s) {
  size_t first = s->held.length;
  for (size_t i = 0; s->stops && i < s->stops->count; i++) {
    const char *stop = s->stops->items[i];
    const char *at = *stop ? memmem(s->held.data, s->held.length, stop, strlen(stop)) : NULL;
    if (at && (size_t)(at - s->held.data) < first) first = (size_t)(at - s->held.data);
  }
  return first;
}

/* The number of last bytes that could begin a stop text. */
static size_t possible_stop(const TextStream *s) {
  size_t longest = 0;
  for (size_t i = 0; s->stops && i < s->stops->count; i++) {
    const char *stop = s->stops->items[i];
    size_t n = strlen(stop);
    if (n > s->held.length) n = s->held.length;
    for (; n > longest; n--)
      if (!memcmp(s->held.data + s->held.length - n, stop, n)) longest = n;
  }
  return longest;
}

void stream_add(TextStream *s, const char *bytes, size_t length) {
  if (s->held.data) drop_shown(s);
  if (s->stopped) return;
  buffer_add(&s->held, bytes, length);
  if (!s->held.length) return;
  const size_t stop = find_stop(s);
  if (stop < s->held.length) {
    s->stopped = true;
    s->held.length = s->ready = stop;
    return;
  }
  s->ready = utf8_whole_prefix(s->held.data, s->held.length - possible_stop(s));
}

void stream_finish(TextStream *s) {
  if (s->held.data) drop_shown(s);
  s->ready = s->held.length;
}

void stream_free(TextStream *s) {
  buffer_free(&s->held);
}
