/* pairs_tmx.c - translation memories (TMX 1.4): <tu> units of <tuv xml:lang="..."> variants, each with a
 * <seg>.
 *
 * A strict reader of a subset of XML: elements, attributes, the five predefined entities, numeric character
 * references, comments, CDATA. Declared entities and encodings other than UTF-8 are refused. In a segment the
 * formatting codes (bpt, ept, it, ph, ut) are left out with their content; the text of hi and sub is kept. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "data/pairs_impl.h"
#include "text/utf8.h"

enum { DEPTH = 64 };

typedef struct Tag {
  Document name;
  const char *attributes, *end; /* end: the > */
  bool closes, empty;           /* </x>, <x/> */
} Tag;

typedef struct Variant {
  char language[LANGUAGE];
  Document text;
} Variant;

typedef struct Tmx {
  PairReader *r;
  const char *at, *end;
  const char *counted;   /* lines before this are counted */
  char source[LANGUAGE]; /* the header's srclang */
  int64_t codes;         /* formatting codes left out */
  VEC(Variant) unit;
  Buffer text;
} Tmx;

static size_t line_now(Tmx *t) {
  for (; t->counted < t->at; t->counted++) t->r->line += *t->counted == '\n';
  return t->r->line;
}

static bool fail_here(Tmx *t, const char *what) {
  return fail(t->r->err, "%s:%zu: %s", t->r->file->text.name, line_now(t), language_text(what));
}

/* ---- markup ---- */

static bool skip_to(Tmx *t, const char *mark) {
  const char *found = memmem(t->at, (size_t)(t->end - t->at), mark, strlen(mark));
  if (!found) return fail_here(t, "the file ends within markup: is it complete?");
  t->at = found + strlen(mark);
  return true;
}

static bool starts(const Tmx *t, const char *what) {
  const size_t n = strlen(what);
  return (size_t)(t->end - t->at) >= n && !memcmp(t->at, what, n);
}

/* The > that ends a tag, ignoring those in quoted attribute values. */
static const char *tag_end(const char *at, const char *end) {
  char quote = 0;
  for (; at < end; at++) {
    if (quote ? *at == quote : *at == '"' || *at == '\'') quote = quote ? 0 : *at;
    if (!quote && *at == '>') return at;
  }
  return NULL;
}

static bool take_tag(Tmx *t, Tag *tag) {
  const char *stop = tag_end(t->at, t->end), *p = t->at + 1;
  if (!stop) return fail_here(t, "unterminated tag: is the file complete?");
  *tag = (Tag){.closes = *p == '/', .empty = stop[-1] == '/', .end = stop};
  p += tag->closes;
  tag->name.text = p;
  while (p < stop && !isspace((unsigned char)*p) && *p != '/') p++;
  tag->name.length = (size_t)(p - tag->name.text);
  tag->attributes = p;
  t->at = stop + 1;
  return true;
}

static bool is_tag(const Tag *tag, const char *name) {
  return tag->name.length == strlen(name) && !strncasecmp(tag->name.text, name, tag->name.length);
}

/* Skips a comment, processing instruction or declaration; *was: there was one. False: an error. */
static bool skip_other(Tmx *t, bool *was) {
  *was = true;
  if (starts(t, "<!--")) return skip_to(t, "-->");
  if (starts(t, "<?")) return skip_to(t, "?>");
  if (starts(t, "<!DOCTYPE") || starts(t, "<!doctype")) {
    const char *stop = tag_end(t->at, t->end);
    if (!stop || memchr(t->at, '[', (size_t)(stop - t->at)))
      return fail_here(t, "unsupported entity declarations: write the characters themselves");
    t->at = stop + 1;
    return true;
  }
  *was = false;
  return true;
}

/* The text after the = of an attribute, ignoring its name in quoted values; NULL: no such attribute. */
static const char *attribute(const Tag *tag, const char *name) {
  const size_t n = strlen(name);
  char quote = '\0';
  for (const char *at = tag->attributes; (size_t)(tag->end - at) > n; at++) {
    if (quote || *at == '"' || *at == '\'') {
      quote = quote == *at ? '\0' : quote ? quote : *at;
    } else if (!memcmp(at, name, n) && (at == tag->attributes || is_blank(at - 1, 1))) {
      for (at += n; at < tag->end && is_blank(at, 1);) at++;
      return at < tag->end && *at == '=' ? at + 1 : NULL;
    }
  }
  return NULL;
}

/* The value of an attribute such as xml:lang, lang or srclang, in lower case. */
static bool language_of(const Tag *tag, const char *name, char language[LANGUAGE]) {
  const char *at = attribute(tag, name), *stop = tag->end;
  if (!at) return false;
  while (at < stop && is_blank(at, 1)) at++;
  if (at >= stop || (*at != '"' && *at != '\'')) return false;
  size_t length = 0;
  for (const char quote = *at++; at < stop && *at != quote && length < LANGUAGE - 1; at++)
    language[length++] = (char)tolower((unsigned char)*at);
  language[length] = '\0';
  return length > 0;
}

/* ---- text ---- */

