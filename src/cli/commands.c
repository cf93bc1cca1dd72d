/* commands.c - the table of commands and its look-up functions. */
#include <string.h>

#include "base/settings.h"
#include "cli/command.h"

#define COMMAND(name) extern const Command command_##name;
#include "cli/commands.def"
#undef COMMAND

const Command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/commands.def"
#undef COMMAND
    NULL};

/* Whether the word at `at` (up to a space or the end) is `name`. */
static bool is_word(const char *at, const char *name) {
  const size_t n = strlen(name);
  return n && !strncmp(at, name, n) && (at[n] == ' ' || !at[n]);
}

const Command *command_find(int argc, char *const *argv, int *words) {
  for (int i = 0; argc > 0 && commands[i]; i++) {
    const char *space = strchr(commands[i]->name, ' ');
    if (!is_word(commands[i]->name, argv[0])) continue;
    if (space && (argc < 2 || strcmp(space + 1, argv[1]))) continue;
    *words = space ? 2 : 1;
    return commands[i];
  }
  return NULL;
}

const Command *command_named(const char *name) {
  for (int i = 0; commands[i]; i++) {
    const char *a = commands[i]->name, *b = name;
    while (*a && (*a == *b || (*a == ' ' && *b == '-'))) a++, b++;
    if (!*a && !*b) return commands[i];
  }
  return NULL;
}

bool command_is_group(const char *name) {
  for (int i = 0; commands[i]; i++)
    if (is_word(commands[i]->name, name) && strchr(commands[i]->name, ' ')) return true;
  return false;
}

bool command_unknown(const char *name, Error *err) {
  const char *best = NULL;
  size_t least = strlen(name) / 3 + 2; /* a larger distance is not a typing error */
  for (int i = 0; commands[i]; i++) {
    const size_t distance = text_distance(name, commands[i]->name);
    if (distance >= least) continue;
    least = distance;
    best = commands[i]->name;
  }
  if (best) return fail_usage(err, "unknown command \"%s\"; did you mean \"%s\"?", name, best);
  return fail_usage(err, "unknown command \"%s\"", name);
}

static char letter_of(const Command *command, const char *setting) {
  for (int i = 0; i < MOST_FLAGS && command->flags[i].name; i++)
    if (!strcmp(command->flags[i].name, setting)) return command->flags[i].letter;
  return 0;
}

static FlagInfo own_info(const Flag *flag) {
  return (FlagInfo){.info = {.name = flag->name,
                             .section = "",
                             .arg = flag->arg ? flag->arg : "",
                             .default_value = "",
                             .help = language_text(flag->help),
                             .is_switch = !flag->arg},
                    .letter = flag->letter,
                    .own = flag->own,
                    .required = flag->required};
}

static bool is_omitted(const Command *command, const char *name) {
  char word[64];
  for (int i = 0; choice_at(command->omit, i, word, sizeof word); i++)
    if (!strcmp(word, name)) return true;
  return false;
}

/* The index-th setting that is a flag of the command. */
static bool setting_at(const Command *command, const ink_settings *settings, int index,
                       ink_setting_info *out) {
  for (int i = 0; settings && ink_settings_describe(settings, i, out); i++)
    if (!is_omitted(command, out->name) && index-- == 0) return true;
  return false;
}

bool flag_at(const Command *command, const ink_settings *settings, int index, FlagInfo *out) {
  for (int i = 0; i < MOST_FLAGS && command->flags[i].name; i++) {
    if (!command->flags[i].help) continue;
    if (index-- > 0) continue;
    *out = own_info(&command->flags[i]);
    return true;
  }
  *out = (FlagInfo){.info = INK_SETTING_INFO_INIT, .own = OWN_NONE};
  if (!setting_at(command, settings, index, &out->info)) return false;
  out->letter = letter_of(command, out->info.name);
  return true;
}

bool choice_at(const char *choices, int index, char *word, size_t capacity) {
  for (; choices && index > 0; index--) {
    choices = strchr(choices, '|');
    if (choices) choices++;
  }
  if (!choices) return false;
  const size_t length = strcspn(choices, "|");
  CHECK(length < capacity);
  memcpy(word, choices, length);
  word[length] = '\0';
  return true;
}
