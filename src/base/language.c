#include "base/language.h"

#include <langinfo.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

/* A catalogue as msgfmt writes it, in the byte order of the machine (GNU gettext manual, "The Format of GNU
 * MO Files"). The build makes it of the .po file (po/po.cmake), so its content is trusted. Reading it here
 * instead of calling libc's gettext, which needs files and a locale that are installed, makes it part of a
 * binary that is copied anywhere, and leaves the program's locale alone. */
typedef struct Catalogue {
  const char *tag; /* of the language */
  const unsigned char *bytes;
} Catalogue;

static const _Alignas(8) unsigned char zh_bytes[] = {
#include "base/zh_CN.mo.inc"
};

static const Catalogue catalogues[] = {{"zh", zh_bytes}};
enum { CATALOGUES = sizeof catalogues / sizeof *catalogues };

/* NULL: English. Of the process, as the person that reads the messages is. */
static _Atomic(const Catalogue *) current;

typedef struct Header { /* offsets in bytes from the beginning */
  uint32_t magic, revision, count, originals, translations, hash_size, hash_offset;
} Header;

typedef struct Place { /* of a string, which ends with a NUL byte */
  uint32_t length, offset;
} Place;

static const char *string_at(const Catalogue *c, uint32_t table, uint32_t index) {
  Place place;
  memcpy(&place, c->bytes + table + index * sizeof place, sizeof place);
  return (const char *)c->bytes + place.offset;
}

/* The originals are sorted by strcmp. */
static const char *look_up(const Catalogue *c, const char *english) {
  Header h;
  memcpy(&h, c->bytes, sizeof h);
  CHECK(h.magic == 0x950412de && h.revision == 0);
  for (uint32_t low = 0, high = h.count; low < high;) {
    const uint32_t middle = low + (high - low) / 2;
    const int order = strcmp(english, string_at(c, h.originals, middle));
    if (!order) return string_at(c, h.translations, middle);
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return english;
}

const char *language_text(const char *english) {
  const Catalogue *c = atomic_load_explicit(&current, memory_order_acquire);
  return c && *english ? look_up(c, english) : english; /* "" is the catalogue's header */
}

/* ---- errors of the system ---- */

const char *language_errno(int number) {
  return language_text(strerror(number));
}

/* ---- choosing ---- */

/* Whether a locale such as "zh_TW.UTF-8", "zh-CN" or "zh" is of the language. */
static bool is_of(const char *locale, const char *tag) {
  const size_t length = strlen(tag);
  return !strncmp(locale, tag, length) && strchr("_-.@:", locale[length]); /* also at the final NUL */
}

static bool is_plain(const char *locale) {
  return is_of(locale, "C") || is_of(locale, "POSIX");
}

/* Sets *found to the catalogue for a locale, NULL for English; false if there is none. */
static bool find(const char *locale, const Catalogue **found) {
  *found = NULL;
  for (int i = 0; i < CATALOGUES; i++)
    if (is_of(locale, catalogues[i].tag)) *found = &catalogues[i];
  return *found || is_of(locale, "en") || is_plain(locale);
}

/* The value of the first variable that is set and not empty; NULL: none. */
static const char *first_set(const char *const *names) {
  for (; *names; names++) {
    const char *value = getenv(*names);
    if (value && *value) return value;
  }
  return NULL;
}

/* What the C library says of the environment's locale; false if it is not installed. */
static bool system_has_utf8(void) {
  const locale_t system = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
  if (!system) return false;
  const bool is = !strcmp(nl_langinfo_l(CODESET, system), "UTF-8");
  freelocale(system);
  return is;
}

/* Whether the locale's character set is UTF-8, in which messages are written: by its name, "zh_CN.UTF-8", or
 * "UTF-8", which macOS passes on; a bare "zh_CN" is GB2312 with glibc, and UTF-8 with others. A bare
 * language, "zh", is no locale of a system, but asks for messages. */
static bool is_utf8(const char *locale) {
  const char *set = strchr(locale, '.');
  set = set ? set + 1 : locale;
  if (!strncasecmp(set, "utf-8", 5) || !strncasecmp(set, "utf8", 4)) return true;
  return set == locale && (!strpbrk(locale, "_-@") || system_has_utf8()) && !is_plain(locale);
}

/* As gettext reads it: LANGUAGE, a list "zh:en", counts if a locale is set. */
static const Catalogue *of_environment(void) {
  const char *locale = first_set((const char *const[]){"LC_ALL", "LC_MESSAGES", "LANG", NULL});
  const char *list = first_set((const char *const[]){"LANGUAGE", NULL});
  const Catalogue *found = NULL;
  const char *characters = first_set((const char *const[]){"LC_ALL", "LC_CTYPE", "LANG", NULL});
  if (!locale || is_plain(locale) || (characters && !is_utf8(characters))) return NULL;
  for (; list && *list; list += strcspn(list, ":"), list += *list == ':')
    if (find(list, &found)) return found;
  find(locale, &found);
  return found;
}

bool ink_set_language(const char *tag, ink_error *err) {
  const Catalogue *found;
  const char *own = tag ? tag : getenv("INKSTONE_LANG");
  if (!own || !*own)
    found = of_environment();
  else if (!find(own, &found))
    return fail_usage(err, "%s\"%.40s\": there are no messages in this language, only in en and zh",
                      tag ? "" : "INKSTONE_LANG=", own);
  atomic_store_explicit(&current, found, memory_order_release);
  return true;
}
