/* pairs_read.c - pairs_open: passes each file to the reader of its format; plain lines are read here. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "base/unused.h"
#include "data/pairs_impl.h"

/* ---- examples being read ---- */

bool bad_line(PairReader *r, const char *format, ...) {
  char what[400];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, language_text(format), args);
  va_end(args);
  forget_turns(r);
  if (!r->settings->skip_bad)
    return fail(r->err, "%s:%zu: %s (--skip-bad skips such lines)", r->file->text.name, r->line, what);
  r->pairs->left_out.bad++;
  fail(&r->first_bad, "%s:%zu: %s", r->file->text.name, r->line, what);
  return true;
}

static Document trimmed(Document d) {
  if (is_blank(d.text, d.length)) return (Document){d.text, 0};
  for (; d.length && is_blank(d.text, 1); d.length--) d.text++;
  while (d.length && is_blank(d.text + d.length - 1, 1)) d.length--;
  return d;
}

void put_turn(PairReader *r, Document d, Role role) {
  vec_push(&r->turns, d);
  vec_push(&r->roles, (uint8_t)role);
}

void add_turn(PairReader *r, Document d, Role role) {
  d = trimmed(d);
  if (d.length)
    put_turn(r, d, role);
  else
    r->pairs->left_out.empty_turns++;
}

void add_turn_with(PairReader *r, Document d, Role role, const json_t *members, bool textless) {
  if (!json_object_size(members) && !textless) {
    add_turn(r, d, role);
    return;
  }
  vec_push(&r->members, ((TurnMembers){r->turns.count, json_text(members, JSON_COMPACT), textless}));
  put_turn(r, trimmed(d), role);
}

static void keep(PairReader *r, size_t turns, bool roles) {
  const size_t all = r->turns.count - r->begun;
  vec_push(&r->examples, ((Example){.first = r->begun,
                                    .turns = (uint32_t)turns,
                                    .references = (uint32_t)(all - turns),
                                    .line = r->line,
                                    .file = (uint32_t)(r->file - r->pairs->files),
                                    .roles = roles}));
  r->begun = r->turns.count;
}

void forget_turns(PairReader *r) {
  while (r->members.count && r->members.data[r->members.count - 1].turn >= r->begun)
    mem_free(r->members.data[--r->members.count].json);
  r->turns.count = r->roles.count = r->begun;
}

void repeat_turns(PairReader *r, size_t count) {
  for (size_t i = r->begun; i < r->begun + count; i++) put_turn(r, r->turns.data[i], (Role)r->roles.data[i]);
  const size_t members = r->members.count;
  for (size_t i = 0; i < members; i++) {
    TurnMembers m = r->members.data[i];
    if (m.turn < r->begun || m.turn >= r->begun + count) continue;
    m.turn += r->turns.count - count - r->begun;
    m.json = mem_strdup(m.json);
    vec_push(&r->members, m);
  }
}

void keep_judged(PairReader *r, size_t turns, Verdict verdict) {
  keep(r, turns, true);
  r->examples.data[r->examples.count - 1].verdict = (uint8_t)verdict;
}

static bool has_reply(const PairReader *r, bool roles) {
  const bool variables = r->turns.count > r->begun && r->roles.data[r->begun] == ROLE_VARIABLES;
  for (size_t i = r->begun + variables + 1; i < r->turns.count; i++)
    if (!roles || r->roles.data[i] == ROLE_ASSISTANT) return true;
  return false;
}

void keep_conversation(PairReader *r, bool roles) {
  if (has_reply(r, roles)) {
    keep(r, r->turns.count - r->begun, roles);
    return;
  }
  r->pairs->left_out.no_reply++;
  forget_turns(r);
}

void keep_pair(PairReader *r, Document source, Document target, const Document *references, size_t count) {
  PairsLeftOut *out = &r->pairs->left_out;
  source = trimmed(source);
  target = trimmed(target);
  out->blank += !source.length && !target.length;
  out->empty_source += !source.length && target.length;
  out->empty_target += source.length && !target.length;
  if (!source.length || !target.length) return;
  put_turn(r, source, ROLE_USER);
  put_turn(r, target, ROLE_ASSISTANT);
  for (size_t i = 0; i < count; i++) put_turn(r, trimmed(references[i]), ROLE_ASSISTANT);
  keep(r, 2, true);
}

/* ---- lines ---- */

typedef struct Lines {
  const char *at, *end;
} Lines;

static Lines lines_of(const PairFile *f) {
  return (Lines){f->text.text, f->text.text + f->text.length};
}

static bool next_line(Lines *l, Document *line) {
  if (l->at >= l->end) return false;
  const char *stop = line_end(l->at, l->end);
  *line = (Document){l->at, (size_t)(stop - l->at)};
  l->at = stop + 1;
  return true;
}

