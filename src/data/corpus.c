#include "data/corpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/figure.h"
#include "base/language.h"
#include "base/random.h"
#include "data/pairs.h"
#include "data/text_file.h"
#include "text/normalize.h"
#include "text/utf8.h"

#include "base/settings_table.h"

#include "data/documents.def"

/* ---- cutting ---- */

typedef VEC(Document) Documents;

typedef struct Cutter {
  Documents documents;
  bool counts; /* only count the documents, before memory is allocated for them */
  size_t count;
  size_t empty; /* documents left out */
} Cutter;

/* Adds a document without leading and trailing line ends; the end token replaces the last one. */
static void add_document(Cutter *c, const char *text, size_t length) {
  while (length && text[0] == '\n') {
    text++;
    length--;
  }
  while (length && text[length - 1] == '\n') length--;
  if (is_blank(text, length))
    c->empty++;
  else if (c->counts)
    c->count++;
  else
    vec_push(&c->documents, ((Document){text, length}));
}

static void cut_lines(Cutter *c, const char *text, size_t length) {
  const char *end = text + length;
  for (const char *at = text; at < end;) {
    const char *stop = line_end(at, end);
    if (stop > at) add_document(c, at, (size_t)(stop - at));
    at = stop + 1;
  }
}

/* Cuts at lines for which `ends` is true; those lines belong to no document. */
static void cut_at(Cutter *c, const char *text, size_t length,
                   bool (*ends)(const char *, size_t, const char *), const char *word) {
  const char *end = text + length, *begin = text;
  for (const char *at = text; at < end;) {
    const char *stop = line_end(at, end);
    if (ends(at, (size_t)(stop - at), word)) {
      if (at > begin) add_document(c, begin, (size_t)(at - begin));
      begin = stop < end ? stop + 1 : end;
    }
    at = stop + 1;
  }
  if (begin < end) add_document(c, begin, (size_t)(end - begin));
}

static bool is_blank_line(const char *line, size_t length, const char *word) {
  (void)word;
  return is_blank(line, length);
}

static bool is_separator(const char *line, size_t length, const char *word) {
  return strlen(word) == length && !memcmp(line, word, length);
}

/* At least SHORTEST bytes, and ending like a sentence. */
static bool is_whole_text(const char *line, size_t length) {
  static const char *const closers[] = {".",  "!", "?",  "\"", ")",  "。", "！",
                                        "？", "”", "」", "』", "）", "…"};
  enum { SHORTEST = 20 };
  for (size_t i = 0; length >= SHORTEST && i < sizeof closers / sizeof *closers; i++) {
    const size_t k = strlen(closers[i]);
    if (!memcmp(line + length - k, closers[i], k)) return true;
  }
  return false;
}

/* The rule of `--documents auto`: lines are documents if nine of ten of the first ENOUGH are whole texts. */
static bool lines_are_texts(const char *text, size_t length) {
  enum { FEWEST = 20, ENOUGH = 2000 };
  size_t lines = 0, whole = 0;
  const char *end = text + length;
  for (const char *at = text; at < end && lines < ENOUGH; lines++) {
    const char *stop = line_end(at, end);
    whole += is_whole_text(at, (size_t)(stop - at));
    at = stop + 1;
  }
  return lines >= FEWEST && whole * 10 >= lines * 9;
}

bool corpus_lines_are_texts(const Corpus *c) {
  for (size_t i = 0; i < c->file_count; i++)
    if (!lines_are_texts(c->files[i].text, c->files[i].length)) return false;
  return true;
}

static const char *choose_cut(const DocumentSettings *s, const Corpus *c) {
  if (strcmp(s->documents, "auto")) return s->documents;
  return corpus_lines_are_texts(c) ? N_("line") : N_("file");
}

static void cut(Cutter *cutter, const TextFile *f, const char *how, const char *separator) {
  if (separator)
    cut_at(cutter, f->text, f->length, is_separator, separator);
  else if (!strcmp(how, "line"))
    cut_lines(cutter, f->text, f->length);
  else if (!strcmp(how, N_("paragraph")))
    cut_at(cutter, f->text, f->length, is_blank_line, "");
  else
    add_document(cutter, f->text, f->length);
}

/* ---- the corpus ---- */

static void count_up(Corpus *c) {
  c->bytes = c->characters = 0;
  c->fingerprint = 0;
  for (size_t i = 0; i < c->count; i++) {
    c->bytes += (int64_t)c->documents[i].length;
    c->characters += utf8_count(c->documents[i].text, c->documents[i].length);
    c->fingerprint = hash_bytes(c->documents[i].text, c->documents[i].length, c->fingerprint);
  }
}

/* ---- hints about separators ---- */

/* A line that commonly separates documents, and how often it occurs. */
typedef struct Mark {
  const char *text;
  size_t lines;
} Mark;

