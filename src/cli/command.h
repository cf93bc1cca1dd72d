/* command.h - what a command is: from this table come parsing, --help, man pages and completion.
 *
 * The flags of a command are its own (below) and the settings of the library that it passes on. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/error.h"

/* Flags that are the command line's own, as places in Call.values. */
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
  OWN_COUNT,
  OWN_NONE = OWN_COUNT /* a setting of the library */
} OwnFlag;

typedef struct Flag {
  OwnFlag own;
  const char *name; /* as written after "--" */
  const char *arg;  /* what stands for the value in help; NULL: a switch */
  const char *help; /* NULL: the flag is a setting, and only its letter is given here */
  char letter;      /* 'o' for -o; 0: none */
  bool required;
} Flag;

#define FLAG_CONFIG                                                                                       \
  {                                                                                                       \
    OWN_CONFIG, "config", "FILE", "read settings from this YAML recipe; flags given here win over it", 0, \
        false                                                                                             \
  }
#define FLAG_JSON(help) \
  { OWN_JSON, "json", NULL, help, 0, false }
#define FLAG_QUIET \
  { OWN_QUIET, "quiet", NULL, "no progress and no notes: warnings and errors only", 'q', false }
#define FLAG_MODEL_HELP \
  { OWN_HELP, "help", NULL, "this help; with -m MODEL: that model's own defaults in it", 'h', false }
#define FLAG_HELP \
  { OWN_HELP, "help", NULL, "this help", 'h', false }

typedef struct Example {
  const char *line, *says;
} Example;

enum { MOST_FLAGS = 12, MOST_EXAMPLES = 6 };

typedef struct Call Call;

typedef struct Command {
  const char *name;     /* one or two words: "train", "tokenizer encode" */
  const char *operands; /* as in the usage line: "write FILE... -o MODEL" */
  const char *words;    /* what the first operand may be, "a|b|c"; NULL: anything */
  const char *word;     /* what such a word is called: "task" */
  const char *summary;  /* a phrase */
  const char *description;
  Example examples[MOST_EXAMPLES]; /* the first without a line ends them */
  Flag flags[MOST_FLAGS];          /* the first without a name ends them */
  ink_settings *(*settings)(void); /* NULL: none */
  int least, most;                 /* operands; most -1: any number */
  bool (*run)(Call *, Error *);
} Command;

/* A command being run. */
struct Call {
  const Command *command;
  ink_settings *settings;        /* NULL if the command has none */
  const char *values[OWN_COUNT]; /* NULL: not given; "" for a switch that was */
  char **operands;               /* the caller's memory, not owned */
  int operand_count;
};

/* The commands, in the order of commands.def; ends with NULL. */
extern const Command *const commands[];

/* The command that argv[0..] names; *words of argv were its name. NULL: none. */
const Command *command_find(int argc, char *const *argv, int *words);
/* The command of that name, words separated by a space or "-". */
const Command *command_named(const char *name);
/* Is `name` the first word of commands of two words, such as "tokenizer"? */
bool command_is_group(const char *name);
/* "unknown command ...; did you mean ...?" Returns false. */
bool command_unknown(const char *name, Error *);

/* Own flags and settings, seen alike. */
typedef struct FlagInfo {
  ink_setting_info info; /* section "" for own flags */
  char letter;
  OwnFlag own; /* OWN_NONE: a setting */
  bool required;
} FlagInfo;
/* The index-th flag of a command; false past the last. `settings` may be NULL. */
bool flag_at(const Command *, const ink_settings *, int index, FlagInfo *);

/* The words of "a|b|c": copies the index-th to `word`; false past the last. */
bool choice_at(const char *choices, int index, char *word, size_t capacity);

/* Help of all, of a group or of a command, on stdout; man page and completion likewise. */
void help_overview(void);
void help_group(const char *group);
bool help_command(const Command *, const char *model, Error *); /* NULL: of any model */
void man_overview(void);
void man_command(const Command *);
bool completion_put(const char *shell, Error *);

#endif
