/* pairs_table.c - tables: source TAB target, and comma-separated values (RFC 4180).
 *
 * Whether quotation marks delimit fields is decided on the whole table, because ordinary text lines may begin
 * with one: quoting is assumed only if it gives all rows the same number of fields. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "data/pairs_impl.h"

typedef VEC(Document) Cells;

typedef struct Table {
  const char *at, *end;
  char divider;
  bool quoted;
  Cells cells;       /* of the last row */
  Buffer copies;     /* unescaped quoted fields */
  size_t lines;      /* of the last row */
  const char *wrong; /* quoting error in the last row; NULL: none */
} Table;

static Table table_of(Document text, char divider, bool quoted) {
  return (Table){.at = text.text, .end = text.text + text.length, .divider = divider, .quoted = quoted};
}

static void table_close(Table *t) {
  vec_free(&t->cells);
  buffer_free(&t->copies);
}

/* Copies a quoted field to t->copies; "" is an escaped quote. */
static void quoted_field(Table *t, const char *row) {
  for (t->at++; t->at < t->end; t->at++) {
    if (*t->at == '"' && (t->at + 1 == t->end || t->at[1] != '"')) break;
    if (*t->at == '"') t->at++;
    t->lines += *t->at == '\n';
    buffer_add(&t->copies, t->at, 1);
  }
  if (t->at >= t->end) {
    t->wrong = _("unterminated quotation mark");
    t->lines = 1; /* only this line is lost, not the rest of the file */
    t->at = line_end(row, t->end);
    return;
  }
  t->at++;
  for (; t->at < t->end && *t->at != t->divider && *t->at != '\n'; t->at++)
    if (!is_blank(t->at, 1))
      t->wrong = _("text after a closing quotation mark: within quotes, write \"\" for one");
}

static Document plain_field(Table *t) {
  const char *begin = t->at;
  while (t->at < t->end && *t->at != t->divider && *t->at != '\n') t->at++;
  return (Document){begin, (size_t)(t->at - begin)};
}

