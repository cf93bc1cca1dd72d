/* language.h - the language of messages to people. Messages are written in English where they arise;
 * po/LANGUAGE.po translates them (gettext's format, compiled into the library). Machine-readable output is
 * never translated. */
#ifndef BASE_LANGUAGE_H
#define BASE_LANGUAGE_H

#include <stddef.h>

/* The message in the current language; itself if there is no translation. Functions that format messages
 * (fail, news_note, streams_say ...) call it themselves; other texts are marked where they stand:
 * _("...") is translated there, N_("...") later, by whatever prints it. scripts/messages.sh collects both. */
const char *language_text(const char *english) __attribute__((format_arg(1)));
#define _(english)  language_text(english)
#define N_(english) english

/* What strerror says, in the current language. */
const char *language_errno(int number);

#endif