/* The index-th piece between marks, from 0; false if there are fewer. */
static bool piece_of(Document line, const char *mark, size_t index, Document *piece) {
  const size_t n = strlen(mark);
  const char *end = line.text + line.length;
  for (;; index--) {
    const char *stop = memmem(line.text, (size_t)(end - line.text), mark, n);
    if (index == 0) {
      *piece = (Document){line.text, (size_t)((stop ? stop : end) - line.text)};
      return true;
    }
    if (!stop) return false;
    line.text = stop + n;
  }
}

static size_t count_columns(Document line) {
  size_t count = 1;
  for (size_t i = 0; i < line.length; i++) count += line.text[i] == '\t';
  return count;
}

/* ---- plain lines ---- */

static size_t count_lines(const PairFile *f) {
  return f->text.length ? line_of(f->text.text, f->text.length) - (f->text.text[f->text.length - 1] == '\n')
                        : 0;
}

bool read_parallel(PairReader *r) {
  PairFile *files = r->pairs->files;
  const size_t counts[2] = {count_lines(&files[0]), count_lines(&files[1])};
  char lines[FIGURE_SIZE];
  if (counts[0] != counts[1])
    return fail(r->err, "%s has %s and %s has %zu: give parallel files with the same number of lines",
                files[0].text.name, figure_of(lines, (int64_t)counts[0], "line"), files[1].text.name,
                counts[1]);
  Lines sources = lines_of(&files[0]), targets = lines_of(&files[1]);
  Document source, target;
  r->file = files;
  for (r->line = 1; next_line(&sources, &source) && next_line(&targets, &target); r->line++)
    keep_pair(r, source, target, NULL, 0);
  return true;
}

/* The speakers are unknown: roles are assigned when items are formed (pair_rows.c). */
static bool read_marked_line(PairReader *r, Document line) {
  const size_t have = count_columns(line);
  Document piece;
  char columns[FIGURE_SIZE];
  if (have > 1 && !r->columns[0])
    return bad_line(r, "has %zu columns: choose the one with the conversation, such as --columns 1", have);
  if (!piece_of(line, "\t", r->columns[0] ? (size_t)r->columns[0] - 1 : 0, &line))
    return bad_line(r, "has only %s, too few for --columns %s", figure_of(columns, (int64_t)have, "column"),
                    r->settings->columns);
  const char *mark = r->settings->turn_mark, *end = line.text + line.length;
  for (bool more = true; more; line.length = (size_t)(end - line.text)) {
    piece_of(line, mark, 0, &piece);
    more = piece.text + piece.length < end;
    if (more || !is_blank(piece.text, piece.length))
      add_turn(r, piece, ROLE_USER); /* a mark at the end of the line is no further turn */
    line.text = piece.text + piece.length + (more ? strlen(mark) : 0);
  }
  keep_conversation(r, false);
  return true;
}

static bool read_marked_turns(PairReader *r) {
  Lines lines = lines_of(r->file);
  Document line;
  r->pairs->read |= PAIR_TURN_MARK | PAIR_COLUMNS;
  for (r->line = 1; next_line(&lines, &line); r->line++) {
    if (is_blank(line.text, line.length))
      r->pairs->left_out.blank++;
    else if (!read_marked_line(r, line))
      return false;
  }
  return true;
}

bool read_turns(PairReader *r) {
  Lines lines = lines_of(r->file);
  Document line;
  if (r->settings->turn_mark) return read_marked_turns(r);
  size_t number = 1;
  for (; next_line(&lines, &line); number++) {
    if (r->turns.count == r->begun) r->line = number;
    if (!is_blank(line.text, line.length))
      add_turn(r, line, ROLE_USER);
    else if (r->turns.count > r->begun)
      keep_conversation(r, false);
  }
  if (r->turns.count > r->begun) keep_conversation(r, false);
  return true;
}

/* ---- files ---- */

static bool read_form(PairReader *r, PairForm form) {
  static bool (*const readers[])(PairReader *) = {
#define PAIR_READ(form, name, description, read) read,
      PAIR_FORMS(PAIR_READ)
#undef PAIR_READ
  };
  char n[FIGURE_SIZE];
  if (r->preferences && form != FORM_JSON && form != FORM_CSV && form != FORM_TSV)
    return fail(r->err,
                "%s: looks like %s, but preferences are JSON or a table: objects or columns \"prompt\", "
                "\"chosen\" and \"rejected\", or \"prompt\", \"completion\" and \"label\"",
                r->file->text.name, form == FORM_PARALLEL ? _("plain lines") : pair_form_description(form));
  if (form == FORM_TURNS && !r->conversations)
    return fail(r->err,
                r->settings->turn_mark
                    ? "%s: --turn-mark is for conversations, which only models of `train reply` learn: leave "
                      "it out"
                    : "%s: contains conversations, which only models of `train reply` learn: give pairs",
                r->file->text.name);
  if (form == FORM_FASTTEXT && !r->labelled)
    return fail(r->err,
                "%s: contains labelled texts, which only models of `train classify` learn: give pairs",
                r->file->text.name);
  if (form == FORM_PARALLEL && r->pairs->file_count != 2)
    return fail(r->err, "--format parallel with %s: give two, sources and targets",
                figure_of(n, (int64_t)r->pairs->file_count, "file"));
  const bool two = form == FORM_PARALLEL;
  news_note(r->news, "%s%s%s: read as %s", r->file->text.name, two ? ", " : "",
            two ? r->file[1].text.name : "",
            r->labelled && form == FORM_TSV ? _("a table (TSV)") : pair_form_description(form));
  return readers[form](r);
}

