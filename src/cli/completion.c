/* completion.c - completion scripts for bash, zsh and fish, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

enum { WORD_CAPACITY = 64 };

static void put_choices(const char *choices) {
  char word[WORD_CAPACITY];
  for (int i = 0; choice_at(choices, i, word, sizeof word); i++) printf("%s%s", i ? " " : "", word);
}

/* The first words of commands (`group` NULL), or the second words of a group. */
static void put_names(const char *group) {
  const size_t length = group ? strlen(group) : 0;
  const char *last = "";
  for (int i = 0; commands[i]; i++) {
    const char *name = commands[i]->name;
    if (group && (strncmp(name, group, length) || name[length] != ' ')) continue;
    const char *word = group ? name + length + 1 : name;
    const size_t n = strcspn(word, " ");
    if (strlen(last) >= n && !strncmp(last, word, n)) continue; /* a group is printed once */
    printf("%.*s ", (int)n, word);
    last = word;
  }
}

static void put_groups(void) {
  char group[WORD_CAPACITY], last[WORD_CAPACITY] = "";
  for (int i = 0; commands[i]; i++) {
    const char *space = strchr(commands[i]->name, ' ');
    if (!space) continue;
    snprintf(group, sizeof group, "%.*s", (int)(space - commands[i]->name), commands[i]->name);
    if (!strcmp(group, last)) continue;
    printf("    %s) words=\"", group);
    put_names(group);
    puts("\" ;;");
    snprintf(last, sizeof last, "%s", group);
  }
}

/* "train --arch) choose ...": the values of each flag; file names if it has no list of choices. */
static void put_values(const Command *command, const ink_settings *settings) {
  FlagInfo flag;
  for (int i = 0; flag_at(command, settings, i, &flag); i++) {
    if (flag.info.is_switch) continue;
    printf("    \"%s --%s\"", command->name, flag.info.name);
    if (flag.letter) printf(" | \"%s -%c\"", command->name, flag.letter);
    fputs(") ", stdout);
    if (strchr(flag.info.arg, '|')) {
      fputs("_inkstone_choose \"", stdout);
      put_choices(flag.info.arg);
      puts("\"; return ;;");
    } else
      puts("return ;;");
  }
}

static void put_command_flags(const Command *command, const ink_settings *settings) {
  FlagInfo flag;
  printf("    \"%s\") flags=\"", command->name);
  for (int i = 0; flag_at(command, settings, i, &flag); i++)
    printf("%s--%s%s", i ? " " : "",
           flag.info.is_switch && !strcmp(flag.info.default_value, "true") ? "no-" : "", flag.info.name);
  fputs("\" words=\"", stdout);
  put_choices(command->words);
  puts("\" ;;");
}

static void for_each_command(void (*put)(const Command *, const ink_settings *)) {
  for (int i = 0; commands[i]; i++) {
    ink_settings *settings = commands[i]->settings ? commands[i]->settings() : NULL;
    put(commands[i], settings);
    ink_settings_free(settings);
  }
}

static void put_bash(void) {
  puts(
      "# bash completion for inkstone, made by `inkstone help --completion bash`\n"
      "_inkstone_choose() { COMPREPLY=($(compgen -W \"$1\" -- \"$cur\")); }\n"
      "_inkstone() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD command=${COMP_WORDS[1]} first=2 words= flags= "
      "prev\n"
      "  COMPREPLY=()\n"
      "  [[ $cur == = ]] && cur='' && at=$((at + 1)) # --flag=value arrives as three words\n"
      "  prev=${COMP_WORDS[at - 1]}\n"
      "  [[ $prev == = ]] && prev=${COMP_WORDS[at - 2]}\n"
      "  if ((COMP_CWORD == 1)); then");
  fputs("    _inkstone_choose \"", stdout);
  put_names(NULL);
  puts("--help --version\"\n    return\n  fi\n  case $command in");
  put_groups();
  puts(
      "  esac\n"
      "  if [[ -n $words ]]; then\n"
      "    ((COMP_CWORD == 2)) && { _inkstone_choose \"$words\"; return; }\n"
      "    command+=\" ${COMP_WORDS[2]}\" first=3 words=''\n"
      "  fi\n"
      "  case \"$command $prev\" in");
  for_each_command(put_values);
  puts("  esac\n  case $command in");
  for_each_command(put_command_flags);
  puts(
      "  esac\n"
      "  if [[ $cur == -* ]]; then _inkstone_choose \"$flags\"\n"
      "  elif ((COMP_CWORD == first)) && [[ -n $words ]]; then _inkstone_choose \"$words\"\n"
      "  fi\n"
      "}\n"
      "complete -o default -F _inkstone inkstone # file names if nothing else matches");
}

