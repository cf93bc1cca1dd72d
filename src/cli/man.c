/* man.c - man pages in mdoc(7), from the table of commands. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/command.h"

static const char date[] = "November 23, 2026";

/* Prints one byte for roff: backslashes escaped, hyphens non-breaking. */
static void put_byte(char c) {
  if (c == '\\')
    fputs("\\e", stdout);
  else if (c == '-')
    fputs("\\-", stdout);
  else
    putchar(c);
}

/* Prints running text and a line end: each sentence on a new line, as mdoc requires; "\n" ends a paragraph.
 */
static void put_text(const char *text) {
  enum { WIDTH = 70 };
  size_t column = 0;
  for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
    const size_t word = strcspn(text, " \n");
    if (column && column + word > WIDTH) column = 0, putchar('\n');
    if (column)
      putchar(' ');
    else if (*text == '.' || *text == '\'')
      fputs("\\&", stdout); /* not a roff request */
    for (size_t i = 0; i < word; i++) put_byte(text[i]);
    column += word + 1;
    text += word;
    if (*text == '\n')
      column = 0, fputs("\n.Pp\n", stdout), text++;
    else if (*text && text[-1] == '.')
      column = 0, putchar('\n');
  }
  putchar('\n');
}

/* Prints a macro argument, quoted so that none of its words is read as a macro; lists of choices may be
 * broken. */
static void put_argument(const char *text) {
  fputs(" \"", stdout);
  for (; *text; text++) {
    if (*text == '\\')
      fputs("\\e", stdout);
    else if (*text == '-')
      fputs("\\-", stdout);
    else if (*text == '"')
      fputs("\\(dq", stdout);
    else if (*text == '|')
      fputs("|\\:", stdout);
    else
      putchar(*text);
  }
  putchar('"');
}

static void put_section(const char *title) {
  printf(".Sh %s\n", language_text(title));
}

/* groff's mdoc lays out the first two sections by their names, which are its strings. */
static void put_section_names(void) {
  const char *name = _("NAME"), *synopsis = _("SYNOPSIS");
  if (strcmp(name, "NAME")) printf(".ds doc-section-name %s\n.ds doc-section-synopsis %s\n", name, synopsis);
}

static void put_title(const char *name, const char *summary) {
  char page[64];
  size_t n = 0;
  for (; name[n] && n + 1 < sizeof page; n++) page[n] = name[n] == ' ' ? '-' : name[n];
  page[n] = '\0';
  printf(".Dd %s\n.Dt ", date);
  for (size_t i = 0; i < n; i++) putchar(toupper((unsigned char)page[i]));
  puts(" 1");
  put_section_names();
  puts(".Os");
  put_section("NAME");
  printf(".Nm %s\n.Nd ", page);
  put_text(language_text(summary));
}

/* ---- flags ---- */

static void put_flag_help(const ink_setting_info *info, bool on) {
  Buffer help = {0};
  buffer_addf(&help, _("%c%s."), toupper((unsigned char)info->help[0]), info->help + 1);
  if (info->repeats) buffer_adds(&help, _(" May be repeated."));
  if (on)
    buffer_adds(&help, _(" On by default."));
  else if (*info->default_value && !info->is_switch)
    buffer_addf(&help, _(" The default is %s."), info->default_value);
  put_text(help.data);
  buffer_free(&help);
}

static void put_flag(const FlagInfo *flag) {
  const ink_setting_info *info = &flag->info;
  const bool on = info->is_switch && !strcmp(info->default_value, "true");
  fputs(".It", stdout);
  if (flag->letter) printf(" Fl %c ,", flag->letter);
  printf(" Fl \\-%s", on ? "[no\\-]" : "");
  for (const char *p = info->name; *p; p++) put_byte(*p);
  if (!info->is_switch) {
    fputs(" Ar", stdout);
    put_argument(info->arg);
  }
  putchar('\n');
  put_flag_help(info, on);
}

