#include "data/text_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/engine.h"
#include "base/figure.h"
#include "base/language.h"
#include "data/encoding.h"
#include "data/unpack.h"
#include "text/codes.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "data/text.def"

typedef struct Reader {
  const TextSettings *settings;
  const News *news;
  TextFile *file;
  Error *err;
} Reader;

static bool repairs(const Reader *r) {
  return !strcmp(r->settings->invalid, "replace");
}

/* ---- is it text? ---- */

static bool starts_with(const FileView *f, const char *bytes, size_t n) {
  return f->size >= n && !memcmp(f->data, bytes, n);
}

/* UTF-16 or UTF-32 without a byte-order mark: in mostly Latin text every second byte, or three of four, are
 * NUL. */
static const char *utf16_or_32(const FileView *f) {
  const size_t quarters = (f->size < 4096 ? f->size : 4096) / 4;
  size_t zeros[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < 4 * quarters; i++) zeros[i % 4] += f->data[i] == 0;
  const size_t most = quarters * 7 / 10;
  const bool first = zeros[0] > most, second = zeros[1] > most, third = zeros[2] > most,
             last = zeros[3] > most;
  if (second && third && last) return "UTF-32LE";
  if (first && second && third) return "UTF-32BE";
  return second && last ? "UTF-16LE" : first && third ? "UTF-16BE" : NULL;
}

/* File formats that are not text, by their first bytes. Where text may start with the same bytes, `more` must
 * also be found: anywhere, at the end, or one byte after `bytes`. */
typedef enum Where { NOWHERE, ANYWHERE, LAST, AFTER } Where;
typedef struct DocumentKind {
  const char *bytes;
  size_t length;
  const char *description, *more;
  Where where;
} DocumentKind;
#define BYTES(text) text, sizeof(text) - 1

static const DocumentKind document_kinds[] = {
    {BYTES("%PDF-"), N_("a PDF"), "%%EOF", ANYWHERE},
    {BYTES("PK\3\4"), N_("a ZIP archive (such as a DOCX or XLSX file)"), "", NOWHERE},
    {BYTES("\xd0\xcf\x11\xe0"), N_("an Office document or spreadsheet"), "", NOWHERE},
    {BYTES("{\\rtf1"), N_("an RTF document"), "}", LAST},
    {BYTES("PAR1"), N_("a Parquet file"), "PAR1", LAST},
    {BYTES("ARROW1\0"), N_("an Arrow file"), "", NOWHERE},
    {BYTES("SQLite format 3\0"), N_("an SQLite database"), "", NOWHERE},
    {BYTES("GGUF\1\0"), N_("a GGUF model"), "", NOWHERE},
    {BYTES("GGUF\2\0"), N_("a GGUF model"), "", NOWHERE},
    {BYTES("GGUF\3\0"), N_("a GGUF model"), "", NOWHERE},
    {BYTES("GGUF\0\0"), N_("a GGUF model"), "", NOWHERE}, /* big-endian */
    {BYTES("\x7f"
           "ELF"),
     N_("an executable (ELF)"), "", NOWHERE},
    {BYTES("\x89PNG"), N_("a PNG image"), "", NOWHERE},
    {BYTES("\xff\xd8\xff"), N_("a JPEG image"), "", NOWHERE},
    {BYTES("BZh"), N_("compressed with bzip2"), "1AY&SY", AFTER}, /* a digit, then the magic of a block */
    {BYTES("\xfd"
           "7zXZ"),
     N_("compressed with xz"), "", NOWHERE},
    {BYTES("7z\xbc\xaf"), N_("a 7z archive"), "", NOWHERE}};

static bool ends_with(const FileView *f, const char *bytes) {
  const size_t n = strlen(bytes);
  size_t end = f->size;
  while (end && strchr(" \r\n", f->data[end - 1])) end--; /* strchr also finds NUL */
  return end >= n && !memcmp(f->data + end - n, bytes, n);
}

/* Checks the beginning only. */
static bool is_utf8(const FileView *f) {
  const size_t checked = f->size < 1024 ? f->size : 1024;
  return utf8_valid_prefix((const char *)f->data, checked) + 3 >= checked; /* the last may be cut */
}

static bool is_kind(const FileView *f, const DocumentKind *k) {
  const size_t n = strlen(k->more), after = k->length + 1;
  if (!starts_with(f, k->bytes, k->length)) return false;
  if (k->where == ANYWHERE) return memmem(f->data, f->size, k->more, n) || !is_utf8(f);
  if (k->where == LAST) return ends_with(f, k->more);
  return k->where == NOWHERE || (f->size >= after + n && !memcmp(f->data + after, k->more, n));
}

