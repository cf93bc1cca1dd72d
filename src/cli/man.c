/* man.c - man pages in mdoc(7), from the tables of the commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const char date[] = "November 23, 2026";

/* Text as roff takes it: no escape, no hyphen that breaks a flag, no request at a line's start. */
static void put_text(const char *text) {
  bool line_start = true;
  for (; *text; text++) {
    if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", stdout);
    line_start = *text == '\n';
    if (*text == '\\')
      fputs("\\e", stdout);
    else if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '\n')
      fputs("\n.Pp\n", stdout);
    else
      putchar(*text);
  }
}

/* An argument of a macro, quoted, so that none of its words is taken for another macro. */
static void put_argument(const char *text) {
  fputs(" \"", stdout);
  for (; *text; text++) {
    if (*text == '\\')
      fputs("\\e", stdout);
    else if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '"')
      fputs("\\(dq", stdout);
    else
      putchar(*text);
  }
  putchar('"');
}

/* Sentences on lines of their own, as mdoc wants them. */
static void put_paragraphs(const char *text) {
  char piece[2] = "";
  for (const char *p = text; *p; p++) {
    piece[0] = *p;
    if (p > text && *p == ' ' && p[-1] == '.')
      putchar('\n');
    else
      put_text(piece);
  }
  putchar('\n');
}

static void put_title(const char *name, const char *summary) {
  char page[64];
  size_t n = 0;
  for (; name[n] && n + 1 < sizeof page; n++) page[n] = name[n] == ' ' ? '-' : name[n];
  page[n] = '\0';
  printf(".Dd %s\n.Dt ", date);
  for (size_t i = 0; i < n; i++) putchar(toupper((unsigned char)page[i]));
  printf(" 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", page);
  put_text(summary);
  putchar('\n');
}

/* ---- flags ---- */

static void put_flag(const FlagInfo *flag) {
  const ink_setting_info *info = &flag->info;
  const bool on = info->is_switch && !strcmp(info->default_value, "true");
  fputs(".It", stdout);
  if (flag->letter) printf(" Fl %c ,", flag->letter);
  printf(" Fl \\-%s%s", on ? "[no\\-]" : "", "");
  put_text(info->name);
  if (!info->is_switch) {
    fputs(" Ar", stdout);
    put_argument(info->arg);
  }
  putchar('\n');
  put_text(info->help);
  if (info->repeats) fputs(" (may be repeated)", stdout);
  putchar('\n');
  if (on)
    puts("On by default.");
  else if (*info->default_value && !info->is_switch) {
    fputs("The default is", stdout);
    putchar(' ');
    put_text(info->default_value);
    puts(".");
  }
}

static void put_flags(const Command *command, const ink_settings *settings) {
  FlagInfo flag;
  const char *section = NULL;
  puts(".Sh OPTIONS");
  for (int i = 0; flag_at(command, settings, i, &flag); i++) {
    if (!section || strcmp(section, flag.info.section)) {
      if (section) puts(".El");
      section = flag.info.section;
      if (*section) printf(".Ss %c%s\n", toupper((unsigned char)section[0]), section + 1);
      puts(".Bl -tag -width Ds");
    }
    put_flag(&flag);
  }
  if (section) puts(".El");
}

/* ---- pages ---- */

static void put_examples(const Command *command) {
  puts(".Sh EXAMPLES");
  for (int i = 0; i < MOST_EXAMPLES && command->examples[i].line; i++) {
    const Example *e = &command->examples[i];
    if (*e->says) {
      putchar(toupper((unsigned char)e->says[0]));
      put_text(e->says + 1);
      puts(":");
    }
    fputs(".Dl", stdout);
    put_argument(e->line);
    putchar('\n');
    if (i + 1 < MOST_EXAMPLES && command->examples[i + 1].line) puts(".Pp");
  }
}

static void put_status(void) {
  puts(
      ".Sh EXIT STATUS\n0 when done, 1 when something in the world is wrong (a file, memory, a model),\n"
      "2 when the request is.");
}

void man_command(const Command *command) {
  char name[64];
  ink_settings *settings = command->settings ? command->settings() : NULL;
  snprintf(name, sizeof name, "inkstone %s", command->name);
  put_title(name, command->summary);
  fputs(".Sh SYNOPSIS\n.Nm inkstone", stdout);
  putchar('\n');
  fputs(".Ic", stdout);
  put_argument(command->name);
  fputs("\n.Ar", stdout);
  put_argument(command->operands);
  puts("\n.Op Ar FLAGS\n.Sh DESCRIPTION");
  put_paragraphs(command->description);
  put_flags(command, settings);
  put_status();
  put_examples(command);
  puts(".Sh SEE ALSO\n.Xr inkstone 1");
  ink_settings_free(settings);
}

static void put_page_names(void) {
  puts(".Sh SEE ALSO");
  /* mandoc wants them sorted: the table is short */
  const Command *last = NULL;
  for (;;) {
    const Command *next = NULL;
    for (int i = 0; commands[i]; i++)
      if ((!last || strcmp(commands[i]->name, last->name) > 0) &&
          (!next || strcmp(commands[i]->name, next->name) < 0))
        next = commands[i];
    if (!next) break;
    if (last) puts(" 1 ,");
    fputs(".Xr inkstone-", stdout);
    for (const char *p = next->name; *p; p++) putchar(*p == ' ' ? '-' : *p);
    last = next;
  }
  puts(" 1");
}

void man_overview(void) {
  put_title("inkstone", "learn from text, then write");
  puts(
      ".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar FLAGS\n.Nm\n.Fl \\-version\n.Sh DESCRIPTION\n"
      "Trains, runs and measures language models on the processor, in one program.\n"
      "A model is a directory in the layout of Hugging Face.\n.Bl -tag -width Ds");
  for (int i = 0; commands[i]; i++) {
    fputs(".It Ic", stdout);
    put_argument(commands[i]->name);
    putchar('\n');
    put_text(commands[i]->summary);
    putchar('\n');
  }
  puts(
      ".El\n.Pp\nResults go to standard output, everything else to standard error.\n"
      "Every setting of a command is a flag and a key of a recipe\n.Pq Fl \\-config Ar recipe.yaml .\n"
      ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev INKSTONE_ISA\n"
      "Use the kernels of this instruction set: scalar, avx2 or avx512.\n.El");
  put_status();
  puts(
      ".Sh EXAMPLES\n.Dl \"inkstone train write poems.txt \\-o poems \\-\\-budget 5m\"\n"
      ".Dl \"inkstone write \\-m poems \\(dqThe moon\\(dq\"");
  put_page_names();
}
