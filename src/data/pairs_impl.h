/* pairs_impl.h - between the files that read pairs. */
#ifndef DATA_PAIRS_IMPL_H
#define DATA_PAIRS_IMPL_H

#include "base/figure.h"
#include "base/json.h"
#include "data/pairs.h"
#include "data/text_file.h"

typedef struct PairFile {
  TextFile text;
  char *decoded; /* JSON lines: their texts with the escapes undone */
  size_t used;
} PairFile;

typedef struct PairReader {
  const PairSettings *settings;
  const TextSettings *text;
  bool conversations;
  const News *news;
  Error *err;
  Pairs *pairs;
  PairFile *file; /* being read */
  size_t line;
  VEC(Document) turns;
  VEC(uint8_t) roles;
  VEC(Example) examples;
  size_t begun;       /* first turn of the example being read */
  int64_t columns[2]; /* from 1; 0: not chosen */
  char *fields;       /* both names, NUL after each; NULL: not chosen */
  const char *source_field, *target_field;
  bool repair;        /* --invalid replace */
  int64_t surrogates; /* escapes of half a character that were mended */
  const char *lost;   /* why a member of the object is null that is none in the file; NULL: it is as it is */
  const char *kind;   /* of JSON objects, once said: "Alpaca rows" */
  Error first_bad;
} PairReader;

/* The forms of files: what it is called as --format, what is said of it, who reads it. */
#define PAIR_READER(form, name, said, read) bool read(PairReader *);
PAIR_FORMS(PAIR_READER)
#undef PAIR_READER
#define PAIR_FORM(form, name, said, read) FORM_##form,
typedef enum PairForm { PAIR_FORMS(PAIR_FORM) FORMS } PairForm;
#undef PAIR_FORM

/* For a line that cannot be read: false with file:line, or true, counted, with --skip-bad. */
bool bad_line(PairReader *, const char *format, ...) PRINTF(2, 3);

/* A copy of decoded text, of which a file gives at most twice its own length. */
Document keep_decoded(PairReader *, const char *text, size_t length);

/* Turns are added, then kept as an example or, where something was wrong, forgotten. */
void add_turn(PairReader *, Document, Role); /* trims; empty ones are counted and left out */
void keep_conversation(PairReader *, bool roles);
void keep_pair(PairReader *, Document source, Document target, const Document *references, size_t count);
void forget_turns(PairReader *);

uint64_t source_key(const Pairs *, const Example *);
void pairs_fingerprint(Pairs *);

/* An object as a pair or a conversation, by the names of its members. */
bool read_json_object(PairReader *, const json_t *object);
bool choose_names(PairReader *, const char *option, const char *text); /* of source and target: "S,T" */

/* Which form a file has by the look of it; FORM_PARALLEL: lines without any. Refuses what looks like
 * something else. */
bool recognize_form(const PairReader *, const PairFile *, PairForm *, Error *);
const char *pair_form_said(PairForm);
bool csv_by_its_header(Document text);

#endif
