/* help.c - the output of `inkstone`, `inkstone help` and --help, from the table of commands. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/glyph.h"

enum {
  FLAG_INDENT = 2,
  HELP_COLUMN = 27,
  LEAST_WIDTH = 60,
  USUAL_WIDTH = 80,
  MOST_WIDTH = 100,
  WORD_CAPACITY = 64
};

static int page_width(void) {
  if (!isatty(STDOUT_FILENO)) return USUAL_WIDTH;
  const int width = glyph_terminal_width(STDOUT_FILENO);
  return width < LEAST_WIDTH ? LEAST_WIDTH : width > MOST_WIDTH ? MOST_WIDTH : width;
}

/* Closing punctuation, which begins no line (a rule of Chinese typesetting). */
static bool is_closing(uint32_t code) {
  static const uint32_t closing[] = {0x3001, 0x3002, 0xff0c, 0xff1a, 0xff1b,
                                     0xff09, 0x201d, 0xff01, 0xff1f, 0x2026};
  for (size_t i = 0; i < sizeof closing / sizeof *closing; i++)
    if (code == closing[i]) return true;
  return false;
}

/* The bytes of the piece at `text` that stays on one line: a word, or one wide character; closing punctuation
 * stays with what is before it, and an opening parenthesis with what is after it. */
static size_t piece_length(const char *text) {
  size_t length = 0, n;
  uint32_t code = 0, before = 0;
  for (; (n = glyph_next(text + length, strlen(text + length), &code)); length += n, before = code) {
    if (code == ' ' || code == '\n') break;
    const bool wide = code >= 0x2e80, was_wide = before >= 0x2e80;
    if (length && (wide || was_wide) && !is_closing(code) && before != 0xff08 && before != 0x201c) break;
  }
  return length ? length : 1;
}

/* Prints words from column `at`, continuing on further lines at column `indent`; ends the line. */
static void wrap(const char *text, int at, int indent) {
  const int width = page_width();
  bool first = true; /* word of its line */
  bool space = false;
  for (text += strspn(text, " "); *text;) {
    const size_t length = *text == '\n' ? 0 : piece_length(text);
    const int columns = glyph_columns(text, length);
    if (!length || (!first && at + space + columns > width)) {
      printf("\n%*s", indent, "");
      at = indent;
      first = true;
      text += !length;
    } else {
      printf("%s%.*s", space && !first ? " " : "", (int)length, text);
      at += columns + (space && !first);
      first = false;
      text += length;
    }
    const size_t spaces = strspn(text, " ");
    space = spaces || (first && space);
    text += spaces;
  }
  putchar('\n');
}

/* ---- flags ---- */

/* A list of choices that does not fit next to its flag is moved to the help text. */
static bool is_long_list(const ink_setting_info *info) {
  enum { FITS = 60 };
  return strlen(info->arg) > FITS && strchr(info->arg, '|');
}

static void add_choices(Buffer *b, const char *choices) {
  buffer_adds(b, _(": one of "));
  for (; *choices; choices++)
    if (*choices == '|')
      buffer_adds(b, ", ");
    else
      buffer_add(b, choices, 1);
}

/* "-o, --output MODEL", "    --[no-]tied" */
static void add_usage(Buffer *b, const FlagInfo *flag) {
  const ink_setting_info *info = &flag->info;
  if (flag->letter)
    buffer_addf(b, "-%c, ", flag->letter);
  else
    buffer_adds(b, "    ");
  buffer_addf(b, "--%s%s", info->is_switch && !strcmp(info->default_value, "true") ? "[no-]" : "",
              info->name);
  if (!info->is_switch) buffer_addf(b, " %s", is_long_list(info) ? "NAME" : info->arg);
}