/* Plain lines are conversations or, in two files, sources and targets. */
static bool settle_plain(const PairReader *r, const PairForm *forms, PairForm *form) {
  const Pairs *p = r->pairs;
  if (r->conversations) {
    *form = FORM_TURNS;
    return true;
  }
  if (p->file_count == 2 && forms[0] == forms[1]) return true;
  if (p->file_count == 2)
    return fail(
        r->err, "%s looks like %s and %s like %s: give one file of pairs, or two files of plain lines",
        p->file_names[0], forms[0] == FORM_PARALLEL ? _("plain lines") : pair_form_description(forms[0]),
        p->file_names[1], forms[1] == FORM_PARALLEL ? _("plain lines") : pair_form_description(forms[1]));
  if (r->labelled)
    return fail(r->err,
                "%s:1: has no tabs: give labelled texts as lines label TAB text, as CSV, JSON, as lines "
                "__label__NAME text, or a file of texts and one of labels",
                r->file->text.name);
  return fail(r->err,
              "%s:1: has no tabs: give pairs as lines source TAB target, as CSV, JSON, a translation memory "
              "(TMX), or "
              "as two parallel files",
              r->file->text.name);
}

/* Reading, checking and encoding take 200 bytes per pair (measured), and for JSON a copy of the texts. */
static bool require_memory(const PairReader *r, PairForm form) {
  enum { EACH = 200 };
  const TextFile *f = &r->file->text;
  size_t lines = 0;
  for (const char *at = f->text, *end = at + f->length; at < end; lines++) at = line_end(at, end) + 1;
  return mem_require((int64_t)lines * EACH + (form == FORM_JSON ? (int64_t)f->length : 0), f->name, r->err);
}

static bool choose_form(PairReader *r, const PairForm *forms, size_t which, PairForm *form) {
  *form = forms[which];
  if (!r->preferences && !strcmp(r->settings->format, "auto") && *form == FORM_PARALLEL)
    return settle_plain(r, forms, form);
  return true;
}

/* All formats are detected before the first file is read, so that a pair file is not taken for one of two
 * parallel files. */
static bool recognize_all(PairReader *r, PairForm *forms) {
  for (size_t i = 0; i < r->pairs->file_count; i++)
    if (!recognize_form(r, &r->pairs->files[i], &forms[i], r->err)) return false;
  return true;
}

static bool read_files(PairReader *r) {
  PairForm *forms = mem_alloc_zeroed(r->pairs->file_count, sizeof *forms), form;
  bool ok = recognize_all(r, forms);
  for (size_t i = 0; ok && i < r->pairs->file_count; i++) {
    r->file = &r->pairs->files[i];
    ok = choose_form(r, forms, i, &form) && require_memory(r, form) && read_form(r, form);
    if (form == FORM_PARALLEL) break;
  }
  mem_free(forms);
  return ok;
}

/* ---- opening ---- */

/* Refuses "S,S": a model would learn to copy its input. Case does not tell languages apart. */
bool check_sides(const PairReader *r, const char *option, const char *text) {
  const char *comma = text ? strchr(text, ',') : NULL;
  const size_t length = comma ? (size_t)(comma - text) : 0;
  const bool any_case = !strcmp(option, "languages");
  if (!comma || strlen(comma + 1) != length ||
      (any_case ? strncasecmp(text, comma + 1, length) : strncmp(text, comma + 1, length)))
    return true;
  return fail_usage(r->err, "--%s %s: source and target are the same: give two different ones", option, text);
}

/* By number, or by name in a table's first row. */
static bool choose_columns(PairReader *r) {
  const char *text = r->settings->columns;
  char *end;
  if (!text) return true;
  r->columns[0] = strtoll(text, &end, 10);
  if (end == text) return choose_names(r, "columns", text);
  r->columns[1] = *end == ',' ? strtoll(end + 1, &end, 10) : 0;
  const bool right = !*end && r->columns[0] > 0 && r->columns[1] >= (strchr(text, ',') != NULL);
  if (right && r->columns[0] == r->columns[1])
    return fail_usage(r->err, "--columns %s: source and target are the same column: give two different ones",
                      text);
  return right || fail_usage(r->err,
                             "--columns %s: is not two columns: give two numbers from 1, such as 1,2, or two "
                             "names",
                             text);
}

