/* pairs_table.c - tables: source TAB target, and comma-separated values (RFC 4180).
 *
 * Whether fields stand in quotes is seen by the whole of the table: of lines that people wrote some begin
 * with a quotation mark, and only where all rows have as many fields by the rules of quoting are these what
 * was meant. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/pairs_impl.h"

typedef VEC(Document) Cells;

typedef struct Table {
  const char *at, *end;
  char divider;
  bool quoted;
  Cells cells;       /* of the last row */
  Buffer copies;     /* of those that stood in quotes */
  size_t lines;      /* that the last row took */
  const char *wrong; /* with it: where quotes are not as they should be; else NULL */
} Table;

static Table table_of(Document text, char divider, bool quoted) {
  return (Table){.at = text.text, .end = text.text + text.length, .divider = divider, .quoted = quoted};
}

static void table_close(Table *t) {
  vec_free(&t->cells);
  buffer_free(&t->copies);
}

/* A field in quotes: "" is a quote, and whatever else is itself. Its copy ends up in t->copies. */
static void quoted_field(Table *t, const char *row) {
  for (t->at++; t->at < t->end; t->at++) {
    if (*t->at == '"' && (t->at + 1 == t->end || t->at[1] != '"')) break;
    if (*t->at == '"') t->at++;
    t->lines += *t->at == '\n';
    buffer_add(&t->copies, t->at, 1);
  }
  if (t->at >= t->end) {
    t->wrong = "a quotation mark that is opened in this row is never closed";
    t->lines = 1; /* it costs its line, not all of the rest */
    t->at = line_end(row, t->end);
    return;
  }
  t->at++;
  for (; t->at < t->end && *t->at != t->divider && *t->at != '\n'; t->at++)
    if (!is_blank(t->at, 1))
      t->wrong = "text follows a closing quotation mark: within quotes, write \"\" for one";
}

static Document plain_field(Table *t) {
  const char *begin = t->at;
  while (t->at < t->end && *t->at != t->divider && *t->at != '\n') t->at++;
  return (Document){begin, (size_t)(t->at - begin)};
}

/* The next row; false at the end. Cells hold until the next call. */
static bool next_row(Table *t) {
  typedef VEC(size_t) Starts;
  Starts starts = {0}; /* of copies, which move while they grow: cell index, place */
  const char *row = t->at;
  if (row >= t->end) return false;
  t->cells.count = 0;
  buffer_clear(&t->copies);
  t->lines = 1;
  t->wrong = NULL;
  for (bool more = true; more;) {
    if (t->quoted && t->at < t->end && *t->at == '"') {
      const size_t start = t->copies.length;
      quoted_field(t, row);
      vec_push(&starts, t->cells.count);
      vec_push(&starts, start);
      vec_push(&t->cells, ((Document){NULL, t->copies.length - start}));
    } else {
      vec_push(&t->cells, plain_field(t));
    }
    more = t->at < t->end && *t->at == t->divider;
    t->at++;
  }
  for (size_t i = 0; i < starts.count; i += 2)
    t->cells.data[starts.data[i]].text = t->copies.data ? t->copies.data + starts.data[i + 1] : "";
  vec_free(&starts);
  return true;
}

/* ---- the look of it ---- */

enum { LOOKS = 500 };

typedef struct Look {
  double even;    /* rows that have as many fields as the first, among those that were looked at */
  size_t columns; /* of the first */
  size_t fields, quoted;
  bool needed; /* what stood in quotes holds something that says nothing else without them */
} Look;

static void look_at_field(const Table *t, const Document *c, Document text, Look *look) {
  look->fields++;
  if (c->text >= text.text && c->text <= text.text + text.length) return; /* it is where it stands */
  look->quoted++;
  look->needed |= memchr(c->text, '"', c->length) || memchr(c->text, '\n', c->length) ||
                  memchr(c->text, t->divider, c->length);
}