static void put_subsection(const char *name) {
  printf(".Ss %c%s\n", toupper((unsigned char)name[0]), name + 1);
}

static void put_flags(const Command *command, const ink_settings *settings) {
  FlagInfo flag;
  const char *section = NULL;
  put_section("OPTIONS");
  for (int i = 0; flag_at(command, settings, i, &flag); i++) {
    if (!section || strcmp(section, flag.info.section)) {
      if (section) puts(".El");
      section = flag.info.section;
      if (*section) put_subsection(language_text(section));
      puts(".Bl -tag -width Ds");
    }
    put_flag(&flag);
  }
  if (section) puts(".El");
}

/* ---- pages ---- */

static void put_examples(const Command *command) {
  put_section("EXAMPLES");
  for (int i = 0; i < MOST_EXAMPLES && command->examples[i].line; i++) {
    const Example *e = &command->examples[i];
    if (*e->comment) {
      char comment[256];
      const char *local = language_text(e->comment);
      snprintf(comment, sizeof comment, _("%c%s:"), toupper((unsigned char)local[0]), local + 1);
      put_text(comment);
    }
    fputs(".Dl", stdout);
    put_argument(e->line);
    putchar('\n');
    if (i + 1 < MOST_EXAMPLES && command->examples[i + 1].line) puts(".Pp");
  }
}

static void put_status(void) {
  put_section("EXIT STATUS");
  puts(_("0 on success, 1 on failure (a file, memory, a model),\n2 on a usage error."));
}

void man_command(const Command *command) {
  char name[64];
  ink_settings *settings = command->settings ? command->settings() : NULL;
  snprintf(name, sizeof name, "inkstone %s", command->name);
  put_title(name, command->summary);
  put_section("SYNOPSIS");
  fputs(".Nm inkstone\n.Ic", stdout);
  put_argument(command->name);
  fputs("\n.Ar", stdout);
  put_argument(command->operands);
  puts("\n.Op Ar FLAGS");
  put_section("DESCRIPTION");
  put_text(language_text(command->description));
  put_flags(command, settings);
  put_status();
  put_examples(command);
  put_section("SEE ALSO");
  puts(".Xr inkstone 1");
  ink_settings_free(settings);
}

static void put_page_names(void) {
  put_section("SEE ALSO");
  /* sorted, as mandoc requires; the table is short */
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
  put_title("inkstone", N_("train and run language models"));
  put_section("SYNOPSIS");
  puts(".Nm\n.Ar COMMAND\n.Op Ar FLAGS\n.Nm\n.Fl \\-version");
  put_section("DESCRIPTION");
  printf("%s\n.Bl -tag -width Ds\n", _("Trains, runs and measures language models on the CPU.\n"
                                       "A model is a directory in the Hugging Face layout."));
  for (int i = 0; commands[i]; i++) {
    fputs(".It Ic", stdout);
    put_argument(commands[i]->name);
    putchar('\n');
    put_text(language_text(commands[i]->summary));
  }
  printf(".El\n.Pp\n%s\n.Pq Fl \\-config Ar recipe.yaml .\n",
         _("Results go to standard output, everything else to standard error.\n"
           "Every setting of a command is both a flag and a key of a recipe"));
  put_section("ENVIRONMENT");
  puts(".Bl -tag -width Ds");
  printf(".It Ev INKSTONE_ISA\n%s\n",
         _("Use the kernels of this instruction set: scalar, avx2, avx512, avx512bf16 or amx."));
  printf(".It Ev INKSTONE_LANG\n%s\n.El\n",
         _("The language of messages, help and man pages, en or zh, whatever the locale is."));
  put_status();
  put_section("EXAMPLES");
  puts(
      ".Dl \"inkstone train write poems.txt \\-o poems \\-\\-budget 5m\"\n"
      ".Dl \"inkstone write \\-m poems \\(dqThe moon\\(dq\"");
  put_page_names();
}
