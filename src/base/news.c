#include "base/news.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/language.h"

void news_send(const News *n, const ink_event *event) {
  if (n && n->listener) n->listener(n->user, event);
}

static void say(const News *n, ink_event_kind kind, const char *format, va_list args) {
  char text[2048];
  vsnprintf(text, sizeof text, language_text(format), args);
  news_send(n, &(ink_event){.kind = kind, .text = text});
}

void news_note(const News *n, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(n, INK_EVENT_NOTE, format, args);
  va_end(args);
}

void news_warning(const News *n, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(n, INK_EVENT_WARNING, format, args);
  va_end(args);
}

void news_progress(const News *n, const char *stage, int64_t done, int64_t total, const char *unit) {
  news_send(n, &(ink_event){
                   .kind = INK_EVENT_PROGRESS, .stage = stage, .done = done, .total = total, .unit = unit});
}