/* `value`: the model's default if it differs from the built-in one, else NULL. */
static void add_help(Buffer *b, const FlagInfo *flag, const char *value) {
  const ink_setting_info *info = &flag->info;
  buffer_adds(b, info->help);
  if (is_long_list(info)) add_choices(b, info->arg);
  if (flag->required) buffer_adds(b, _(" (required)"));
  if (info->repeats) buffer_adds(b, _(" (may be repeated)"));
  if (value) {
    buffer_addf(b, _(" [%s: this model's default]"),
                !info->is_switch         ? value
                : !strcmp(value, "true") ? _("on")
                                         : _("off"));
    return;
  }
  if (*info->default_value && !info->is_switch) buffer_addf(b, " [%s]", info->default_value);
  if (info->is_switch && !strcmp(info->default_value, "true")) buffer_adds(b, _(" [on]"));
}

/* The value of a setting if it differs from that in `plain`, else NULL; the caller frees it. */
static char *other_value(const FlagInfo *flag, const ink_settings *settings, const ink_settings *plain) {
  if (flag->own != OWN_NONE || settings == plain) return NULL;
  char *value = args_setting(settings, flag->info.name), *before = args_setting(plain, flag->info.name);
  const bool same = !strcmp(value, before);
  ink_free(before);
  if (!same) return value;
  ink_free(value);
  return NULL;
}

static void put_flag(const FlagInfo *flag, char *value) {
  Buffer usage = {0}, help = {0};
  add_usage(&usage, flag);
  add_help(&help, flag, value);
  ink_free(value);
  const int used = printf("%*s%s", FLAG_INDENT, "", usage.data);
  if (used > HELP_COLUMN - 2)
    printf("\n%*s", HELP_COLUMN, "");
  else
    printf("%*s", HELP_COLUMN - used, "");
  wrap(help.data, HELP_COLUMN, HELP_COLUMN);
  buffer_free(&usage);
  buffer_free(&help);
}

/* Where texts are searched for unless --sample is given, "sampling" says so. */
static void put_section(const char *section, const ink_settings *settings) {
  char *sample = settings ? ink_settings_get(settings, "sample") : NULL;
  printf("\n%s", *section ? language_text(section) : _("flags"));
  if (sample && !strcmp(section, "sampling"))
    fputs(_(" (only with --sample; --repetition-penalty and --max-tokens always)"), stdout);
  puts(_(":"));
  ink_free(sample);
}

static void put_flags(const Command *command, const ink_settings *settings, const ink_settings *plain) {
  FlagInfo flag;
  const char *section = NULL;
  for (int i = 0; flag_at(command, settings, i, &flag); i++) {
    if (!section || strcmp(section, flag.info.section)) {
      section = flag.info.section;
      put_section(section, settings);
    }
    put_flag(&flag, other_value(&flag, settings, plain));
  }
}

/* ---- pages ---- */

static void put_examples(const Command *command) {
  printf("\n%s\n", _("examples:"));
  for (int i = 0; i < MOST_EXAMPLES && command->examples[i].line; i++) {
    const Example *e = &command->examples[i];
    if (*e->comment) printf("%*s# %s\n", FLAG_INDENT, "", language_text(e->comment));
    printf("%*s%s\n", FLAG_INDENT, "", e->line);
  }
}

/* Replaces the built-in defaults by those of the model. */
static bool fill_defaults(ink_settings *settings, const char *directory, Error *err) {
  ink_model *model = ink_model_open(directory, NULL, err);
  const bool ok = model && ink_model_defaults(model, settings, err);
  ink_model_close(model);
  return ok;
}

static void put_page(const Command *command, const ink_settings *settings, const ink_settings *plain) {
  Buffer usage = {0};
  buffer_addf(&usage, _("usage: inkstone %s "), command->name);
  fputs(usage.data, stdout);
  const int used = glyph_columns(usage.data, usage.length);
  buffer_clear(&usage);
  buffer_addf(&usage, _("%s [FLAGS]"), command->operands);
  wrap(usage.data, used, used);
  putchar('\n');
  wrap(language_text(command->description), 0, 0);
  put_flags(command, settings, plain);
  put_examples(command);
  buffer_free(&usage);
}

bool help_command(const Command *command, const char *model, Error *err) {
  ink_settings *plain = command->settings ? command->settings() : NULL;
  ink_settings *filled = plain && model ? command->settings() : NULL;
  const bool ok = !filled || fill_defaults(filled, model, err);
  if (ok) put_page(command, filled ? filled : plain, plain);
  ink_settings_free(plain);
  ink_settings_free(filled);
  return ok;
}