/* zsh runs the bash script, sourced or as the function _inkstone of a folder in $fpath. The latter redefines
 * itself when it is first called, and then completes what it was called for. */
static void put_zsh(void) {
  puts(
      "#compdef inkstone\n"
      "(( $+functions[compdef] )) || { autoload -U compinit && compinit; }\n"
      "autoload -U +X bashcompinit && bashcompinit");
  put_bash();
  puts("[[ $funcstack[1] != _inkstone ]] || _bash_complete -o default -F _inkstone");
}

/* ---- fish ---- */

/* Prints text between single quotes for fish. */
static void put_quoted(const char *text) {
  putchar('\'');
  for (; *text; text++) printf("%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
  putchar('\'');
}

/* A fish condition: the words of the command have been typed. */
static void put_condition(const Command *command) {
  const char *space = strchr(command->name, ' ');
  printf("complete -c inkstone -n '__fish_seen_subcommand_from %.*s", (int)strcspn(command->name, " "),
         command->name);
  if (space) printf("; and __fish_seen_subcommand_from %s", space + 1);
  putchar('\'');
}

static void put_fish_flag(const Command *command, const FlagInfo *flag) {
  const ink_setting_info *info = &flag->info;
  put_condition(command);
  printf(" -l %s%s", info->is_switch && !strcmp(info->default_value, "true") ? "no-" : "", info->name);
  if (flag->letter) printf(" -s %c", flag->letter);
  if (strchr(info->arg, '|')) {
    fputs(" -x -a '", stdout);
    put_choices(info->arg);
    putchar('\'');
  } else if (!info->is_switch) {
    fputs(" -r", stdout);
  }
  fputs(" -d ", stdout);
  put_quoted(info->help);
  putchar('\n');
}

static void put_fish_command(const Command *command, const ink_settings *settings) {
  FlagInfo flag;
  if (command->words) {
    put_condition(command);
    fputs(" -a '", stdout);
    put_choices(command->words);
    puts("'");
  }
  for (int i = 0; flag_at(command, settings, i, &flag); i++) put_fish_flag(command, &flag);
}

/* The first words of commands, and the second words of groups. */
static void put_fish_names(void) {
  for (int i = 0; commands[i]; i++) {
    const char *space = strchr(commands[i]->name, ' ');
    const int first = (int)strcspn(commands[i]->name, " ");
    printf("complete -c inkstone -f -n '__fish_use_subcommand' -a %.*s\n", first, commands[i]->name);
    if (space)
      printf("complete -c inkstone -f -n '__fish_seen_subcommand_from %.*s' -a %s\n", first,
             commands[i]->name, space + 1);
  }
}

static void put_fish(void) {
  puts("# fish completion for inkstone, made by `inkstone help --completion fish`");
  put_fish_names();
  for_each_command(put_fish_command);
}

bool completion_put(const char *shell, Error *err) {
  static const struct {
    const char *name;
    void (*put)(void);
  } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
  for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
    if (strcmp(shell, shells[i].name)) continue;
    shells[i].put();
    return true;
  }
  return fail_usage(err, "--completion: \"%s\" is not one of bash|zsh|fish", shell);
}