static void count_marks(const Corpus *c, Mark *marks, size_t count) {
  for (size_t i = 0; i < c->file_count; i++) {
    const char *end = c->files[i].text + c->files[i].length;
    for (const char *at = c->files[i].text, *stop; at < end; at = stop + 1) {
      stop = line_end(at, end);
      for (size_t k = 0; k < count; k++)
        marks[k].lines += is_separator(at, (size_t)(stop - at), marks[k].text);
    }
  }
}

/* Without --separator: warns if the text contains common separator lines. */
static void hint_at_separator(const Corpus *c, const News *news) {
  enum { SOME = 3 };
  Mark marks[] = {{"<|endoftext|>", 0}, {"<|im_end|>", 0}, {"</s>", 0}, {"<eos>", 0}, {"%", 0}};
  count_marks(c, marks, sizeof marks / sizeof *marks);
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
    if (marks[i].lines >= (marks[i].text[1] ? 1 : SOME))
      news_warning(news,
                   "%zu line%s \"%s\" and will be learnt as text: if documents end there, give "
                   "--separator '%s'",
                   marks[i].lines, marks[i].lines == 1 ? " is" : "s are", marks[i].text, marks[i].text);
}

static void hint_at_examples(const Corpus *c, const News *news) {
  for (size_t i = 0; i < c->file_count; i++) {
    const char *examples = text_examples(&c->files[i]);
    if (examples)
      news_warning(news,
                   "%s: contains %s, which are read as plain text: models of `train reply`, and others with "
                   "a chat template, read them as conversations",
                   c->files[i].name, examples);
  }
}

/* Folds case, trims white space, and turns full-width forms into ASCII. */
static void add_plain(const char *text, size_t length, Buffer *out) {
  while (length && is_blank(text, 1)) text++, length--;
  while (length && is_blank(text + length - 1, 1)) length--;
  normalize_loosely(text, length, out);
}

/* A line that differs from the separator only in case, width or surrounding white space. */
static bool find_similar(const Corpus *c, const char *separator, Document *found) {
  enum { LONG = 64 };
  Buffer wanted = {0}, line = {0};
  bool same = false;
  add_plain(separator, strlen(separator), &wanted);
  for (size_t i = 0; i < c->file_count && !same; i++) {
    const char *end = c->files[i].text + c->files[i].length;
    for (const char *at = c->files[i].text, *stop; at < end && !same; at = stop + 1) {
      stop = line_end(at, end);
      *found = (Document){at, (size_t)(stop - at)};
      if (found->length > strlen(separator) + LONG) continue;
      buffer_clear(&line);
      add_plain(at, found->length, &line);
      same = line.length && line.length == wanted.length && !memcmp(line.data, wanted.data, line.length);
    }
  }
  buffer_free(&wanted);
  buffer_free(&line);
  return same;
}

static void report_unmatched(const Corpus *c, const char *separator, const News *news) {
  Document similar;
  if (find_similar(c, separator, &similar))
    news_warning(news,
                 "no line is \"%s\", so --separator has no effect; there are lines \"%.*s\": did you "
                 "mean those?",
                 separator, (int)similar.length, similar.text);
  else
    news_warning(news, "no line is \"%s\", so --separator has no effect", separator);
}

static void report_documents(const Corpus *c, const DocumentSettings *s, const char *how, size_t empty,
                             const News *news) {
  char n[FIGURE_SIZE];
  if (empty) news_note(news, "%s left out", figure_of(n, (int64_t)empty, "empty document"));
  figure_of(n, (int64_t)c->count, "document");
  hint_at_examples(c, news);
  if (!s->separator) {
    news_note(news, "%s, one per %s", n, language_text(how));
    hint_at_separator(c, news);
    return;
  }
  Mark mark = {s->separator, 0};
  count_marks(c, &mark, 1);
  if (!mark.lines) report_unmatched(c, s->separator, news);
  news_note(news, "%s, ended by lines \"%s\"", n, s->separator);
}

static bool cut_files(Corpus *c, const DocumentSettings *s, const News *news, Error *err) {
  enum { EACH = 64 }; /* bytes per document: here, held-out copy, start of its tokens (measured) */
  const char *how = choose_cut(s, c);
  Cutter counter = {.counts = true}, cutter = {0};
  for (size_t i = 0; i < c->file_count; i++) cut(&counter, &c->files[i], how, s->separator);
  if (!mem_require((int64_t)counter.count * EACH, c->files[0].name, err)) return false;
  vec_reserve(&cutter.documents, counter.count);
  for (size_t i = 0; i < c->file_count; i++) cut(&cutter, &c->files[i], how, s->separator);
  c->documents = cutter.documents.data;
  c->count = cutter.documents.count;
  if (!c->count) return fail(err, "%s: contains only blank lines: give files with text", c->files[0].name);
  count_up(c);
  report_documents(c, s, how, cutter.empty, news);
  return true;
}