static Look look_at(Document text, char divider, bool quoted, size_t most) {
  Table t = table_of(text, divider, quoted);
  Look look = {0};
  size_t rows = 0, same = 0;
  while (rows < most && next_row(&t)) {
    if (t.cells.count == 1 && is_blank(t.cells.data[0].text, t.cells.data[0].length)) continue;
    if (!rows++) look.columns = t.cells.count;
    same += t.cells.count == look.columns && !t.wrong;
    for (size_t i = 0; i < t.cells.count; i++) look_at_field(&t, &t.cells.data[i], text, &look);
  }
  table_close(&t);
  look.even = rows ? (double)same / (double)rows : 0;
  return look;
}

/* All rows are right by the rules of quoting, and all fields are in quotes or some must be: otherwise the
 * quotation marks are of the texts. */
static bool is_quoted(Document text, char divider) {
  const Look first = look_at(text, divider, true, LOOKS);
  if (first.even < 1 || !first.quoted || first.columns < 2) return false;
  const Look all = look_at(text, divider, true, SIZE_MAX);
  return all.even == 1 && (all.needed || all.quoted == all.fields);
}

/* Names that people give to columns; a row of nothing else is a header. */
static const char *const header_words[] = {
    "source",     "target",     "src",      "tgt",         "trg",        "question", "answer",   "prompt",
    "completion", "response",   "input",    "output",      "text",       "summary",  "document", "article",
    "english",    "highlights", "dialogue", "reply",       "german",     "french",   "chinese",  "spanish",
    "italian",    "russian",    "japanese", "korean",      "portuguese", "en",       "de",       "fr",
    "zh",         "es",         "it",       "ru",          "ja",         "ko",       "pt",       "query",
    "sentence",   "title",      "body",     "问题",        "回答",       "答案",     "原文",     "译文",
    "中文",       "英文",       "汉语",     "英语",        "摘要",       "正文",     "文本",     "问",
    "答",         "提问",       "回复",     "instruction", "id"};

static Document bare(Document d) {
  for (; d.length && strchr(" \t\r\"", d.text[0]); d.length--) d.text++;
  while (d.length && strchr(" \t\r\"", d.text[d.length - 1])) d.length--;
  return d;
}

static bool is_header_word(Document cell) {
  cell = bare(cell);
  for (size_t i = 0; i < sizeof header_words / sizeof *header_words; i++)
    if (strlen(header_words[i]) == cell.length && !strncasecmp(header_words[i], cell.text, cell.length))
      return true;
  return false;
}

static bool is_name(Document cell, const char *name) {
  cell = bare(cell);
  return name && strlen(name) == cell.length && !memcmp(name, cell.text, cell.length);
}

static size_t count_header_words(const Cells *row) {
  size_t words = 0;
  for (size_t i = 0; i < row->count; i++) words += is_header_word(row->data[i]);
  return words;
}

bool csv_by_its_header(Document text) {
  Table t = table_of(text, ',', true);
  const size_t words = next_row(&t) ? count_header_words(&t.cells) : 0, all = t.cells.count;
  table_close(&t);
  return all > 1 && words > 1 && 2 * words >= all && look_at(text, ',', true, LOOKS).even > 0.5;
}

/* Comma, semicolon (where the comma is a decimal one) or tab, whichever makes the rows even. */
static char divider_of(Document text) {
  static const char dividers[] = ",;\t";
  char best = ',';
  double most = -1;
  for (const char *d = dividers; *d; d++) {
    const Look look = look_at(text, *d, true, LOOKS);
    if (look.columns > 1 && look.even > most) {
      most = look.even;
      best = *d;
    }
  }
  return best;
}

/* ---- rows ---- */

/* Which columns the header names; false where the first row is no header. */
static bool find_header(PairReader *r, const Cells *row) {
  size_t named = 0;
  for (size_t i = 0; i < row->count; i++)
    named += is_name(row->data[i], r->source_field) || is_name(row->data[i], r->target_field);
  if (r->fields) return named >= 2;
  const size_t words = count_header_words(row);
  return words == row->count || (row->count > 2 && words >= 2);
}

/* The first fields of a row, for a message. */
static Buffer told(const Cells *row) {
  Buffer names = {0};
  for (size_t i = 0; i < row->count && i < 12; i++) {
    const Document name = bare(row->data[i]);
    buffer_addf(&names, "%s%.*s", i ? ", " : "", (int)(name.length < 40 ? name.length : 40), name.text);
  }
  return names;
}