/* The next row; false at the end. Cells are valid until the next call. */
static bool next_row(Table *t) {
  typedef VEC(size_t) Starts;
  Starts starts = {0}; /* (cell, offset in copies), because copies move while they grow */
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

/* ---- detection ---- */

enum { SAMPLED_ROWS = 500 };

typedef struct TableStats {
  double even;    /* share of the sampled rows with as many fields as the first */
  size_t columns; /* of the first row */
  size_t fields, quoted;
  size_t doubtful; /* fields that begin behind what may be punctuation: ", ", or 1,5 */
  bool needed;     /* a quoted field contains a quote, divider or line feed */
} TableStats;

static bool begins_in_text(Document c, Document text) {
  if (!c.length || c.text - text.text < 2) return false;
  return c.text[0] == ' ' || (isdigit((unsigned char)c.text[-2]) && isdigit((unsigned char)c.text[0]));
}

static void count_field(const Table *t, const Document *c, Document text, TableStats *stats) {
  stats->fields++;
  if (c->text >= text.text && c->text <= text.text + text.length) { /* not a copy: not quoted */
    stats->doubtful += begins_in_text(*c, text);
    return;
  }
  stats->quoted++;
  stats->needed |= memchr(c->text, '"', c->length) || memchr(c->text, '\n', c->length) ||
                   memchr(c->text, t->divider, c->length);
}

static TableStats sample_rows(Document text, char divider, bool quoted, size_t most) {
  Table t = table_of(text, divider, quoted);
  TableStats stats = {0};
  size_t rows = 0, same = 0;
  while (rows < most && next_row(&t)) {
    if (t.cells.count == 1 && is_blank(t.cells.data[0].text, t.cells.data[0].length)) continue;
    if (!rows++) stats.columns = t.cells.count;
    same += t.cells.count == stats.columns && !t.wrong;
    for (size_t i = 0; i < t.cells.count; i++) count_field(&t, &t.cells.data[i], text, &stats);
  }
  table_close(&t);
  stats.even = rows ? (double)same / (double)rows : 0;
  return stats;
}

/* Quoted: all rows are valid by RFC 4180, and all fields are quoted or some have to be. Otherwise quotation
 * marks are part of the text. */
static bool is_quoted(Document text, char divider) {
  const TableStats first = sample_rows(text, divider, true, SAMPLED_ROWS);
  if (first.even < 1 || !first.quoted || first.columns < 2) return false;
  const TableStats all = sample_rows(text, divider, true, SIZE_MAX);
  return all.even == 1 && (all.needed || all.quoted == all.fields);
}

/* Common column names; a row of only these is a header. */
static const char *const header_words[] = {
    "source",     "target",     "src",      "tgt",         "trg",        "question", "answer",   "prompt",
    "completion", "response",   "input",    "output",      "text",       "summary",  "document", "article",
    "english",    "highlights", "dialogue", "reply",       "german",     "french",   "chinese",  "spanish",
    "italian",    "russian",    "japanese", "korean",      "portuguese", "en",       "de",       "fr",
    "zh",         "es",         "it",       "ru",          "ja",         "ko",       "pt",       "query",
    "sentence",   "title",      "body",     "问题",        "回答",       "答案",     "原文",     "译文",
    "中文",       "英文",       "汉语",     "英语",        "摘要",       "正文",     "文本",     "问",
    "答",         "提问",       "回复",     "instruction", "id",         "chosen",   "rejected", "label"};

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

static size_t count_header_words(const Cells *row, bool labelled) {
  size_t words = 0;
  for (size_t i = 0; i < row->count; i++)
    words += is_header_word(row->data[i]) || (labelled && is_label_column(bare(row->data[i])));
  return words;
}

static bool has_header(Document text, char divider) {
  Table t = table_of(text, divider, true);
  const size_t words = next_row(&t) ? count_header_words(&t.cells, false) : 0, all = t.cells.count;
  table_close(&t);
  return all > 1 && words > 1 && 2 * words >= all &&
         sample_rows(text, divider, true, SAMPLED_ROWS).even > 0.5;
}

/* Excel's first line "sep=;", also in quotation marks, says what separates the columns. Takes it off the text
 * and returns the separator; 0: there is none. */
static char take_sep(Document *text) {
  const size_t length = (size_t)(line_end(text->text, text->text + text->length) - text->text);
  const char *at = text->text;
  size_t n = length;
  if (n && at[n - 1] == '\r') n--;
  if (n > 1 && *at == '"' && at[n - 1] == '"') at++, n -= 2;
  if (n != strlen("sep=;") || strncasecmp(at, "sep=", 4) || (unsigned char)at[4] >= 0x80 || at[4] == '"')
    return 0;
  const size_t taken = length < text->length ? length + 1 : length;
  *text = (Document){text->text + taken, text->length - taken};
  return at[4];
}

bool csv_by_its_header(Document text) {
  return take_sep(&text) || has_header(text, ',') || has_header(text, ';');
}

/* Is a table more likely divided as `a` says than as `b`? What gives all rows an equal number of fields
 * divides them, rather than what looks like punctuation, rather than what makes more than two columns. */
static bool is_likelier(const TableStats *a, const TableStats *b) {
  if (a->columns < 2 || b->columns < 2) return a->columns > b->columns;
  if (a->even != b->even) return a->even > b->even;
  const size_t doubts = a->doubtful * b->fields, others = b->doubtful * a->fields;
  if (doubts != others) return doubts < others;
  return a->columns == 2 && b->columns > 2;
}

/* Comma, semicolon (where numbers have decimal commas) or tab. */
static char divider_of(Document text) {
  static const char dividers[] = ",;\t";
  char best = ',';
  TableStats most = sample_rows(text, best, true, SAMPLED_ROWS);
  for (const char *d = dividers + 1; *d; d++) {
    const TableStats stats = sample_rows(text, *d, true, SAMPLED_ROWS);
    if (!is_likelier(&stats, &most)) continue;
    most = stats;
    best = *d;
  }
  return best;
}

/* ---- rows ---- */

/* Is the first row a header? */
static bool find_header(PairReader *r, const Cells *row) {
  size_t named = 0;
  for (size_t i = 0; i < row->count; i++)
    named += is_name(row->data[i], r->source_field) || is_name(row->data[i], r->target_field);
  if (r->fields) return named >= 2;
  const size_t words = count_header_words(row, r->labelled);
  return words == row->count || (row->count > 2 && words >= 2);
}

/* The first fields of a row, for a message. */
static Buffer list_names(const Cells *row) {
  Buffer names = {0};
  for (size_t i = 0; i < row->count && i < 12; i++) {
    const Document name = bare(row->data[i]);
    buffer_addf(&names, "%s%.*s", i ? ", " : "", (int)(name.length < 40 ? name.length : 40), name.text);
  }
  return names;
}

static void report_header(const PairReader *r, const Cells *row) {
  Buffer names = list_names(row);
  news_note(r->news, "%s: the first row is a header: %s", r->file->text.name, names.data);
  buffer_free(&names);
}

static bool fail_columns(const PairReader *r, const Cells *row) {
  Buffer names = list_names(row);
  fail(r->err, "%s: the first row has no columns \"%s\" and \"%s\": choose from %s", r->file->text.name,
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

/* Reads a row of named columns as a JSON object, so that the names known to pairs_json.c work here, too. */
static bool read_named(PairReader *r, const json_t *names, const Cells *row) {
  char columns[FIGURE_SIZE];
  if (row->count != json_array_size(names))
    return bad_line(r, "has %s, but the first row has %zu", figure_of(columns, (int64_t)row->count, "column"),
                    json_array_size(names));
  json_t *object = json_object();
  r->lost = NULL;
  for (size_t i = 0; i < row->count; i++) {
    const char *name = json_string_value(json_array_get(names, i));
    const bool twice = json_object_get(object, name);
    if (twice) r->lost = N_("is the name of two columns: choose columns by number, such as --columns 1,3");
    json_put(object, name,
             twice ? json_null() : json_stringn_nocheck(row->data[i].text, row->data[i].length));
  }
  const bool ok = read_json_object(r, object);
  json_decref(object);
  return ok;
}

static bool read_numbered(PairReader *r, const Table *t) {
  const Cells *row = &t->cells;
  const size_t have = row->count, first = r->columns[0] ? (size_t)r->columns[0] : 1,
               second = r->columns[1] ? (size_t)r->columns[1] : 2;
  if (r->preferences)
    return fail(r->err,
                "%s:%zu: the first row does not name the columns: begin the table with prompt, chosen and "
                "rejected, or prompt, completion and label",
                r->file->text.name, r->line);
  if (r->fields) return fail_columns(r, row);
  if (have < 2)
    return bad_line(r,
                    t->divider == '\t' ? _("has no tab: write source TAB target") : _("has only one column"));
  if (have > 2 && !r->columns[1])
    return bad_line(
        r,
        "has %zu columns: choose source and target with --columns, by number, such as --columns 1,2, or by "
        "name in the first row",
        have);
  if (first > have || second > have)
    return bad_line(r, "has only %zu columns, too few for --columns %s", have, r->settings->columns);
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

/* With columns by number the header is only skipped; otherwise it names the columns. */
static bool read_rows(PairReader *r, Table *t, size_t line) {
  json_t *names = NULL;
  bool ok = true, first = true;
  if (!r->fields) r->source_field = r->target_field = NULL; /* each file has its own names */
  r->pairs->read |= PAIR_COLUMNS | PAIR_FIELDS;
  for (; ok && next_row(t); line += t->lines) {
    r->line = line;
    if (t->wrong) {
      ok = bad_line(r, "%s", t->wrong);
    } else if (is_blank_row(&t->cells)) {
      r->pairs->left_out.blank++;
    } else if (first && find_header(r, &t->cells)) {
      report_header(r, &t->cells);
      if (!r->columns[0] && (r->fields || r->labelled || t->cells.count > 2)) names = names_of(&t->cells);
      first = false;
    } else {
      ok = names ? read_named(r, names, &t->cells) : read_numbered(r, t);
      first = false;
    }
  }
  json_decref(names);
  return ok;
}

/* Of two columns without a header, takes the one with fewer different values for the labels. */
static bool find_labels(PairReader *r, Document text, char divider, bool quoted) {
  Map *values[2] = {map_new(), map_new()};
  Table t = table_of(text, divider, quoted);
  bool named = false;
  for (size_t rows = 0; !named && rows < SAMPLED_ROWS && next_row(&t);) {
    if (t.cells.count != 2) continue;
    named = !rows++ && find_header(r, &t.cells);
    for (int i = 0; i < 2; i++) map_set(values[i], t.cells.data[i].text, t.cells.data[i].length, 0);
  }
  const bool ok = named || guess_label_column(r, map_count(values[0]), map_count(values[1]));
  table_close(&t);
  map_free(values[0]);
  map_free(values[1]);
  return ok;
}

/* Counts of the labels, whose column is known; the first row's into *label if its fields are short enough to
 * be names, and it is not known as a header. Rows. */
static size_t count_labels(PairReader *r, Table *t, Map *counts, Buffer *label) {
  enum { NAME = 40 };
  const size_t column = (size_t)r->columns[1] - 1;
  size_t rows = 0;
  while (next_row(t)) {
    if (t->cells.count <= column || is_blank_row(&t->cells)) continue;
    const Document own = bare(t->cells.data[column]);
    bool brief = !rows++ && !find_header(r, &t->cells);
    for (size_t i = 0; i < t->cells.count; i++) brief = brief && t->cells.data[i].length <= NAME;
    if (brief) buffer_add(label, own.text, own.length);
    ++*map_slot(counts, own.text, own.length, 0);
  }
  return rows;
}

/* A header that is not known as one would be learnt as a text with a label. */
static bool check_first_label(PairReader *r, Document text, char divider, bool quoted, bool guessed) {
  enum { FEW = 5 };
  Map *counts = map_new();
  Buffer label = {0};
  Table t = table_of(text, divider, quoted);
  const size_t rows = count_labels(r, &t, counts, &label);
  bool odd = label.length && rows >= FEW;
  for (size_t i = 0; odd && i < map_count(counts); i++) {
    size_t length;
    int64_t count;
    const char *name = map_at(counts, i, &length, &count);
    odd = (count == 1) == (length == label.length && !memcmp(name, label.data, length));
  }
  bool ok = true;
  if (odd && guessed)
    ok =
        fail(r->err,
             "%s: the first row is perhaps a header, as its label \"%s\" occurs nowhere else: give --columns "
             "TEXT,LABEL by name if it is, else by number, such as --columns 1,2",
             r->file->text.name, label.data);
  else if (odd)
    news_warning(r->news,
                 "%s: the label of the first row, \"%s\", occurs nowhere else: if the row is a header, give "
                 "--columns by name",
                 r->file->text.name, label.data);
  table_close(&t);
  buffer_free(&label);
  map_free(counts);
  return ok;
}

/* `line`: the number of the text's first. */
static bool read_table(PairReader *r, Document text, size_t line, char divider, bool quoted) {
  const int64_t given[2] = {r->columns[0], r->columns[1]};
  Table t = table_of(text, divider, quoted);
  if (quoted && divider == '\t') news_note(r->news, "%s: fields are quoted", r->file->text.name);
  const bool guess = r->labelled && !r->columns[0] && !r->fields;
  bool ok = !guess || find_labels(r, text, divider, quoted);
  if (ok && r->labelled && r->columns[1]) ok = check_first_label(r, text, divider, quoted, guess);
  ok = ok && read_rows(r, &t, line);
  memcpy(r->columns, given, sizeof given);
  table_close(&t);
  return ok;
}

bool read_tsv(PairReader *r) {
  Document text = {r->file->text.text, r->file->text.length};
  if (take_sep(&text)) return read_csv(r);
  return read_table(r, text, 1, '\t', is_quoted(text, '\t'));
}

static void report_divider(const PairReader *r, char divider) {
  if (divider == ';') news_note(r->news, "%s: semicolons separate the columns", r->file->text.name);
  if (divider == '\t') news_note(r->news, "%s: tabs separate the columns", r->file->text.name);
}

bool read_csv(PairReader *r) {
  Document text = {r->file->text.text, r->file->text.length};
  const char said = take_sep(&text), divider = said ? said : divider_of(text);
  if (said)
    news_note(r->news, "%s: the first line says what separates the columns: %c", r->file->text.name, said);
  else
    report_divider(r, divider);
  return read_table(r, text, said ? 2 : 1, divider, true);
}
