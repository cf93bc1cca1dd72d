/* pairs.h - files -> pairs of texts (a source, and its translation or summary) and conversations.
 *
 * Formats, detected from the content and reported, or given as --format:
 *   tsv       source TAB target; with more columns --columns must choose two. A header row is skipped. Quoted
 *             fields (RFC 4180) are recognized if the whole file uses them consistently
 *   csv       as tsv, with commas or semicolons; columns by name (--columns question,answer) or number
 *   parallel  two files, aligned line by line
 *   json      objects, one per line, concatenated, or in a list: {"source", "target"},
 *             {"document", "summary"}, ... or --fields; several references as an array or as summary1,
 *             summary2, ...: training uses the first, evaluation all. {"instruction", "input", "output"} is
 *             the Alpaca format. Conversations: {"messages": [{"role", "content"}, ...]} (OpenAI),
 *             {"conversations": [{"from", "value"}, ...]} (ShareGPT), {"prompt": [...], "completion": [...]}
 *             (TRL), with system and tool messages, tool calls and tools. What is not supported in them
 *             (images) is refused by name
 *   tmx       translation memories: segments of two languages (--languages if there are more)
 *             Preferences: {"prompt", "chosen", "rejected"} and {"prompt", "completion", "label"}
 *             (pairs_preferences.c), also in tables with these names
 *   fasttext  labelled texts: __label__NAME text
 *   turns     conversations: one turn per line, a blank line between conversations; with --turn-mark one
 *             conversation per line. Speakers are unknown: they are taken to alternate
 *
 * White space around a text is dropped. A pair is an example of two turns, the user's and the assistant's, so
 * replying can be learnt from pairs, too. Examples with an empty side are left out and counted; lines that
 * cannot be read are refused with file and line (--skip-bad: left out and counted).
 *
 * Memory: 17 bytes per turn and 32 per pair; for members of messages, their JSON. Texts point into the mapped
 * file; those that had to be unescaped (JSON, TMX, quoted fields) are copies. For compressed files see
 * text_file.h. */
#ifndef DATA_PAIRS_H
#define DATA_PAIRS_H

#include "base/arena.h"
#include "base/file.h"
#include "base/language.h"
#include "data/corpus.h"

#define PAIR_FORMS(FORM)                                                                \
  FORM(TSV, "tsv", N_("source TAB target"), read_tsv)                                   \
  FORM(CSV, "csv", N_("a table (CSV)"), read_csv)                                       \
  FORM(PARALLEL, "parallel", N_("a file of sources and one of targets"), read_parallel) \
  FORM(JSON, "json", N_("JSON"), read_json)                                             \
  FORM(TMX, "tmx", N_("a translation memory (TMX)"), read_tmx)                          \
  FORM(FASTTEXT, "fasttext", N_("labels and texts of fastText"), read_fasttext)         \
  FORM(TURNS, "turns", N_("turns of conversations"), read_turns)
#define PAIR_FORM_NAME(form, name, description, read) "|" name
#define PAIR_FORM_NAMES                               "auto" PAIR_FORMS(PAIR_FORM_NAME)

#include "data/pair_settings.def" /* PairSettings, pair_settings_table */
#include "data/pair_training.def" /* PairTrainingSettings, pair_training_settings_table */

typedef enum Role {
  ROLE_SYSTEM,
  ROLE_USER,
  ROLE_ASSISTANT,
  ROLE_GIVEN,     /* an assistant's turn that is not learnt */
  ROLE_TOOL,      /* what a function returned; with a chat template only */
  ROLE_VARIABLES, /* not a turn: variables of the chat template, such as "tools", as its members */
  ROLES
} Role;
enum { SPEAKERS = ROLE_ASSISTANT + 1 }; /* those that every layout of conversations has */

/* What a message has besides its role and text; few have anything. */
typedef struct TurnMembers {
  size_t turn;   /* index in Pairs.turns */
  char *json;    /* an object: {"tool_calls": [...]} */
  bool textless; /* the message has no text, not even an empty one */
} TurnMembers;

/* PREFERRED: to the rejected text that follows. */
typedef enum Verdict { VERDICT_NONE, VERDICT_BAD, VERDICT_GOOD, VERDICT_PREFERRED } Verdict;

typedef struct Example {
  size_t first;        /* index of its first turn */
  uint32_t turns;      /* a pair has two: source, target */
  uint32_t references; /* further correct targets, stored after the turns; of a preference, the turns with the
                          rejected text, of which all but the last are those of the example */
  size_t line;
  uint32_t file;
  bool roles;      /* false: the speakers are unknown */
  uint8_t verdict; /* a Verdict on the last turn */
} Example;

/* What reading left out. */
typedef struct PairsLeftOut {
  int64_t bad;                        /* lines, with --skip-bad */
  int64_t empty_source, empty_target; /* pairs with one side only */
  int64_t blank;                      /* blank lines, or pairs with both sides empty */
  int64_t empty_turns;                /* in conversations, which are kept without them */
  int64_t no_reply;                   /* conversations without a reply */
  int64_t equal;                      /* preferences whose texts do not differ */
} PairsLeftOut;