Corpus *corpus_of(TextFiles *files, const DocumentSettings *s, const News *news, Error *err) {
  Corpus *c = mem_alloc_zeroed(1, sizeof *c);
  c->files = files->items;
  c->file_count = files->count;
  *files = (TextFiles){0};
  if (cut_files(c, s, news, err)) return c;
  corpus_free(c);
  return NULL;
}

Corpus *corpus_open(const char *const *files, size_t count, const TextSettings *text,
                    const DocumentSettings *s, const News *news, Error *err) {
  TextFiles opened;
  return text_files_open(&opened, files, count, text, news, err) ? corpus_of(&opened, s, news, err) : NULL;
}

void corpus_whole_files(Corpus *c) {
  mem_free(c->documents);
  c->documents = mem_alloc_zeroed(c->file_count + 1, sizeof *c->documents);
  c->count = 0;
  for (size_t i = 0; i < c->file_count; i++)
    if (c->files[i].length) c->documents[c->count++] = (Document){c->files[i].text, c->files[i].length};
  count_up(c);
}

void corpus_free(Corpus *c) {
  if (!c) return;
  for (size_t i = 0; i < c->file_count; i++) text_file_close(&c->files[i]);
  mem_free(c->files);
  mem_free(c->documents);
  mem_free(c);
}

/* ---- held out ---- */

static Corpus *new_held(const Corpus *c) {
  Corpus *held = mem_alloc_zeroed(1, sizeof *held);
  held->documents = mem_alloc(c->count * sizeof *held->documents);
  return held;
}

/* Where the last `share` of a document begins: at the next line if it begins within NEAR bytes, else at the
 * next character. */
static size_t last_part(const Document *d, double share) {
  enum { NEAR = 4096 };
  size_t at = (size_t)((double)d->length * (1 - share));
  const size_t rest = d->length - at;
  const char *line = memchr(d->text + at, '\n', rest < NEAR ? rest : NEAR);
  if (line && (size_t)(line + 1 - d->text) < d->length) at = (size_t)(line + 1 - d->text);
  while (at < d->length && ((unsigned char)d->text[at] & 0xc0) == 0x80) at++;
  return at;
}

static Corpus *hold_out_ends(Corpus *c, double share, Error *err) {
  Corpus *held = new_held(c);
  for (size_t i = 0; i < c->count; i++) {
    Document *d = &c->documents[i];
    const size_t at = last_part(d, share);
    if (at == 0 || at >= d->length) continue;
    held->documents[held->count++] = (Document){d->text + at, d->length - at};
    d->length = at;
  }
  if (held->count) return held;
  corpus_free(held);
  fail(err, "the text is too short to hold out a part of it: give more, or --holdout 0");
  return NULL;
}

/* Equal documents have equal hashes, so duplicates are never on both sides. */
static bool is_held(const Document *d, double share) {
  return (double)(hash_bytes(d->text, d->length, random_stream("hold out")) >> 11) * 0x1p-53 < share;
}

/* False with few documents or a dominant one, when whole documents would miss the share by far. */
static bool whole_documents_fit(const Corpus *c, double share) {
  double held = 0, all = 0;
  for (size_t i = 0; i < c->count; i++) {
    all += (double)c->documents[i].length;
    if (is_held(&c->documents[i], share)) held += (double)c->documents[i].length;
  }
  return held < all && held > all * share / 2 && held < all * share * 2;
}

static Corpus *hold_out_documents(Corpus *c, double share) {
  Corpus *held = new_held(c);
  size_t kept = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (is_held(&c->documents[i], share))
      held->documents[held->count++] = c->documents[i];
    else
      c->documents[kept++] = c->documents[i];
  }
  c->count = kept;
  return held;
}

Corpus *corpus_hold_out(Corpus *c, double share, Error *err) {
  Corpus *held = whole_documents_fit(c, share) ? hold_out_documents(c, share) : hold_out_ends(c, share, err);
  if (!held) return NULL;
  count_up(c);
  count_up(held);
  return held;
}

/* ---- as a source ---- */

typedef struct Source {
  const Corpus *corpus;
  size_t next;
} Source;

static void source_rewind(void *self) {
  ((Source *)self)->next = 0;
}

static bool source_next(void *self, const char **text, size_t *length, Error *err) {
  Source *s = self;
  (void)err;
  if (s->next >= s->corpus->count) return false;
  *text = s->corpus->documents[s->next].text;
  *length = s->corpus->documents[s->next++].length;
  return true;
}

TextSource corpus_source(const Corpus *c) {
  Source *s = mem_alloc_zeroed(1, sizeof *s);
  s->corpus = c;
  return (TextSource){s, source_rewind, source_next, c->bytes};
}
