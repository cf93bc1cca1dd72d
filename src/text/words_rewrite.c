#include "text/words_rewrite.h"

#include <string.h>

#include "base/language.h"

/* Unicode's White_Space. PCRE2's \s also has U+180E, which is not white space since Unicode 6.3. */
#define SPACES \
  "\\x09-\\x0D\\x20\\x85\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
/* Oniguruma's word characters; PCRE2's are others. */
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
/* Outside of classes and at \b it has a table of Latin-1 in which ² ³ ¹ ¼ ½ ¾ are word characters, too. */
#define WORD_ALONE  WORD "\\xB2\\xB3\\xB9\\xBC-\\xBE"
#define WORD_BEHIND "(?<=[" WORD_ALONE "])"
#define NONE_BEHIND "(?<![" WORD_ALONE "])"
#define WORD_AHEAD  "(?=[" WORD_ALONE "])"
#define NONE_AHEAD  "(?![" WORD_ALONE "])"

/* Escapes; NULL: the same in PCRE2. */
static const struct {
  char letter;
  const char *alone, *in_class;
} escapes[] = {{'s', "[" SPACES "]", SPACES},
               {'S', "[^" SPACES "]", "\\P{White_Space}"},
               {'w', "[" WORD_ALONE "]", WORD},
               {'W', "[^" WORD_ALONE "]", NULL},
               {'b', "(?:" WORD_BEHIND NONE_AHEAD "|" NONE_BEHIND WORD_AHEAD ")", NULL},
               {'B', "(?:" WORD_BEHIND WORD_AHEAD "|" NONE_BEHIND NONE_AHEAD ")", NULL}};

/* Classes such as [:alpha:] within a class. */
static const struct {
  const char *name, *is, *is_not; /* NULL: not supported */
} posix[] = {{"alpha", "\\p{Alphabetic}", "\\P{Alphabetic}"},
             {"alnum", "\\p{Alphabetic}\\p{Nd}", NULL},
             {"digit", "\\p{Nd}", "\\P{Nd}"},
             {"lower", "\\p{Lowercase}", "\\P{Lowercase}"},
             {"upper", "\\p{Uppercase}", "\\P{Uppercase}"},
             {"space", SPACES, "\\P{White_Space}"},
             {"punct", "\\p{P}\\p{S}", NULL},
             {"word", WORD, NULL},
             {"cntrl", "\\p{Cc}", "\\P{Cc}"},
             {"blank", "\\p{Zs}\\t", NULL},
             {"xdigit", "0-9A-Fa-f", NULL},
             {"ascii", "\\x00-\\x7F", "\\x{80}-\\x{10FFFF}"}};

/* \p{Han} and the like are scripts; in PCRE2 they would also match what several scripts share, such as
 * U+3002. */
static const char *const scripts[] = {"Han",      "Hiragana", "Katakana",   "Hangul",   "Latin",
                                      "Greek",    "Cyrillic", "Arabic",     "Hebrew",   "Thai",
                                      "Armenian", "Bengali",  "Devanagari", "Georgian", "Tamil",
                                      "Telugu",   "Khmer",    "Lao",        "Tibetan",  "Ethiopic"};

typedef struct Rewriter {
  const char *p;
  Buffer out;
  int depth; /* of character classes */
  const char *problem;
} Rewriter;

static void add_property(Rewriter *r) {
  const char *name = r->p[2] == '{' ? r->p + 3 + (r->p[3] == '^') : "";
  const size_t before = r->p[2] == '{' ? (size_t)(name - r->p) : 2, n = strcspn(name, "}");
  bool script = false;
  for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
    script |= strlen(scripts[i]) == n && !memcmp(scripts[i], name, n);
  buffer_add(&r->out, r->p, before);
  if (script) buffer_adds(&r->out, "sc:");
  r->p += before;
}

/* An escape that is spelled otherwise. */
static const char *other_escape(char letter, bool in_class) {
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
    if (escapes[i].letter == letter) return in_class ? escapes[i].in_class : escapes[i].alone;
  return NULL;
}

/* An escape, at its backslash. */
static void add_escape(Rewriter *r) {
  const bool in_class = r->depth > 0;
  const char c = r->p[1], *other = other_escape(c, in_class);
  if (c == 'p' || c == 'P') {
    add_property(r);
    return;
  }
  if (other) {
    buffer_adds(&r->out, other);
  } else if (c == 'u' && strspn(r->p + 2, "0123456789abcdefABCDEF") >= 4) {
    buffer_addf(&r->out, "\\x{%.4s}", r->p + 2);
    r->p += 4;
  } else if (c == 'h' || c == 'H' || (c == 'W' && in_class)) {
    r->problem = c == 'W' ? _("\\W in a class") : "\\h";
  } else {
    buffer_add(&r->out, r->p, c ? 2 : 1);
  }
  r->p += c ? 2 : 1;
}

/* [:name:] or [:^name:], up to its end. */
static void add_posix(Rewriter *r, const char *end) {
  const bool negated = r->p[2] == '^';
  const char *name = r->p + 2 + negated, *set = NULL;
  for (size_t i = 0; i < sizeof posix / sizeof *posix; i++)
    if (strlen(posix[i].name) == (size_t)(end - name) && !memcmp(posix[i].name, name, (size_t)(end - name)))
      set = negated ? posix[i].is_not : posix[i].is;
  if (set)
    buffer_adds(&r->out, set);
  else
    r->problem = _("such a class as [:graph:] or [:^alnum:]");
  r->p = end + 2;
}

/* A bracket. Classes in a class are joined with it; in PCRE2 the bracket would be a character. */
static void add_bracket(Rewriter *r) {
  const char *name = r->depth && r->p[1] == ':' ? strstr(r->p, ":]") : NULL;
  if (name) {
    add_posix(r, name);
    return;
  }
  if (r->depth && r->p[1] == '^') r->problem = _("a negated class in a class");
  if (!r->depth++) buffer_adds(&r->out, r->p[1] == '^' ? "[^" : "[");
  r->p += r->p[1] == '^' ? 2 : 1;
  if (*r->p == ']') { /* as the first, a character */
    buffer_adds(&r->out, "\\]");
    r->p++;
  }
}

char *words_rewrite(const char *pattern, const char *where, Error *err) {
  Rewriter r = {.p = pattern};
  while (*r.p && !r.problem) {
    if (*r.p == '\\') {
      add_escape(&r);
    } else if (*r.p == '[') {
      add_bracket(&r);
    } else {
      if (r.depth && r.p[0] == '&' && r.p[1] == '&') r.problem = _("&& in a class");
      if (*r.p != ']' || r.depth <= 1) buffer_add(&r.out, r.p, 1);
      if (*r.p == ']' && r.depth) r.depth--;
      r.p++;
    }
  }
  if (!r.problem) return buffer_take(&r.out);
  fail(err, "%s: %s of the pattern \"%.200s\" is not supported", where, r.problem, pattern);
  buffer_free(&r.out);
  return NULL;
}
