#include "text/porter.h"

#include <stdbool.h>
#include <string.h>

typedef struct Word {
  char *at;
  size_t length;
} Word;

/* ---- conditions of the rules; vowels are aeiou, and y after a consonant ---- */

static bool is_vowel(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

static bool consonant_after(bool before, char c) {
  return c == 'y' ? !before : !is_vowel(c);
}

static bool is_consonant(const char *word, size_t i) {
  size_t y = i; /* the start of the run of y that ends here */
  while (y > 0 && word[y] == 'y') y--;
  bool consonant = !is_vowel(word[y]);
  while (y < i) consonant = consonant_after(consonant, word[++y]);
  return consonant;
}

/* Porter's m: the number of vowel-consonant transitions. */
static size_t measure(const char *stem, size_t length) {
  size_t m = 0;
  bool before = false, consonant;
  for (size_t i = 0; i < length; i++, before = consonant) {
    consonant = consonant_after(before, stem[i]);
    m += i && consonant && !before;
  }
  return m;
}

static bool has_vowel(const char *stem, size_t length) {
  bool consonant = false;
  for (size_t i = 0; i < length; i++) {
    consonant = consonant_after(consonant, stem[i]);
    if (!consonant) return true;
  }
  return false;
}

static bool ends_double_consonant(const Word *w) {
  return w->length >= 2 && w->at[w->length - 1] == w->at[w->length - 2] && is_consonant(w->at, w->length - 1);
}

/* Porter's *o: ends consonant, vowel, consonant; NLTK adds words of only vowel, consonant. */
static bool ends_cvc(const char *stem, size_t length) {
  if (length == 2) return !is_consonant(stem, 0) && is_consonant(stem, 1);
  return length >= 3 && is_consonant(stem, length - 3) && !is_consonant(stem, length - 2) &&
         is_consonant(stem, length - 1) && !strchr("wxy", stem[length - 1]);
}

static bool any(const char *stem, size_t length) {
  return true;
}

static bool m_over_0(const char *stem, size_t length) {
  return measure(stem, length) > 0;
}

static bool m_over_1(const char *stem, size_t length) {
  return measure(stem, length) > 1;
}

static bool m_over_1_s_or_t(const char *stem, size_t length) {
  return m_over_1(stem, length) && (stem[length - 1] == 's' || stem[length - 1] == 't');
}

/* In NLTK the l of "logi" belongs to the stem, so that "geol" is long enough. */
static bool m_over_0_with_l(const char *stem, size_t length) {
  return measure(stem, length + 1) > 0;
}

/* NLTK: y becomes i only after a consonant that is not the first letter, so that "enjoy" stays. */
static bool after_consonant(const char *stem, size_t length) {
  return length > 1 && is_consonant(stem, length - 1);
}

static bool m_over_1_with_l(const char *stem, size_t length) {
  return measure(stem, length + 1) > 1;
}

/* ---- rules ---- */

typedef struct Rule {
  const char *suffix, *replacement;
  bool (*condition)(const char *stem, size_t length);
} Rule;

static bool ends_with(const Word *w, const char *suffix) {
  const size_t n = strlen(suffix);
  return w->length >= n && !memcmp(w->at + w->length - n, suffix, n);
}

static void replace(Word *w, const char *suffix, const char *replacement) {
  w->length -= strlen(suffix);
  memcpy(w->at + w->length, replacement, strlen(replacement));
  w->length += strlen(replacement);
}

/* The first rule whose suffix matches is the only one applied, even if its condition fails. */
static void apply(Word *w, const Rule *rules) {
  for (; rules->suffix; rules++) {
    if (!ends_with(w, rules->suffix)) continue;
    if (rules->condition(w->at, w->length - strlen(rules->suffix)))
      replace(w, rules->suffix, rules->replacement);
    return;
  }
}

/* ---- steps, as the paper numbers them ---- */

static void step_1a(Word *w) { /* plurals */
  static const Rule rules[] = {
      {"sses", "ss", any}, {"ies", "i", any}, {"ss", "ss", any}, {"s", "", any}, {0}};
  if (w->length == 4 && ends_with(w, "ies"))
    replace(w, "ies", "ie");
  else
    apply(w, rules);
}

/* After removal of -ed or -ing: conflat(e), hop(p), fil(e). */
static void mend_1b(Word *w) {
  static const Rule rules[] = {{"at", "ate", any}, {"bl", "ble", any}, {"iz", "ize", any}, {0}};
  const size_t before = w->length;
  apply(w, rules);
  if (w->length != before) return;
  if (ends_double_consonant(w))
    w->length -= !strchr("lsz", w->at[w->length - 1]);
  else if (measure(w->at, w->length) == 1 && ends_cvc(w->at, w->length))
    replace(w, "", "e");
}

static void step_1b(Word *w) { /* past and participles */
  static const Rule eed[] = {{"eed", "ee", m_over_0}, {0}};
  static const char *const suffixes[] = {"ed", "ing"};
  if (ends_with(w, "ied")) {
    replace(w, "ied", w->length == 4 ? "ie" : "i");
    return;
  }
  if (ends_with(w, "eed")) {
    apply(w, eed);
    return;
  }
  for (size_t i = 0; i < 2; i++) {
    if (!ends_with(w, suffixes[i]) || !has_vowel(w->at, w->length - strlen(suffixes[i]))) continue;
    w->length -= strlen(suffixes[i]);
    mend_1b(w);
    return;
  }
}

static void step_1c(Word *w) {
  static const Rule rules[] = {{"y", "i", after_consonant}, {0}};
  apply(w, rules);
}

static void step_2(Word *w) { /* double suffixes */
  static const Rule alli[] = {{"alli", "al", m_over_0}, {0}};
  static const Rule rules[] = {{"ational", "ate", m_over_0},
                               {"tional", "tion", m_over_0},
                               {"enci", "ence", m_over_0},
                               {"anci", "ance", m_over_0},
                               {"izer", "ize", m_over_0},
                               {"bli", "ble", m_over_0},
                               {"alli", "al", m_over_0},
                               {"entli", "ent", m_over_0},
                               {"eli", "e", m_over_0},
                               {"ousli", "ous", m_over_0},
                               {"ization", "ize", m_over_0},
                               {"ation", "ate", m_over_0},
                               {"ator", "ate", m_over_0},
                               {"alism", "al", m_over_0},
                               {"iveness", "ive", m_over_0},
                               {"fulness", "ful", m_over_0},
                               {"ousness", "ous", m_over_0},
                               {"aliti", "al", m_over_0},
                               {"iviti", "ive", m_over_0},
                               {"biliti", "ble", m_over_0},
                               {"fulli", "ful", m_over_0},
                               {"logi", "log", m_over_0_with_l},
                               {0}};
  apply(w, alli); /* NLTK applies the other rules to the result */
  apply(w, rules);
}

static void step_3(Word *w) {
  static const Rule rules[] = {{"icate", "ic", m_over_0}, {"ative", "", m_over_0},
                               {"alize", "al", m_over_0}, {"iciti", "ic", m_over_0},
                               {"ical", "ic", m_over_0},  {"ful", "", m_over_0},
                               {"ness", "", m_over_0},    {0}};
  apply(w, rules);
}

static void step_4(Word *w) { /* single suffixes */
  static const Rule rules[] = {
      {"al", "", m_over_1},    {"ance", "", m_over_1}, {"ence", "", m_over_1}, {"er", "", m_over_1},
      {"ic", "", m_over_1},    {"able", "", m_over_1}, {"ible", "", m_over_1}, {"ant", "", m_over_1},
      {"ement", "", m_over_1}, {"ment", "", m_over_1}, {"ent", "", m_over_1},  {"ion", "", m_over_1_s_or_t},
      {"ou", "", m_over_1},    {"ism", "", m_over_1},  {"ate", "", m_over_1},  {"iti", "", m_over_1},
      {"ous", "", m_over_1},   {"ive", "", m_over_1},  {"ize", "", m_over_1},  {0}};
  apply(w, rules);
}

static void step_5(Word *w) {
  static const Rule ll[] = {{"ll", "l", m_over_1_with_l}, {0}};
  if (ends_with(w, "e")) {
    const size_t m = measure(w->at, w->length - 1);
    w->length -= m > 1 || (m == 1 && !ends_cvc(w->at, w->length - 1));
  }
  apply(w, ll);
}

/* ---- exceptions, as in NLTK ---- */

static bool irregular(Word *w) {
  static const char *const forms[][2] = {
      {"skies", "sky"},      {"sky", "sky"},         {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    if (w->length != strlen(forms[i][0]) || memcmp(w->at, forms[i][0], w->length)) continue;
    replace(w, forms[i][0], forms[i][1]);
    return true;
  }
  return false;
}

size_t porter_stem(char *word, size_t length) {
  static void (*const steps[])(Word *) = {step_1a, step_1b, step_1c, step_2, step_3, step_4, step_5};
  Word w = {word, length};
  if (length <= 2 || irregular(&w)) return w.length;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) steps[i](&w);
  return w.length;
}