static void say_header(const PairReader *r, const Cells *row) {
  Buffer names = told(row);
  news_note(r->news, "%s: the first row names the columns: %s", r->file->text.name, names.data);
  buffer_free(&names);
}

static bool fail_columns(const PairReader *r, const Cells *row) {
  Buffer names = told(row);
  fail(r->err, "%s: the first row does not hold the columns %s and %s; it holds: %s", r->file->text.name,
       r->source_field, r->target_field, names.data);
  buffer_free(&names);
  return false;
}

static json_t *names_of(const Cells *row) {
  json_t *names = json_array();
  for (size_t i = 0; i < row->count; i++) {
    const Document name = bare(row->data[i]);
    json_push(names, json_stringn_nocheck(name.text, name.length));
  }
  return names;
}

/* A row of named columns is an object: what pairs_json.c knows of names holds here, too. */
static bool read_named(PairReader *r, const json_t *names, const Cells *row) {
  char columns[FIGURE_SIZE];
  if (row->count != json_array_size(names))
    return bad_line(r, "has %s, the first row %zu", figure_of(columns, (int64_t)row->count, "column"),
                    json_array_size(names));
  json_t *object = json_object();
  for (size_t i = 0; i < row->count; i++)
    json_put(object, json_string_value(json_array_get(names, i)),
             json_stringn_nocheck(row->data[i].text, row->data[i].length));
  const bool ok = read_json_object(r, object);
  json_decref(object);
  return ok;
}

static bool read_numbered(PairReader *r, const Table *t) {
  const Cells *row = &t->cells;
  const size_t have = row->count, first = r->columns[0] ? (size_t)r->columns[0] : 1,
               second = r->columns[1] ? (size_t)r->columns[1] : 2;
  if (r->fields) return fail_columns(r, row);
  if (have < 2)
    return bad_line(r,
                    t->divider == '\t' ? "has no tab: a line is source TAB target" : "has one column only");
  if (have > 2 && !r->columns[1])
    return bad_line(
        r,
        "has %zu columns: choose those of source and target with --columns, such as --columns 1,2, or by "
        "the names in the first row",
        have);
  if (first > have || second > have)
    return bad_line(r, "has %zu columns, too few for --columns %s", have, r->settings->columns);
  Document source = row->data[first - 1], target = row->data[second - 1];
  if (t->quoted) {
    source = keep_decoded(r, source.text, source.length);
    target = keep_decoded(r, target.text, target.length);
  }
  keep_pair(r, source, target, NULL, 0);
  return true;
}

static bool is_blank_row(const Cells *row) {
  return row->count == 1 && is_blank(row->data[0].text, row->data[0].length);
}

/* By numbers the header is only left out; by names it says which columns there are. */
static bool read_rows(PairReader *r, Table *t) {
  json_t *names = NULL;
  bool ok = true, first = true;
  size_t line = 1;
  if (!r->fields) r->source_field = r->target_field = NULL; /* each file has its own names */
  for (; ok && next_row(t); line += t->lines) {
    r->line = line;
    if (t->wrong) {
      ok = bad_line(r, "%s", t->wrong);
    } else if (is_blank_row(&t->cells)) {
      r->pairs->left_out.blank++;
    } else if (first && find_header(r, &t->cells)) {
      say_header(r, &t->cells);
      if (!r->columns[0] && (r->fields || t->cells.count > 2)) names = names_of(&t->cells);
      first = false;
    } else {
      ok = names ? read_named(r, names, &t->cells) : read_numbered(r, t);
      first = false;
    }
  }
  json_decref(names);
  return ok;
}

static bool read_table(PairReader *r, char divider, bool quoted) {
  const TextFile *f = &r->file->text;
  Table t = table_of((Document){f->text, f->length}, divider, quoted);
  if (quoted && divider == '\t') news_note(r->news, "%s: fields stand in quotes", f->name);
  const bool ok = read_rows(r, &t);
  table_close(&t);
  return ok;
}

bool read_tsv(PairReader *r) {
  const Document text = {r->file->text.text, r->file->text.length};
  return read_table(r, '\t', is_quoted(text, '\t'));
}

bool read_csv(PairReader *r) {
  const Document text = {r->file->text.text, r->file->text.length};
  return read_table(r, divider_of(text), true);
}
