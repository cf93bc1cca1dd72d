/* pairs.h - files -> pairs of texts (what to translate or to summarize, and the result) and conversations.
 *
 * Forms, recognized by the text itself and said, or given as --format:
 *   tsv       source TAB target; more columns are refused unless --columns chooses two. A first row of names
 *             is left out. Fields in quotes (RFC 4180) are read where all of the file is so
 *   csv       the same with commas or semicolons; columns by name (--columns question,answer) or number
 *   parallel  two files, line i of both
 *   json      objects, a line each, one after another, or in a list: {"source", "target"},
 *             {"document", "summary"}, ... or --fields; several right targets as an array or as summary1,
 *             summary2, ...: training takes the first, all are kept for evaluation. {"instruction",
 *             "input", "output"} is Alpaca's. Conversations: {"messages": [{"role", "content"}, ...]} as
 *             OpenAI has them, {"conversations": [{"from", "value"}, ...]} as ShareGPT. What cannot be
 *             learnt of them (tools, images, weights) is refused by name
 *   tmx       translation memories: segments of two languages (--languages where there are more)
 *   turns     a conversation: one turn a line, a blank line between conversations; with --turn-mark a
 *             line each. Nothing says who speaks: speakers take turns
 *
 * Spaces around a text are dropped. A pair is an example of two turns, the user's and the assistant's, so a
 * reply is learnt from pairs too. Examples with an empty side are left out and counted, lines that cannot be
 * read refused with file and line (--skip-bad: counted).
 *
 * In memory: 17 bytes a turn and 32 a pair. Texts are places in the mapped file, but for JSON lines, whose
 * escapes are undone in a copy; see text_file.h for packed files. */
#ifndef DATA_PAIRS_H
#define DATA_PAIRS_H

#include "base/file.h"
#include "data/corpus.h"

#define PAIR_FORMS(FORM)                                                            \
  FORM(TSV, "tsv", "source TAB target", read_tsv)                                   \
  FORM(CSV, "csv", "a table of comma-separated values", read_csv)                   \
  FORM(PARALLEL, "parallel", "a file of sources and one of targets", read_parallel) \
  FORM(JSON, "json", "JSON", read_json)                                             \
  FORM(TMX, "tmx", "a translation memory (TMX)", read_tmx)                          \
  FORM(TURNS, "turns", "turns of conversations", read_turns)
#define PAIR_FORM_NAME(form, name, said, read) "|" name
#define PAIR_FORM_NAMES                        "auto" PAIR_FORMS(PAIR_FORM_NAME)

#include "data/pair_settings.def" /* PairSettings, pair_settings_table */

typedef enum Role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLES } Role;

typedef struct Example {
  size_t first;        /* of its turns */
  uint32_t turns;      /* a pair has two: source, target */
  uint32_t references; /* other right targets, behind the turns */
  size_t line;
  uint32_t file;
  bool roles; /* false: nothing says whose turns are to be learnt */
} Example;

/* What reading left out. */
typedef struct PairsLeftOut {
  int64_t bad;                        /* lines, with --skip-bad */
  int64_t empty_source, empty_target; /* pairs with one side only */
  int64_t blank;                      /* lines, or pairs of them, with nothing at all */
  int64_t empty_turns;                /* in conversations, which go on without them */
  int64_t lonely;                     /* conversations without a reply */
} PairsLeftOut;

typedef struct Pairs {
  Document *turns;
  uint8_t *roles; /* of each turn */
  size_t turn_count;
  Example *examples;
  size_t count;
  PairsLeftOut left_out;
  uint64_t fingerprint; /* hash of all texts and roles */
  char **file_names;
  struct PairFile *files; /* what keeps the texts; of the pairs that were opened, not of what they held out */
  size_t file_count;
  bool borrows; /* turns and roles are others' */
} Pairs;

/* `conversations`: text without tabs is turns; otherwise conversations are refused. "-" is standard input. */
Pairs *pairs_open(const char *const *files, size_t count, bool conversations, const TextSettings *,
                  const PairSettings *, const News *, Error *);
void pairs_free(Pairs *);
/* Moves a share of the examples into new ones, picked by a hash of the source (of a conversation: all of it)
 * in lower case, NFKC, without regard to spaces: what has the same source stays on one side. Free what was
 * held out before the rest. */
Pairs *pairs_hold_out(Pairs *, double share, Error *);

/* Source and target, rather than speakers who take turns. */
static inline bool example_is_pair(const Example *e) {
  return e->turns == 2 && e->roles;
}
static inline const Document *example_turn(const Pairs *p, const Example *e, size_t turn) {
  return &p->turns[e->first + turn];
}
/* "file:line" of an example, for messages. */
const char *example_location(const Pairs *, const Example *, char buf[PATH_CAPACITY]);

/* The texts as a source for tokenizer_train: of these roles (bits 1 << role). Free with mem_free(self). */
TextSource pairs_source(const Pairs *, unsigned roles);

/* ---- the first pass ---- */

typedef struct Lengths {
  int64_t least, median, high, most; /* high: 95 of 100 are no longer */
  double mean;
} Lengths;
/* Sorts `values`. */
Lengths lengths_of(int64_t *values, size_t count);

typedef struct PairsReport {
  int64_t read, kept, held;
  PairsLeftOut left_out;                  /* by reading, both sets */
  Lengths source, target;                 /* in characters; of conversations: all of it, and the turns */
  double ratio;                           /* median of target / source characters */
  int64_t duplicates;                     /* training examples that were there already */
  int64_t same_source;                    /* with another target */
  int64_t held_duplicates;                /* the same in what is held out */
  int64_t overlap_pairs, overlap_sources; /* training examples that are, or whose source is, held out too */
  int64_t held_overlap;                   /* held-out examples whose source is in training */
  int64_t odd_ratios, copies;             /* far from the median ratio; source and target are the same */
  int64_t dropped;                        /* by --duplicates, --overlap, --max-ratio */
} PairsReport;

/* Looks at both sets (`held` may be NULL), drops what the settings say, and says all that it found. */
bool pairs_check(Pairs *train, Pairs *held, const PairSettings *, PairsReport *, const News *, Error *);

#endif
