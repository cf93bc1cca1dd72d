/* pairs_impl.h - between the files that read pairs. */
#ifndef DATA_PAIRS_IMPL_H
#define DATA_PAIRS_IMPL_H

#include "data/pairs.h"
#include "data/text_file.h"

typedef struct PairFile {
  TextFile text;
  char *decoded; /* JSON lines: their texts with the escapes undone */
  size_t used;
} PairFile;

typedef struct PairReader {
  const PairSettings *settings;
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
  Error first_bad;
} PairReader;

typedef enum PairForm { FORM_TSV, FORM_PARALLEL, FORM_JSON, FORM_TURNS } PairForm;

/* For a line that cannot be read: false with file:line, or true, counted, with --skip-bad. */
bool bad_line(PairReader *, const char *format, ...) PRINTF(2, 3);

/* Turns are added, then kept as an example or, where something was wrong, forgotten. */
void add_turn(PairReader *, Document, Role); /* trims; empty ones are counted and left out */
void keep_conversation(PairReader *, bool roles);
void keep_pair(PairReader *, Document source, Document target, const Document *references, size_t count);
void forget_turns(PairReader *);

uint64_t source_key(const Pairs *, const Example *);
void pairs_fingerprint(Pairs *);

bool read_json_lines(PairReader *);
bool choose_fields(PairReader *); /* --fields */

#endif