static const char *document_kind(const FileView *f) {
  for (size_t i = 0; i < sizeof document_kinds / sizeof *document_kinds; i++)
    if (is_kind(f, &document_kinds[i])) return language_text(document_kinds[i].description);
  return NULL;
}

static bool check_kind(const Reader *r) {
  const FileView *f = &r->file->view;
  const char *kind = document_kind(f);
  if (kind)
    return fail(r->err, "%s: is %s, not text: extract its text or unpack it first", r->file->name, kind);
  const char *wide = utf16_or_32(f);
  if (wide)
    return fail(r->err, "%s: looks like %s, not UTF-8: give --encoding %s", r->file->name, wide, wide);
  return true;
}

/* ---- repair ---- */

/* The encoding that the invalid text probably has; NULL: unknown. */
static const char *likely_encoding(const char *text, size_t length) {
  enum { CHECKED = 1 << 16 };
  size_t lone = 0, high = 0; /* bytes above ASCII between two ASCII bytes; all bytes above ASCII */
  if (length > CHECKED) length = CHECKED;
  for (size_t i = 0; i < length; i++) {
    if (!(text[i] & 0x80)) continue;
    high++;
    lone += (!i || !(text[i - 1] & 0x80)) && (i + 1 == length || !(text[i + 1] & 0x80));
  }
  if (10 * lone > 9 * high) return "latin1";
  return looks_like_gb18030(text, length) ? "gb18030" : NULL;
}

static bool fail_invalid(Reader *r, size_t at) {
  const TextFile *f = r->file;
  const char *likely = likely_encoding(f->text, f->length);
  if (likely)
    return fail(r->err,
                "%s:%zu: byte %zu (0x%02x) is not UTF-8; the text looks like %s: give --encoding %s, or "
                "--invalid replace",
                f->name, line_of(f->text, at), (size_t)(f->text - f->view.data) + at + 1,
                (unsigned char)f->text[at], likely, likely);
  return fail(r->err,
              "%s:%zu: byte %zu (0x%02x) is not UTF-8: give the text's --encoding (gb18030, latin1, "
              "...), or --invalid replace",
              f->name, line_of(f->text, at), (size_t)(f->text - f->view.data) + at + 1,
              (unsigned char)f->text[at]);
}

static void take_copy(TextFile *f, Buffer *text) {
  const size_t length = text->length;
  mem_free(f->copy);
  f->copy = buffer_take(text);
  f->text = f->copy;
  f->length = length;
}

static bool check_encoding(Reader *r) {
  TextFile *f = r->file;
  const size_t good = utf8_valid_prefix(f->text, f->length);
  if (good == f->length) return true;
  if (!repairs(r)) return fail_invalid(r, good);
  const char *likely = likely_encoding(f->text, f->length);
  Buffer repaired = {0};
  char n[FIGURE_SIZE];
  const int64_t replaced = utf8_repair(f->text, f->length, &repaired);
  take_copy(f, &repaired);
  news_warning(
      r->news, "%s: %s of invalid UTF-8 replaced by U+FFFD%s%s", f->name, figure_of(n, replaced, "byte"),
      likely ? _("; the text looks like another encoding: try --encoding ") : "", likely ? likely : "");
  return true;
}

/* Converts from the encoding that was given, or that a byte-order mark indicates. */
static bool convert(Reader *r, const char *encoding) {
  TextFile *f = r->file;
  Buffer text = {0};
  int64_t replaced = 0;
  if (!encoding_convert(encoding, f->text, f->length, repairs(r) ? &replaced : NULL, &text, f->name,
                        r->err)) {
    buffer_free(&text);
    return false;
  }
  take_copy(f, &text);
  news_note(r->news, "%s: converted from %s", f->name, encoding);
  if (replaced) news_warning(r->news, "%s: %" PRId64 " invalid bytes replaced by U+FFFD", f->name, replaced);
  return true;
}

static const char *marked_encoding(const FileView *f) {
  if (starts_with(f, "\xff\xfe\0\0", 4) || starts_with(f, "\0\0\xfe\xff", 4)) return "UTF-32";
  return starts_with(f, "\xff\xfe", 2) || starts_with(f, "\xfe\xff", 2) ? "UTF-16" : NULL;
}

/* Lines that end with CR alone (classic Mac OS). */
static bool read_carriage_returns(Reader *r) {
  TextFile *f = r->file;
  if (memchr(f->text, '\n', f->length) || !memchr(f->text, '\r', f->length)) return false;
  Buffer text = {0};
  buffer_add(&text, f->text, f->length);
  char n[FIGURE_SIZE];
  int64_t lines = 0;
  for (size_t i = 0; i < text.length; i++)
    if (text.data[i] == '\r') text.data[i] = '\n', lines++;
  take_copy(f, &text);
  news_note(r->news, "%s: CR line ends read as LF (%s)", f->name, figure_of(n, lines, "line"));
  return true;
}

