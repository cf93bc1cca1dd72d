/* corpus.h - files -> documents: validated UTF-8 text, split into training and held-out parts.
 *
 * text_file.h describes what is refused and what is repaired in a file. */
#ifndef DATA_CORPUS_H
#define DATA_CORPUS_H

#include "data/encode.h"
#include "data/text_file.h"

#include "data/documents.def" /* DocumentSettings, document_settings_table */

typedef struct Corpus {
  Document *documents;
  size_t count;
  int64_t bytes, characters; /* of all documents */
  uint64_t fingerprint;      /* hash of all bytes and cuts: identifies the corpus of a resumed run */
  struct TextFile *files;    /* own the text; none in a held-out corpus */
  size_t file_count;
} Corpus;

/* "-" is standard input. */
Corpus *corpus_open(const char *const *files, size_t count, const TextSettings *, const DocumentSettings *,
                    const News *, Error *);
/* Of files that are open, which are moved into the corpus, and closed on failure. */
Corpus *corpus_of(TextFiles *, const DocumentSettings *, const News *, Error *);
void corpus_free(Corpus *);
/* Whether most lines of each file start and end like complete texts: `--documents auto` takes such for
 * documents. */
bool corpus_lines_are_texts(const Corpus *);
/* Makes each file one document, including the leading and trailing line ends that corpus_open drops. */
void corpus_whole_files(Corpus *);
/* Moves a share of the documents, chosen by a hash of their text (duplicates stay together), into a new
 * corpus. If that gives less than half or more than twice the share of the text (with few documents), moves
 * the last part of each document instead, cut at a line end. Fails if nothing could be moved. */
Corpus *corpus_hold_out(Corpus *, double share, Error *);
/* The documents as a source for tokenizer_train, valid as long as the corpus. Free with
 * mem_free(source.self). */
TextSource corpus_source(const Corpus *);

#endif
