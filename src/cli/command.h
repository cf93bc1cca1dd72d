/* command.h - the description of a command, from which parsing, --help, man pages and completion are made.
 *
 * The flags of a command are its own flags (below) and the library settings that it passes on. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/error.h"
#include "base/language.h"

/* Flags of the command line itself: indices into Call.values. */
typedef enum OwnFlag {
  OWN_MODEL,
  OWN_OUTPUT,
  OWN_CONFIG,
  OWN_JSON,
  OWN_CONTINUATION,
  OWN_QUIET,
  OWN_MAN,
  OWN_COMPLETION,
  OWN_HELP,
  OWN_INPUT,
  OWN_EXPLAIN,
  OWN_PEERS,
  OWN_LETTERS,
  OWN_COMMANDS,
  OWN_BYTES,
  OWN_AGAINST,
  OWN_CACHE,
  OWN_LIST,
  OWN_TYPE,
  OWN_ADAPTER, /* may be given several times: Call.adapters */
  OWN_COUNT,
  OWN_NONE = OWN_COUNT /* a library setting */
} OwnFlag;

typedef struct Flag {
  OwnFlag own;
  const char *name; /* as written after "--" */
  const char *arg;  /* placeholder of the value in help; NULL: a switch */
  const char *help; /* NULL: a library setting; only its letter is given here */
  char letter;      /* 'o' for -o; 0: none */
  bool required;
} Flag;

#define FLAG_CONFIG                                                                                \
  {                                                                                                \
    OWN_CONFIG, "config", "FILE",                                                                  \
        N_("read settings from this YAML recipe; flags on the command line override it"), 0, false \
  }
#define FLAG_JSON(help) \
  { OWN_JSON, "json", NULL, help, 0, false }
#define FLAG_TYPE                                                                                           \
  {                                                                                                         \
    OWN_TYPE, "type", "TYPE",                                                                               \
        N_("keep the weights in this number format, as `inkstone convert` writes them: q8_0 is fast, q4_0 " \
           "small"),                                                                                        \
        0, false                                                                                            \
  }
#define FLAG_ADAPTER                                                                                      \
  {                                                                                                       \
    OWN_ADAPTER, "adapter", "ADAPTER[:WEIGHT]",                                                           \
        N_("add this adapter, a directory as training with --adapter or PEFT writes it, or a GGUF file, " \
           "WEIGHT times (1); may be given "                                                              \
           "several times"),                                                                              \
        0, false                                                                                          \
  }
#define FLAG_CACHE                                                                                       \
  {                                                                                                      \
    OWN_CACHE, "cache-type", "TYPE",                                                                     \
        N_("number format of keys and values kept while generating: f32 (default), f16, bf16, q8_0 or "  \
           "another "                                                                                    \
           "type of "                                                                                    \
           "`inkstone convert`; smaller ones save memory and cost precision (`inkstone eval --against` " \
           "tells "                                                                                      \
           "how much)"),                                                                                 \
        0, false                                                                                         \
  }
#define FLAG_QUIET \
  { OWN_QUIET, "quiet", NULL, N_("print only warnings and errors, no progress and no notes"), 'q', false }
#define FLAG_MODEL_HELP \
  { OWN_HELP, "help", NULL, N_("show this help; with -m MODEL, with the defaults of that model"), 'h', false }
#define FLAG_HELP \
  { OWN_HELP, "help", NULL, N_("show this help"), 'h', false }

typedef struct Example {
  const char *line, *comment;
} Example;

enum { MOST_FLAGS = 13, MOST_EXAMPLES = 8, MOST_ADAPTERS = 16 };

typedef struct Call Call;

typedef struct Command {
  const char *name;     /* one or two words: "train", "tokenizer encode" */
  const char *operands; /* as in the usage line: "write FILE... -o MODEL" */
  const char *words;    /* allowed values of the first operand, "a|b|c"; NULL: any */
  const char *word;     /* the name of such a value: "task" */
  const char *summary;  /* a phrase; this and all other texts for people are in English, in N_() */
  const char *description;
  Example examples[MOST_EXAMPLES]; /* ended by one without a line */
  Flag flags[MOST_FLAGS];          /* ended by one without a name */
  ink_settings *(*settings)(void); /* NULL: none */
  const char *omit;                /* names of settings that are no flags of it, "a|b|c"; NULL: none */
  int least, most;                 /* number of operands; most -1: unlimited */
  bool reads_text;                 /* operands are text, which may be empty, not names of files */
  bool (*run)(Call *, Error *);
} Command;

/* A command being run. */
struct Call {
  const Command *command;
  ink_settings *settings;              /* NULL if the command has none */
  const char *values[OWN_COUNT];       /* NULL: not given; "": a switch that was given */
  const char *adapters[MOST_ADAPTERS]; /* of --adapter */
  int adapter_count;
  char **operands; /* the caller's memory, not owned */
  int operand_count;
};

/* The commands, in the order of commands.def; ends with NULL. */
extern const Command *const commands[];

/* The command that argv[0..] names, NULL if there is none; *words: how many of argv are its name. */
const Command *command_find(int argc, char *const *argv, int *words);
/* The command with this name, its words separated by a space or "-". */
const Command *command_named(const char *name);
/* Whether `name` is the first word of two-word commands, such as "tokenizer". */
bool command_is_group(const char *name);
/* "unknown command ...; did you mean ...?" Returns false. */
bool command_unknown(const char *name, Error *);

/* An own flag or a library setting. */
typedef struct FlagInfo {
  ink_setting_info info; /* section "" for own flags */
  char letter;
  OwnFlag own; /* OWN_NONE: a setting */
  bool required;
} FlagInfo;
/* The index-th flag of a command; false past the last one. `settings` may be NULL. */
bool flag_at(const Command *, const ink_settings *, int index, FlagInfo *);

/* Settings of `inkstone write` that the commands for pairs and conversations do not use. */
#define ONLY_WRITE "greedy|stop|samples|special-tokens|ignore-end|logit-bias|alternatives|overflow"

/* Copies the index-th word of "a|b|c" to `word`; false past the last one. */
bool choice_at(const char *choices, int index, char *word, size_t capacity);

/* Print help (overview, group or command), man pages and completion scripts on stdout. */
void help_overview(void);
void help_group(const char *group);
bool help_command(const Command *, const char *model, Error *); /* model NULL: built-in defaults */
void man_overview(void);
void man_command(const Command *);
bool completion_put(const char *shell, Error *);

#endif