static void drop_carriage_returns(Reader *r) {
  TextFile *f = r->file;
  if (read_carriage_returns(r)) return;
  const char *first = memmem(f->text, f->length, "\r\n", 2);
  if (!first) return;
  char *copy = mem_alloc(f->length + 1);
  char n[FIGURE_SIZE];
  size_t out = 0;
  int64_t lines = 0;
  for (size_t i = 0; i < f->length; i++) {
    const bool drop = f->text[i] == '\r' && i + 1 < f->length && f->text[i + 1] == '\n';
    lines += drop;
    if (!drop) copy[out++] = f->text[i];
  }
  mem_free(f->copy);
  f->text = f->copy = copy;
  f->length = out;
  news_note(r->news, "%s: CRLF line ends read as LF (%s)", f->name, figure_of(n, lines, "line"));
}

static void drop_mark(Reader *r) {
  TextFile *f = r->file;
  if (f->length < 3 || memcmp(f->text, "\xef\xbb\xbf", 3)) return;
  f->text += 3;
  f->length -= 3;
  news_note(r->news, "%s: byte-order mark dropped", f->name);
}

static bool read_text(Reader *r) {
  TextFile *f = r->file;
  if (is_packed(&f->view) && !unpack(&f->view, f->name, r->err)) return false;
  f->text = f->view.data;
  f->length = f->view.size;
  const char *marked = marked_encoding(&f->view), *named = r->settings->encoding;
  if (named || marked) {
    if (!convert(r, named ? named : marked)) return false;
  } else if (!check_kind(r)) {
    return false;
  }
  const char *nul = memchr(f->text, 0, f->length);
  if (nul)
    return fail(r->err, "%s: byte %zu is NUL: this is a binary file, not text", f->name,
                (size_t)(nul - f->text) + 1);
  drop_mark(r);
  if (!check_encoding(r)) return false;
  drop_carriage_returns(r);
  return !interrupted() || fail_interrupted(r->err);
}

bool text_file_take(TextFile *f, const char *name, FileView *view, const TextSettings *settings,
                    const News *news, Error *err) {
  Reader r = {settings, news, f, err};
  *f = (TextFile){.name = name, .view = *view};
  *view = (FileView){0};
  return read_text(&r);
}

bool text_file_view(const char *path, FileView *view, Error *err) {
  const ink_text *text = text_in_memory(path);
  if (!text) return file_view(path, view, err);
  *view = (FileView){.data = text->bytes, .size = text->length, .borrowed = true};
  return true;
}

bool text_file_open(TextFile *f, const char *path, const TextSettings *settings, const News *news,
                    Error *err) {
  FileView view;
  *f = (TextFile){.name = strcmp(path, "-") ? path : "standard input"};
  if (!text_file_view(path, &view, err)) return false;
  return text_file_take(f, f->name, &view, settings, news, err) &&
         (f->length || fail(err, "%s: is empty: a file with text is needed", f->name));
}

void text_file_close(TextFile *f) {
  file_view_close(&f->view);
  mem_free(f->copy);
}

bool text_files_open(TextFiles *f, const char *const *paths, size_t count, const TextSettings *settings,
                     const News *news, Error *err) {
  bool ok = true;
  *f = (TextFiles){.items = mem_alloc_zeroed(count + 1, sizeof *f->items)};
  while (ok && f->count < count) {
    ok = text_file_open(&f->items[f->count], paths[f->count], settings, news, err);
    f->count++;
  }
  if (!ok) text_files_close(f);
  return ok;
}

void text_files_close(TextFiles *f) {
  for (size_t i = 0; i < f->count; i++) text_file_close(&f->items[i]);
  mem_free(f->items);
  *f = (TextFiles){0};
}

/* ---- lines ---- */

const char *line_end(const char *text, const char *end) {
  const char *at = memchr(text, '\n', (size_t)(end - text));
  return at ? at : end;
}

/* Unicode white space and characters without width: a line of U+3000 or U+200B is blank. */
size_t blank_character(const char *text, size_t length) {
  static const CodeRange no_width[] = {
      {0x200b, 0x200d}, {0x2060, 0x2060}, {0x3164, 0x3164}, {0xfeff, 0xfeff}};
  uint32_t code;
  const size_t n = utf8_decode(text, length, &code);
  return n && (code_is_space(code) || CODE_IN(code, no_width)) ? n : 0;
}

bool is_blank(const char *text, size_t length) {
  for (size_t at = 0, n; at < length; at += n)
    if (!(n = blank_character(text + at, length - at))) return false;
  return true;
}

size_t line_of(const char *text, size_t at) {
  size_t line = 1;
  for (size_t i = 0; i < at; i++) line += text[i] == '\n';
  return line;
}
