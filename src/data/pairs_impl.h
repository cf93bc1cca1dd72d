/* pairs_impl.h - interface shared by the files that read pairs. */
#ifndef DATA_PAIRS_IMPL_H
#define DATA_PAIRS_IMPL_H

#include "base/figure.h"
#include "base/json.h"
#include "data/pairs.h"
#include "data/text_file.h"

typedef struct PairFile {
  TextFile text;
  char *decoded; /* texts that had to be unescaped */
  size_t used;
} PairFile;

enum { LANGUAGE = 32, MOST_LANGUAGES = 20 };

/* A format of JSON objects, as it is reported, and how many of a file have it. */
typedef struct ObjectKind {
  const char *text;
  int64_t count;
} ObjectKind;

typedef struct PairReader {
  const PairSettings *settings;
  bool conversations, labelled, preferences;
  const News *news;
  Error *err;
  Pairs *pairs;
  PairFile *file; /* being read */
  size_t line;
  VEC(Document) turns;
  VEC(uint8_t) roles;
  VEC(TurnMembers) members;
  VEC(Example) examples;
  size_t begun;       /* first turn of the example being read */
  int64_t columns[2]; /* from 1; 0: not chosen */
  char *fields;       /* both names, NUL after each; NULL: not chosen */
  const char *source_field, *target_field;
  char languages[2][LANGUAGE]; /* of a file in several languages; empty: not chosen yet */
  bool repair;                 /* --invalid replace */
  int64_t surrogates;          /* unpaired surrogates that were replaced */
  const char *lost;      /* why a member of the object could not be read and is null; NULL: all were read */
  VEC(ObjectKind) kinds; /* of the file's JSON objects */
  bool unusual;          /* a member of messages that few have was reported */
  Error first_bad;
  char first_equal[480]; /* the place of the first preference without a difference */
} PairReader;

/* File formats: (enum, name for --format, description in messages, reader). */
#define PAIR_READER(form, name, description, read) bool read(PairReader *);
PAIR_FORMS(PAIR_READER)
#undef PAIR_READER
#define PAIR_FORM(form, name, description, read) FORM_##form,
typedef enum PairForm { PAIR_FORMS(PAIR_FORM) FORMS } PairForm;
#undef PAIR_FORM

/* Handles a line that cannot be read: false with file:line or, with --skip-bad, counts it and returns true.
 */
bool bad_line(PairReader *, const char *format, ...) PRINTF(2, 3);

/* Copies decoded text; a file yields at most twice its own length. */
Document keep_decoded(PairReader *, const char *text, size_t length);

/* Turns are added, then kept as an example or, after an error, dropped. */
void add_turn(PairReader *, Document, Role); /* trims; empty turns are counted and left out */
/* With further members of the message, which is kept even if its text is empty; textless: it has none. */
void add_turn_with(PairReader *, Document, Role, const json_t *members, bool textless);
void keep_conversation(PairReader *, bool roles);
void keep_pair(PairReader *, Document source, Document target, const Document *references, size_t count);
void forget_turns(PairReader *);
/* Without trimming. */
void put_turn(PairReader *, Document, Role);
/* Adds the first turns of the example once more. */
void repeat_turns(PairReader *, size_t count);
/* Of `turns` turns; those that follow are of the rejected text. */
void keep_judged(PairReader *, size_t turns, Verdict);

/* Of its text and members, continuing `hash`. */
uint64_t turn_hash(const Pairs *, size_t turn, uint64_t hash);
uint64_t source_key(const Pairs *, const Example *);
void pairs_fingerprint(Pairs *);

/* Reads an object as a labelled text, by its member names. */
bool read_labelled(PairReader *, const json_t *object);
/* Whether a column of a table has a common name of labels or of labelled texts. */
bool is_label_column(Document name);
/* Chooses the columns of text and label by the number of different values in the first rows of each. */
bool guess_label_column(PairReader *, size_t first, size_t second);

/* Reads an object as a pair or a conversation, by its member names. */
bool read_json_object(PairReader *, const json_t *object);
/* What examples a text of JSON contains, by its first object, for messages; NULL: none that is known. */
const char *json_examples(Document text);
bool is_conversation(const json_t *object);
bool read_conversation(PairReader *, const json_t *object);
bool read_alpaca(PairReader *, const json_t *object);
/* A pair with a system turn, earlier rounds or tools beside it is a conversation; other tasks do not read
 * them, which is said once. */
bool has_rounds(PairReader *, const json_t *object);
bool keep_rounds(PairReader *, const json_t *object, Document asked, Document reply);
Document keep_text(PairReader *, const json_t *string); /* keep_decoded */
/* What is wrong with a text; NULL: nothing. */
const char *wrong_with(const PairReader *, const json_t *value);
/* What is wrong with a message, for bad_line. */
typedef char Problem[200];
/* `taught`: an assistant's turn is learnt, unless it says otherwise. */
bool add_message(PairReader *, const json_t *message, bool taught, Problem wrong);
/* Members beside the messages: "system" is the first turn. */
bool add_other_members(PairReader *, const json_t *object, Problem wrong);
/* Says once for a file which members of its conversations are not read. */
void report_unread(PairReader *, const json_t *object);
bool read_preference(PairReader *, const json_t *object);
/* Counts an object of the file; says what it is, and returns true, if it is the first of this kind. */
bool report_kind(PairReader *, const char *kind);
/* The member names of an object for a message: "question", "answer", ... */
typedef struct Members {
  char names[160];
} Members;
Members members_of(const json_t *object);
bool choose_names(PairReader *, const char *option, const char *text); /* text: "S,T" */
bool check_sides(const PairReader *, const char *option, const char *text);

/* "en" matches en-US, too. */
bool is_language(const char *wanted, const char *found);
/* Chooses the languages of a file by --languages, else those of its first unit, if it has two: in their
 * order, or `first`, if it is not empty, as the source. */
bool choose_languages(PairReader *, const char *const *names, size_t count, const char *first);

/* Detects the format of a file; FORM_PARALLEL: plain lines. Refuses unsupported formats. */
bool recognize_form(const PairReader *, const PairFile *, PairForm *, Error *);
const char *pair_form_description(PairForm);
bool csv_by_its_header(Document text);

#endif