/* Settings that only some files have a use for. */
typedef enum PairSetting {
  PAIR_COLUMNS = 1,
  PAIR_FIELDS = 2,
  PAIR_LANGUAGES = 4,
  PAIR_TURN_MARK = 8
} PairSetting;

typedef struct Pairs {
  Document *turns;
  uint8_t *roles; /* of each turn */
  size_t turn_count;
  TurnMembers *members; /* ascending by turn */
  size_t member_count;
  Example *examples;
  size_t count;
  PairsLeftOut left_out;
  uint64_t fingerprint; /* hash of all texts and roles */
  char **file_names;
  struct PairFile *files; /* own the texts; none in held-out pairs */
  size_t file_count;
  unsigned read; /* bits of PairSetting */
  bool borrows;  /* turns, roles, members and file_names belong to other pairs */
  bool labelled; /* targets are labels */
} Pairs;

/* What files are read as. Of conversations, plain lines are turns; others refuse them. */
typedef enum PairsKind {
  PAIRS_TEXTS,
  PAIRS_CONVERSATIONS,
  PAIRS_LABELLED,   /* a text and its label, as source and target: pairs_labels.c */
  PAIRS_PREFERENCES /* preferences and verdicts: pairs_preferences.c */
} PairsKind;
/* "-" is standard input. */
Pairs *pairs_open(const char *const *files, size_t count, PairsKind, const TextSettings *,
                  const PairSettings *, const News *, Error *);
/* Of files that are open, which are moved into the pairs, and closed on failure. */
Pairs *pairs_of(TextFiles *, PairsKind, const TextSettings *, const PairSettings *, const News *, Error *);
void pairs_free(Pairs *);
/* Moves a share of the examples into a new set, chosen by a hash of the source (of a conversation: all turns)
 * in lower case, NFKC, with white space collapsed: examples with the same source stay together. Free the
 * held-out set first. */
Pairs *pairs_hold_out(Pairs *, double share, Error *);

/* Source and target with known roles; false: a conversation. */
static inline bool example_is_pair(const Example *e) {
  return e->turns == 2 && e->roles;
}
/* The rejected text of a preference, as an example. */
static inline Example example_rejected(const Example *e) {
  Example other = *e;
  other.first += e->turns;
  other.turns = e->references;
  other.references = 0;
  other.verdict = VERDICT_BAD;
  return other;
}
static inline const Document *example_turn(const Pairs *p, const Example *e, size_t turn) {
  return &p->turns[e->first + turn];
}
/* NULL: the turn (an index in Pairs.turns) has none. */
const TurnMembers *turn_members(const Pairs *, size_t turn);
/* Needs a conversation a chat template? Says for what: "tools", "tool calls", ...; NULL: it does not. */
const char *example_needs_template(const Pairs *, const Example *);
/* Whether one of the examples is a conversation: all are then reported as such. */
bool pairs_converse(const Pairs *);
/* What examples a text contains, by its first object or header, for messages ("conversations as JSON");
 * NULL: running text, as far as can be told. Lines with tabs alone may be either. */
const char *text_examples(const TextFile *);
/* Refuses settings that no file had a use for, by the `read` of all pairs that were read with them. */
bool pairs_check_given(unsigned read, const Settings *, const News *, Error *);
/* "file:line" of an example, for messages. */
const char *example_location(const Pairs *, const Example *, char buf[PATH_CAPACITY]);

/* The texts of these roles (bits 1 << role) as a source for tokenizer_train. Free with mem_free(self). */
TextSource pairs_source(const Pairs *, unsigned roles);

/* For training: replaces spans that several turns of an example share, and that must not change, by tokens
 * that stand for them (text/masks.h). `texts` keeps the new turns; *masked is the number of examples that
 * have any. */
bool pairs_mask(Pairs *, Arena *texts, int64_t *masked, Error *);
/* Fails if the texts are masked and the tokenizer, or that of sources, does not know the tokens, and the
 * other way round. */
bool pairs_check_masks(bool masked, const Tokenizer *, Error *);

/* ---- checks ---- */

typedef struct Lengths {
  int64_t least, median, high, most; /* high: the 95th percentile */
  double mean;
} Lengths;
/* Sorts `values`. */
Lengths lengths_of(int64_t *values, size_t count);

typedef struct PairsReport {
  int64_t read, kept, held;
  PairsLeftOut left_out;                  /* while reading, both sets */
  bool conversations;                     /* pairs_converse(training examples) */
  Lengths source, target;                 /* in characters; of conversations: the whole, and each turn */
  double ratio;                           /* median of target / source characters */
  int64_t duplicates;                     /* training examples equal to an earlier one */
  int64_t same_source;                    /* training examples with the same source, another target */
  int64_t held_duplicates;                /* held-out examples equal to an earlier one */
  int64_t overlap_pairs, overlap_sources; /* training examples that, or whose source, are also held out */
  int64_t held_overlap;                   /* held-out examples whose source is in training */
  int64_t odd_ratios, copies;             /* far from the median ratio; source and target are equal */
  int64_t dropped;                        /* by --duplicates, --overlap, --max-ratio */
} PairsReport;

/* Checks both sets (`held` may be NULL), drops what the settings ask for, and reports what it found. */
bool pairs_check(Pairs *train, Pairs *held, const PairTrainingSettings *, PairsReport *, const News *,
                 Error *);

#endif
