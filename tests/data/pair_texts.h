/* pair_texts.h - pairs from texts in scratch files, and what was said about them. */
#ifndef TESTS_PAIR_TEXTS_H
#define TESTS_PAIR_TEXTS_H

#include "base/scratch.h"
#include "data/pairs.h"

static Settings *settings;
static char told[1 << 14]; /* all that was said since pairs were opened */

static void listen(void *user, const ink_event *event) {
  if (!event->text) return;
  strncat(told, event->text, sizeof told - strlen(told) - 1);
  strncat(told, "\n", sizeof told - strlen(told) - 1);
}
static const News news = {listen, NULL};

typedef const char *const *Flags; /* name, value, ..., NULL */

static const PairSettings *choose(Flags flags, const TextSettings **data) {
  static const SettingTable *const tables[] = {&text_settings_table, &pair_settings_table,
                                               &pair_training_settings_table};
  ink_settings_free(settings);
  settings = settings_new(tables, 3);
  for (; flags && *flags; flags += 2)
    if (!ink_settings_set(settings, flags[0], flags[1], NULL)) return NULL;
  if (data) *data = settings_part(settings, &text_settings_table);
  return settings_part(settings, &pair_settings_table);
}

/* Texts become a.txt, b.txt, ... */
static Pairs *try_texts(const char *const *texts, size_t count, bool conversations, Flags flags, Error *err) {
  const char *paths[4];
  const TextSettings *data;
  for (size_t i = 0; i < count; i++) {
    paths[i] = in_scratch((const char *[]){"a.txt", "b.txt", "c.txt", "d.txt"}[i]);
    if (!file_replace(paths[i], texts[i], strlen(texts[i]), err)) return NULL;
  }
  const PairSettings *s = choose(flags, &data);
  told[0] = '\0';
  return pairs_open(paths, count, conversations, data, s, &news, err);
}

#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
