/* news.h - events sent to the caller's listener: notes, warnings, progress. */
#ifndef BASE_NEWS_H
#define BASE_NEWS_H

#include "error.h"

typedef struct News {
  ink_listener *listener; /* may be NULL */
  void *user;
} News;

void news_note(const News *, const char *format, ...) PRINTF(2, 3);
void news_warning(const News *, const char *format, ...) PRINTF(2, 3);
void news_progress(const News *, const char *stage, int64_t done, int64_t total, const char *unit);
void news_send(const News *, const ink_event *);

#endif
