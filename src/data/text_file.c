#include "data/text_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "data/unpack.h"
#include "text/utf8.h"

typedef struct Reader {
  bool repair; /* bytes that are not UTF-8 */
  const News *news;
  TextFile *file;
  Error *err;
} Reader;

/* ---- is it text? ---- */

static bool starts_with(const FileView *f, const char *bytes, size_t n) {
  return f->size >= n && !memcmp(f->data, bytes, n);
}

/* Wide characters without a mark: text that is mostly Latin has NULs at every second byte, or at three of
 * four. */
static const char *wide_encoding(const FileView *f) {
  const size_t quarters = (f->size < 4096 ? f->size : 4096) / 4;
  size_t zeros[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < 4 * quarters; i++) zeros[i % 4] += f->data[i] == 0;
  const size_t most = quarters * 7 / 10;
  const bool first = zeros[0] > most, second = zeros[1] > most, third = zeros[2] > most,
             last = zeros[3] > most;
  if (starts_with(f, "\xff\xfe\0\0", 4) || starts_with(f, "\0\0\xfe\xff", 4)) return "UTF-32";
  if (starts_with(f, "\xff\xfe", 2) || starts_with(f, "\xfe\xff", 2)) return "UTF-16";
  if ((second && third && last) || (first && second && third)) return "UTF-32";
  return (second && last) || (first && third) ? "UTF-16" : NULL;
}

/* Documents that are no text, by how they begin. */
static const char *document_kind(const FileView *f) {
  static const struct {
    const char *bytes, *kind;
  } kinds[] = {{"%PDF-", "a PDF"},
               {"PK\3\4", "a ZIP archive, as spreadsheets and documents are"},
               {"\xd0\xcf\x11\xe0", "an Office document or spreadsheet"},
               {"{\\rtf", "a document (RTF)"},
               {"PAR1", "a Parquet file"},
               {"ARROW1", "an Arrow file"},
               {"SQLite format 3", "a database (SQLite)"},
               {"GGUF", "a model (GGUF)"},
               {"\x7f"
                "ELF",
                "a program"},
               {"\x89PNG", "a picture (PNG)"},
               {"\xff\xd8\xff", "a picture (JPEG)"},
               {"BZh", "packed by bzip2"},
               {"\xfd"
                "7zXZ",
                "packed by xz"},
               {"7z\xbc\xaf", "a 7z archive"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (starts_with(f, kinds[i].bytes, strlen(kinds[i].bytes))) return kinds[i].kind;
  return NULL;
}

static bool check_kind(const Reader *r) {
  const FileView *f = &r->file->view;
  const char *kind = document_kind(f);
  if (kind)
    return fail(r->err, "%s: is %s, not text: save or unpack what it holds as text first", r->file->name,
                kind);
  if (!f->size) return fail(r->err, "%s: is empty: there is no text in it", r->file->name);
  const char *wide = wide_encoding(f);
  if (wide)
    return fail(r->err, "%s: is %s, not UTF-8: convert it with `iconv -f %s -t UTF-8`", r->file->name, wide,
                wide);
  const char *nul = memchr(f->data, 0, f->size);
  return !nul || fail(r->err, "%s: byte %zu is NUL: this is a binary file, not text", r->file->name,
                      (size_t)(nul - f->data));
}

/* ---- mending ---- */

static bool check_encoding(Reader *r) {
  TextFile *f = r->file;
  const size_t good = utf8_valid_prefix(f->text, f->length);
  if (good == f->length) return true;
  if (!r->repair)
    return fail(r->err,
                "%s:%zu: byte %zu (0x%02x) is not UTF-8: convert the file with `iconv -f ENCODING -t UTF-8`, "
                "or give --invalid replace",
                r->file->name, line_of(f->text, good), (size_t)(f->text - f->view.data) + good,
                (unsigned char)f->text[good]);
  Buffer mended = {0};
  const int64_t replaced = utf8_repair(f->text, f->length, &mended);
  f->length = mended.length;
  f->copy = buffer_take(&mended);
  f->text = f->copy;
  news_warning(r->news, "%s: %" PRId64 " bytes that are not UTF-8 were replaced by U+FFFD", r->file->name,
               replaced);
  return true;
}

static void drop_carriage_returns(Reader *r) {
  TextFile *f = r->file;
  const char *first = memmem(f->text, f->length, "\r\n", 2);
  if (!first) return;
  char *copy = mem_alloc(f->length + 1);
  size_t out = 0, lines = 0;
  for (size_t i = 0; i < f->length; i++) {
    const bool drop = f->text[i] == '\r' && i + 1 < f->length && f->text[i + 1] == '\n';
    lines += drop;
    if (!drop) copy[out++] = f->text[i];
  }
  mem_free(f->copy);
  f->text = f->copy = copy;
  f->length = out;
  news_note(r->news, "%s: line ends CR LF read as LF (%zu lines)", r->file->name, lines);
}

static void drop_mark(Reader *r) {
  TextFile *f = r->file;
  if (!starts_with(&f->view, "\xef\xbb\xbf", 3)) return;
  f->text += 3;
  f->length -= 3;
  news_note(r->news, "%s: byte-order mark dropped", f->name);
}

bool text_file_open(TextFile *f, const char *path, bool repair, const News *news, Error *err) {
  Reader r = {repair, news, f, err};
  *f = (TextFile){.name = strcmp(path, "-") ? path : "standard input"};
  if (!file_view(path, &f->view, err)) return false;
  if (is_packed(&f->view) && !unpack(&f->view, f->name, err)) return false;
  if (!check_kind(&r)) return false;
  f->text = f->view.data;
  f->length = f->view.size;
  drop_mark(&r);
  if (!check_encoding(&r)) return false;
  drop_carriage_returns(&r);
  return true;
}

void text_file_close(TextFile *f) {
  file_view_close(&f->view);
  mem_free(f->copy);
}

/* ---- lines ---- */

const char *line_end(const char *text, const char *end) {
  const char *at = memchr(text, '\n', (size_t)(end - text));
  return at ? at : end;
}

bool is_blank(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (!memchr(" \t\n\r", text[i], 4)) return false;
  return true;
}

size_t line_of(const char *text, size_t at) {
  size_t line = 1;
  for (size_t i = 0; i < at; i++) line += text[i] == '\n';
  return line;
}
