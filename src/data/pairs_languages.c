/* pairs_languages.c - the two languages of a text in several: of translation memories and of JSON. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "data/pairs_impl.h"

bool is_language(const char *wanted, const char *found) {
  const size_t n = strlen(wanted);
  return !strncasecmp(wanted, found, n) && (!found[n] || found[n] == '-' || found[n] == '_');
}

static bool take_given(PairReader *r, const char *given) {
  const char *comma = strchr(given, ',');
  if (!comma || comma == given || !comma[1] || strlen(given) >= LANGUAGE)
    return fail_usage(r->err, "--languages %s: is not two languages: give two, such as en,de", given);
  snprintf(r->languages[0], LANGUAGE, "%.*s", (int)(comma - given), given);
  snprintf(r->languages[1], LANGUAGE, "%s", comma + 1);
  return true;
}

static bool fail_several(const PairReader *r, const char *const *names, size_t count) {
  Buffer all = {0};
  buffer_adds(&all, count ? "" : _("none"));
  for (size_t i = 0; i < count && i < MOST_LANGUAGES; i++)
    buffer_addf(&all, "%s%.40s", i ? ", " : "", names[i]);
  fail_usage(r->err, "%s:%zu: unit in %zu languages (%s): choose two with --languages S,T",
             r->file->text.name, r->line, count, all.data);
  buffer_free(&all);
  return false;
}

bool choose_languages(PairReader *r, const char *const *names, size_t count, const char *first) {
  const char *given = r->settings->languages;
  r->pairs->read |= PAIR_LANGUAGES;
  if (given && !take_given(r, given)) return false;
  if (!given && count != 2) return fail_several(r, names, count);
  const bool swapped = !given && *first && !is_language(first, names[0]) && is_language(first, names[1]);
  for (int i = 0; i < 2 && !given; i++) snprintf(r->languages[i], LANGUAGE, "%s", names[swapped ? 1 - i : i]);
  news_note(r->news, "%s: from %s to %s", r->file->text.name, r->languages[0], r->languages[1]);
  return true;
}
