/* corpus.h - files -> documents: checked UTF-8 text, cut, split into training and held-out parts.
 *
 * What is refused of a file, and what is mended in it: text_file.h. */
#ifndef DATA_CORPUS_H
#define DATA_CORPUS_H

#include "data/encode.h"
#include "data/text_file.h"

#include "data/documents.def" /* DocumentSettings, document_settings_table */

typedef struct Corpus {
  Document *documents;
  size_t count;
  int64_t bytes, characters; /* of all documents */
  uint64_t fingerprint;      /* hash of all bytes and cuts: is this the corpus of the run being resumed? */
  struct TextFile
      *files; /* what keeps the text mapped; of the corpus that was opened, not of what it held out */
  size_t file_count;
} Corpus;

/* "-" is standard input. */
Corpus *corpus_open(const char *const *files, size_t count, const TextSettings *, const DocumentSettings *,
                    const News *, Error *);
void corpus_free(Corpus *);
/* Of one whose documents are files: with the line ends around each text, which it was opened without. */
void corpus_whole_files(Corpus *);
/* Moves a share of the documents, picked by a hash of their text (duplicates stay together), into a new
 * corpus. Where that gives less than half or more than twice the share of the text (one document, or a few),
 * moves the last part of each document instead, cut at a line end. Fails where nothing could be moved. */
Corpus *corpus_hold_out(Corpus *, double share, Error *);
/* The documents as a source for tokenizer_train; valid while the corpus is. Free with mem_free(source.self).
 */
TextSource corpus_source(const Corpus *);

#endif
