/* pairs_form.c - detection of the format of a file of pairs or conversations. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "data/pairs_impl.h"

static const struct {
  const char *name, *description;
} forms[] = {
#define PAIR_FORM_TEXT(form, name, description, read) {name, description},
    PAIR_FORMS(PAIR_FORM_TEXT)
#undef PAIR_FORM_TEXT
};

const char *pair_form_description(PairForm form) {
  return language_text(forms[form].description);
}

typedef struct Lines {
  const char *at, *end;
} Lines;

static bool next_line(Lines *l, Document *line) {
  while (l->at < l->end) {
    const char *stop = line_end(l->at, l->end);
    *line = (Document){l->at, (size_t)(stop - l->at)};
    l->at = stop + 1;
    if (!is_blank(line->text, line->length)) return true;
  }
  return false;
}

static Lines lines_of(const PairFile *f) {
  return (Lines){f->text.text, f->text.text + f->text.length};
}

/* Do more than half of the first non-blank lines contain `what`? */
static bool in_most_lines(const PairFile *f, const char *what) {
  enum { ENOUGH = 100 };
  size_t checked = 0, with = 0;
  Lines lines = lines_of(f);
  Document line;
  while (checked < ENOUGH && next_line(&lines, &line)) {
    checked++;
    with += memmem(line.text, line.length, what, strlen(what)) != NULL;
  }
  return 2 * with > checked;
}

/* Begins with "{" before a name or "}", possibly after "[": [Music] and {laughs} are not JSON. */
static bool looks_like_json(Document text) {
  size_t i = 0;
  while (i < text.length && is_blank(text.text + i, 1)) i++;
  if (i < text.length && text.text[i] == '[')
    for (i++; i < text.length && is_blank(text.text + i, 1);) i++;
  if (i >= text.length || text.text[i] != '{') return false;
  for (i++; i < text.length && is_blank(text.text + i, 1);) i++;
  return i >= text.length || text.text[i] == '"' || text.text[i] == '}';
}

/* Does the file's name have this extension, before .gz or .zst? */
static bool is_named(const PairFile *f, const char *ending) {
  const char *name = f->text.name;
  size_t length = strlen(name);
  if (length > 3 && !strcasecmp(name + length - 3, ".gz")) length -= 3;
  if (length > 4 && !strcasecmp(name + length - 4, ".zst")) length -= 4;
  return length > strlen(ending) && !strncasecmp(name + length - strlen(ending), ending, strlen(ending));
}

static bool begins(Document text, const char *word) {
  size_t i = 0;
  while (i < text.length && is_blank(text.text + i, 1)) i++;
  return text.length - i >= strlen(word) && !strncasecmp(text.text + i, word, strlen(word));
}

/* The name of the root element that encloses the whole text, `<name ...> ... </name>`; empty: none. */
static Document root_of(Document text) {
  const Document none = {text.text, 0};
  while (text.length && is_blank(text.text, 1)) text.text++, text.length--;
  while (text.length && is_blank(text.text + text.length - 1, 1)) text.length--;
  Document name = {text.text + 1, 0};
  while (name.length + 1 < text.length &&
         (isalnum((unsigned char)name.text[name.length]) || strchr("_:.-", name.text[name.length])))
    name.length++;
  const size_t closing = name.length + 3; /* "</name>" */
  if (!name.length || text.text[0] != '<' || text.length < 2 * closing) return none;
  const char *end = text.text + text.length - closing;
  return !memcmp(end, "</", 2) && !memcmp(end + 2, name.text, name.length) && end[closing - 1] == '>' ? name
                                                                                                      : none;
}

/* XML without a declaration: units of a translation memory, or refused. */
static bool recognize_fragment(const PairFile *f, bool *is, Error *err) {
  const Document text = {f->text.text, f->text.length}, root = root_of(text);
  *is = root.length && memmem(text.text, text.length, "<tuv", 4);
  return !root.length || *is ||
         fail(err,
              "%s: looks like XML (<%.*s> ... </%.*s>) other than a translation memory (TMX): extract its "
              "text first, or give --format to learn the tags, too",
              f->text.name, (int)root.length, root.text, (int)root.length, root.text);
}

/* Recognizes markup: TMX is accepted, HTML and other XML are refused. */
static bool recognize_xml(const PairFile *f, PairForm *form, bool *is, Error *err) {
  const Document text = {f->text.text, f->text.length < 4096 ? f->text.length : 4096};
  const bool html = begins(text, "<!DOCTYPE html") || begins(text, "<html");
  *is = html || begins(text, "<?xml") || begins(text, "<tmx") || begins(text, "<!DOCTYPE tmx");
  *form = FORM_TMX;
  if (!*is) return recognize_fragment(f, is, err);
  if (!html && memmem(text.text, text.length, "<tmx", 4)) return true;
  return fail(err, "%s: is %s, not plain text: extract its text first", f->text.name,
              html ? _("an HTML page") : _("XML other than a translation memory (TMX)"));
}

/* Refuses text with marks that separate turns in common corpora. */
static bool check_marks(const PairReader *r, const PairFile *f, Error *err) {
  static const char *const marks[] = {"__eou__", "<|im_end|>", "[SEP]", "</s>", "<eos>"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (r->conversations && in_most_lines(f, marks[i]))
      return fail(err,
                  "%s: most lines contain %s: give --turn-mark '%s' if it separates turns, or --format turns "
                  "if each line is one turn",
                  f->text.name, marks[i], marks[i]);
  return true;
}

bool recognize_form(const PairReader *r, const PairFile *f, PairForm *form, Error *err) {
  const PairSettings *s = r->settings;
  const Document text = {f->text.text, f->text.length};
  bool xml;
  for (size_t i = 0; i < FORMS; i++)
    if (!strcmp(s->format, forms[i].name)) {
      *form = (PairForm)i;
      return true;
    }
  if (!recognize_xml(f, form, &xml, err)) return false;
  if (xml) return true;
  *form = FORM_PARALLEL;
  if (looks_like_json(text))
    *form = FORM_JSON;
  else if (s->turn_mark)
    *form = FORM_TURNS;
  else if (r->labelled && in_most_lines(f, "__label__"))
    *form = FORM_FASTTEXT;
  else if (is_named(f, ".csv"))
    *form = FORM_CSV;
  else if (in_most_lines(f, "\t") || is_named(f, ".tsv"))
    *form = FORM_TSV;
  else if (csv_by_its_header(text))
    *form = FORM_CSV;
  return *form != FORM_PARALLEL || check_marks(r, f, err);
}

const char *text_examples(const TextFile *f) {
  const Document text = {f->text, f->length};
  if (looks_like_json(text)) return json_examples(text);
  return csv_by_its_header(text) ? _("a table of pairs (CSV)") : NULL;
}