static void put_summary(const Command *command) {
  printf("%*s%-18s", FLAG_INDENT, "", command->name);
  wrap(language_text(command->summary), FLAG_INDENT + 18, FLAG_INDENT + 18);
}

void help_overview(void) {
  printf("%s\n\n", _("Inkstone trains, runs and measures language models on the CPU."));
  printf("%s\n\n", _("usage: inkstone COMMAND [FLAGS]"));
  for (int i = 0; commands[i]; i++) put_summary(commands[i]);
  puts(
      _("\na first try, with any text file:\n"
        "  inkstone train write poems.txt -o poems --budget 5m\n"
        "  inkstone write -m poems \"The moon\"\n\n"
        "`inkstone COMMAND --help` describes a command and its flags, with examples."));
}

void help_group(const char *group) {
  const size_t length = strlen(group);
  printf(_("usage: inkstone %s COMMAND [FLAGS]\n\n"), group);
  for (int i = 0; commands[i]; i++)
    if (!strncmp(commands[i]->name, group, length) && commands[i]->name[length] == ' ')
      put_summary(commands[i]);
  printf(_("\n`inkstone %s COMMAND --help` describes a command and its flags, with examples.\n"), group);
}

/* ---- inkstone help ---- */

/* The name of a command from the operands, given as one word or two: "tokenizer encode". */
static void join_operands(const Call *call, char name[WORD_CAPACITY]) {
  size_t used = 0;
  name[0] = '\0';
  for (int i = 0; i < call->operand_count && used < WORD_CAPACITY; i++)
    used += (size_t)snprintf(name + used, WORD_CAPACITY - used, "%s%s", i ? " " : "", call->operands[i]);
}

/* "train write" is the command "train", as `inkstone train write --help` has it. */
static const Command *command_with_word(const Call *call) {
  const Command *command = call->operand_count == 2 ? command_named(call->operands[0]) : NULL;
  char word[WORD_CAPACITY];
  for (int i = 0; command && command->words && choice_at(command->words, i, word, sizeof word); i++)
    if (!strcmp(word, call->operands[1])) return command;
  return NULL;
}

static bool print_help(const Call *call, const char *name, Error *err) {
  const Command *named = command_named(name), *command = named ? named : command_with_word(call);
  if (!*name)
    help_overview();
  else if (command)
    return help_command(command, NULL, err);
  else if (command_is_group(name))
    help_group(name);
  else
    return command_unknown(name, err);
  return true;
}

static bool print_man(const char *name, Error *err) {
  const Command *command = command_named(name);
  if (!strcmp(name, "inkstone"))
    man_overview();
  else if (command)
    man_command(command);
  else
    return command_unknown(name, err);
  return true;
}

static bool run(Call *call, Error *err) {
  const char *man = call->values[OWN_MAN], *shell = call->values[OWN_COMPLETION];
  char name[WORD_CAPACITY];
  if (man) return print_man(man, err);
  if (shell) return completion_put(shell, err);
  join_operands(call, name);
  return print_help(call, name, err);
}

const Command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = N_("show the help of a command"),
    .description = N_("Prints the help of a command, or the overview of all commands; also man pages and "
                      "shell completion scripts."),
    .examples = {{"inkstone help train", ""},
                 {"inkstone help --man train | man -l -", N_("view the man page")},
                 {"eval \"$(inkstone help --completion bash)\"",
                  N_("enable completion in bash; zsh likewise")},
                 {"inkstone help --completion fish | source", N_("enable completion in fish")}},
    .flags = {{OWN_MAN, "man", "COMMAND", N_("print the man page of a command, or of \"inkstone\", as mdoc"),
               0, false},
              {OWN_COMPLETION, "completion", "bash|zsh|fish", N_("print the completion script for a shell"),
               0, false},
              FLAG_HELP},
    .least = 0,
    .most = 2,
    .run = run,
};
