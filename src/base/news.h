/* news.h - how layers below the command line say things: a listener with its user. */
#ifndef BASE_NEWS_H
#define BASE_NEWS_H

#include "error.h"

typedef struct News {
  ink_listener *listener; /* NULL: nobody listens */
  void *user;
} News;

void news_note(const News *, const char *format, ...) PRINTF(2, 3);
void news_warning(const News *, const char *format, ...) PRINTF(2, 3);
void news_progress(const News *, const char *stage, int64_t done, int64_t total, const char *unit);
void news_send(const News *, const ink_event *);

#endif