static void take_files(Pairs *p, TextFiles *files) {
  p->files = mem_alloc_zeroed(files->count + 1, sizeof *p->files);
  p->file_names = mem_alloc_zeroed(files->count + 1, sizeof *p->file_names);
  for (size_t i = 0; i < files->count; i++) {
    p->file_names[i] = mem_strdup(files->items[i].name);
    p->files[i].text = files->items[i];
  }
  p->file_count = files->count;
  files->count = 0;
  text_files_close(files);
}

static void report_left_out(const PairReader *r) {
  const PairsLeftOut *o = &r->pairs->left_out;
  char n[FIGURE_SIZE];
  if (o->bad)
    news_warning(r->news, "left out: %s; the first: %s", figure_of(n, o->bad, "unreadable line"),
                 r->first_bad.text);
  if (o->empty_source + o->empty_target)
    news_warning(r->news, "left out: %s, %" PRId64 " without a source and %" PRId64 " without a target",
                 figure_of(n, o->empty_source + o->empty_target, "pair"), o->empty_source, o->empty_target);
  if (o->blank) news_note(r->news, "left out: %s", figure_of(n, o->blank, "blank line"));
  if (o->empty_turns) news_warning(r->news, "left out: %s", figure_of(n, o->empty_turns, "empty turn"));
  if (o->no_reply)
    news_warning(r->news, "left out: %s without a reply", figure_of(n, o->no_reply, "conversation"));
  if (o->equal)
    news_warning(r->news, "left out: %s whose chosen and rejected texts are equal; the first: %s",
                 figure_of(n, o->equal, N_("preference")), r->first_equal);
}

static bool choose_sides(PairReader *r) {
  return choose_columns(r) && choose_names(r, "fields", r->settings->fields) &&
         check_sides(r, "languages", r->settings->languages);
}

static bool read_all(PairReader *r) {
  const bool ok = choose_sides(r) && read_files(r);
  Pairs *p = r->pairs;
  p->turns = r->turns.data;
  p->turn_count = r->turns.count;
  p->roles = r->roles.data;
  p->members = r->members.data;
  p->member_count = r->members.count;
  p->examples = r->examples.data;
  p->count = r->examples.count;
  mem_free(r->fields);
  vec_free(&r->kinds);
  if (!ok) return false;
  report_left_out(r);
  pairs_fingerprint(p);
  if (!p->count && r->preferences)
    return fail(r->err, "%s%s: no preference is left to learn from", p->file_names[0],
                p->file_count > 1 ? _(" and the other files") : "");
  return p->count ||
         fail(r->err, "%s%s: no example with a source and a target: give files with text on both sides",
              p->file_names[0], p->file_count > 1 ? " and the other files" : "");
}

Pairs *pairs_of(TextFiles *files, PairsKind kind, const TextSettings *text, const PairSettings *settings,
                const News *news, Error *err) {
  PairReader r = {.settings = settings,
                  .conversations = kind == PAIRS_CONVERSATIONS,
                  .labelled = kind == PAIRS_LABELLED,
                  .preferences = kind == PAIRS_PREFERENCES,
                  .repair = !strcmp(text->invalid, "replace"),
                  .news = news,
                  .err = err};
  r.pairs = mem_alloc_zeroed(1, sizeof *r.pairs);
  r.pairs->labelled = r.labelled;
  take_files(r.pairs, files);
  if (read_all(&r)) return r.pairs;
  pairs_free(r.pairs);
  return NULL;
}

Pairs *pairs_open(const char *const *files, size_t count, PairsKind kind, const TextSettings *text,
                  const PairSettings *settings, const News *news, Error *err) {
  TextFiles opened;
  return text_files_open(&opened, files, count, text, news, err)
             ? pairs_of(&opened, kind, text, settings, news, err)
             : NULL;
}

bool pairs_check_given(unsigned read, const Settings *s, const News *news, Error *err) {
  static const struct {
    PairSetting setting;
    const char *name, *where;
  } settings[] = {
      {PAIR_COLUMNS, "columns", N_("on these files, which are no tables")},
      {PAIR_FIELDS, "fields", N_("on these files, which have no members or columns with names")},
      {PAIR_LANGUAGES, "languages",
       N_("on these files, which are neither a translation memory nor JSON with \"translation\"")},
      {PAIR_TURN_MARK, "turn_mark", N_("on these files, which are not plain lines")},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (!(read & settings[i].setting) && !unused_setting(s, settings[i].name, settings[i].where, news, err))
      return false;
  return true;
}
