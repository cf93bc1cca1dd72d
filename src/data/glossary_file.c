#include "data/glossary_file.h"

#include <string.h>

/* Without the white space around it. */
static void trim(const char **text, size_t *length) {
  size_t n;
  while (*length && (n = blank_character(*text, *length))) *text += n, *length -= n;
  while (*length && strchr(" \t\r", (*text)[*length - 1])) (*length)--;
}

static bool add_line(GlossaryFile *g, const char *line, size_t length, Error *err) {
  const size_t number = line_of(g->file.text, (size_t)(line - g->file.text));
  const char *tab = memchr(line, '\t', length);
  if (!tab || memchr(tab + 1, '\t', (size_t)(line + length - tab - 1)))
    return fail(err, "%s:%zu: is not a term and its translation: write SOURCE TAB TARGET", g->file.name,
                number);
  Term t = {line, tab + 1, (size_t)(tab - line), (size_t)(line + length - tab - 1)};
  trim(&t.source, &t.source_length);
  trim(&t.target, &t.target_length);
  if (!t.source_length || !t.target_length)
    return fail(err, "%s:%zu: is not a term and its translation: write SOURCE TAB TARGET", g->file.name,
                number);
  return glossary_add(&g->glossary, t) ||
         fail(err, "%s:%zu: the term \"%.*s\" is translated a second time: leave one translation",
              g->file.name, number, (int)(t.source_length < 200 ? t.source_length : 200), t.source);
}

bool glossary_file_open(GlossaryFile *g, const char *path, const TextSettings *settings, const News *news,
                        Error *err) {
  if (!text_file_open(&g->file, path, settings, news, err)) return false;
  const char *at = g->file.text, *end = at + g->file.length;
  for (const char *stop; at < end; at = stop + 1) {
    stop = line_end(at, end);
    if (!is_blank(at, (size_t)(stop - at)) && !add_line(g, at, (size_t)(stop - at), err)) return false;
  }
  return g->glossary.terms.count ||
         fail(err, "%s: has no terms: write SOURCE TAB TARGET on each line", g->file.name);
}

void glossary_file_close(GlossaryFile *g) {
  glossary_free(&g->glossary);
  text_file_close(&g->file);
}