static bool add_entity(Tmx *t) {
  static const struct {
    const char *name;
    char is;
  } known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (starts(t, known[i].name)) {
      buffer_add(&t->text, &known[i].is, 1);
      t->at += strlen(known[i].name);
      return true;
    }
  char digits[12] = "", *rest, bytes[4];
  const bool hex = starts(t, "&#x");
  const char *first = t->at + (hex ? 3 : 2);
  if (!starts(t, "&#") || first >= t->end) return fail_here(t, "unknown entity: write & as &amp;");
  const size_t left = (size_t)(t->end - first);
  memcpy(digits, first, left < 11 ? left : 11);
  const unsigned long code = strtoul(digits, &rest, hex ? 16 : 10);
  if (rest == digits || *rest != ';' || !code || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return fail_here(t, "invalid character reference: give the number of a Unicode character");
  buffer_add(&t->text, bytes, utf8_encode((uint32_t)code, bytes));
  t->at = first + (rest - digits) + 1;
  return true;
}

static bool is_code(const Tag *tag) {
  static const char *const codes[] = {"bpt", "ept", "it", "ph", "ut"};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (is_tag(tag, codes[i])) return true;
  return false;
}

/* Reads up to </seg>. Line breaks become spaces; the content of codes is left out. */
static bool read_segment(Tmx *t) {
  size_t depth = 0, coded = 0; /* open tags; depth of the outermost open code */
  buffer_clear(&t->text);
  while (t->at < t->end) {
    bool other;
    Tag tag;
    if (starts(t, "<![CDATA[")) {
      const char *begin = t->at += 9;
      if (!skip_to(t, "]]>")) return false;
      if (!coded) buffer_add(&t->text, begin, (size_t)(t->at - 3 - begin));
    } else if (*t->at == '<') {
      if (!skip_other(t, &other)) return false;
      if (other) continue;
      if (!take_tag(t, &tag)) return false;
      if (tag.closes && is_tag(&tag, "seg")) return true;
      if (!coded && !tag.closes) t->codes += is_code(&tag);
      if (tag.empty) continue;
      if (tag.closes && !depth) return fail_here(t, "closing tag without an opening tag");
      if (tag.closes && depth-- == coded) coded = 0;
      if (!tag.closes && ++depth > DEPTH) return fail_here(t, "tags are nested too deeply");
      if (!tag.closes && !coded && is_code(&tag)) coded = depth;
    } else if (*t->at == '&') {
      const size_t before = t->text.length;
      if (!add_entity(t)) return false;
      if (coded) t->text.length = before;
    } else {
      if (!coded) buffer_add(&t->text, *t->at == '\n' ? " " : t->at, 1);
      t->at++;
    }
  }
  return fail_here(t, "the file ends within a segment: is it complete?");
}

/* ---- units ---- */

static const Variant *variant_in(const Tmx *t, const char *language) {
  for (size_t i = 0; i < t->unit.count; i++)
    if (is_language(language, t->unit.data[i].language)) return &t->unit.data[i];
  return NULL;
}

static bool choose(Tmx *t) {
  const char *names[MOST_LANGUAGES];
  const size_t count = t->unit.count;
  for (size_t i = 0; i < count && i < MOST_LANGUAGES; i++) names[i] = t->unit.data[i].language;
  line_now(t);
  return choose_languages(t->r, names, count, t->source);
}

static bool keep_unit(Tmx *t) {
  if (t->unit.count < 2 && !*t->r->languages[0]) return bad_line(t->r, "unit in fewer than two languages");
  if (!*t->r->languages[0] && !choose(t)) return false;
  const Variant *source = variant_in(t, t->r->languages[0]), *target = variant_in(t, t->r->languages[1]);
  if (!source || !target)
    return bad_line(t->r, "unit without %s (--languages chooses others)", t->r->languages[source ? 1 : 0]);
  keep_pair(t->r, source->text, target->text, NULL, 0);
  return true;
}

/* The next tag, skipping text; false at the end and on errors. */
static bool next_tag(Tmx *t, Tag *tag) {
  for (bool other; t->at < t->end;) {
    if (*t->at != '<') {
      t->at++;
      continue;
    }
    if (!skip_other(t, &other)) return false;
    if (!other) return take_tag(t, tag);
  }
  return false;
}

/* Reads up to </tu>. */
static bool read_unit(Tmx *t) {
  Variant variant = {.language = ""};
  Tag tag;
  t->unit.count = 0;
  while (next_tag(t, &tag)) {
    if (is_tag(&tag, "tu") && tag.closes) return keep_unit(t);
    if (is_tag(&tag, "tuv") && !tag.closes && !language_of(&tag, "xml:lang", variant.language) &&
        !language_of(&tag, "lang", variant.language))
      return fail_here(t, "<tuv> without xml:lang: add the language");
    if (!is_tag(&tag, "seg") || tag.closes) continue;
    if (!tag.empty && !read_segment(t)) return false;
    variant.text = keep_decoded(t->r, t->text.data ? t->text.data : "", tag.empty ? 0 : t->text.length);
    vec_push(&t->unit, variant);
  }
  return fail_here(t, "the file ends within a unit: is it complete?");
}

static bool read_units(Tmx *t) {
  Tag tag;
  while (next_tag(t, &tag)) {
    line_now(t);
    if (is_tag(&tag, "header") && !tag.closes) language_of(&tag, "srclang", t->source);
    if (is_tag(&tag, "tu") && !tag.closes && !tag.empty && !read_unit(t)) return false;
  }
  return !t->r->err->code;
}

bool read_tmx(PairReader *r) {
  const TextFile *f = &r->file->text;
  Tmx t = {.r = r, .at = f->text, .end = f->text + f->length, .counted = f->text};
  r->line = 1;
  *r->languages[0] = '\0'; /* each file has its own */
  const bool ok = read_units(&t);
  char codes[FIGURE_SIZE];
  if (ok && t.codes)
    news_note(r->news, "%s: left out of the segments: %s (bpt, ept, it, ph, ut)", f->name,
              figure_of(codes, t.codes, "formatting code"));
  vec_free(&t.unit);
  buffer_free(&t.text);
  return ok;
}
